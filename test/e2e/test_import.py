"""What the real mbsync, or the real OfflineIMAP, last agreed on becomes the base:
changes since its last run, on either side, go where its own next run would have
carried them.
"""

import os
import re
import shutil
import stat
import subprocess
import sys

import pytest

import judge
from rivals import (FOLDERS, LARGE, MBSYNC, N, Offline, RIVALS, SMALL, Theirs,
    change, deliver, needs, snapshot, tool)
from test_readme import keys, manual_events


def taken(r, **numbers):
	found, = r.of("imported")
	assert keys(found) == manual_events()["imported"]
	assert {k: found[k] for k in numbers} == numbers, r


@needs["mbsync"]
@needs["offlineimap"]
@pytest.mark.parametrize("rival", sorted(RIVALS))
def test_as_its_next_run(make_world, rival):
	kind, conf = RIVALS[rival]
	oracle, ours = kind(make_world(), conf), kind(make_world(), conf)
	for theirs in (oracle, ours):
		change(theirs)
	oracle.sync()
	oracle.sync()
	before = snapshot(ours.world)
	r = ours.run()
	taken(r, agreed=3 * (N - 2), deleted=3 * 2, merged=0, files=3)
	assert snapshot(ours.world) == before
	assert ours.world.run("status", rc=0).err == ""
	dry = ours.world.sync("-n").summary()
	assert snapshot(ours.world) == before
	r = ours.world.sync()
	s = r.summary()
	assert dry["pulled"] == s["pulled"] and dry["pushed"] == s["pushed"]
	# One file and one message each are new; nothing else is transferred.
	assert s["pulled"]["new"] == s["pushed"]["new"] == 3, r
	assert s["pulled"]["deleted"] == 3 * 3, r
	assert s["pushed"]["deleted"] == 3 * 2, r
	assert s["bytes_in"] < LARGE and s["bytes_out"] < LARGE, r
	assert ours.held() == oracle.held(), r
	remote, local = ours.held()
	assert remote == local, r
	ours.world.assert_idle()


@needs["mbsync"]
def test_again_before_the_first_sync(world):
	"""mbsync may run once more, and import takes over what it left then."""
	theirs = Theirs(world)
	taken(theirs.run(), agreed=3 * N)
	change(theirs)
	theirs.sync()
	theirs.sync()
	deliver(theirs, "INBOX", "later")
	taken(theirs.run(), agreed=3 * (N - 3), merged=0, files=1)
	s = world.sync().summary()
	assert (s["pulled"]["new"], s["pushed"]["new"]) == (0, 1)
	assert s["pulled"]["deleted"] == s["pushed"]["deleted"] == 0
	world.assert_idle()
	r = theirs.run(rc=1)
	assert "was synced before" in r.err, r
	world.assert_idle()


@needs["mbsync"]
def test_older_than_mbsync_left_it(world):
	"""It ran again after the import: what it did is no news twice."""
	theirs = Theirs(world)
	theirs.run()
	change(theirs)
	theirs.sync()
	theirs.sync()
	before = theirs.held()
	s = world.sync().summary()
	assert s["pulled"]["new"] == s["pushed"]["new"] == 0
	assert s["pulled"]["deleted"] == s["pushed"]["deleted"] == 0
	assert theirs.held() == before
	world.assert_idle()


@needs["mbsync"]
def test_the_syncrc_that_is_made(world):
	theirs = Theirs(world)
	r = world.run("import", "-n", "mbsync", theirs.rc, rc=0)
	assert not os.path.exists(theirs.made)
	assert "account a {" in r.out and world.server.password not in r.out
	theirs.run()
	st = os.stat(theirs.made)
	assert stat.S_IMODE(st.st_mode) == 0o600
	assert os.listdir(os.path.dirname(theirs.made)) == ["syncrc"]
	text = open(theirs.made).read()
	assert "\thost = '127.0.0.1'\n" in text
	assert "# Not carried over: channel all has no Remove Both" in \
	    re.sub(r"\n\t# (?!Not)", " ", text)


@needs["mbsync"]
def test_a_syncrc_that_is_there_is_left(world):
	theirs = Theirs(world)
	os.makedirs(os.path.dirname(theirs.made))
	shutil.copy(world.conf, theirs.made)
	mine = open(theirs.made).read()
	r = theirs.run(rc=1)
	assert "is not changed" in r.err, r
	event, = r.of("syncrc")
	assert keys(event) == manual_events()["syncrc"]
	assert world.server.password not in r.out + r.err
	assert open(theirs.made).read() == mine
	assert r.of("imported") == []
	with open(theirs.made, "w") as f:
		f.write(event["text"].replace("\thost", "\tpassword = '%s'\n"
		    "\thost" % world.server.password))
	taken(theirs.run(), agreed=3 * N)
	world.assert_idle()


