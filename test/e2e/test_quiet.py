"""Directories that did not change are not read, and no change is missed for it."""

import os
import re
import subprocess
import time

import pytest

from middleman import Middleman
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
			found = re.findall(r"^%s/(.*)/(new|cur)$" % re.escape(
			    world.maildir.root), f.read(), re.M)
		os.unlink(out)
		# Of a small directory: the names, and that there are no more.
		run.calls = found.count(("work", "cur"))
		return {folder for folder, _ in found}

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


def test_changed_flags_are_read_once(world, quiet, reads):
	"""A new name is no missing file."""
	world.maildir.flag(world.maildir.find("w1"), "F")
	assert reads() == {"work"}
	assert reads.calls == 2
	world.settle()


def test_what_stood_still_is_scanned_unread(world, quiet, reads):
	"""The second scan would give what the first gave."""
	m = world.maildir
	m.unlink(m.find("w1"))
	age(world, 50)
	assert reads() == set(FOLDERS)
	assert reads.calls == 2
	world.settle({"INBOX": {"I%d" % i: frozenset(["\\Seen"])
	    for i in range(3)}, "work": {"w%d" % i: frozenset(["\\Seen"])
	    for i in (0, 2)}})


def test_what_changed_just_now_is_scanned_again(world, quiet, reads):
	"""A change within the grain of the clock moves no date."""
	m = world.maildir
	m.unlink(m.find("w1"))
	ahead = time.time() + 1000
	os.utime(os.path.join(m.dir("work"), "cur"), (ahead, ahead))
	assert reads() == {"work"}
	assert reads.calls == 4
	world.settle()


def test_what_changed_meanwhile_is_scanned_again(world, quiet):
	"""The file that the first scan lacked is back before the second one."""
	m = world.maildir
	f = m.find("w1")
	aside = os.path.join(world.dir, "aside")
	os.rename(f.path, aside)
	age(world, 50)
	with world.imap() as imap:	# so that a folder is selected
		imap.store("INBOX", [1], "+", ["\\Flagged"])

	def up(line):
		if b" SELECT " in line and os.path.exists(aside):
			os.rename(aside, f.path)
		return line

	with Middleman(world.server.port, up=up) as man:
		world.port = man.port
		world.write_conf()
		world.run("--json", "sync")
	assert os.path.exists(f.path)
	world.port = None
	world.write_conf()
	world.settle({"INBOX": {"I%d" % i: frozenset(["\\Seen"] + ["\\Flagged"]
	    * (i == 0)) for i in range(3)}, "work": {"w%d" % i:
	    frozenset(["\\Seen"]) for i in range(3)}})


@pytest.fixture
def greeted(world):
	"""Runs, and holds the greeting back until then() is done."""
	def run(work, then, hang_up=False):
		waiting = [then]

		def down(line):
			while waiting:
				waiting.pop()()
			return None if hang_up else line

		with Middleman(world.server.port, down=down) as man:
			world.port = man.port
			world.write_conf()
			r = work()
		world.port = None
		world.write_conf()
		return r

	return run


def wait_for(path, line=None):
	"""For a file, and that line in it."""
	end = time.time() + 20
	while time.time() < end:
		if os.path.exists(path):
			with open(path) as f:
				if line is None or line in f:
					return
		time.sleep(0.001)
	raise AssertionError("no %s" % (line or path))


def was_read(world, folder):
	wait_for(world.dir + "/reads", world.maildir.dir(folder) + "/cur\n")


@pytest.mark.parametrize("args", [("status",), ("verify", "--offline")],
    ids=["status", "verify"])
def test_marker_is_renamed_once_it_was_read(world, quiet, preload, args):
	"""By a sync at work: the Maildir is as that leaves it nevertheless."""
	out, go, beside = world.dir + "/reads", world.dir + "/go", []

	def up(line):
		if b"LIST" in line and not beside:
			beside.append(world.popen("-q", *args,
			    stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
			    more_env=preload("test/fault/reads.c",
			    READS_TO=out, READS_HOLD="/.mailtern",
			    READS_GO=go)))
			wait_for(out, "held\n")
		return line

	world.maildir.deliver("INBOX", message("new"))
	with Middleman(world.server.port, up=up) as man:
		world.port = man.port
		world.write_conf()
		world.sync()
	world.port = None
	world.write_conf()
	with open(go, "w"):
		pass
	said = beside[0].communicate(timeout=60)[0]
	assert beside[0].returncode == 0 and said == b"", said


def test_is_read_while_the_connection_is_made(world, quiet, reads, greeted):
	m = world.maildir
	m.flag(m.find("w0"), "F")
	assert greeted(reads, lambda: was_read(world, "work")) == {"work"}
	assert reads.calls == 2		# and once only
	world.settle()


def test_what_changes_behind_the_early_look_is_not_missed(world, quiet, reads,
    greeted):
	m = world.maildir
	f = m.find("w1")
	aside = os.path.join(world.dir, "aside")
	os.rename(f.path, aside)
	m.unlink(m.find("I0"))
	age(world, 50)

	def change():
		was_read(world, "work")
		os.rename(aside, f.path)
		m.flag(m.find("w0"), "F")
		m.unlink(m.find("w2"))
		world.deliver("work", "w9", "S")

	greeted(lambda: reads("sync", rc=None), change)
	world.settle({"INBOX": {"I%d" % i: frozenset(["\\Seen"])
	    for i in (1, 2)}, "work": {"w0": frozenset(["\\Seen",
	    "\\Flagged"]), "w1": frozenset(["\\Seen"]),
	    "w9": frozenset(["\\Seen"])}})


