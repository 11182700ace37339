"""What was refused, skipped or held is named until it is settled."""

import os
import re
import shutil
import subprocess

import pytest

from middleman import Middleman
from uploads import Uploads
from world import World

MINUTE, HOUR, DAY = 60, 3600, 86400


def through(world, port):
	world.port = port
	world.write_conf()


def items(r):
	return [e for e in r.of("item") if not e["more"]]


def status(world, *args, rc=None):
	return world.run("--json", "status", *args, rc=rc)


class Refuser(Middleman):
	"""The server takes no message of 5 kB and more, or none in folders; of
	several in one command, none if there is one such."""

	def __init__(self, world, code=b"", folders=()):
		self.code, self.folders = code, folders
		self.uploads = Uploads(self.judge)
		super().__init__(world.server.port, self.uploads.up,
		    self.uploads.down)
		through(world, self.port)

	@property
	def asked(self):
		return len(self.uploads.all)

	def judge(self, u):
		if max(u.sizes) < 5000 and u.folder not in self.folders:
			return None
		return b"NO " + self.code + b"not that one"


# -- messages --

def test_refused_message_waits(world, clock):
	"""Tried by two runs in a row, then ever later; named by each; the
	others go."""
	world.sync()
	world.deliver("INBOX", "big", "S", size=9000)
	world.deliver("INBOX", "small", "S")
	table = [	# seconds later, is it tried?
		(0, True), (0, True), (0, False), (200, False), (310, True),
		(400, False), (800, False), (1000, True), (2000, False),
		(2 * DAY, True), (-400 * DAY, True)]
	with Refuser(world) as man:
		for i, (shift, tried) in enumerate(table):
			before = man.asked
			r = world.sync(rc=1, env=clock(shift))
			e, = items(r)
			assert (man.asked - before > 0) == tried, (i, str(r))
			assert "was not pushed" in e["message"], str(r)
			assert (e["folder"], e["id"]) == ("INBOX", 1)
			assert r.summary()["held"] == 1
			assert r.summary()["pending"] == 0
		assert e["tries"] == 6		# as in the table
		before = man.asked
		world.sync("--full", rc=1, env=clock(-400 * DAY))
		assert man.asked > before
	through(world, None)
	world.sync("--full")
	world.settle()
	assert not items(status(world, rc=0))


def test_changed_file_is_tried_at_once(world):
	world.sync()
	path = world.deliver("INBOX", "big", "S", size=9000).path
	with Refuser(world) as man:
		for _ in range(3):
			world.sync(rc=1)
		assert man.asked == 4	# by two runs, without its flags, too
		with open(path, "rb") as f:
			data = f.read()
		with open(path, "wb") as f:
			f.write(world.note(data[:3000]))
		world.sync()
		assert man.asked == 5
	through(world, None)
	world.settle()


def test_flags_are_no_other_file(world):
	"""Its name changes with them: it stays the same item."""
	world.sync()
	world.deliver("INBOX", "big", "S", size=9000)
	with Refuser(world):
		first, = items(world.sync(rc=1))
		world.maildir.flag(world.maildir.find("big"), "F")
		again, = items(world.sync(rc=1))
	assert first["message"] == again["message"]
	assert first["id"] == again["id"] and again["tries"] == 2


def nul(world, name):
	path = "%s/INBOX/cur/%s:2,S" % (world.maildir.root, name)
	with open(path, "wb") as f:
		f.write(b"Subject: x\n\na\0b\n")
	return path


def test_many_failures(world):
	"""Twenty lines of a folder, then a number; status has them all."""
	world.sync()
	paths = [nul(world, "1.M%d.h" % i) for i in range(33)]
	r = world.run("sync", rc=1)
	lines = r.err.splitlines()
	assert len(lines) == 21, r.err
	assert "and 13 more; see mailtern status w" in lines[-1]
	r = world.run("status")
	assert r.rc == 1 and len(r.err.splitlines()) == 33
	assert len(items(status(world))) == 33
	r = world.sync(rc=1)
	assert r.summary()["held"] == 33 and r.summary()["pending"] == 0
	for path in paths:
		os.unlink(path)
	world.sync()
	assert not items(status(world, rc=0))
	world.settle()


