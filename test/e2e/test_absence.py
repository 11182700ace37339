"""What is not seen once is not gone: a second look, and one right before."""

import contextlib
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import time

import pytest

from dovecot import Dovecot
from middleman import Middleman
from world import message, transfers

FOLDER = {"m%d" % i: frozenset() for i in range(3)}


def fill(world, n, folder="INBOX", flags=()):
	with world.imap() as imap:
		if folder != "INBOX":
			imap.create(folder)
		for i in range(n):
			world.append(imap, folder, "m%d" % i, flags)


def through(world, port):
	world.port = port
	world.write_conf()


def uids(world, folder="INBOX"):
	with world.imap() as imap:
		return sorted(imap.messages(folder, False))


def test_second_scan(world):
	"""A file that the first scan missed and the second finds."""
	fill(world, 3)
	world.sync()
	f = world.maildir.find("m1")
	aside = world.dir + "/aside"
	os.rename(f.path, aside)
	with world.imap() as imap:	# so that the folder is selected
		imap.store("INBOX", [3], "+", ["\\Flagged"])
	back = []

	def up(line):
		if b" SELECT " in line and not back:
			back.append(line)
			os.rename(aside, f.path)
		return line

	with Middleman(world.server.port, up=up) as man:
		through(world, man.port)
		r = world.sync()
	assert back
	assert r.summary()["pushed"]["deleted"] == 0, str(r)
	assert uids(world) == [1, 2, 3]
	through(world, None)
	world.sync()
	assert uids(world) == [1, 2, 3]
	world.compare()
	world.assert_idle()


def test_second_list(world):
	"""A folder that one LIST leaves out and the next one shows."""
	fill(world, 3, "work")
	world.sync()
	dropped = []

	def down(line):
		if re.match(rb'\* LIST .* "?work"?\r', line) and not dropped:
			dropped.append(line)
			return b""
		return line

	with Middleman(world.server.port, down=down) as man:
		through(world, man.port)
		r = world.run("--json", "sync")
	assert dropped
	assert r.rc == 0 and transfers(r.summary()) == 0, str(r)
	through(world, None)
	world.settle({"INBOX": {}, "work": FOLDER})


def test_reused_before_expunge(world):
	"""Older than the 16 that are looked at first, and no longer what it
	was: it is kept, and the user is told."""
	fill(world, 20)
	world.sync()
	world.maildir.unlink(world.maildir.find("m0"))

	def down(line):
		line = re.sub(rb"\bm0\b", b"q9", line)	# in its header
		if not re.search(rb"[( ]UID 1[ )]", line):
			return line
		return re.sub(rb"RFC822\.SIZE \d+", b"RFC822.SIZE 77", line)

	with Middleman(world.server.port, down=down) as man:
		through(world, man.port)
		r = world.run("--json", "sync")
	assert r.rc == 1 and "another message under UID 1 " in r.err, str(r)
	assert r.summary()["pushed"]["deleted"] == 0, str(r)
	assert len(uids(world)) == 20


def test_another_size_before_expunge(world):
	"""The same as to its header: sizes are hints, and it goes."""
	fill(world, 20)
	world.sync()
	world.maildir.unlink(world.maildir.find("m0"))
	with Middleman(world.server.port, down=lambda line: re.sub(
	    rb"RFC822\.SIZE \d+", b"RFC822.SIZE 77", line)) as man:
		through(world, man.port)
		world.sync()
	assert uids(world) == list(range(2, 21))
	db = sqlite3.connect("file:%s/mailtern/w.db?mode=ro&immutable=1"
	    % world.state, uri=True)
	(why,), = db.execute("SELECT evidence FROM log"
	    " WHERE what = 'removed-remote'")
	db.close()
	# Of the 16 newest, all have another size: such sizes tell nothing.
	assert re.search("; the server had date [0-9]+ as recorded$", why), why


@pytest.fixture(scope="module")
def without_uidplus():
	with Dovecot(capability="IMAP4rev1 LITERAL+ ENABLE NAMESPACE") as s:
		yield s


def test_marks_of_others_without_uidplus(make_world, without_uidplus):
	"""A plain EXPUNGE would take what somebody else has marked: ours waits
	until it would take ours alone."""
	world = make_world(server=without_uidplus)
	fill(world, 3)
	with world.imap() as imap:
		imap.store("INBOX", [3], "+", ["\\Deleted"])
	world.sync()
	world.maildir.unlink(world.maildir.find("m0"))
	world.run("--json", "sync")
	assert uids(world) == [1, 2, 3]
	with world.imap() as imap:
		imap.store("INBOX", [3], "-", ["\\Deleted"])
	world.sync()
	assert uids(world) == [2, 3]
	world.compare({"INBOX": {"m1": frozenset(), "m2": frozenset()}})


