"""verify: each kind of damage is told in words, and nothing is changed."""

import collections
import fcntl
import os
import re
import shutil
import subprocess

import pytest

import spoil
from test_attic import kept
from middleman import Middleman
from spoil import Spoiler
from world import ROOT

OLD = 1500000000


@pytest.fixture
def fast_clock(preload):
	return preload("test/fault/fastclock.c")


def fill(world):
	"""A mail or four, and a folder beside INBOX; one was removed."""
	with world.imap() as imap:
		imap.create("work")
		for i in range(5):
			world.append(imap, "INBOX", "m%d" % i, ["\\Seen"])
		world.append(imap, "work", "w1")
	world.sync()
	with world.imap() as imap:
		imap.expunge("INBOX", [5])
	world.sync()


def verify(world, *args, rc=None):
	return world.run("--json", "verify", "--offline", *args, rc=rc)


def kinds(result):
	return sorted(e["kind"] for e in result.of("finding"))


def stamp(world):
	"""All that verify could change."""
	found = {}
	for top in (world.dir + "/mail", world.state):
		for at, dirs, names in os.walk(top):
			for name in dirs + names:
				path = os.path.join(at, name)
				# What a reader shares with others.
				if name.endswith((".db-shm", ".db-wal")):
					continue
				st = os.lstat(path)
				found[path] = (st.st_mode, st.st_size
				    if name in names else 0, st.st_ino,
				    name in names and st.st_mtime_ns)
	return found


# -- what is spoiled --

def sql(*statements):
	def spoil_it(world):
		with Spoiler(world) as s:
			s.sql(*statements)
	return spoil_it


def row(**values):
	"""The row of m1."""
	def spoil_it(world):
		with Spoiler(world) as s:
			s.row("uid = 2 AND folder = 1", **values)
	return spoil_it


def loose(tree, on, *statements):
	def spoil_it(world):
		with Spoiler(world) as s:
			s.loose(tree, on)
			s.sql(*statements)
	return spoil_it


def two_rows(**values):
	def spoil_it(world):
		with Spoiler(world) as s:
			s.loose("place_uid", "place (folder, uid)")
			s.loose("place_unique", "place (folder, unique_part)")
			other = dict(s.db.execute("SELECT * FROM place"
			    " WHERE uid = 3 AND folder = 1").fetchone())
			s.row("uid = 2 AND folder = 1", **{k: other[k]
			    for k in values})
	return spoil_it


def index_file(change):
	return lambda world: change(spoil.path(world))


def garble(path):
	with open(path, "r+b") as f:
		f.seek(4096 * 5 + 2000)
		f.write(b"\xa5" * 500)


def cut(path):
	os.truncate(path, 3000)


def lose(path):
	for tail in ("", "-wal", "-shm"):
		if os.path.exists(path + tail):
			os.unlink(path + tail)


def mark(path):
	with open(path + ".suspect", "w"):
		pass


def on_file(change, tok="m1"):
	return lambda world: change(world, world.maildir.find(tok))


def write(data):
	def change(world, f):
		new = data(f)
		with open(f.path, "wb") as out:
			out.write(new)
	return change


def rot(world, f):
	"""As a disk does it: nobody has written, and yet."""
	data = bytearray(f.data())
	data[-5] ^= 1
	with open(f.path, "r+b") as out:
		out.write(data)
	os.utime(f.path, ns=(f.mtime_ns, f.mtime_ns))


def huge(world, f):
	os.truncate(f.path, 5 << 30)


def replace_by(make):
	def change(world, f):
		os.unlink(f.path)
		make(f.path)
	return change


def rename(to):
	def change(world, f):
		os.rename(f.path, os.path.join(os.path.dirname(f.path), to(f)))
	return change


def to_new(world, f):
	os.rename(f.path, f.path.replace("/cur/", "/new/"))


def touch(world, f):
	os.utime(f.path, (OLD + 5, OLD + 5))


def held(world, f):
	os.rename(f.path, f.path + "~")


def beside(name, make=None, folder="INBOX"):
	"""Something new in a folder's directory."""
	def spoil_it(world):
		path = os.path.join(world.maildir.dir(folder), name)
		if make is not None:
			make(path)
			return
		with open(path, "w") as f:
			f.write("From: x\n\nx\n")
	return spoil_it


def draft(world):
	world.maildir.create("Drafts")
	world.deliver("Drafts", "d1", "S")
	world.sync()
	write(lambda f: f.data() + b"more\n")(world, world.maildir.find("d1"))