def test_refused_batch_is_taken_apart(world):
	"""A FETCH that one message spoils: the others come by the next run."""
	with world.imap() as imap:
		for i in range(6):
			world.append(imap, "INBOX", "m%d" % i)

	def up(line):
		m = re.search(rb"UID FETCH (\S+) .*BODY\.PEEK\[\]", line)
		if not m or m[1] not in (b"1:6", b"4"):
			return line
		return line.replace(b"FETCH " + m[1], b"FETCH x")

	with Middleman(world.server.port, up=up) as man:
		through(world, man.port)
		r = world.sync(rc=1)
		e, = items(r)
		assert "6 messages not pulled" in e["message"], str(r)
		e, = items(world.sync(rc=1))
		assert "UID 4 was not pulled" in e["message"]
		assert len(world.maildir.files("INBOX")) == 5
	through(world, None)
	world.sync("--full")
	world.settle()


# -- the folder's or the account's fault --

def test_over_quota_is_said_once(world):
	"""One line a folder, with a number; what is as large is not sent."""
	world.sync()
	world.maildir.create("a")
	for folder in ("INBOX", "a"):
		for i in range(120):
			world.deliver(folder, "%s%03d" % (folder[0], i), "S",
			    size=6000)
	world.deliver("a", "small", "S")
	with Refuser(world, b"[OVERQUOTA] ") as man:
		for _ in range(3):
			before = man.asked
			r = world.sync(rc=1)
			told = [e["message"] for e in items(r)]
			assert len(told) == 2, str(r)
			for m in told:
				assert re.search("^(INBOX|a): 120 messages"
				    " not pushed: .*", m), m
			assert man.asked - before <= 100 + 2, str(r)
			assert r.summary()["held"] == 240
		with world.imap() as imap:
			assert len(imap.messages("a", False)) == 1
	through(world, None)
	world.sync()
	world.settle()


def without_root():
	"""Root may do everything; not so without these capabilities."""
	if os.getuid() != 0:
		return ()
	return ("setpriv", "--bounding-set",
	    "-dac_override,-dac_read_search")


@pytest.mark.parametrize("sub", ["tmp", "cur", "new"])
def test_directory_that_can_t_be_written(world, sub):
	"""The folder is left out, named; the rest goes on."""
	with world.imap() as imap:
		imap.create("a")
		for name in ("INBOX", "a"):
			world.append(imap, name, name + "0",
			    ["\\Seen"] if sub == "cur" else [])
	world.sync()
	with world.imap() as imap:
		for name in ("INBOX", "a"):
			world.append(imap, name, name + "1",
			    ["\\Seen"] if sub == "cur" else [])
	path = "%s/INBOX/%s" % (world.maildir.root, sub)
	for mode in (0o500, 0o000):
		os.chmod(path, mode)
		r = world.sync(rc=1, wrap=without_root())
		e, = items(r)
		assert e["folder"] == "INBOX", str(r)
		assert "Permission denied" in e["message"], str(r)
		assert r.summary()["pulled"]["deleted"] == 0
		assert r.summary()["pushed"]["deleted"] == 0
		assert len(world.maildir.files("a")) == 2
	os.chmod(path, 0o700)
	world.sync()
	world.settle()
	assert not items(status(world, rc=0))


def fill(world, folders, n):
	with world.imap() as imap:
		for folder in folders:
			world.append(imap, folder, "%s-%d" % (
			    folder.replace("/", "-"), n))


FOLDERS = ("INBOX", "a", "a/b", "a/b/c", "d")


@pytest.mark.parametrize("mode", [0o000, 0o100, 0o400])
def test_directory_that_can_t_be_entered(world, mode):
	"""Nor what lies in it: all that is left out, and none of it counts as
	deleted; what was moved into it stays on the server, too."""
	with world.imap() as imap:
		for folder in FOLDERS[1:]:
			imap.create(folder)
	fill(world, FOLDERS, 0)
	fill(world, ["d"], 1)
	world.sync()
	fill(world, FOLDERS, 2)
	a = world.maildir.root + "/a"
	os.rename(world.maildir.find("d-0").path,
	    a + "/b/cur/1600000009.M9.h:2,S")
	world.maildir.unlink(world.maildir.find("d-1"))
	os.symlink("a/b", world.maildir.root + "/z")	# no new folder
	os.chmod(a, mode)
	for args in ((), (), ("w:d",)):
		r = world.sync(*args, rc=1, wrap=without_root())
		s = r.summary()
		assert s["pushed"]["deleted"] == s["pulled"]["deleted"] == 0
		assert s["pushed"]["folders"] == 0, str(r)
		told = [e for e in items(r) if e["folder"]]
		assert {e["folder"] for e in told} == {"a", "a/b", "a/b/c"}
		assert all("Permission denied" in e["message"] for e in told)
		assert len(world.maildir.files("INBOX")) == 2
		assert len(world.maildir.files("d")) == 1
	assert world.run("status", wrap=without_root()).rc == 1
	os.chmod(a, 0o700)
	world.sync()
	os.unlink(world.maildir.root + "/z")
	world.settle()
	assert not items(status(world, rc=0))


