"""Each kind of damage that verify tells, and how to do it: to index and disk in
CASES, to the server in REMOTE."""

import os
import shutil

import spoil
from spoil import Spoiler

OLD = 1500000000


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