# -- what is refused --

LOCK = """
import fcntl, sys
f = open(sys.argv[1], "r+")
fcntl.lockf(f, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""


@needs["mbsync"]
@pytest.mark.parametrize("file", [".mbsyncstate.lock", ".uidvalidity"])
def test_while_mbsync_is_at_work(world, file):
	theirs = Theirs(world)
	path = theirs.path("INBOX") + "/" + file
	open(path, "a").close()
	with subprocess.Popen([sys.executable, "-c", LOCK, path],
	    stdin=subprocess.PIPE, stdout=subprocess.PIPE) as p:
		assert p.stdout.readline() == b"locked\n"
		r = theirs.run(rc=75)
		p.stdin.close()
	assert not os.path.exists(theirs.made)
	assert "mbsync is at work on folder INBOX" in r.out, r
	taken(theirs.run(), agreed=3 * N)


@needs["mbsync"]
@pytest.mark.parametrize("file", [".journal", ".new"])
def test_after_mbsync_was_cut_off(world, file):
	theirs = Theirs(world)
	open(theirs.path("lists/foo") + "/.mbsyncstate" + file, "w").close()
	r = theirs.run(rc=1)
	assert "run mbsync once more" in r.err, r
	assert not os.path.exists(theirs.made)


def blocked(theirs, *words):
	"""Nothing is taken over, and the first sync asks."""
	w = theirs.world
	before, there = snapshot(w), w.remote_stamp()
	r = theirs.run(rc=1)
	for word in words:
		assert word in r.err, r
	assert r.of("imported") == []
	r = w.sync(rc=1)
	assert "sync --adopt" in r.err, r
	assert snapshot(w) == before and w.remote_stamp() == there


@needs["mbsync"]
def test_one_way(world):
	theirs = Theirs(world)
	theirs.write(MBSYNC.replace("SyncState", "Sync Pull\nSyncState"))
	deliver(theirs, "INBOX", "mine")
	blocked(theirs, "Sync Pull", "both directions")


@needs["mbsync"]
def test_other_names(world):
	theirs = Theirs(world)
	theirs.write(MBSYNC.replace("Patterns *", "").replace("near:",
	    "near:odd").replace("far:", "far:lists/foo"))
	os.rename(theirs.path("lists/foo"), world.maildir.root + "/odd")
	blocked(theirs, "folder lists/foo lies in the directory odd")
	# As it was told; what the sync that asked had paired is forgotten.
	os.rename(world.maildir.root + "/odd", theirs.path("lists/foo"))
	taken(theirs.run(), agreed=N, deleted=0, merged=0, files=0)
	os.unlink(theirs.find("m2.3", "lists/foo"))
	s = world.sync().summary()
	assert s["pushed"]["deleted"] == 1 and s["pulled"]["new"] == 0, s
	assert "m2.3" not in [m[0] for m in theirs.held()[0]["lists/foo"]]
	world.assert_idle()


@needs["mbsync"]
@pytest.mark.parametrize("advice", [False, True])
def test_only_marked_as_deleted(world, advice):
	"""Without Expunge mbsync keeps in mind that a message is gone from one
	side. That can't be taken over: it says so, and how to be rid of them."""
	theirs = Theirs(world, MBSYNC.replace("Expunge Both\n", ""))
	with world.imap() as imap:
		uid = {judge.token(m.data): m.uid for m in
		    imap.messages("INBOX").values()}
		imap.expunge("INBOX", [uid["m0.0"]])
	os.unlink(theirs.find("m0.2", "INBOX"))
	theirs.sync()
	theirs.sync()		# it has settled so
	if advice:
		tool(world, "mbsync", "-q", "--expunge", "-c", theirs.rc, "all")
	r = theirs.run()
	assert ("marked as deleted on the other (2)" in r.err) != advice, r
	taken(r, agreed=3 * N - 2, deleted=0, merged=0, files=not advice)
	world.sync()
	for side in theirs.held():
		marked = [m for m in side["INBOX"] if m[0] in ("m0.0", "m0.2")]
		assert marked == ([] if advice else [("m0.0", "T"),
		    ("m0.2", "T")]), side
	world.assert_idle()


@needs["mbsync"]
def test_placeholders(world):
	theirs = Theirs(world, MBSYNC.replace("MaildirStore near",
	    "MaildirStore near\nMaxSize 50k"))
	blocked(theirs, "placeholders", "MaxSize")