def test_unknown_directory_that_can_t_be_entered(world):
	"""What seems deleted may lie in it."""
	with world.imap() as imap:
		world.append(imap, "INBOX", "m0")
		world.append(imap, "INBOX", "m1")
	world.sync()
	world.maildir.unlink(world.maildir.find("m0"))
	path = world.maildir.root + "/x"
	os.mkdir(path, 0)
	e, = items(world.sync(rc=1, wrap=without_root()))
	assert "x: the directory can't be read" in e["message"]
	world.keys["folders"] = '{"*", "!x"}'
	world.write_conf()
	r = world.sync(rc=0, wrap=without_root())
	assert r.summary()["pushed"]["deleted"] == 1
	world.settle()


def test_folder_that_is_not_asked_for(world):
	"""It holds back the removals of the one that is: so it is named."""
	with world.imap() as imap:
		for folder in ("F", "G"):
			imap.create(folder)
		world.append(imap, "INBOX", "m0")
		world.append(imap, "INBOX", "m1")
	world.sync()
	world.maildir.unlink(world.maildir.find("m0"))
	shutil.rmtree(world.maildir.root + "/G")
	os.chmod(world.maildir.root + "/F/cur", 0)
	for which in ("INBOX", "G"):
		e, = items(world.sync("w:" + which, rc=1,
		    wrap=without_root()))
		assert e["folder"] == "F" and "Permission" in e["message"]
	os.chmod(world.maildir.root + "/F/cur", 0o700)
	world.sync()
	world.settle()


@pytest.mark.parametrize("what", ["x/", ".lock"])
def test_deleted_folder_holds_what_is_no_message(world, what):
	with world.imap() as imap:
		imap.create("F")
		world.append(imap, "F", "m0")
	world.sync()
	path = world.maildir.root + "/F/cur/" + what
	if what.endswith("/"):
		os.mkdir(path)
	else:
		open(path, "w").close()
	with world.imap() as imap:
		imap.delete("F")
	for _ in range(2):
		said = [e["message"] for e in items(world.sync(rc=1))]
		assert any("something is in cur" in text for text in said)
		assert len(said) == (2 if what == "x/" else 1), said
	shutil.rmtree(path) if what.endswith("/") else os.unlink(path)
	world.sync()
	assert not os.path.exists(world.maildir.root + "/F/cur")
	assert not items(status(world, rc=0))


def test_folder_that_may_not_be_removed(world):
	with world.imap() as imap:
		imap.create("F")
		world.append(imap, "F", "m0")
	world.sync()
	with world.imap() as imap:
		imap.delete("F")
		world.append(imap, "INBOX", "m1")
	os.chmod(world.maildir.root, 0o500)
	r = world.sync(rc=None, wrap=without_root())
	os.chmod(world.maildir.root, 0o700)
	assert r.rc == 1 and items(r), str(r)
	assert len(world.maildir.files("INBOX")) == 1
	world.sync()
	world.settle()


# -- settled, ignored, told --

def one_less(line):
	return re.sub(rb"^\* (\d+) EXISTS", lambda m: b"* %d EXISTS"
	    % (int(m[1]) - 1), line)


def test_ignored_until_it_changes(world):
	with world.imap() as imap:
		world.append(imap, "INBOX", "m0")
		world.append(imap, "INBOX", "m00")
	with Middleman(world.server.port, down=one_less) as man:
		through(world, man.port)
		e, = items(world.sync(rc=1))
		assert (e["id"], e["ignored"]) == (1, False)
		assert items(status(world, rc=1))[0]["id"] == 1
		r = world.run("status", "--ignore", "1", rc=0)
		assert "item 1 is ignored" in r.out
		for _ in range(2):
			r = world.sync(rc=0)
			assert not items(r) and r.summary()["held"] == 0
			assert (world.run("sync", rc=0).err) == ""
		r = status(world, rc=0)
		assert items(r)[0]["ignored"] and r.events[-1]["ignored"] == 1
		assert "ignored" in world.run("status", rc=0).out
		with world.imap() as imap:	# another number in its text
			world.append(imap, "INBOX", "m1")
		e, = items(world.sync(rc=1))
		assert (e["id"], e["ignored"]) == (1, False)
	through(world, None)
	world.sync()
	assert not items(status(world, rc=0))
	world.settle()