def second(linked):
	def spoil_it(world):
		f = world.maildir.find("m1")
		to = os.path.join(os.path.dirname(f.path), f.unique + ":2,FS")
		if linked:
			os.link(f.path, to)
		else:
			shutil.copyfile(f.path, to)
	return spoil_it


def old_in_tmp(path):
	with open(path, "w") as f:
		f.write("x")


def root(change):
	return lambda world: change(world.maildir.root)


def away(path):
	os.rename(path, path + ".away")


def emptied(path):
	away(path)
	os.mkdir(path)


def markers(path):
	at = path + "/.mailtern"
	return at, [n for n in os.listdir(at) if "." in n]


def change_marker(make):
	def change(path):
		at, (name,) = markers(path)
		os.rename(os.path.join(at, name), os.path.join(at,
		    make(*name.split("."))))
	return change


def another_marker(path):
	os.mkdir(path + "/.mailtern/" + "a" * 32 + "." + "b" * 32)


def no_marker(path):
	at, (name,) = markers(path)
	os.rmdir(os.path.join(at, name))


def as_folder(path):
	for sub in ("cur", "new", "tmp"):
		os.mkdir(path + "/" + sub)


def other_program(path):
	with open(path + "/INBOX/.mbsyncstate", "w"):
		pass


def folder(change, name="work"):
	return lambda world: change(world.maildir.dir(name))


def lacks(sub):
	def change(path):
		os.rename(path + "/" + sub, path + ".was")
	return change


def is_file(sub):
	def change(path):
		lacks(sub)(path)
		with open(path + "/" + sub, "w"):
			pass
	return change


def loop(path):
	shutil.rmtree(path)
	os.symlink(os.path.basename(path), path)


def dotted(world):
	os.makedirs(world.maildir.root + "/.Sent/cur")
	for sub in ("new", "tmp"):
		os.mkdir(world.maildir.root + "/.Sent/" + sub)
	with open(world.maildir.root + "/.Sent/cur/x:2,S", "w") as f:
		f.write("From: x\n\nx\n")


def attic(change):
	def spoil_it(world):
		for at, _, names in os.walk(world.maildir.root +
		    "/.mailtern/attic/tmp"):
			for name in names:
				change(os.path.join(at, name))
	return spoil_it


def append(path):
	with open(path, "a") as f:
		f.write("garbled\n")


