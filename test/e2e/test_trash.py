"""trash = NAME where the server has no MOVE: COPY, which is not repeated."""

import re
import sqlite3
from collections import Counter

import pytest

from between import Between, broken, cut, kill
from dovecot import Dovecot
from judge import token
from middleman import Middleman

PLAIN = "IMAP4rev1 LITERAL+ ENABLE NAMESPACE"


@pytest.fixture(scope="module")
def servers():
	made = {more: Dovecot(capability=PLAIN + more)
	    for more in ("", " UIDPLUS")}
	yield made
	for server in made.values():
		server.stop()


@pytest.fixture(params=["", " UIDPLUS"])
def world(request, servers, make_world):
	w = make_world(server=servers[request.param], keys={"trash": "Trash"})
	with w.imap() as imap:
		imap.create("Trash")
		for i in range(4):
			w.append(imap, "INBOX", "keep%d" % i)
		w.append(imap, "Trash", "old")
	return w


def fill(world, *toks, folder="INBOX"):
	"""In sync, then deleted on disk."""
	with world.imap() as imap:
		if folder not in imap.folders():
			imap.create(folder)
		for tok in toks:
			world.append(imap, folder, tok, ["\\Seen"])


def delete(world, *toks):
	for files in world.maildir.all().values():
		for f in files:
			if token(f.data()) in toks and f.folder != "Trash":
				world.maildir.unlink(f)


def on_server(world, folder):
	with world.imap() as imap:
		return Counter(token(m.data)
		    for m in imap.messages(folder).values())


def in_trash(world, *toks):
	"""Exactly these, besides what was there; and both sides are equal."""
	assert on_server(world, "Trash") == Counter(("old",) + toks)
	assert on_server(world, "INBOX") == Counter("keep%d" % i
	    for i in range(4))
	local = Counter(token(f.data()) for f in world.maildir.files("Trash"))
	assert local == Counter(("old",) + toks)
	world.assert_idle()
	db = sqlite3.connect(world.state + "/mailtern/w.db")
	assert db.execute("SELECT count(*) FROM intent").fetchone() == (0,)
	db.close()


def through(world, man):
	world.port = man and man.port
	world.write_conf()


@pytest.mark.sample(4)
@pytest.mark.parametrize("act", [kill, cut])
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("word", [b" COPY ", b" STORE ", b"EXPUNGE"])
def test_ends_in_the_middle(world, word, late, act):
	fill(world, "a", "b", "c")
	world.sync()
	delete(world, "a", "b", "c")
	broken(world, word, act, late)
	world.sync()
	in_trash(world, "a", "b", "c")


@pytest.mark.parametrize("late", [False, True])
def test_ends_without_uids(world, late):
	"""The server does not tell COPYUID."""
	fill(world, "a", "b")
	world.sync()
	delete(world, "a", "b")
	man = Between(world, b" STORE ", kill, late)
	man.hooks["down"] = lambda line: man.coming(re.sub(
	    rb"\[COPYUID [^\]]*\] ", b"", line))
	with man:
		man.process = world.popen("sync")
		assert man.process.wait(60) == -9
	world.sync()
	in_trash(world, "a", "b")


@pytest.mark.sample(3)
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("n", [1, 2])
def test_several_of_one_content(world, n, late):
	"""Two in one folder and one in another: three in the trash. It ends
	in the first folder, or in the second."""
	fill(world, "a", "a")
	fill(world, "a", folder="more")
	world.sync()
	delete(world, "a")
	seen = []

	def act(man, line):
		seen.append(line)
		if len(seen) < n:
			man.fired = False
			return line
		return kill(man, line)

	with Between(world, b" COPY ", act, late) as man:
		man.process = world.popen("sync")
		assert man.process.wait(60) == -9
	world.sync()
	in_trash(world, "a", "a", "a")


def test_another_of_the_same_size(world):
	"""Of the same second, too; it is not taken for the copy."""
	fill(world, "a")
	world.sync()
	delete(world, "a")
	broken(world, b" COPY ", kill, False)
	with world.imap() as imap:
		world.append(imap, "Trash", "b", ["\\Seen"])
	world.sync()
	in_trash(world, "a", "b")


def test_trash_is_not_looked_at(world):
	"""A run of one folder does nothing where it can't tell."""
	fill(world, "a", "b")
	world.sync()
	delete(world, "a", "b")
	broken(world, b" COPY ", kill, True)
	r = world.run("--json", "sync", "w:INBOX")
	assert r.rc == 1 and "may have been copied to Trash" in r.err, str(r)
	assert r.summary()["pending"] + r.summary()["held"] >= 2, str(r)
	assert on_server(world, "Trash") == Counter(["old", "a", "b"])
	world.sync()
	in_trash(world, "a", "b")


def test_copy_is_refused(world):
	fill(world, "a", "b")
	world.sync()
	delete(world, "a", "b")

	def act(man, line):
		return re.sub(rb'"?Trash"?\r', b"nowhere\r", line)

	with Between(world, b" COPY ", act):
		r = world.run("--json", "sync")
	assert r.rc == 1 and "refused" in r.err, str(r)
	world.sync()
	in_trash(world, "a", "b")


def test_expunge_is_refused(world):
	"""Whatever comes of the rest, there is one copy."""
	fill(world, "a", "b")
	world.sync()
	delete(world, "a", "b")

	def up(line):
		return re.sub(rb"(UID )?EXPUNGE.*\r", b"NONSENSE\r", line)

	with Middleman(world.server.port, up=up) as man:
		through(world, man)
		for _ in range(3):
			r = world.run("--json", "sync")
			assert r.rc == 1 and "refused" in r.err, str(r)
	through(world, None)
	world.sync()
	in_trash(world, "a", "b")


def test_marks_of_others(world):
	"""Without UIDPLUS what is copied is not expunged beside them."""
	fill(world, "a")
	fill(world, "theirs")
	with world.imap() as imap:
		imap.store("INBOX", [6], "+", ["\\Deleted"])
	world.sync()
	delete(world, "a")
	for _ in range(3):
		world.run("--json", "sync")
		assert on_server(world, "Trash") == Counter(["old", "a"])
	with world.imap() as imap:
		imap.expunge("INBOX", [6])
	world.sync()
	in_trash(world, "a")


def test_undone_meanwhile(world):
	"""Deleted again much later, it is copied again."""
	fill(world, "a")
	world.sync()
	delete(world, "a")
	broken(world, b" STORE ", kill, False)
	world.sync("--undo-deletes")
	world.sync()
	with world.imap() as imap:	# the trash is emptied
		imap.expunge("Trash", [2])
	world.sync("--force-deletes")
	assert on_server(world, "Trash") == Counter(["old"])
	delete(world, "a")
	world.sync()
	in_trash(world, "a")