# -- what is in doubt --

def test_a_moved_file_under_a_number_that_is_free(world):
	"""Deleted from a folder, on both sides, and another file moved to there
	that has its number: mbsync would take one for the other."""
	theirs = Theirs(world)
	path = theirs.find("m0.5", "INBOX")
	theirs.letters("m0.5", "INBOX", "FS")
	path = theirs.find("m0.5", "INBOX")
	os.unlink(theirs.find("m2.5", "lists/foo"))
	os.rename(path, path.replace("INBOX", "lists/foo"))
	with world.imap() as imap:
		uid = {judge.token(m.data): m.uid for m in
		    imap.messages("lists/foo").values()}
		imap.expunge("lists/foo", [uid["m2.5"]])
	# Of another file with that number it is clear that it lay there.
	later = os.stat(path.replace("INBOX", "lists/foo")).st_ctime + 10
	os.utime(theirs.path(FOLDERS[0]) + "/.mbsyncstate", (later, later))
	taken(theirs.run(), merged=1)
	world.sync()
	remote, local = theirs.held()
	assert remote == local
	assert ("m0.5", "FS") in remote["lists/foo"]
	assert "m2.5" not in [m[0] for m in remote["lists/foo"]]
	assert "m0.5" not in [m[0] for m in remote["INBOX"]]
	world.assert_idle()


@needs["mbsync"]
def test_another_message_under_a_number(world):
	"""A pair that is taken over is not believed before a body has proven
	it: both are messages of their own."""
	theirs = Theirs(world)
	path = theirs.find("m0.5", "INBOX")
	new = deliver(theirs, "INBOX", "other")
	os.rename(new.path, path)
	taken(theirs.run(), agreed=3 * N, merged=0)
	world.sync(rc=75)	# it is found out when all was pushed
	world.sync()
	remote, local = theirs.held()
	assert remote == local
	assert {"m0.5", "other"} <= {m[0] for m in remote["INBOX"]}
	world.assert_idle()


@needs["mbsync"]
def test_a_folder_that_the_server_lost(world):
	"""As always: its files go to the attic. What mbsync has there stays."""
	theirs = Theirs(world)
	with world.imap() as imap:
		imap.delete("lists/foo")
	taken(theirs.run(), agreed=3 * N)
	world.sync()
	assert sorted(os.listdir(theirs.path("lists/foo"))) == [
	    ".mbsyncstate", ".uidvalidity"]
	kept = [name for _, _, names in os.walk(world.maildir.root +
	    "/.mailtern/attic") for name in names]
	assert len([name for name in kept if ",U=" in name]) == N
	world.assert_idle()


@needs["mbsync"]
def test_a_folder_that_the_disk_lost(world):
	"""mbsync's state went with it: it is pulled again."""
	theirs = Theirs(world)
	shutil.rmtree(theirs.path("lists/foo"))
	taken(theirs.run(), agreed=2 * N)
	world.sync()
	remote, local = theirs.held()
	assert remote == local and len(local["lists/foo"]) == N
	world.assert_idle()


@needs["mbsync"]
def test_put_aside(world):
	"""What an editor left beside a message says that it is not gone."""
	theirs = Theirs(world)
	path = theirs.find("m0.5", "INBOX")
	os.rename(path, path + "~")
	taken(theirs.run(), deleted=0, merged=1)
	world.sync()
	assert "m0.5" in [m[0] for m in theirs.held()[0]["INBOX"]]


@needs["mbsync"]
def test_two_files_of_one_number(world):
	theirs = Theirs(world)
	path = theirs.find("m0.5", "INBOX")
	shutil.copy(path, os.path.join(os.path.dirname(path), "1.2_3.x,%s" %
	    os.path.basename(path).partition(",")[2]))
	taken(theirs.run(), merged=1, files=2)
	world.sync()
	remote, local = theirs.held()
	assert remote == local
	assert [m[0] for m in remote["INBOX"]].count("m0.5") == 2
	world.assert_idle()