# What is done; what is told; what the sentence of the first must have in it;
# whether it is damage.
DAMAGE, FOREIGN, CHANGED = "damage", "foreign", "changed"
CASES = {
    # the index
    "index-lost": (index_file(lose), ["index-lost"], "no index"),
    "page garbled": (index_file(garble), ["index-damaged"],
	"page is not as it was written"),
    "index cut": (index_file(cut), ["index-damaged"], "damaged"),
    "index-pages": (sql("PRAGMA writable_schema = ON",
	"UPDATE sqlite_schema SET sql = replace(sql, 'sender TEXT)',"
	" 'sender TEXT, CHECK (id <> 2))') WHERE name = 'content'"),
	["index-pages"], "CHECK"),
    "index-tables: tree": (sql("DROP INDEX place_lineage"),
	["index-tables"], "place_lineage"),
    "index-tables: trigger": (sql("DROP TRIGGER place_counted"),
	["index-tables"], "place_counted"),
    "index-tables: table": (sql("DROP TABLE removed"),
	["index-tables"], "removed"),
    "index-marked": (index_file(mark), ["index-marked"], "earlier run"),
    "fact-root": (sql("UPDATE meta SET value = 'x' WHERE key = 'token'",
	"UPDATE meta SET value = 'x' WHERE key = 'token-next'"),
	["fact-root", "root-older"], "which Maildir it speaks of: x"),
    "fact-clock": (sql("UPDATE meta SET value = '2000000000'"
	" WHERE key = 'last-sync'"), ["fact-clock"], "2033-05-18 03:33:20"),
    "log-clock": (sql("UPDATE log SET at = 2000000000 WHERE id = 2"),
	["log-clock"], "2033-05-18"),
    "log-bad": (sql("UPDATE log SET at = 'x' WHERE id = 2"), ["log-bad",
	"log-clock"], "garbled: 2"),
    "folder-no-name": (sql("UPDATE folder SET raw = NULL WHERE id = 2"),
	["folder-no-name"], "not where: work"),
    "folder-raw": (sql("UPDATE folder SET raw = 'INBOX'"),
	["folder-raw"], "one on the server: INBOX"),
    "folder-path": (loose("folder_path", "folder (path)",
	"UPDATE folder SET path = 'INBOX', local = 0"),
	["dir-new", "folder-path"], "share a directory: INBOX"),
    "folder-clock": (sql("UPDATE folder SET looked = 2000000000"
	" WHERE id = 2"), ["folder-clock"], "2033-05-18 03:33:20"),
    "folder-tally": (sql("UPDATE tally SET remote = 7 WHERE folder = 1"),
	["folder-tally"], "7 and 4"),
    "folder-tally: none": (sql("DELETE FROM tally WHERE folder = 1"),
	["folder-tally"], "none and 4"),
    "folder-uidnext": (sql("UPDATE folder SET uidnext = 3 WHERE id = 1"),
	["folder-uidnext"], "not given yet: 4"),
    "folder-uidvalidity": (sql("UPDATE folder SET uidvalidity = 0"
	" WHERE id = 1"), ["folder-uidvalidity"], "UIDVALIDITY"),
    "content-cut": (sql("UPDATE content SET digest = x'00' WHERE id = 2"),
	["content-cut", "row-content"], "cut: <m1@example.org>"),
    "intent-folder": (sql("INSERT INTO intent VALUES (1, 99, 1, 1, 1, 1, 1,"
	" 1, 0)"), ["intent-folder"], "not known"),
    "item-place": (sql("INSERT INTO item VALUES (1, 1, 99, 1, 'it', 1, 1,"
	" 0, 0, 1, 1, 0)"), ["item-place"], "not known: it"),
    # rows
    "row-sum": (sql("UPDATE place SET size = size + 1 WHERE uid = 2"),
	["row-sum"], "checksum"),
    "row-sum: folder": (sql("UPDATE place SET folder = 2 WHERE uid = 2"),
	["folder-uidnext", "name-new", "row-sum"], "checksum"),
    "row-seen": (sql("UPDATE place SET seen = 5 WHERE uid = 2"),
	["row-seen"], "stamp"),
    "row-folder": (sql("UPDATE place SET folder = 99 WHERE uid = 2"),
	["name-new", "row-folder"], "a folder that is not known"),
    "row-uid-twice": (two_rows(uid=0), ["row-uid-twice"], "one UID"),
    "row-name-twice": (two_rows(unique_part=0, file=0, inode=0, mtime=0,
	file_size=0, content=0), ["name-new", "row-name-twice"], "one file"),
    "row-name": (row(file="other:2,S"), ["row-name"],
	"unique part: other:2,S"),
    "row-no-name": (row(file=None), ["row-no-name"], "not which"),
    "row-flags": (row(local_flags=0), ["row-flags"],
	"not those of its file's name"),
    "row-no-uid": (row(uid=None), ["row-no-uid"], "not its UID"),
    "row-no-content": (row(content=None), ["row-no-content"],
	"nothing tells"),
    "row-content": (sql("DELETE FROM content WHERE id = 2"),
	["row-content"], "a content that is not there"),
    # the Maildir
    "root-gone": (root(away), ["root-gone"], "not there, or empty"),
    "root-gone: empty": (root(emptied), ["root-gone"],
	"not there, or empty"),
    "root-no-marker": (root(no_marker), ["root-no-marker"], "no marker"),
    "root-other": (root(change_marker(lambda i, t: "a" * 32 + "." + t)),
	["root-other"], "the marker of another"),
    "root-older": (root(change_marker(lambda i, t: i + "." + "a" * 32)),
	["root-older"], "backup"),
    "root-markers: two": (root(another_marker), ["root-markers"], "several"),
    "root-markers: bad": (root(change_marker(lambda i, t: "x.y")),
	["root-markers"], "damaged"),
    "root-is-folder": (root(as_folder), ["root-is-folder"], "itself"),
    "root-program": (root(other_program), ["root-program"],
	"INBOX/.mbsyncstate", FOREIGN),
    # directories
    "dir-gone": (folder(away), ["dir-gone", "dir-new"], "gone: work"),
    "dir-gone: bare": (folder(lambda p: (shutil.rmtree(p), os.mkdir(p))),
	["dir-gone"], "gone: work"),
    "dir-part: tmp": (folder(lacks("tmp")), ["dir-part"],
	"directories: tmp"),
    "dir-part: cur": (folder(lacks("cur")), ["dir-part"],
	"directories: cur"),
    "dir-other": (folder(is_file("cur")), ["dir-other"], "else: cur"),
    "dir-other: new": (folder(is_file("new")), ["dir-other"], "else: new"),
    "dir-unread": (folder(loop), ["dir-unread"], "can't be read"),
    "dir-new": (lambda w: w.maildir.create("more"), ["dir-new"],
	"does not know: more", CHANGED),
    "dir-dotted": (dotted, ["dir-dotted"], ".Sent", FOREIGN),
    "dir-file": (beside("mbox"), ["dir-file"], "tmp: mbox", FOREIGN),
    "dir-dot-file": (beside("cur/.DS_Store"), ["dir-dot-file"],
	"cur/.DS_Store", FOREIGN),
    "dir-tmp": (beside("tmp/left"), ["dir-tmp"], "tmp/left", FOREIGN,
	"--clock-ahead=200000"),
    # files of rows
    "file-content": (on_file(write(lambda f: b"From: y\n\nother\n")),
	["file-content"], "another message"),
    "file-content: cut": (on_file(write(lambda f: f.data()[:-20])),
	["file-content"], "another message"),
    "file-content: and flagged": (lambda w: (on_file(write(lambda f:
	b"From: y\n\nother\n"))(w), w.maildir.flag([f for f in
	w.maildir.files("INBOX") if b"other" in f.data()][0], "F")),
	["file-content", "file-flags"], "another message"),
    "file-rotten": (on_file(rot), ["file-rotten"], "bad disk"),
    "file-empty": (on_file(write(lambda f: b"")), ["file-empty"], "empty"),
    "file-odd: link": (on_file(replace_by(lambda p: os.symlink("/", p))),
	["file-odd"], "no plain file"),
    "file-odd: directory": (on_file(replace_by(os.mkdir)),
	["file-odd"], "no plain file"),
    "file-odd: fifo": (on_file(replace_by(os.mkfifo)),
	["file-odd"], "no plain file"),
    "file-unread": (on_file(huge), ["file-unread"], "larger than IMAP"),
    "file-gone": (on_file(lambda w, f: os.unlink(f.path)), ["file-gone"],
	"deleted", CHANGED),
    "file-flags": (on_file(lambda w, f: w.maildir.flag(f, "F")),
	["file-flags"], "FS, and before S", CHANGED),
    "file-moved": (on_file(to_new), ["file-moved"], "between", CHANGED),
    "file-touched": (on_file(touch), ["file-touched"], "same content",
	CHANGED),
    "file-draft": (draft, ["file-draft"], "draft", CHANGED),
    "file-held": (on_file(held), ["file-held", "name-editor"], "has left one beside",
	CHANGED),
    "file-back": (row(local=0), ["file-back"], "is back", CHANGED),
    # files of no row
    "name-new": (lambda w: w.deliver("INBOX", "n1", "S"), ["name-new"],
	"new since", CHANGED),
    "name-twice": (second(False), ["name-twice"], "one unique part"),
    "name-linked": (second(True), ["name-linked"], "interrupted rename",
	FOREIGN),
    "name-info": (beside("cur/1.M2.host:1,S"), ["name-info", "name-new"],
	"letters", FOREIGN),
    "name-info: of a row": (on_file(rename(lambda f: f.unique + ":2,S?")),
	["name-info"], "letters", FOREIGN),
    "name-no-unique": (beside("cur/:2,S"), ["name-no-unique"],
	"nothing before"),
    "name-odd": (beside("cur/x", os.mkdir), ["name-odd"], "no plain file",
	FOREIGN),
    "name-odd: fifo": (beside("new/x", os.mkfifo), ["name-odd"],
	"no plain file", FOREIGN),
    "name-editor": (beside("cur/.x.swp"), ["name-editor"], "editor",
	FOREIGN),
    "name-editor: tilde": (beside("cur/x~"), ["name-editor"], "editor",
	FOREIGN),
    "name-empty": (beside("new/x", lambda p: open(p, "w").close()),
	["name-empty"], "empty file", FOREIGN),
    # the attic
    "attic-content": (attic(append), ["attic-content"],
	"not what was put there"),
    "attic-empty": (attic(lambda p: os.truncate(p, 0)), ["attic-empty"],
	"in the attic is empty"),
}


