"""What is removed on disk waits in the attic, and goes from there in time."""

import os
import re
import shutil
import subprocess
import time

import pytest

from middleman import Middleman
from world import ROOT

DAY = 86400


def fill(world, *toks, folder="INBOX"):
	with world.imap() as imap:
		if folder != "INBOX" and folder not in imap.folders():
			imap.create(folder)
		for tok in toks:
			world.append(imap, folder, tok, ["\\Seen"])


def expunge(world, uid, folder="INBOX"):
	with world.imap() as imap:
		imap.expunge(folder, [uid])


def kept(world):
	"""{(day, folder, file): bytes}"""
	out, top = {}, world.maildir.root + "/.mailtern/attic/tmp"
	for at, _, names in os.walk(top):
		for name in names:
			with open(os.path.join(at, name), "rb") as f:
				day, folder = os.path.relpath(at,
				    top).split("/")
				out[day, folder, name] = f.read()
	return out


def days():
	"""Today, and the day that may have begun meanwhile."""
	return {time.strftime("%Y-%m-%d", time.gmtime(time.time() - back))
	    for back in (0, 60)}


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
	lib = str(tmp_path_factory.mktemp("clock") / "shiftclock.so")
	subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE",
	    "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o",
	    lib, ROOT + "/test/fault/shiftclock.c"], check=True)

	def env(seconds):
		asan = ":".join(x for x in (os.environ.get("ASAN_OPTIONS"),
		    "verify_asan_link_order=0") if x)
		return {"LD_PRELOAD": lib, "SHIFT_CLOCK": str(int(seconds)),
		    "ASAN_OPTIONS": asan}
	return env


def test_kept_under_folder_and_name(world):
	"""Of every folder, under the name that the file had."""
	fill(world, "m1", "m2")
	fill(world, "w1", folder="lists/a%b")
	world.sync()
	files = [world.maildir.find(t) for t in ("m1", "w1")]
	data = [f.data() for f in files]
	expunge(world, 1)
	expunge(world, 1, "lists/a%b")
	world.settle()
	found = kept(world)
	assert {k[1:]: v for k, v in found.items()} == {
	    ("INBOX", files[0].name): data[0],
	    ("lists%2Fa%25b", files[1].name): data[1]}
	assert {k[0] for k in found} <= days()
	at = world.maildir.root + "/.mailtern/attic"
	assert os.listdir(at) == ["tmp"]
	for sub in ("", "/tmp"):
		assert os.stat(at + sub).st_mode & 0o777 == 0o700


def test_folder_deleted_on_the_server(world):
	fill(world, "w1", "w2", folder="work")
	world.sync()
	with world.imap() as imap:
		imap.delete("work")
	world.settle({"INBOX": {}})
	assert sorted(k[1] for k in kept(world)) == ["work", "work"]


def test_name_that_is_there_already(world):
	"""Another file of that name was removed today: both are kept."""
	fill(world, "m1", "m2")
	world.sync()
	name = world.maildir.find("m1").name
	at = world.maildir.root + "/.mailtern/attic/tmp"
	for day in days():
		os.makedirs("%s/%s/INBOX" % (at, day))
		with open("%s/%s/INBOX/%s" % (at, day, name), "w") as f:
			f.write("another")
	expunge(world, 1)
	world.known_damage.add("attic-content")
	world.settle()
	found = kept(world)
	assert b"another" in found.values()
	mine = [k for k, v in found.items() if b"X-Tok: m1" in v]
	assert [(k[0][10:], k[2]) for k in mine] == [(".1", name)], found


def test_off(make_world):
	world = make_world(keys={"attic-days": "0"})
	fill(world, "m1", "m2")
	world.sync()
	expunge(world, 1)
	world.settle()
	assert not os.path.exists(world.maildir.root + "/.mailtern/attic")


def test_moved_is_not_kept_twice(world):
	"""Another client moved it: the file at its new place is enough. One of
	two equal messages is enough, too; the last one is kept."""
	fill(world, "m1", "m2")
	fill(world, "w1", folder="work")
	world.sync()
	with world.imap() as imap:
		imap.command("SELECT INBOX")
		imap.command("UID MOVE 1 work")
	world.settle()
	assert kept(world) == {}
	with world.imap() as imap:
		imap.expunge("work", imap.messages("work", False))
	world.settle()
	assert len(kept(world)) == 2


