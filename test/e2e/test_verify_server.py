"""verify holds the server against the index, and changes nothing there."""

import pytest

from damage import (DAMAGE, REMOTE, fill, kinds, same, stamp, swap, through,
    write)
from middleman import Middleman
from spoil import Spoiler


@pytest.mark.parametrize("name", REMOTE)
def test_told_of_the_server(world, name):
	case = REMOTE[name]
	fill(world)
	sound = world.run("--json", "verify", rc=0)
	assert not sound.of("finding"), str(sound)
	assert sound.events[-1]["online"] and sound.events[-1]["bodies"] == 5
	case.get("change", lambda w: None)(world)
	local, remote = stamp(world), world.remote_stamp()
	with Middleman(world.server.port, case.get("up", same),
	    case.get("down", same)) as man:
		through(world, man)
		r = world.run("--json", "verify")
	assert stamp(world) == local and world.remote_stamp() == remote
	kind, cls = name.split(":")[0], case.get("cls", DAMAGE)
	assert kinds(r) == sorted([kind] + case.get("more", [])), str(r)
	found, = [e for e in r.of("finding") if e["kind"] == kind]
	assert case["words"] in found["is"] and found["class"] == cls
	assert r.rc == (1 if cls == DAMAGE else 0), str(r)


def test_only_reads(world):
	"""By its commands; and a message stays unread."""
	fill(world)
	said = []

	def up(line):
		words = line.upper().split()
		if len(words) > 1:
			said.append(b" ".join(words[1:3]) if words[1] == b"UID"
			    else words[1])
		return line
	with Middleman(world.server.port, up=up) as man:
		through(world, man)
		assert not world.run("--json", "verify", rc=0).of("finding")
	assert {b"EXAMINE", b"UID FETCH"} <= set(said)
	assert not set(said) & {b"SELECT", b"STORE", b"UID STORE", b"APPEND",
	    b"UID COPY", b"UID MOVE", b"CREATE", b"DELETE", b"RENAME",
	    b"EXPUNGE", b"UID EXPUNGE", b"CLOSE", b"SUBSCRIBE"}, said


def test_server_is_away(world):
	"""What was found before counts: the graver of both."""
	fill(world)
	with Middleman(world.server.port, up=lambda line: None) as man:
		through(world, man)
		assert "verified" in str(world.run("--json", "verify", rc=75))
		write(lambda f: b"other")(world, world.maildir.find("m1"))
		r = world.run("--json", "verify", rc=1)
	assert kinds(r) == ["file-content"] and r.of("problem")
	assert not r.events[-1]["online"]


def test_row_that_changes_meanwhile(world):
	"""What a sync takes away between is not blamed."""
	fill(world)

	def up(line):
		if b"BODY.PEEK[]" in line:
			with Spoiler(world) as s:
				s.sql("DELETE FROM place WHERE uid = 2")
		return line
	with Middleman(world.server.port, up, swap(b"This is m1.",
	    b"This is mX.")) as man:
		through(world, man)
		assert not world.run("--json", "verify", rc=0).of("finding")


def test_parts_of_the_server(world):
	"""Each body is asked for by one of the parts."""
	with world.imap() as imap:
		for i in range(20):
			world.append(imap, "INBOX", "m%d" % i)
	world.sync()
	bodies = [world.run("--json", "verify", "--part", "%d/4" % n,
	    rc=0).events[-1]["bodies"] for n in range(1, 5)]
	assert sum(bodies) == 20 and max(bodies) < 15


def test_server_that_rewrites(world):
	"""There the fields of the header have to do."""
	fill(world)
	with Spoiler(world) as s:
		s.sql("INSERT OR REPLACE INTO fact VALUES (0, 'rewrites', '1',"
		    " 1)")
	with Middleman(world.server.port, down=swap(b"This is m1.",
	    b"This is mX.")) as man:
		through(world, man)
		r = world.run("--json", "verify", rc=0)
		assert not r.of("finding") and r.events[-1]["bodies"] == 5
	with Middleman(world.server.port, down=swap(b"Message-ID: <m1@",
	    b"Message-ID: <mX@")) as man:
		through(world, man)
		assert kinds(world.run("--json", "verify", rc=1)) == [
		    "remote-body"]