@pytest.mark.parametrize("name", CASES)
def test_told(world, name):
	"""Just that, in words, whoever reads; and nothing is touched."""
	case = CASES[name]
	change, want, words = case[:3]
	cls = case[3] if len(case) > 3 else DAMAGE
	fill(world)
	sound = verify(world, rc=0)
	assert not sound.of("finding"), str(sound)
	change(world)
	before = stamp(world)
	r = verify(world, *case[4:])
	assert stamp(world) == before
	assert kinds(r) == sorted(want), str(r)
	first = [e for e in r.of("finding") if words in e["is"]]
	assert len(first) == 1, str(r)
	assert first[0]["kind"] == name.split(":")[0] or name in ("page "
	    "garbled", "index cut")
	assert first[0]["class"] == cls, str(r)
	assert first[0]["should"] and first[0]["remedy"]
	damaged = [e for e in r.of("finding") if e["class"] == DAMAGE]
	assert r.rc == (1 if damaged else 0), str(r)
	last = r.events[-1]
	assert last["event"] == "verified"
	assert last["damaged"] == len(damaged)
	plain = world.run("verify", "--offline", *case[4:])
	assert words in plain.err + plain.out
	assert plain.rc == r.rc
	quiet = world.run("-q", "verify", "--offline", *case[4:])
	assert quiet.out == "" and (words in quiet.err) == (cls == DAMAGE)