def test_the_other_one_is_gone_from_disk(world):
	"""What the index believes to be elsewhere is looked at."""
	fill(world, "m1", "m2")
	fill(world, "m1", "w1", folder="work")
	world.sync()
	other = world.maildir.find("m1", "work")
	expunge(world, 1)
	done = []

	def up(line):
		if b" SELECT " in line and not done:
			done.append(line)
			world.maildir.unlink(other)
		return line

	with Middleman(world.server.port, up=up) as man:
		world.port = man.port
		world.write_conf()
		world.sync()
	assert done
	assert [k[1] for k in kept(world)] == ["INBOX"]


def test_no_indexer_sees_it(world):
	"""notmuch, told as the README says, finds what is in the folders, and
	says nothing of the rest."""
	if not shutil.which("notmuch"):
		pytest.skip("notmuch is not installed")
	home = world.dir + "/notmuch"
	fill(world, "m1", "m2")
	world.sync()
	expunge(world, 1)
	world.sync()
	assert len(kept(world)) == 1
	os.mkdir(home)
	with open(home + "/config", "w") as f:
		f.write("[database]\npath=%s\n[user]\nname=a\n"
		    "primary_email=a@example.org\n[new]\ntags=\n"
		    "ignore=.mailtern\n"
		    % world.maildir.root)

	def notmuch(*args):
		p = subprocess.run(["notmuch", *args], env=dict(world.env(),
		    NOTMUCH_CONFIG=home + "/config", HOME=home),
		    stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
		    check=True)
		return p.stdout.decode()

	said = notmuch("new")
	assert "Ignoring" not in said and "attic" not in said, said
	files = notmuch("search", "--output=files", "*").split()
	assert files == [world.maildir.find("m2").path]
	shutil.rmtree(world.maildir.root + "/.notmuch")


def test_expires(world, clock):
	"""After thirty days, when the clock went on quietly for a day."""
	fill(world, "m1", "m2")
	world.sync()
	expunge(world, 1)
	world.sync()
	assert len(kept(world)) == 1
	world.sync(env=clock(29 * DAY))
	world.sync(env=clock(32 * DAY))		# a jump, as far as is known
	assert len(kept(world)) == 1
	world.sync(env=clock(32.5 * DAY))
	assert len(kept(world)) == 1
	world.sync(env=clock(33.2 * DAY))
	assert kept(world) == {}
	assert os.listdir(world.maildir.root + "/.mailtern/attic/tmp") == []
	world.assert_idle()


def test_clock_far_ahead_for_a_run(world, clock):
	fill(world, "m1", "m2")
	world.sync()
	expunge(world, 1)
	world.sync()
	for days_ahead in (4000, 0, 4100, 4100.5, 1):
		world.sync(env=clock(days_ahead * DAY))
		assert len(kept(world)) == 1


def test_expires_where_runs_are_rare(world, clock):
	fill(world, "m1", "m2")
	world.sync()
	expunge(world, 1)
	world.sync()
	for days_on in (10, 20, 30, 40):
		world.sync(env=clock(days_on * DAY))
		assert len(kept(world)) == 1
	world.sync(env=clock(50 * DAY))
	assert kept(world) == {}


def test_expiry_looks_at_the_files_own_time(world, clock):
	"""What somebody put there is not older than it is."""
	at = world.maildir.root + "/.mailtern/attic/tmp/2001-01-01/INBOX"
	fill(world, "m1")
	world.sync()
	os.makedirs(at)
	with open(at + "/old", "w") as f:
		f.write("x")
	for ahead in (0, 1.5, 2, 2.5, 3):
		world.sync(env=clock(ahead * DAY))
	assert len(kept(world)) == 1
	for ahead in (9, 15, 21, 27, 33):
		world.sync(env=clock(ahead * DAY))
	assert kept(world) == {}


def test_other_file_system(world):
	"""The folder is a link to another disk: copied, then removed."""
	disk = world.dir + "/disk"
	fill(world, "m1", "m2", folder="work")
	world.sync()
	os.mkdir(disk)
	mounted = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", disk],
	    stderr=subprocess.DEVNULL).returncode == 0
	try:
		if mounted:
			subprocess.run(["cp", "-a", world.maildir.dir("work")
			    + "/.", disk], check=True)
			subprocess.run(["mount", "--bind", disk,
			    world.maildir.dir("work")], check=True)
		f = world.maildir.find("m1", "work")
		data, mtime = f.data(), f.mtime
		expunge(world, 1, "work")
		world.sync()
		(key, found), = kept(world).items()
		assert key[1:] == ("work", f.name) and found == data
		assert int(os.stat("%s/.mailtern/attic/tmp/%s/%s/%s" % (
		    world.maildir.root, *key)).st_mtime) == mtime
		world.compare()
	finally:
		if mounted:
			subprocess.run(["umount", "-l",
			    world.maildir.dir("work")])
			subprocess.run(["umount", "-l", disk])