def test_ignored_message(world):
	world.sync()
	world.deliver("INBOX", "big", "S", size=9000)
	with Refuser(world):
		world.sync(rc=1)
		world.run("status", "--ignore=1", "w", rc=0)
		for _ in range(3):
			r = world.sync(rc=0)
			assert not items(r)
			assert r.summary()["pending"] == 0
	through(world, None)
	world.sync("--full")
	world.settle()


def test_ignored_hold(world):
	"""The numbers of a guard are in its text."""
	with world.imap() as imap:
		for i in range(12):
			world.append(imap, "INBOX", "m%d" % i)
			world.append(imap, "INBOX", "n%d" % i)
	world.sync()
	for f in world.maildir.files("INBOX"):
		world.maildir.unlink(f)
	e, = items(world.sync(rc=1))
	assert "--force-deletes" in e["message"]
	world.run("status", "--ignore", str(e["id"]), rc=0)
	assert world.run("-q", "sync", rc=0).err == ""
	with world.imap() as imap:
		imap.expunge("INBOX", [1])
	again, = items(world.sync(rc=1))
	assert "23 removals" in again["message"]
	world.sync("--force-deletes")
	world.settle()


def test_ignore_refuses_what_is_not_there(world):
	world.sync()
	for args in (("--ignore", "7"), ("--ignore", "x"), ("--ignore",),
	    ("--ignore", "0")):
		r = world.run("status", *args)
		assert r.rc == 64 and len(r.err.splitlines()) == 1, str(r)
		assert "item" in r.err, str(r)
	r = world.run("sync", "--ignore", "1")
	assert r.rc == 64


def test_ignore_wants_the_account_where_two_have_it(make_world):
	one = make_world()
	two = make_world()
	one.defaults = ('account other {\n host = "127.0.0.1"\n port = %d\n '
	    'tls = none\n user = "%s"\n password = \'%s\'\n maildir = "%s"\n'
	    '}\n' % (two.server.port, two.user, two.server.password,
	    two.maildir.root))
	one.write_conf()
	one.sync()
	for w in (one, two):
		nul(w, "1.M1.h")
	one.sync(rc=1)
	r = one.run("status", "--ignore", "1")
	assert r.rc == 64 and "other" in r.err and "name the" in r.err, str(r)
	one.run("status", "--ignore", "1", "other", rc=0)
	r = status(one, rc=1)
	assert {e["account"]: e["ignored"] for e in items(r)} == {
	    "w": False, "other": True}


def test_status_while_a_sync_runs(world):
	"""It lists; what it would change waits."""
	world.sync()
	nul(world, "1.M1.h")
	world.sync(rc=1)
	said = []

	def up(line):
		if b"LIST" in line and not said:
			said.append((world.run("status"), world.run("status",
			    "--ignore", "1")))
		return line

	with Middleman(world.server.port, up=up) as man:
		through(world, man.port)
		world.sync(rc=1)
	(listed, ignored), = said
	assert listed.rc == 1 and "NUL" in listed.err, str(listed)
	assert ignored.rc == 75 and "at work" in ignored.err, str(ignored)


def test_settled_is_forgotten(world):
	"""And its number never comes back."""
	with world.imap() as imap:
		imap.create("F")
	world.sync()
	cur = world.maildir.root + "/F/cur"
	for number in (1, 2):
		os.rmdir(cur)
		e, = items(world.sync(rc=1))
		assert (e["folder"], e["id"]) == ("F", number)
		os.mkdir(cur)
		world.sync()
		assert not items(status(world, rc=0))
	world.settle()


def test_folder_taken_out_of_folders(world):
	"""It is not judged any more; when it is back, it is."""
	with world.imap() as imap:
		imap.create("F")
	world.sync()
	os.rmdir(world.maildir.root + "/F/cur")
	world.sync(rc=1)
	for folders, rc in (('{"*", "!F"}', 0), (None, 1)):
		world.keys["folders"] = folders
		world.write_conf()
		assert len(items(world.sync(rc=rc))) == rc
		assert len(items(status(world, rc=rc))) == rc