# -- the server --

def on_server(change):
	def spoil_it(world):
		with world.imap() as imap:
			change(world, imap)
	return spoil_it


def anew(world, imap):
	"""Another folder of the same name."""
	imap.delete("work")
	imap.create("work")


def swap(old, new):
	return lambda line: line.replace(old, new)


def refused(line):
	"""What asks for the body of m1, alone or with others."""
	words = line.split()
	if len(words) > 3 and b"BODY.PEEK[]" in line and words[3] in (b"1:4",
	    b"2"):
		return words[0] + b" UID FETCH nonsense\r\n"
	return line


def same(line):
	return line


# What is done to the index or the server; what the server is made to say; what
# is told, in which words.
REMOTE = {
    "fact-server": dict(change=sql("UPDATE meta SET value = 'x'"
	" WHERE key = 'host'"), words="host or user"),
    "remote-folder-gone": dict(change=on_server(lambda w, i:
	i.delete("work")), words="does not list", cls=CHANGED),
    "remote-folder-new": dict(change=on_server(lambda w, i:
	i.create("more")), words="does not know: more", cls=CHANGED),
    "remote-folder-refused": dict(up=swap(b"EXAMINE work",
	b"EXAMINE nosuch"), words="does not open the folder: "),
    "remote-uidvalidity": dict(change=on_server(anew),
	words="another UIDVALIDITY"),
    "remote-count": dict(down=swap(b"* 4 EXISTS", b"* 5 EXISTS"),
	words="as many messages"),
    "remote-gone": dict(change=on_server(lambda w, i:
	i.expunge("INBOX", [2])), words="deleted on the server", cls=CHANGED),
    "remote-back": dict(change=row(remote=0), words="told to be gone"),
    "remote-new": dict(change=on_server(lambda w, i:
	w.append(i, "INBOX", "n1")), words="new on the server", cls=CHANGED),
    "remote-unknown": dict(change=sql("DELETE FROM place WHERE uid = 2"),
	words="the index should know", more=["name-new"]),
    "remote-flags": dict(change=on_server(lambda w, i:
	i.store("INBOX", 2, "+", ["\\Flagged"])), words="flags have changed",
	cls=CHANGED),
    "remote-flags: keyword": dict(change=on_server(lambda w, i:
	i.store("INBOX", 2, "+", ["work"])), words="flags have changed",
	cls=CHANGED),
    "remote-other: size": dict(change=row(size=5), words="another size"),
    "remote-other: date": dict(change=row(date=5), words="another size"),
    "remote-body": dict(down=swap(b"This is m1.", b"This is mX."),
	words="gives another message"),
    "remote-not-given": dict(up=refused, words="does not give"),
    "remote-not-given: empty": dict(down=lambda line: line.replace(
	b"UID 2 ", b"UID 99 ") if b"BODY[]" in line else line,
	words="does not give"),
}


def through(world, man):
	world.port = man.port
	world.write_conf()


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


