"""Directories that did not change are not read, and no change is missed for it."""

import os
import re
import time

import pytest

from world import message

FOLDERS = ("INBOX", "work")


@pytest.fixture
def reads(world, preload):
	"""Runs, and tells which of new/ and cur/ were read."""
	def run(*args, rc=0):
		out = world.dir + "/reads"
		world.run("--json", *(args or ("sync",)), rc=rc,
		    env=preload("test/fault/reads.c", READS_TO=out))
		if not os.path.exists(out):
			return set()
		with open(out) as f:
			found = re.findall(r"^%s/(.*)/(?:new|cur)$" % re.escape(
			    world.maildir.root), f.read(), re.M)
		os.unlink(out)
		return set(found)

	return run


def age(world, seconds=100):
	"""The directories changed a while ago."""
	then = time.time() - seconds
	for folder in FOLDERS:
		for box in ("new", "cur"):
			os.utime(os.path.join(world.maildir.dir(folder), box),
			    (then, then))


@pytest.fixture
def quiet(world):
	"""In sync, long ago, and every file was looked at since."""
	with world.imap() as imap:
		imap.create("work")
		for folder in FOLDERS:
			for i in range(3):
				world.append(imap, folder, folder[0] + str(i),
				    ["\\Seen"])
	world.sync()
	age(world)
	world.sync("--full")
	world.sync()


def test_is_not_read(world, quiet, reads):
	assert reads() == set()
	assert reads("status") == set()
	assert reads("sync", "--full") == set(FOLDERS)
	assert reads() == set()


def test_only_the_changed_one_is_read(world, quiet, reads):
	world.deliver("work", "w9", "S")
	assert reads() == {"work"}
	world.settle()


def test_one_that_was_just_changed_is_read_again(world, quiet, reads):
	"""A change within the grain of the clock moves no date. The date lies
	ahead, so that it is young however slow the test is."""
	m = world.maildir
	cur = os.path.join(m.dir("work"), "cur")
	ahead = time.time() + 1000
	m.unlink(m.find("w0"))
	os.utime(cur, (ahead, ahead))
	world.sync()
	assert reads() == {"work"}
	m.unlink(m.find("w1"))
	os.utime(cur, (ahead, ahead))
	r = world.sync()
	assert [e["op"] for e in r.of("op")] == ["remove-remote"], str(r)


@pytest.mark.parametrize("what", ["flag", "unlink", "rename", "replace"])
def test_nothing_is_missed(world, quiet, what):
	m = world.maildir
	f = m.find("w1")
	if what == "flag":
		m.flag(f, "F")
	elif what == "unlink":
		m.unlink(f)
	elif what == "rename":
		os.rename(f.path, os.path.join(m.dir("INBOX"), "cur",
		    os.path.basename(f.path)))
	else:
		with open(f.path + "~", "wb") as out:
			out.write(world.note(message("new")))
		os.rename(f.path + "~", f.path)
	s = world.sync().summary()
	assert any(s["pushed"].values()), s
	world.settle()


def test_what_waits_is_looked_at(world, quiet, reads):
	"""A file that was missed: one look more tells whether it is gone."""
	world.maildir.unlink(world.maildir.find("w1"))
	age(world, 50)
	assert reads("sync", "-n") == set(FOLDERS)
	assert reads("sync", "-n") == {"work"}
	r = world.sync()
	assert [e["op"] for e in r.of("op")] == ["remove-remote"], str(r)


def test_once_a_week_all_the_same(world, quiet, reads, clock):
	"""Edited in place: nothing but its content tells."""
	f = world.maildir.find("w1")
	with open(f.path, "wb") as out:
		out.write(world.note(message("edited")))
	assert reads() == set()
	r = world.run("--json", "sync", rc=0, env=clock(7 * 24 * 3600))
	assert [e["op"] for e in r.of("op")] != [], str(r)
	world.settle()
	assert world.maildir.find("edited")
