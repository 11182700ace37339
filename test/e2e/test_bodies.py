"""Which message a body belongs to, and bodies that never come."""

import re

from maildirview import token
from middleman import Middleman

ASKED = re.compile(rb" UID FETCH (\S+) \(.*BODY\.PEEK\[\]")


def fill(world, n):
	with world.imap() as imap:
		for i in range(n):
			world.append(imap, "INBOX", "m%d" % i)


def through(world, port):
	world.port = port
	world.write_conf()


def toks(world):
	return sorted(token(f.data()) for f in world.maildir.files("INBOX"))


def test_second_fetch_is_answered_first(world):
	"""Two batches of bodies are asked for; the server takes the second one
	first. Each body belongs to who asked for its UID."""
	fill(world, 505)		# a batch has 500
	held = []

	def up(line):
		if not ASKED.search(line) or len(held) > 1:
			return line
		held.append(line)
		return b"" if len(held) == 1 else held[1] + held[0]

	with Middleman(world.server.port, up=up) as man:
		through(world, man.port)
		r = world.sync()
	assert len(held) == 2
	assert r.summary()["pulled"]["new"] == 505, str(r)
	through(world, None)
	world.settle()


def test_section_that_nobody_asked_for(world):
	fill(world, 2)

	def down(line):
		m = re.match(rb"(\* \d+ FETCH \(UID \d+ BODY\[)\]", line)
		return m[1] + b"TEXT] {5}\r\nwrong)\r\n" + line if m else line

	with Middleman(world.server.port, down=down) as man:
		through(world, man.port)
		world.sync()
		world.compare({"INBOX": {t: frozenset() for t in ("m0", "m1")}})


def test_body_that_never_comes(world):
	"""It may have been expunged meanwhile; when it is listed again and
	still does not come, the user is told, in each run."""
	fill(world, 2)

	def up(line):
		if not ASKED.search(line):
			return line
		return re.sub(rb"FETCH \S+ ", b"FETCH 2 ", line) \
		    if b"FETCH 1:2" in line else \
		    re.sub(rb"FETCH 1 ", b"FETCH 77 ", line)

	with Middleman(world.server.port, up=up) as man:
		through(world, man.port)
		world.run("--json", "sync")
		assert toks(world) == ["m1"]
		for _ in range(2):
			r = world.run("--json", "sync")
			assert r.rc == 1 and "UID 1 " in r.err, str(r)
	through(world, None)
	# Twice in vain: it waits for some minutes, and is named all the same.
	r = world.sync(rc=1)
	assert "UID 1 " in r.err and toks(world) == ["m1"], str(r)
	world.sync("--full")
	world.settle()