def test_begins_anywhere(world, fast_clock):
	"""Runs that are too short for all meet all the same."""
	with world.imap() as imap:
		for i in range(12):
			world.append(imap, "INBOX", "m%d" % i, ["\\Seen"])
	world.sync()
	for f in world.maildir.files("INBOX"):
		write(lambda f: b"From: y\n\n%s\n" % f.name.encode())(world, f)
	met = set()
	for _ in range(200):
		r = world.run("--json", "verify", "--offline", "--time", "1s",
		    env=fast_clock)
		assert r.events[-1]["stopped"]
		met |= {e["unique"] for e in r.of("finding")}
		if len(met) == 12:
			break
	assert len(met) == 12


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


def test_kinds_are_many():
	"""All that verify knows, but for a disk that can't be read."""
	met = {k for case in CASES.values() for k in case[1]}
	met |= {name.split(":")[0] for name in REMOTE}
	known = set()
	with open(ROOT + "/src/plan/verify_words.c") as f:
		for line in f:
			if line.startswith("\t[V_"):
				known.add(line.split('"')[1])
	assert known - met == {"attic-unread"}
	assert len(met) >= 75


def test_never_synced(world):
	r = verify(world, rc=0)
	assert r.events == [{"event": "verified", "account": "w",
	    "folders": 0, "messages": 0, "total": None, "online": False, "bodies": 0,
	    "damaged": 0, "repaired": 0, "foreign": 0, "changed": 0, "never": True, "stopped": False}]
	assert "never synced" in world.run("verify", "--offline").out


def test_folders_that_match(world):
	fill(world)
	write(lambda f: b"other")(world, world.maildir.find("m1"))
	write(lambda f: b"other")(world, world.maildir.find("w1"))
	both = verify(world, rc=1)
	assert [e["folder"] for e in both.of("finding")] == ["INBOX", "work"]
	one = verify(world, "w:wo*", rc=1)
	assert [e["folder"] for e in one.of("finding")] == ["work"]
	assert one.events[-1]["messages"] == 1


def test_parts_cover_all(world):
	"""Each message is in one of 30 parts, also what is on one side alone, and
	what comes meanwhile moves none."""
	with world.imap() as imap:
		for i in range(60):
			world.append(imap, "INBOX", "m%d" % i, ["\\Seen"])
	world.sync()
	for f in world.maildir.files("INBOX"):
		write(lambda f: b"From: y\n\n%s\n" % f.name.encode())(world, f)
	for i in range(20):
		world.deliver("INBOX", "n%d" % i, "S")
	whole = verify(world)
	assert whole.events[-1]["messages"] == 80
	want = collections.Counter((e["kind"], e["unique"])
	    for e in whole.of("finding"))
	assert len(want) == 80 and set(want.values()) == {1}
	got, messages = collections.Counter(), []
	for n in range(1, 31):
		r = verify(world, "--part", "%d/30" % n)
		got.update((e["kind"], e["unique"]) for e in r.of("finding"))
		messages.append(r.events[-1]["messages"])
		# Its own part, or a later one: none is counted twice.
		world.deliver("INBOX", "later%d" % n, "S")
	new = {k for k in got if k not in want}
	assert {k[0] for k in new} <= {"name-new"}
	assert {k: n for k, n in got.items() if k in want} == want
	assert sum(messages) == 80 + len(new)
	assert max(messages) < 20


def test_time_is_up(world, fast_clock):
	"""The clock goes on a tenth of a second at each look."""
	with world.imap() as imap:
		for i in range(200):
			world.append(imap, "INBOX", "m%d" % i, ["\\Seen"])
	world.sync()
	all_of_it = verify(world, "--time", "1h", rc=0).events[-1]
	assert all_of_it["messages"] == 200 and not all_of_it["stopped"]
	r = world.run("--json", "verify", "--offline", "--time", "2s",
	    env=fast_clock, rc=0)
	last = r.events[-1]
	assert 0 < last["messages"] < 25 and last["stopped"]
	assert last["total"] == 200 and not last["online"]
	last = world.run("--json", "verify", "--time", "40s", env=fast_clock,
	    rc=0).events[-1]
	assert 0 < last["messages"] < 200 and last["stopped"], str(last)
	assert 0 < last["bodies"] < 200 and last["online"], str(last)
	assert "the time was up" in world.run("verify", "--offline", "--time",
	    "2s", env=fast_clock).out