def test_part_of_the_account(world):
	"""What a run did not come to is still known after it."""
	with world.imap() as imap:
		imap.create("F")
	world.sync()
	os.rmdir(world.maildir.root + "/F/cur")
	nul(world, "1.M1.h")
	world.sync(rc=1)
	os.mkdir(world.maildir.root + "/F/cur")
	r = world.sync("w:INBOX", rc=1)
	assert {e["folder"] for e in items(r)} == {"INBOX"}
	assert {e["folder"] for e in items(status(world, rc=1))} == {"INBOX",
	    "F"}
	through(world, 1)		# nobody listens there
	assert world.run("sync").rc == 75
	assert len(items(status(world, rc=1))) == 2
	through(world, None)
	assert len(items(world.sync(rc=1))) == 1


def test_quiet_names_it_daily(world, clock):
	world.sync()
	nul(world, "1.M1.h")
	table = [	# seconds later, is it named?
		(0, True), (0, False), (DAY - MINUTE, False),
		(DAY + MINUTE, True), (DAY + HOUR, False),
		(-400 * DAY, True), (-399 * DAY - HOUR, False)]
	for i, (shift, named) in enumerate(table):
		r = world.run("-q", "sync", rc=1, env=clock(shift))
		assert ("NUL" in r.err) == named, (i, str(r))
		assert named or r.out + r.err == "", (i, str(r))
	nul(world, "1.M2.h")
	r = world.run("-q", "sync", rc=1, env=clock(-399 * DAY - HOUR))
	assert len(r.err.splitlines()) == 1 and "M2" in r.err, str(r)
	assert "M1" in world.run("sync", rc=1).err
	# JSON was asked for.
	assert len(items(world.run("-q", "--json", "sync", rc=1))) == 2


def test_dry_run_keeps_nothing(world):
	world.sync()
	os.rmdir(world.maildir.root + "/INBOX/cur")
	r = world.run("--json", "sync", "-n")
	assert r.rc == 1 and len(items(r)) == 1, str(r)
	assert not items(status(world))


@pytest.mark.parametrize("what", ["unmounted", "refused"])
def test_what_ends_a_run_is_an_item(world, clock, what):
	"""Cron hears of it once a day, not with every run."""
	with world.imap() as imap:
		world.append(imap, "INBOX", "m0")
	world.sync()
	if what == "unmounted":
		os.rename(world.maildir.root, world.maildir.root + "-away")
		rc, words = 1, "does not exist"
	else:
		world.keys["password"] = "'not-it'"
		world.write_conf()
		rc, words = 77, "log in|login|password"
	for shift, said in ((-400 * DAY, True), (-400 * DAY + HOUR, False),
	    (-399 * DAY + 60, True)):
		r = world.run("-q", "sync", rc=rc, env=clock(shift))
		assert bool(re.search(words, r.err)) == said, str(r)
		assert said or r.out + r.err == "", str(r)
	r = world.run("sync", rc=rc)
	assert len(re.findall(words, r.err)) >= 1 and r.err.count("\n") == 1, r
	assert re.search(words, world.run("status").out
	    + world.run("status").err)
	if what == "unmounted":
		os.rename(world.maildir.root + "-away", world.maildir.root)
	else:
		del world.keys["password"]
		world.write_conf()
	world.settle()
	assert items(status(world)) == []


@pytest.mark.parametrize("command", ["exit 2", "true", "echo locked >&2; false"])
def test_a_locked_keyring_is_named_once_a_day(world, clock, command):
	"""No word of the server's: 75, and nothing that status exits with 1 for."""
	world.keys.update({"password": None,
	    "password-command": '"%s"' % command})
	world.write_conf()
	for shift, lines in ((-400 * DAY, 1), (-400 * DAY + HOUR, 0),
	    (-399 * DAY + 60, 1)):
		r = world.run("-q", "sync", rc=75, env=clock(shift))
		assert r.out == "" and len(r.err.splitlines()) == lines, str(r)
		assert "password-command" in r.err or not lines
	assert "password-command" in str(world.run("status", rc=0))
	world.keys.update({"password-command": None})
	del world.keys["password"]
	world.write_conf()
	world.settle()
	assert items(status(world)) == []


def test_who_was_not_in_sync_for_a_day_is_named(world, clock):
	"""And once a day only, although cron hears nothing of 75 else."""
	world.settle()
	world.keys["port"] = 1
	world.write_conf()
	for shift, said in ((HOUR, False), (2 * DAY, True),
	    (2 * DAY + HOUR, False), (3 * DAY + 60, True)):
		r = world.run("-q", "sync", rc=75, env=clock(shift))
		assert ("not in sync since" in r.err) == said, str(r)
		assert said or r.out + r.err == "", str(r)
	del world.keys["port"]
	world.write_conf()
	world.settle()
	assert items(status(world)) == []