def test_what_can_not_be_kept_stays(world):
	"""A file where the attic should be: said, and tried again."""
	fill(world, "m1", "m2")
	world.sync()
	at = world.maildir.root + "/.mailtern/attic"
	with open(at, "w"):
		pass
	expunge(world, 1)
	r = world.run("--json", "sync", rc=1)
	assert re.search("can't keep a removed message.*attic", r.err), str(r)
	assert world.maildir.find("m1")
	os.unlink(at)
	world.settle()
	assert len(kept(world)) == 1


# -- and back --

def put_back(world):
	"""By hand: the one file, into the folder that it was in."""
	top = world.maildir.root + "/.mailtern/attic/tmp"
	(day, folder, name), = kept(world)
	os.rename("%s/%s/%s/%s" % (top, day, folder, name),
	    world.maildir.dir(folder) + "/cur/" + name)


def test_put_back(world):
	"""It is noticed once, and is a message like any other from then on."""
	fill(world, "m1", "m2", "m3")
	world.sync()
	expunge(world, 1)
	world.sync()
	put_back(world)
	model = {"INBOX": {t: frozenset(["\\Seen"]) for t in
	    ("m1", "m2", "m3")}}
	said = "INBOX: files that had been removed are back"
	assert said in world.run("--json", "sync", "-n").err
	world.run("status")
	r = world.sync()
	assert said in r.err and "nothing is deleted" in r.err, str(r)
	world.compare(model)
	r = world.assert_idle()
	assert "back" not in r.err
	world.maildir.flag(world.maildir.find("m1"), "F")
	r = world.sync()
	assert "back" not in r.err
	assert r.summary()["pushed"]["flags"] == 1
	world.maildir.unlink(world.maildir.find("m1"))
	r = world.sync()
	assert "back" not in r.err
	assert r.summary()["pushed"]["deleted"] == 1
	del model["INBOX"]["m1"]
	world.compare(model)


def test_put_back_and_deleted_beside(world):
	"""What the folder lacks as well may be what a backup lacked."""
	fill(world, "m1", "m2", "m3")
	world.sync()
	expunge(world, 1)
	world.sync()
	put_back(world)
	world.maildir.unlink(world.maildir.find("m2"))
	world.sync()
	world.compare({"INBOX": {t: frozenset(["\\Seen"]) for t in
	    ("m1", "m2", "m3")}})
	world.assert_idle()


def test_put_back_while_it_runs(world):
	"""Seen by the second look: it is said then, and the deletion beside it
	is undone all the same."""
	fill(world, "m1", "m2", "m3")
	world.sync()
	expunge(world, 1)
	world.sync()
	world.maildir.unlink(world.maildir.find("m2"))
	with world.imap() as imap:	# so that the folder is selected
		imap.store("INBOX", [3], "+", ["\\Seen", "\\Flagged"])
	done = []

	def up(line):
		if b" SELECT " in line and not done:
			done.append(line)
			put_back(world)
		return line

	with Middleman(world.server.port, up=up) as man:
		world.port = man.port
		world.write_conf()
		r = world.run("--json", "sync", rc=75)
	assert done
	assert "INBOX: files that had been removed are back" in r.err, str(r)
	world.port = None
	world.write_conf()
	world.settle({"INBOX": {"m1": frozenset(["\\Seen"]),
	    "m2": frozenset(["\\Seen"]),
	    "m3": frozenset(["\\Seen", "\\Flagged"])}})


def test_folder_made_again(world):
	"""A folder of that name, later: its files are no backup's."""
	fill(world, "w1", "w2", folder="work")
	world.sync()
	name = world.maildir.find("w1").name
	data = world.maildir.find("w1").data()
	with world.imap() as imap:
		imap.delete("work")
	world.sync()
	world.maildir.create("work")
	with open(world.maildir.dir("work") + "/cur/" + name, "wb") as f:
		f.write(data)
	r = world.sync()
	assert "back" not in r.err, str(r)
	world.compare({"INBOX": {}, "work": {"w1": frozenset(["\\Seen"])}})
	world.assert_idle()