def test_replaced_before_it_is_unlinked(world):
	"""Gone from the server, and its file replaced behind the scan: under
	that name lies something else now, and it stays."""
	fill(world, 3)
	world.sync()
	f = world.maildir.find("m0")
	with world.imap() as imap:
		imap.expunge("INBOX", [1])
	done = []

	def up(line):
		if b" SELECT " in line and not done:
			done.append(line)
			aside = world.dir + "/aside"
			with open(aside, "wb") as out:
				out.write(world.note(message("fresh")))
			os.replace(aside, f.path)
		return line

	with Middleman(world.server.port, up=up) as man:
		through(world, man.port)
		world.run("--json", "sync")
	assert done
	assert world.maildir.find("fresh").name == f.name
	through(world, None)
	world.sync()
	world.sync()
	world.compare({"INBOX": {t: frozenset()
	    for t in ("m1", "m2", "fresh")}})


def test_answer_of_an_altered_upload_is_lost(world):
	"""The server takes it, alters it, and the line is cut before it says
	so: the intent tells the next run whose it is."""
	world.sync()
	world.deliver("INBOX", "zz", "S")
	men = []

	def up(line):
		return line.replace(b"about zz", b"ABOUT ZZ")

	def down(line):
		if b"APPENDUID" not in line:
			return line
		for s in men[0].open:
			with contextlib.suppress(OSError):
				s.shutdown(socket.SHUT_RDWR)
		return b""

	with Middleman(world.server.port, up=up, down=down) as man:
		men.append(man)
		through(world, man.port)
		r = world.run("--json", "sync")
	assert r.rc == 75, str(r)
	through(world, None)
	for _ in range(2):
		world.run("--json", "sync")
		assert len(uids(world)) == 1
		assert len(world.maildir.files("INBOX")) == 1


@pytest.mark.parametrize("taken", [True, False])
def test_lost_answer_beside_unpulled(world, taken):
	"""A message does not come. It may be what became of the upload whose
	answer was lost; an older one can't be, and stops nothing."""
	world.sync()
	if not taken:
		fill(world, 1)
	world.deliver("INBOX", "zz", "S", size=5000)
	men, done = [], []

	def cut():
		for s in men[0].open:
			with contextlib.suppress(OSError):
				s.shutdown(socket.SHUT_RDWR)
		return b""

	def up(line):
		if b" APPEND " in line and not taken and not done:
			done.append(line)
			return cut()
		if re.search(rb"UID FETCH 1 .*BODY\.PEEK\[\]", line):
			line = line.replace(b"FETCH 1", b"FETCH x")
		return line.replace(b"about zz", b"ABOUT ZZ")

	def down(line):
		return cut() if taken and b"APPENDUID" in line else line

	with Middleman(world.server.port, up=up, down=down) as man:
		men.append(man)
		through(world, man.port)
		assert world.run("sync").rc in (1, 75)
		for _ in range(3):
			world.run("sync")
			assert len(uids(world)) == (1 if taken else 2)
	through(world, None)
	world.sync("--full")
	assert len(uids(world)) == (1 if taken else 2)
	assert len(world.maildir.files("INBOX")) == (1 if taken else 2)


def test_restored_maildir_with_new_dates(world):
	"""Nothing but the marker tells that it is of yesterday."""
	fill(world, 3)
	world.sync()
	root, old = world.maildir.root, world.dir + "/old"
	shutil.copytree(root, old)
	with world.imap() as imap:
		world.append(imap, "INBOX", "later")
	world.sync()
	shutil.rmtree(root)
	os.rename(old, root)
	for box in ("new", "cur"):
		os.utime(os.path.join(world.maildir.dir("INBOX"), box))
	r = world.sync()
	assert "nothing is deleted" in r.out + r.err, str(r)
	world.compare({"INBOX": dict(FOLDER, later=frozenset())})
	world.assert_idle()


