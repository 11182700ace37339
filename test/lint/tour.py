"""The tour of src: each file in its room, with the first sentence of the comment
that it begins with. Run, it prints that, from the top of the ladder down.
"""

import os
import re

import layers

SENTENCE = 160		# characters


def rooms(paths):
	"""{room: [path]}, from the top down."""
	out = {}
	for path in sorted(paths, key=order):
		out.setdefault(layers.name(layers.place(path)), []).append(path)
	return out


def order(path):
	module, room = layers.place(path)
	ladder, inner = list(layers.LADDER), layers.ROOMS.get(module, [])
	return (-ladder.index(module) if module in ladder else 1,
	    -inner.index(room) if room in inner else 1, path)


def readme_rooms(text):
	"""What the table of README's tour names."""
	table = re.search(r"^\| room \|.*?\n\n", text, re.M | re.S)
	return re.findall(r"^\| `([^`]*)` \|", table.group(), re.M) \
	    if table else []


def faults(sources, readme):
	"""(path, line, what)"""
	told, there = readme_rooms(readme), list(rooms(sources))
	for room in sorted(set(told) ^ set(there)):
		yield "README", None, "the tour %s %s" % ("has no room"
		    if room in there else "has a room that is not there:",
		    room)
	for path, source in sources.items():
		said = source.first_sentence()
		if said is None:
			yield path, 1, "does not begin with a comment"
		elif not said.endswith("."):
			yield path, 1, "its first sentence has no full stop"
		elif len(said) >= SENTENCE:
			yield path, 1, "its first sentence is long: %d " \
			    "characters" % len(said)


def main():
	import measure
	top = os.path.dirname(os.path.dirname(os.path.dirname(
	    os.path.abspath(__file__))))
	sources = measure.parse(top, "src/**/*.[ch]")
	for room, paths in rooms(sources).items():
		print(room)
		for path in paths:
			print("\t%-24s%s" % (os.path.basename(path),
			    sources[path].first_sentence() or "?"))


if __name__ == "__main__":
	main()