def test_tells_how_far_it_is(world, fast_clock):
	"""Where there is no terminal, a line every ten seconds."""
	with world.imap() as imap:
		for i in range(200):
			world.append(imap, "INBOX", "m%d" % i, ["\\Seen"])
	world.sync()
	err = world.run("verify", env=fast_clock, rc=0).err
	assert re.search(r"w: reading \d+ of 200$", err, re.M), err
	assert re.search(r"w: fetching \d+ of 200$", err, re.M), err
	assert world.run("-q", "verify", env=fast_clock, rc=0).err == ""


def test_while_a_sync_is_at_work(world):
	"""What it changes under the reader's eyes is no damage."""
	fill(world)
	with world.imap() as imap:
		for i in range(100, 400):
			world.append(imap, "INBOX", "m%d" % i)
	sync = world.popen("-q", "sync")
	n = 0
	while sync.poll() is None:
		r = verify(world)
		n += 1
		assert r.rc in (0, 75), str(r)
	assert sync.returncode == 0 and n > 0
	assert not verify(world, rc=0).of("finding")


@pytest.mark.parametrize("args, words", [
    (["--part", "0/3"], "--part wants N/M"),
    (["--part", "4/3"], "--part wants N/M"),
    (["--part", "1"], "--part wants N/M"),
    (["--part", "1/x"], "--part wants N/M"),
    (["--time", "0"], "--time wants"),
    (["--time", "5d"], "--time wants"),
    (["--time", "5m", "--part", "1/2"], "exclude each other"),
])
def test_usage(world, args, words):
	r = world.run("verify", "--offline", *args, rc=64)
	assert words in r.err


# -- repairing --

def repair(world, *args, rc=0):
	return world.run("--json", "verify", "--repair", *args, rc=rc)


def done(result):
	return sorted(e["kind"] for e in result.of("repaired"))


def inbox(*toks):
	return {t: frozenset(["\\Seen"]) for t in toks}


MODEL = {"INBOX": inbox("m0", "m1", "m2", "m3"), "work": {"w1": frozenset()}}


@pytest.mark.parametrize("name, spoil_it", [("file-rotten", rot),
    ("file-empty", write(lambda f: b""))])
def test_file_comes_back(world, name, spoil_it):
	"""The server has it whole: the file goes to the attic, the message is
	pulled; nothing else moves."""
	fill(world)
	old = world.maildir.find("m1")
	spoil_it(world, old)
	spoiled = old.data()
	remote = world.remote_stamp()
	r = repair(world)
	assert done(r) == [name] and kinds(r) == [name], str(r)
	assert r.events[-1]["repaired"] == r.events[-1]["damaged"] == 1
	assert spoiled in kept(world).values()
	assert not os.path.exists(old.path)
	assert [e["what"] for e in world.run("--json", "log").of("log")][-1] \
	    == "repaired"
	assert world.sync().summary()["pulled"]["new"] == 1
	assert world.remote_stamp() == remote
	world.known_damage.add("attic-empty")
	world.settle(MODEL)
	new = world.maildir.find("m1")
	assert new.unique != old.unique and new.letters == "S"


def stays(world, *args, rc=1, kind="file-rotten"):
	"""It is told, and nothing is done."""
	local = world.local_stamp()
	r = repair(world, *args, rc=rc)
	assert not r.of("repaired") and kind in kinds(r), str(r)
	assert world.local_stamp() == local


def test_not_without_the_server(world):
	fill(world)
	on_file(rot)(world)
	stays(world, "--offline")


def test_not_where_the_server_has_it_not(world):
	fill(world)
	on_file(rot)(world)
	with Middleman(world.server.port, down=swap(b"This is m1.",
	    b"This is mX.")) as man:
		through(world, man)
		stays(world)
	with Middleman(world.server.port, up=refused) as man:
		through(world, man)
		stays(world)


@pytest.mark.parametrize("seen", [False, True])
def test_not_while_flags_wait(world, seen):
	"""They would go with the file; whether the index has seen them or not."""
	fill(world)
	f = world.maildir.flag(world.maildir.find("m1"), "F")
	if seen:
		world.run("status", rc=0)
	rot(world, f)
	stays(world)
	world.sync()
	f = world.maildir.find("m1")
	assert done(repair(world)) == ["file-rotten"]
	model = {k: dict(v) for k, v in MODEL.items()}
	model["INBOX"]["m1"] = frozenset(["\\Seen", "\\Flagged"])
	world.settle(model)


@pytest.mark.parametrize("keys", [{"attic-days": "0"}, {"attic": "none"}],
    ids=["no days", "none"])
