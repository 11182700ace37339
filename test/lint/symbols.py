"""What the objects of the program say: who calls whom (a use of another file's
data counts as well), and what is exported for nobody. A function that is handed
down as a pointer is named above, and so is a call downwards.
"""

import collections
import os
import subprocess

import layers


known = {}	# {path: (stamp, [(symbol, kind)])}


def nm(paths):
	"""(path, [(symbol, kind)]) of each object, without what the compiler
	adds (its sanitizers do); what has not changed since the last time is
	not read again."""
	new = {}
	for path in paths:
		st = os.stat(path)
		stamp = (st.st_ino, st.st_size, st.st_mtime_ns)
		if path not in known or known[path][0] != stamp:
			known[path] = (stamp, [])
			new[path] = known[path][1]
	if new:
		out = subprocess.run(["nm", "-A", "-P", "-g"] + list(new),
		    stdout=subprocess.PIPE, check=True,
		    universal_newlines=True).stdout
		for line in out.splitlines():
			path, rest = line.split(": ", 1)
			symbol, kind = rest.split()[:2]
			if not symbol.startswith("__"):
				new[path].append((symbol, kind))
	return [(path, known[path][1]) for path in paths]


class Symbols:
	"""Of the sources src/**/*.c, built below the directory objects.
	defined: {symbol: source}; uses: {symbol: {source}}."""

	def __init__(self, sources, objects):
		self.defined, self.uses = {}, collections.defaultdict(set)
		self.missing, by_object = [], {}
		for source in sources:
			path = os.path.join(objects, source[:-2] + ".o")
			if os.path.exists(path):
				by_object[path] = source
			else:
				self.missing.append(source)
		self.read(by_object)

	def read(self, by_object):
		for path, found in nm(by_object):
			for symbol, kind in found:
				if kind in "Uvw":
					self.uses[symbol].add(by_object[path])
				else:
					self.defined[symbol] = by_object[path]

	def upward(self):
		"""[(caller, symbol, callee)]"""
		return [(user, symbol, self.defined[symbol])
		    for symbol in sorted(self.defined)
		    for user in sorted(self.uses[symbol])
		    if not layers.may_use(layers.place(user),
		    layers.place(self.defined[symbol]))]

	def unused(self):
		"""[(symbol, source)]: no other object of the program has it."""
		return [(symbol, source)
		    for symbol, source in sorted(self.defined.items())
		    if symbol != "main" and not self.uses[symbol] - {source}]