@pytest.mark.parametrize("what", ["arrives", "flagged", "expunged"])
def test_folder_restored_as_the_last_run_found_it(world, what):
	"""Its dates are those of the last scan: only what that run itself did
	to the folder tells that this is an older one."""
	fill(world, 3)
	world.sync()
	inbox, old = world.maildir.dir("INBOX"), world.dir + "/old"
	for box in ("new", "cur"):
		then = time.time() - 100
		os.utime(os.path.join(inbox, box), (then, then))
	world.sync("--full")
	subprocess.run(["cp", "-a", inbox, old], check=True)
	model = dict(FOLDER)
	with world.imap() as imap:
		if what == "arrives":
			world.append(imap, "INBOX", "later")
			model["later"] = frozenset()
		elif what == "flagged":
			imap.store("INBOX", 1, "+", ["\\Answered"])
			model["m0"] |= {"\\Answered"}
		else:
			imap.expunge("INBOX", 1)
	world.sync()
	shutil.rmtree(inbox)
	os.rename(old, inbox)
	r = world.sync()
	assert "INBOX: the directory is older" in r.out + r.err, str(r)
	world.compare({"INBOX": model})
	world.assert_idle()


def test_changes_without_qresync(make_world):
	"""CONDSTORE alone: the changes have to be asked for before the cursor
	passes them."""
	with Dovecot(capability="IMAP4rev1 LITERAL+ ENABLE NAMESPACE UIDPLUS "
	    "CONDSTORE LIST-EXTENDED LIST-STATUS") as server:
		world = make_world(server=server)
		fill(world, 3)
		world.sync()
		with world.imap() as imap:
			imap.store("INBOX", [2], "+", ["\\Flagged"])
		r = world.sync()
		assert r.summary()["pulled"]["flags"] == 1, str(r)
		world.compare({"INBOX": dict(FOLDER,
		    m1=frozenset(["\\Flagged"]))})
		world.assert_idle()


# -- two names of one file --

def second_name(world, tok, to):
	"""As who renames by a link leaves it, interrupted."""
	f = world.maildir.find(tok)
	os.link(f.path, os.path.join(world.maildir.dir("INBOX"), to % f.unique))
	world.sync()


@pytest.mark.parametrize("to", ["new/%s", "cur/%s:2,RS"])
@pytest.mark.parametrize("days", ["0", "30"])
def test_second_name_goes_too(make_world, to, days):
	"""It is no message that is left, nor a file that is back."""
	world = make_world(keys={"attic-days": days})
	fill(world, 4, flags=["\\Seen"])
	world.sync()
	second_name(world, "m1", to)
	with world.imap() as imap:
		imap.expunge("INBOX", [2])
	world.sync()
	world.maildir.unlink(world.maildir.find("m2"))
	r = world.sync()
	assert "nothing is deleted" not in r.err, str(r)
	seen = frozenset(["\\Seen"])
	world.compare({"INBOX": {"m0": seen, "m3": seen}})
	world.assert_idle()


def test_second_name_where_nothing_changed(world):
	"""It is not forgotten because the directories are as they were."""
	fill(world, 3, flags=["\\Seen"])
	world.sync()
	f = world.maildir.find("m1")
	os.link(f.path, world.maildir.dir("INBOX") + "/new/" + f.unique)
	for box in ("new", "cur"):
		then = time.time() - 100
		os.utime(os.path.join(world.maildir.dir("INBOX"), box),
		    (then, then))
	world.sync("--full")
	world.sync()
	with world.imap() as imap:
		imap.expunge("INBOX", [2])
	world.sync()
	seen = frozenset(["\\Seen"])
	world.compare({"INBOX": {"m0": seen, "m2": seen}})
	world.assert_idle()


def test_second_name_in_a_deleted_folder(world):
	fill(world, 2, "work", ["\\Seen"])
	world.sync()
	f = world.maildir.find("m1")
	os.link(f.path, world.maildir.dir("work") + "/new/" + f.unique)
	with world.imap() as imap:
		imap.delete("work")
	world.settle({"INBOX": {}})
	assert not os.path.exists(world.maildir.dir("work"))


def test_second_name_has_the_flags(world):
	"""The server's flags lead to the other name: it is followed."""
	fill(world, 2, flags=["\\Seen"])
	world.sync()
	second_name(world, "m1", "cur/%s:2,RS")
	for sign in "+-+":
		with world.imap() as imap:
			imap.store("INBOX", [2], sign, ["\\Answered"])
		r = world.sync()
		assert r.summary()["pulled"]["flags"] == 1, str(r)
		world.sync()
	with world.imap() as imap:
		imap.expunge("INBOX", [2])
	world.settle({"INBOX": {"m0": frozenset(["\\Seen"])}})