@needs["mbsync"]
def test_numbered_anew(world):
	"""UIDVALIDITY is another one, on the disk or on the server: what is gone
	on one side may never have been there."""
	theirs = Theirs(world)
	os.unlink(theirs.find("m0.5", "INBOX"))
	os.unlink(theirs.find("m2.5", "lists/foo"))
	os.unlink(theirs.find("m1.5", FOLDERS[0]))
	with open(theirs.path("lists/foo") + "/.uidvalidity", "r+") as f:
		f.write("2")
	with world.imap() as imap:
		imap.rename(FOLDERS[0], "else")
		imap.create(FOLDERS[0])
		for m in imap.messages("else").values():
			imap.append(FOLDERS[0], m.data, m.flags)
		imap.delete("else")
	taken(theirs.run(), agreed=2 * (N - 1), deleted=2)
	# Of lists/foo nothing is known: it asks.
	world.sync(rc=1)
	assert len(theirs.held()[0]["lists/foo"]) == N
	world.sync("--adopt")
	remote, local = theirs.held()
	assert remote == local
	assert [len(remote[f]) for f in ["INBOX"] + FOLDERS] == [N - 1, N, N]
	world.assert_idle()


# -- another state of things than it speaks of --

def restored(theirs, path):
	"""A copy of today under path, and 20 messages more there and here."""
	w = theirs.world
	subprocess.check_call(["cp", "-a", path, path + ".old"])
	with w.imap() as imap:
		for i in range(20):
			w.append(imap, "INBOX", "new%d" % i, size=SMALL)
	theirs.sync()


def age(top, seconds):
	"""As if all in it had been done so long ago."""
	for at, _, names in os.walk(top, topdown=False):
		for path in [os.path.join(at, n) for n in names] + [at]:
			st = os.stat(path)
			os.utime(path, (st.st_mtime - seconds,) * 2)


@needs["mbsync"]
@needs["offlineimap"]
@pytest.mark.parametrize("rival", ["global", "offlineimap"])
def test_the_maildir_of_a_backup(world, rival):
	"""What came after it was never deleted. mbsync counts the numbers; where
	nobody does, times tell."""
	kind, conf = RIVALS[rival]
	theirs = kind(world, conf)
	root = world.maildir.root
	restored(theirs, root)
	shutil.rmtree(root)
	os.rename(root + ".old", root)
	if rival == "offlineimap":
		age(root, 10)
	r = theirs.run()
	if rival == "offlineimap":
		taken(r, agreed=3 * N, deleted=0, merged=20, files=0)
	else:
		taken(r, agreed=2 * N, deleted=0, merged=0, files=N)
		world.sync(rc=1)	# it asks
	s = world.sync("--adopt").summary()
	assert s["pulled"]["new"] == 20 and s["pushed"]["new"] == 0, s
	remote, local = theirs.held()
	assert remote == local and len(remote["INBOX"]) == N + 20
	world.assert_idle()


@needs["mbsync"]
def test_the_server_of_a_backup(world):
	"""It gives UIDs to other messages than the base speaks of."""
	theirs = Theirs(world)
	there = world.server.mail(world.user)
	restored(theirs, there)
	for i in range(3):
		os.unlink(theirs.find("new%d" % i, "INBOX"))
	world.server.kill_children()
	shutil.rmtree(there)
	os.rename(there + ".old", there)
	with world.imap() as imap:
		for i in range(5):
			world.append(imap, "INBOX", "other%d" % i, size=SMALL)
	taken(theirs.run(), agreed=3 * N + 17, deleted=3, files=0)
	s = world.sync().summary()
	assert s["pushed"]["deleted"] == s["pulled"]["deleted"] == 0, s
	remote, local = theirs.held()
	assert remote == local and len(remote["INBOX"]) == N + 17 + 5
	world.assert_idle()


@needs["mbsync"]
@pytest.mark.parametrize("how", ["lost", "cut", "no numbers"])
def test_of_a_folder_nothing_is_known(world, how):
	"""What is on disk alone may have been deleted on the server."""
	theirs = Theirs(world)
	with world.imap() as imap:
		imap.expunge(FOLDERS[0], sorted(m.uid for m in
		    imap.messages(FOLDERS[0]).values())[:5])
	at = theirs.path(FOLDERS[0])
	if how == "cut":
		os.truncate(at + "/.mbsyncstate",
		    os.path.getsize(at + "/.mbsyncstate") - 2)
	else:
		os.unlink(at + ("/.mbsyncstate" if how == "lost" else
		    "/.uidvalidity"))
	taken(theirs.run(), agreed=2 * N, files=N)
	before = world.remote_stamp()
	r = world.sync(rc=1)
	assert "sync --adopt" in r.err and world.remote_stamp() == before, r
	world.sync("--adopt")
	remote, local = theirs.held()
	assert remote == local
	# It is one folder still.
	assert sorted(remote) == sorted(["INBOX"] + FOLDERS)
	assert len(remote[FOLDERS[0]]) == N
	world.assert_idle()


