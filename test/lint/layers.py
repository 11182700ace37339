"""The ladder: modules, and the rooms that a module is divided into.

A place is ("net", None), ("sync", "apply"), or ("main", None) for src/main.c.
Each is listed behind all that it may use, so that what runs downwards only
can't come back in a circle.
"""

import os

# A module may use itself and what is named here.
LADDER = {
    "base": "",
    "mail": "base",
    "loop": "base",
    "net": "loop base",
    "imap": "net loop mail base",
    "maildir": "mail base",
    "index": "mail base",
    "conf": "base",
    "ui": "base",
    "plan": "mail base",
    "sync": "plan imap net loop maildir index conf mail base",
    "import": "sync imap maildir index mail base",
    "cmd": "import sync ui conf loop mail base",
    "main": "cmd ui mail base",
}

# The rooms of a module, lowest first: each may use those before it.
ROOMS = {
    "sync": "core observe match apply run",
}

LADDER = {module: below.split() for module, below in LADDER.items()}
ROOMS = {module: rooms.split() for module, rooms in ROOMS.items()}


def place(path):
	"""Of src/MODULE/FILE, src/MODULE/ROOM/FILE or include/MODULE/FILE."""
	parts = path.split("/")[1:-1]
	return (parts[0] if parts else "main", "/".join(parts[1:]) or None)


def name(where):
	return "/".join(filter(None, where))


def faults(paths):
	"""Is each file in a place that there is?"""
	seen = set()
	for module, below in LADDER.items():
		for other in set(below) - seen:
			yield "%s may use %s, which stands behind it" % (
			    module, other)
		seen.add(module)
	for where in sorted({place(p) for p in paths}, key=name):
		module, room = where
		if module not in LADDER or \
		    room and room not in ROOMS.get(module, ()):
			yield "%s is no module or room of layers.py" % \
			    name(where)


def roomless(paths):
	"""Files beside the rooms of their module, once it has any."""
	divided = {m for m, room in map(place, paths) if room}
	return [p for p in paths if p.startswith("src/") and
	    place(p)[1] is None and place(p)[0] in divided]


def may_use(upper, lower):
	"""Files in no room of their module are none of the ladder's business
	there: roomless() names them."""
	if upper[0] != lower[0]:
		return lower[0] in LADDER.get(upper[0], ())
	if upper[1] == lower[1] or None in (upper[1], lower[1]):
		return True
	rooms = ROOMS.get(upper[0], [])
	return lower[1] in rooms[:rooms.index(upper[1])] \
	    if upper[1] in rooms else False


def included(path, include):
	"""The place of a header as path names it: "net/tcp.h" of another
	module, "core/pass.h" of another room, "internal.h" of its own."""
	module, room = place(path)
	head = os.path.dirname(include)
	if not head:
		return module, room
	if path.startswith("src/") and head in ROOMS.get(module, ()):
		return module, head
	return head, None