def test_not_without_an_attic(make_world, keys):
	world = make_world(keys=keys)
	fill(world)
	on_file(rot)(world)
	stays(world)


def test_attic_takes_it_not(world):
	"""The row has its file again, and a sync deletes nothing."""
	fill(world)
	at = world.maildir.root + "/.mailtern/attic/tmp"
	shutil.rmtree(at)
	on_file(rot)(world)
	with open(at, "w"):
		pass
	stays(world)
	os.unlink(at)
	assert world.sync().summary()["pushed"]["deleted"] == 0
	assert done(repair(world)) == ["file-rotten"]
	world.settle(MODEL)


def test_not_what_somebody_wrote(world):
	"""The next sync takes it for a message of its own."""
	fill(world)
	on_file(write(lambda f: b"From: y\n\nother\n"))(world)
	stays(world, kind="file-content")


def test_not_in_another_maildir(world):
	fill(world)
	on_file(rot)(world)
	CASES["root-older"][0](world)
	stays(world)


@pytest.mark.parametrize("name", ["row-seen", "folder-tally", "folder-clock",
    "folder-tally: none"])
def test_index_is_put_right(world, name):
	fill(world)
	CASES[name][0](world)
	if name.endswith("none"):
		# No row to be set right; the next index has one.
		assert kinds(repair(world, "--offline", rc=0)) == [
		    "folder-tally"]
		return
	r = repair(world, "--offline")
	assert done(r) == kinds(r) == [name]
	assert not verify(world, rc=0).of("finding")
	world.settle(MODEL)


@pytest.mark.parametrize("folder_, sub, made", [
    ("work", "tmp", True), ("work", "cur", True), ("work", "new", False),
    ("INBOX", "tmp", True), ("INBOX", "new", True), ("INBOX", "cur", False)])
def test_directory_is_made_again(world, folder_, sub, made):
	"""But not where it would say that its messages were deleted: INBOX has
	them in cur, work in new."""
	fill(world)
	at = world.maildir.dir(folder_)
	os.rename(at + "/" + sub, at + ".was")
	r = repair(world, "--offline", rc=0 if made else 1)
	assert os.path.isdir(at + "/" + sub) == made, str(r)
	assert (done(r) == ["dir-part"]) == made
	if not made:
		os.rename(at + ".was", at + "/" + sub)
	else:
		shutil.rmtree(at + ".was")
	world.settle(MODEL)


def test_unknown_message_is_found(world):
	fill(world)
	REMOTE["remote-unknown"]["change"](world)
	assert done(repair(world)) == ["remote-unknown"]
	world.settle(MODEL)


def test_not_beside_a_sync(world):
	fill(world)
	with open(spoil.path(world) + ".lock") as lock:
		fcntl.flock(lock, fcntl.LOCK_EX)
		assert "at work" in repair(world, rc=75).err
	repair(world, rc=0)


@pytest.fixture(scope="module")
def killat(tmp_path_factory):
	at = str(tmp_path_factory.mktemp("kill") / "killat")
	subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE",
	    "-O1", "-Wall", "-Wextra", "-Werror", "-o", at, ROOT +
	    "/test/fault/killat.c"], check=True)
	return at


def bodies(world):
	"""What lies in INBOX: on disk, and on the server, with LF."""
	with world.imap() as imap:
		return ([f.data() for f in world.maildir.files("INBOX")],
		    [m.data.replace(b"\r\n", b"\n")
		    for m in imap.messages("INBOX").values()])


@pytest.mark.parametrize("n", range(1, 61))
@pytest.mark.sample(10)
def test_killed_at_any_call(world, killat, n):
	"""By what changes something. No message is lost, and none deleted; at worst
	a file of garbled octets is one message more."""
	fill(world)
	whole = sorted(bodies(world)[0])
	rot(world, world.maildir.find("m1"))
	r = world.run("--json", "verify", "--repair", wrap=[killat, "-w", str(n),
	    "enter" if n % 2 else "exit", "--"])
	assert "fired=1" in r.out, str(r)
	world.sync()
	assert [m for m in sorted(bodies(world)[1]) if m in whole] == whole
	repair(world)
	world.sync()
	for side in bodies(world):
		side = sorted(side)
		assert [m for m in side if m in whole] == whole, str(r)
		assert len(side) - len(whole) <= 1
	assert not world.sync().summary()["pending"]
	assert not verify(world, rc=0).of("finding")