@needs["mbsync"]
def test_two_directories_of_one_folder(world):
	"""As a change from mbsync 1.4 to 1.5 leaves them."""
	theirs = Theirs(world)
	shutil.copytree(theirs.path(FOLDERS[0]), os.path.join(
	    world.maildir.root, FOLDERS[0]))
	taken(theirs.run(), agreed=2 * N, files=2 * N)
	before = world.remote_stamp()
	r = world.sync(rc=1)
	assert "sync --adopt" in r.err and world.remote_stamp() == before, r


@needs["mbsync"]
def test_another_server(world):
	"""The base is held against no server but the one that it is of."""
	theirs = Theirs(world)
	theirs.run()
	with open(theirs.made, "r+") as f:
		text = f.read().replace("user = '%s'" % world.user,
		    "user = 'other'")
		f.seek(0)
		f.write(text)
	before = snapshot(world)
	r = world.sync(rc=78)
	assert "host or user of account a changed" in r.err, r
	assert snapshot(world) == before


@needs["mbsync"]
def test_emptied_since(world):
	"""The guard holds what looks like a disaster."""
	theirs = Theirs(world)
	for folder in ["INBOX"] + FOLDERS:
		for path in theirs.files(folder):
			os.unlink(path)
	taken(theirs.run(), agreed=0, deleted=3 * N)
	there = world.remote_stamp()
	r = world.sync(rc=1)
	assert "held" in r.err, r
	assert world.remote_stamp() == there


# -- OfflineIMAP --

@needs["offlineimap"]
def test_dots_between_levels(world):
	"""Whether a dot divides levels is known with the server's list: those
	folders are compared then, and the others have their base."""
	theirs = Offline(world, ".")
	change_some(theirs)
	r = theirs.run()
	taken(r, agreed=2 * N - 2, deleted=2)
	assert "dot" in r.err, r
	before, there = snapshot(world), world.remote_stamp()
	r = world.sync(rc=1)
	assert "sync --adopt" in r.err, r
	assert snapshot(world) == before and world.remote_stamp() == there
	s = world.sync("--adopt").summary()
	assert s["pulled"]["new"] == 1 and s["pushed"]["new"] == 0, s
	assert s["pushed"]["deleted"] == 2, s
	world.assert_idle()


def change_some(theirs):
	"""Deleted on disk, one in each folder; lists/foo, which is compared,
	gets it back."""
	for f, name in enumerate(["INBOX"] + FOLDERS):
		os.unlink(theirs.find("m%d.2" % f, name))


@needs["offlineimap"]
@pytest.mark.parametrize("call", ["lockf", "flock"])
def test_while_offlineimap_is_at_work(world, call):
	theirs = Offline(world, "/")
	path = world.dir + "/state-offlineimap/a.lock"
	open(path, "a").close()
	with subprocess.Popen([sys.executable, "-c", LOCK.replace("lockf",
	    call), path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as p:
		assert p.stdout.readline() == b"locked\n"
		r = theirs.run(rc=75)
		p.stdin.close()
	assert "OfflineIMAP is at work on account a" in r.out, r
	taken(theirs.run(), agreed=3 * N)


@needs["offlineimap"]
def test_after_offlineimap_was_cut_off(world):
	theirs = Offline(world, "/")
	open(world.dir + "/state-offlineimap/Account-a/LocalStatus-sqlite/INBOX"
	    "-journal", "w").close()
	r = theirs.run(rc=1)
	assert "run it once more" in r.err, r
	assert not os.path.exists(theirs.made)


@needs["offlineimap"]
def test_a_file_of_another_folder(world):
	"""Its number counts in the folder that its name is marked with alone."""
	theirs = Offline(world, "/")
	path = theirs.find("m0.5", "INBOX")
	os.unlink(theirs.find("m2.5", "lists/foo"))
	os.rename(path, path.replace("INBOX", "lists/foo"))
	taken(theirs.run(), agreed=3 * N - 2, deleted=2, files=1)
	world.sync()
	remote, local = theirs.held()
	assert remote == local
	assert "m2.5" not in [m[0] for m in remote["lists/foo"]]
	assert "m0.5" in [m[0] for m in remote["lists/foo"]]
	world.assert_idle()


@needs["offlineimap"]
def test_python_is_not_run(world):
	theirs = Offline(world, "/")
	with open(theirs.rc) as f:
		text = f.read()
	with open(theirs.rc, "w") as f:
		f.write(text + "nametrans = lambda name:\n    re.sub('a', 'b')\n")
	blocked(theirs, "nametrans", "no Python")