def test_a_folder_left_out_is_not_looked_at_early(world, quiet, reads,
    greeted):
	m = world.maildir
	for name in ("w0", "I0"):
		m.flag(m.find(name), "F")
	world.keys["folders"] = '{"INBOX"}'
	assert greeted(reads, lambda: was_read(world, "INBOX")) == {"INBOX"}


def restore(world, folder):
	"""A deletion there is undone by a backup of the directory."""
	m = world.maildir
	m.unlink(m.find(folder[0] + "0"))
	for sub in ("cur", "new"):
		os.utime(os.path.join(m.dir(folder), sub), (1e9, 1e9))


def test_what_a_backup_brought_is_told_by_the_run_that_gets_through(world,
    quiet, reads, greeted):
	restore(world, "work")
	greeted(lambda: reads("sync", rc=75), lambda: was_read(world, "work"),
	    hang_up=True)
	assert "restored from a backup?" in str(world.run("sync"))
	world.settle()


def test_what_a_backup_brought_is_told_when_the_server_lost_it(world, quiet):
	with world.imap() as imap:
		imap.delete("work")
	restore(world, "work")
	assert "restored from a backup?" in str(world.run("sync"))
	assert len(world.maildir.files("work")) == 2


def test_a_folder_that_is_back_in_time_is_not_left_out(world, quiet, reads,
    greeted):
	with world.imap() as imap:
		imap.create("young")
		world.append(imap, "young", "y0")
	world.sync()
	m = world.maildir
	m.flag(m.find("w0"), "F")
	m.flag(m.find("y0"), "F")
	away = m.dir("work") + ".away"
	os.rename(m.dir("work"), away)

	def back():
		was_read(world, "young")	# which comes behind work
		os.rename(away, m.dir("work"))

	greeted(reads, back)
	world.settle()


def test_a_sync_that_failed_early_is_told(world, quiet, preload, greeted):
	"""The kernel says so only once, even if the server can't be reached."""
	world.deliver("work", "w9", "S")
	tells = world.dir + "/failed"
	env = preload("test/fault/failing.c", NOSYNC="/work/cur",
	    NOSYNC_TELLS=tells)
	r = greeted(lambda: world.run("sync", env=env),
	    lambda: wait_for(tells), hang_up=True)
	assert r.rc == 74 and "Input/output error" in r.err, str(r)
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


def test_moved_under_a_name_that_is_one_bit_off(world):
	"""In cur/ with an even letter for an odd one in new/: as far from the old
	place as any other name."""
	world.sync()
	m = world.maildir
	f = os.path.join(m.dir("INBOX"), "new", "1.one-bit")
	with open(f, "wb") as out:
		out.write(world.note(message("one-bit")))
	world.sync()
	os.rename(f, os.path.join(m.dir("INBOX"), "cur", "0.one-bit"))
	s = world.sync().summary()
	assert s["pushed"]["new"] + s["pushed"]["moved"] == 1, s
	world.settle()


def many(world, n):
	"""A folder with n messages, long in sync; of the last one the token."""
	with world.imap() as imap:
		imap.create("big")
		for i in range(n):
			world.append(imap, "big", "b%d" % i, ["\\Seen"])
	world.sync()
	for box in ("new", "cur"):
		os.utime(os.path.join(world.maildir.dir("big"), box),
		    (time.time() - 100,) * 2)
	world.sync("--full")
	return "b%d" % (n - 1)


def test_big_folder(world):
	"""Only what changed is looked at. What is edited in place does not show,
	whatever else changes; a week later, or with --full, it does."""
	last = many(world, 4100)
	m = world.maildir
	m.flag(m.find("b1"), "F")
	m.unlink(m.find("b2"))
	f = m.find("b3")
	with open(f.path + "~", "wb") as out:
		out.write(world.note(message("replaced")))
	os.rename(f.path + "~", f.path)
	f = m.find("b4")
	os.rename(f.path, os.path.join(m.dir("INBOX"), "cur",
	    os.path.basename(f.path)))
	with open(m.find(last).path, "wb") as out:
		out.write(world.note(message("edited")))
	s = world.sync().summary()
	assert {k: v for k, v in s["pushed"].items() if v} == {"new": 1,
	    "flags": 1, "deleted": 1, "moved": 1}, s
	assert s["pulled"]["new"] == 1, s	# b3
	m.flag(m.find("b5"), "F")
	s = world.sync().summary()
	assert {k: v for k, v in s["pushed"].items() if v} == {"flags": 1}, s
	s = world.sync("--full").summary()
	assert s["pushed"]["new"] == 1 and s["pulled"]["new"] == 1, s
	world.settle()


def test_more_names_than_are_kept(world):
	"""Of what changed 1 MiB of names is kept. These are all met."""
	name = "x" * 200
	cur = os.path.join(world.maildir.dir("INBOX"), "cur")
	world.sync()
	for i in range(5500):
		with open("%s/%s%d:2,S" % (cur, name, i), "wb") as out:
			if i % 50 == 0:
				out.write(world.note(message("n%d" % i)))
	s = world.sync("--adopt", rc=1).summary()	# empty ones
	assert s["pushed"]["new"] == 110, s


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
	world.known_damage.add("log-clock")	# that was a week from now
	world.settle()
	assert world.maildir.find("edited")
