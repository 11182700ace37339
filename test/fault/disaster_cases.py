"""What strikes an account, and what must come of it. See disasters.py.

The rules are those of the design: what is held (exit 1) and what is a mistake
in the configuration (exit 78) touches nothing; an old, foreign or damaged side
is merged: what either side lacks is copied, flags are united, nothing is
deleted, and one line says so.
"""

import os
import shutil
import sqlite3
import subprocess
import threading
import time

from disasters import Bad, Case, Run, Skip
import kill
from middleman import Middleman
from suite import copy_tree
from world import World

DAY = 86400


# -- the Maildir goes --

def unlink_inbox(s):
	m = s.world.maildir
	for f in m.files("INBOX"):
		m.unlink(f)


def inbox_meant(s):
	unlink_inbox(s)
	s.model["INBOX"] = {}


def unlink_all(s):
	m = s.world.maildir
	for files in m.all().values():
		for f in files:
			m.unlink(f)


def all_meant(s):
	s.model = {name: {} for name in s.model}


def inbox_directory_gone(s):
	shutil.rmtree(s.world.maildir.dir("INBOX"))


def cur_gone(s):
	shutil.rmtree(s.world.maildir.dir("work") + "/cur")


def cur_back(s):
	"""As the words say: the directory is made again, as it was."""
	subprocess.run(["cp", "-a", s.path("then") + "/mail/work/cur",
	    s.world.maildir.dir("work") + "/cur"], check=True)


def root_gone(s):
	os.rename(s.world.maildir.root, s.path("away"))


def root_empty(s):
	root_gone(s)
	os.mkdir(s.world.maildir.root, 0o700)


def root_mounted_again(s):
	s.remove(s.world.maildir.root)
	os.rename(s.path("away"), s.world.maildir.root)


# -- the Maildir is another one --

def foreign_root(s):
	"""The configuration names the Maildir of another account."""
	other = World(s.server, s.user + "-other", s.path("other"))
	s.undo.append(other.close)
	with other.imap() as imap:
		for i in range(5):
			other.append(imap, "INBOX", "foreign%d" % i)
	other.sync()
	s.other, s.other_stamp = other, other.local_stamp()
	s.world.keys["maildir"] = '"%s"' % other.maildir.root
	s.world.write_conf()


def own_root_again(s):
	if s.other.local_stamp() != s.other_stamp:
		raise Bad("the Maildir of the other account was touched")
	del s.world.keys["maildir"]
	s.world.write_conf()


def twin(s, root):
	s.world.defaults = ('account twin { host = "127.0.0.1"\n port = %d\n'
	    " tls = none\n user = twin\n password = '%s'\n maildir = \"%s\"\n"
	    "}\n" % (s.server.port, s.server.password, root))
	s.world.write_conf()


def nested_root(s):
	twin(s, s.world.maildir.root + "/sub")


def equal_root(s):
	twin(s, s.world.maildir.root)


def no_twin(s):
	s.world.defaults = ""
	s.world.write_conf()


def second_syncrc(s):
	"""Of another person, say: an own state, another account name."""
	s.write("INBOX", "near0")
	s.world.NAME, s.world.state = "second", s.path("state2")
	os.mkdir(s.world.state)
	s.world.write_conf()


def first_syncrc(s):
	s.world.NAME, s.world.state = s.settings[0], s.settings[3]
	s.world.write_conf()


def second_state(s):
	"""The same account, from two states: two machines and one disk."""
	s.arrive("INBOX", "far0")
	s.write("INBOX", "near0")
	s.world.state = s.path("state2")
	os.mkdir(s.world.state)


def first_state(s):
	s.world.state = s.settings[3]
	s.arrive("INBOX", "far1")
	s.write("work", "near1")


# -- yesterday --

def age(path, seconds=DAY):
	"""What a backup brings back has yesterday's dates."""
	for at, _, _ in os.walk(path, topdown=False):
		st = os.stat(at)
		os.utime(at, ns=(st.st_atime_ns, st.st_mtime_ns
		    - seconds * 10**9))


def day(s):
	"""Keeps all as it is as yesterday's, and lives through a day."""
	w = s.world
	w.sync()
	s.save(w.maildir.root, "root")
	age(s.path("root"))
	s.save(w.maildir.root, "home")	# with the dates that the index has
	s.save(w.state, "state")
	s.save(s.mailbox(), "box")
	s.yesterday = {f: dict(v) for f, v in s.model.items()}
	for i in range(3):
		s.arrive("INBOX", "far%d" % i, "\\Seen")
	s.arrive("work", "far3", "\\Flagged")
	s.write("INBOX", "near0", "FS")
	s.write("work", "near1")
	s.expunge("INBOX", "I1")
	s.unlink("work", "w1")
	s.flag("INBOX", "I0", "F", "\\Flagged")
	with w.imap() as imap:
		imap.store("INBOX", s.uid(imap, "INBOX", "I2"), "-",
		    ["\\Answered"])
	s.model["INBOX"]["I2"] -= {"\\Answered"}
	w.sync()
	w.compare(s.model)


def unite(s, folders=None):
	"""What a merge of today with yesterday makes."""
	for name, old in s.yesterday.items():
		if folders and name not in folders:
			continue
		for tok, flags in old.items():
			now = s.model.setdefault(name, {})
			now[tok] = now.get(tok, frozenset()) | flags


def maildir_restored(s):
	day(s)
	s.bring("root", s.world.maildir.root)
	unite(s)


def folder_restored(s):
	day(s)
	s.bring("root/INBOX", s.world.maildir.dir("INBOX"))
	unite(s, ["INBOX"])


def folder_restored_without_dates(s):
	"""Copied back without -a: the dates are new, but a file that was
	removed on the server's word is back under its name."""
	folder_restored(s)
	for box in ("new", "cur"):
		os.utime(s.world.maildir.dir("INBOX") + "/" + box)


def home_restored(s):
	"""Maildir and index together: no merge, the server goes on. The
	directories are known to be old, so their files are not looked at."""
	age(s.world.maildir.root, 3600)
	day(s)
	s.bring("home", s.world.maildir.root)
	s.bring("state", s.world.state)


# -- the index --

def busy(s):
	"""Something to do for the run that finds the index gone."""
	s.arrive("INBOX", "far0", "\\Seen")
	s.write("work", "near0", "F")
	s.flag("INBOX", "I0", "F", "\\Flagged")


def index_deleted(s):
	busy(s)
	shutil.rmtree(s.world.state)
	os.mkdir(s.world.state)


def index_zero(s):
	busy(s)
	os.truncate(s.index(), 0)


def index_truncated(s):
	busy(s)
	size = os.path.getsize(s.index())
	os.truncate(s.index(), size * (s.point + 1) // (s.points + 1))


def index_flipped(s):
	busy(s)
	size = os.path.getsize(s.index())
	at = size * s.point // s.points
	at += s.rng.randrange(max(1, size // s.points))
	with open(s.index(), "r+b") as f:
		f.seek(at)
		byte = f.read(1)[0]
		f.seek(at)
		f.write(bytes([byte ^ (1 << s.rng.randrange(8))]))


def index_garbage(s):
	busy(s)
	with open(s.index(), "wb") as f:
		f.write(s.rng.randbytes(1 << 16))


def index_of_yesterday(s):
	day(s)
	s.bring("state", s.world.state)


def set_version(s, version):
	"""In its place of the header; without a page sum there is none."""
	with open(s.index(), "r+b") as f:
		f.seek(60)
		was = int.from_bytes(f.read(4), "big")
		f.seek(60)
		f.write(version.to_bytes(4, "big"))
		f.seek(4088)
		f.write(bytes(8))
	db = sqlite3.connect("file:%s?mode=ro&immutable=1" % s.index(),
	    uri=True)
	if db.execute("PRAGMA user_version").fetchone() != (version,):
		raise RuntimeError("the version is not in its place")
	db.close()
	return was


def index_newer(s):
	busy(s)
	s.version = set_version(s, 99)


def index_understood(s):
	"""Where the newer program is installed."""
	set_version(s, s.version)


# -- the server --

def server_emptied(s):
	"""Another client expunges all there is."""
	with s.world.imap() as imap:
		for name in s.model:
			imap.expunge(name, imap.messages(name, False))


def validity(s):
	with s.world.imap() as imap:
		return {name: imap.status(name) for name in imap.folders()}


def second_passes(s):
	"""The server's new UIDVALIDITY is its clock."""
	newest = max(st["UIDVALIDITY"] for st in validity(s).values())
	while time.time() < newest + 2:
		time.sleep(0.05)


def remove_files(s, *starts):
	for at, _, names in os.walk(s.mailbox() + "/Maildir"):
		for name in names:
			if name.startswith(starts):
				os.unlink(at + "/" + name)


def storage_lost(s):
	"""The server comes back without any mail or folder."""
	second_passes(s)
	was = validity(s)["INBOX"]["UIDVALIDITY"]
	for name in os.listdir(s.mailbox()):
		s.remove(s.mailbox() + "/" + name)
	now = validity(s)
	if list(now) != ["INBOX"] or now["INBOX"]["MESSAGES"] \
	    or now["INBOX"]["UIDVALIDITY"] == was:
		raise RuntimeError("the server still has mail")


def server_restored(s, appended=0):
	day(s)
	ours = validity(s)["INBOX"]["UIDNEXT"]
	link = s.server.mail(s.user)
	old, fresh = s.mailbox(), "%s.r%d" % (link, s.times)
	copy_tree(s.path("box"), fresh)
	os.symlink(fresh, link + ".new")
	os.rename(link + ".new", link)
	s.remove(old)
	unite(s)
	for i in range(appended):
		s.arrive("INBOX", "other%d" % i, "\\Seen")
	return validity(s)["INBOX"]["UIDNEXT"] - ours


def server_restored_below(s):
	if server_restored(s) >= 0:
		raise RuntimeError("UIDNEXT is not below ours")


def server_restored_equal(s):
	if server_restored(s, 4) != 0:
		raise RuntimeError("UIDNEXT is not ours")


def server_restored_past(s):
	if server_restored(s, 8) <= 0:
		raise RuntimeError("UIDNEXT is not past ours")


def server_restored_touched(s):
	"""And the user means, by a file, what is no longer behind its UID."""
	server_restored_past(s)
	s.unlink("INBOX", "far0")
	s.flag("INBOX", "far1", "R", "\\Answered")


def uidvalidity_changed(s):
	"""Behind a UID is another message now: yesterday's gaps close."""
	day(s)
	s.arrive("work", "late0")
	s.flag("INBOX", "I3", "F", "\\Flagged")
	second_passes(s)
	was = validity(s)
	remove_files(s, "dovecot-uidlist", "dovecot-uidvalidity",
	    "dovecot.index", "dovecot.list.index")
	for name, st in validity(s).items():
		if st["UIDVALIDITY"] == was[name]["UIDVALIDITY"]:
			raise RuntimeError("%s: UIDVALIDITY unchanged" % name)


def uidvalidity_changed_deletion(s):
	"""A merge deletes nothing; what was deleted and not yet pushed goes in
	the next run."""
	uidvalidity_changed(s)
	m = s.world.maildir
	m.unlink(m.find("I4", "INBOX"))
	del s.model["INBOX"]["I4"]


def modseq_back(s):
	day(s)
	was = validity(s)
	remove_files(s, "dovecot.index", "dovecot.list.index")
	s.arrive("INBOX", "late0")
	s.expunge("work", "w2")
	with s.world.imap() as imap:
		imap.store("INBOX", s.uid(imap, "INBOX", "I0"), "+",
		    ["\\Answered"])
	s.model["INBOX"]["I0"] |= {"\\Answered"}
	s.flag("INBOX", "I2", "F", "\\Flagged")
	now = validity(s)
	if now["INBOX"]["HIGHESTMODSEQ"] >= was["INBOX"]["HIGHESTMODSEQ"] \
	    or now["INBOX"]["UIDVALIDITY"] != was["INBOX"]["UIDVALIDITY"]:
		raise RuntimeError("HIGHESTMODSEQ did not go back")


# -- a folder goes while mail arrives --

def extra_folder(s):
	with s.world.imap() as imap:
		imap.create("extra")
	for i in range(5):
		s.arrive("extra", "e%d" % i, "\\Seen")
	s.world.sync()


def folder_gone_remote(s):
	extra_folder(s)
	with s.world.imap() as imap:
		imap.delete("extra")
	s.model["extra"] = {}
	s.write("extra", "near0")


def folder_gone_local(s):
	extra_folder(s)
	s.world.maildir.remove_folder("extra")
	s.model["extra"] = {}
	s.arrive("extra", "far0")


def folder_dropped(s):
	extra_folder(s)
	s.world.maildir.remove_folder("extra")
	del s.model["extra"]


def trashed(s):
	"""Deleted where there is a trash, and no MOVE on the server."""
	w = s.world
	with w.imap() as imap:
		imap.create("Trash")
	s.model["Trash"] = {}
	w.keys["trash"] = "Trash"
	w.write_conf()
	w.sync()
	for folder, tok in (("INBOX", "I1"), ("INBOX", "I2"), ("work", "w1")):
		flags = s.model[folder][tok]
		s.unlink(folder, tok)
		s.model["Trash"][tok] = flags


def arrives_before(word):
	"""A message arrives just before the command with this word. Who
	delivers makes the folder where it is missing."""
	def strike(s):
		folder_dropped(s)
		s.model["extra"] = {}
		seen = threading.Event()

		def up(line):
			if word in line and not seen.is_set():
				seen.set()
				with s.world.imap() as imap:
					if "extra" not in imap.folders():
						imap.create("extra")
				s.arrive("extra", "far0")
			return line

		man = Middleman(s.server.port, up=up)
		s.undo.append(man.stop)
		s.seen = seen
		s.world.port = man.port
		s.world.write_conf()
	return strike


def it_arrived(s):
	if not s.seen.is_set():
		raise RuntimeError("the command that was waited for never came")


# -- no writing --

def read_only_maildir(s):
	busy(s)
	root = s.world.maildir.root
	s.mount("--bind", root, at=root)
	subprocess.run(["mount", "-o", "remount,ro,bind", root], check=True)


def writable_again(s):
	s.restore()


def read_only_mailbox(s):
	"""New mail and a deletion that the server will not take."""
	s.write("work", "near0")
	s.unlink("work", "w1")
	s.arrive("INBOX", "far0")
	s.write("INBOX", "near1")
	make_read_only(s)


def read_only_flags(s):
	s.flag("work", "w0", "F", "\\Flagged")
	make_read_only(s)


def make_read_only(s):
	path = s.box("work") + "/dovecot-acl"
	with open(path, "w") as f:
		f.write("owner lr\n")
	s.server.own(path)
	with s.world.imap() as imap:
		if "READ-ONLY" not in imap.command("SELECT work")[1]:
			raise Skip("this Dovecot lets write all the same")


def mailbox_writable(s):
	os.unlink(s.box("work") + "/dovecot-acl")


def quota_reached(s):
	"""Six to push, room for three."""
	for i in range(6):
		s.write("INBOX", "near%d" % i)
	s.flag("INBOX", "I0", "F", "\\Flagged")


def quota_room(s):
	for i in range(5):
		s.expunge("INBOX", "I%d" % i)


def quota_deletion(s):
	"""A full quota must not stop deletions: they are what makes room."""
	quota_reached(s)
	for i in range(5):
		s.unlink("INBOX", "I%d" % i)


# -- the disk is full --

def used(path):
	return int(subprocess.run(["du", "-s", "-B1", path],
	    stdout=subprocess.PIPE, check=True).stdout.split()[0])


def small_disk(s, path, room):
	s.save(path, "whole")
	s.mount("-t", "tmpfs", "-o", "mode=700,size=%d" % (used(path) + room),
	    "tmpfs", at=path)
	subprocess.run(["cp", "-a", s.path("whole") + "/.", path], check=True)
	s.full = path


def maildir_disk_full(s):
	busy(s)
	s.unlink("work", "w1")
	for i in range(20):
		s.arrive("INBOX", "big%d" % i, size=20000)
	small_disk(s, s.world.maildir.root, 50000 * (1 + s.point))


def index_disk_full(room):
	def strike(s):
		busy(s)
		for i in range(20):
			s.arrive("INBOX", "big%d" % i, size=20000)
		small_disk(s, s.world.state, room)
	return strike


def room_made(s):
	subprocess.run(["mount", "-o", "remount,size=64m", s.full], check=True)


# -- killed while it merges --

def merge_killed(strike):
	def killed(s):
		total = s.__dict__.setdefault("totals", {})
		if strike not in total:
			strike(s)
			r = kill.killat(s, 0, "enter", True)
			if r["exit"] != "0":
				raise Bad("the merge itself exits " + r["exit"])
			total[strike] = int(r["total"])
			s.back()
		strike(s)
		calls = int(total[strike] * 0.95)
		first = 1 + (2 * s.point + 1) * calls // (2 * s.points)
		# The second run has less to do, but never nothing.
		second = 1 + s.rng.randrange(max(5, (calls - first) // 2))
		for n in (first, second):
			how = s.rng.choice(["enter", "exit"])
			r = kill.killat(s, n, how, True)
			if r["fired"] != "1":
				raise RuntimeError("call %d of %d: not killed"
				    % (n, calls))
	return killed


def undo_killed(strike):
	"""A run without the option follows: it goes on with what was begun,
	or holds what was not."""
	def killed(s):
		total = s.__dict__.setdefault("undo_totals", {})
		s.args = ("--undo-deletes",)
		try:
			if strike not in total:
				strike(s)
				r = kill.killat(s, 0, "enter", True)
				if r["exit"] != "0":
					raise Bad("it exits " + r["exit"])
				total[strike] = int(r["total"])
				s.back()
			strike(s)
			calls = int(total[strike] * 0.95)
			n = 1 + (2 * s.point + 1) * calls // (2 * s.points)
			r = kill.killat(s, n, s.rng.choice(["enter", "exit"]),
			    True)
			if r["fired"] != "1":
				raise RuntimeError("call %d: not killed" % n)
		finally:
			s.args = ()
	return killed


# -- what must come of it --

MERGED = "merged|knows nothing|nothing is deleted"
HELD = "are held.*--force-deletes.*--undo-deletes"
DAMAGED = {0: None, 74: "damaged.*next sync"}
UNTOUCHED = {"untouched": True}

held = Run(1, HELD, **UNTOUCHED)
gone = Run(1, "nothing was touched.*--adopt", **UNTOUCHED)
never = Run(1, "nothing was touched.*--adopt", ["--force-deletes"],
    **UNTOUCHED)
merged = Run(0, MERGED)
an_hour_later = Run(0, MERGED, ["--clock-ahead=3700"])
config = Run(78, "maildir", **UNTOUCHED)
clean = Run(0)
adopt = Run(0, None, ["--adopt"])
force = Run(0, None, ["--force-deletes"])
undo = Run(0, "[0-9]+ removals undone: ", ["--undo-deletes"])
begun = Run({0, 1}, {0: None, 1: HELD})
undone = Run(0, "removals undone: |no removal to undo", ["--undo-deletes"])
full = Run({1, 74}, "no space|disk is full|full")

CASES = [
	# Twelve messages, six of them in INBOX: too few to be held.
	Case("inbox-unlinked-undone", unlink_inbox, [held, undo],
	    small=[undo]),
	Case("inbox-unlinked-meant", unlink_inbox,
	    [held, inbox_meant, force], small=[inbox_meant, clean]),
	Case("all-unlinked-undone", unlink_all, [held, undo]),
	Case("all-unlinked-meant", unlink_all, [held, all_meant, force]),
	Case("inbox-directory-gone", inbox_directory_gone, [clean]),
	Case("cur-gone", cur_gone, [Run(1, "work", **UNTOUCHED), cur_back,
	    clean]),
	Case("root-gone", root_gone, [gone, never, adopt]),
	Case("root-gone-mounted", root_gone, [gone, root_mounted_again,
	    clean]),
	Case("root-empty", root_empty, [gone, never, adopt]),
	Case("root-empty-mounted", root_empty, [gone, root_mounted_again,
	    clean]),
	Case("root-foreign", foreign_root, [Run(78, "another account",
	    **UNTOUCHED), own_root_again, clean]),
	Case("roots-nested", nested_root, [config, no_twin, clean]),
	Case("roots-equal", equal_root, [config, no_twin, clean]),
	Case("two-syncrc", second_syncrc, [Run(78, "another account",
	    **UNTOUCHED), first_syncrc, clean]),
	Case("two-states", second_state, [merged, first_state, merged]),
	Case("maildir-restored", maildir_restored, [merged]),
	Case("folder-restored", folder_restored, [merged]),
	Case("folder-restored-dates-new", folder_restored_without_dates,
	    [merged]),
	Case("home-restored", home_restored, [clean]),
	Case("index-deleted", index_deleted, [merged]),
	Case("index-zero", index_zero, [merged]),
	# A page is judged when it is read, and --full reads what counts.
	Case("index-truncated", index_truncated, [Run({0, 74}, DAMAGED),
	    Run({0, 74}, DAMAGED, ["--full"]), clean], points=10),
	Case("index-flipped", index_flipped, [Run({0, 74}, DAMAGED),
	    Run({0, 74}, DAMAGED, ["--full"]), clean], points=10, full=100),
	Case("index-garbage", index_garbage, [merged]),
	Case("index-yesterday", index_of_yesterday, [merged]),
	Case("index-newer", index_newer, [Run(78, "newer mailtern",
	    **UNTOUCHED), index_understood, clean]),
	Case("server-emptied-undone", server_emptied, [held, undo]),
	Case("server-emptied-meant", server_emptied, [held, all_meant,
	    force]),
	Case("server-storage-lost", storage_lost, [
	    Run(75, "does not list it any more, and many others neither",
	    **UNTOUCHED), an_hour_later]),
	Case("server-restored-below", server_restored_below, [merged]),
	Case("server-restored-equal", server_restored_equal, [merged]),
	Case("server-restored-past", server_restored_past, [merged]),
	Case("server-restored-touched", server_restored_touched, [merged]),
	Case("server-restored-below-maildir", server_restored_below, [merged],
	    kind="maildir"),
	Case("server-restored-past-maildir", server_restored_past, [merged],
	    kind="maildir"),
	Case("uidvalidity-changed", uidvalidity_changed, [Run(0,
	    "UIDVALIDITY.*merged")], kind="maildir"),
	Case("uidvalidity-changed-deletion", uidvalidity_changed_deletion,
	    [Run(75, MERGED), clean], kind="maildir"),
	Case("modseq-back", modseq_back, [clean], kind="maildir"),
	Case("folder-gone-remote", folder_gone_remote, [clean]),
	Case("folder-gone-local", folder_gone_local, [clean]),
	Case("folder-gone-as-expunged", arrives_before(b" UID EXPUNGE "),
	    [Run({0, 1}), it_arrived, clean]),
	Case("folder-gone-as-renamed", arrives_before(b" RENAME "),
	    [Run({0, 1}, "extra: mail arrived"), it_arrived, clean]),
	Case("folder-gone-as-deleted", arrives_before(b" DELETE "),
	    [Run({0, 1}), it_arrived, clean]),
	Case("maildir-read-only", read_only_maildir, [Run(74,
	    "read-only|can't be written|can't write"), writable_again,
	    clean], root=True),
	Case("mailbox-read-only", read_only_mailbox, [Run(1, "work"),
	    mailbox_writable, clean], kind="acl"),
	Case("mailbox-read-only-flags", read_only_flags, [clean,
	    mailbox_writable, clean], kind="acl"),
	Case("quota", quota_reached, [Run(1, "quota"), quota_room, clean],
	    kind="quota"),
	Case("quota-deletions", quota_deletion, [Run({0, 1}), clean],
	    kind="quota"),
	Case("disk-full-maildir", maildir_disk_full, [full, room_made, clean],
	    points=4, root=True),
	Case("disk-full-index", index_disk_full(0), [full, room_made, clean],
	    root=True),
	Case("disk-full-index-midway", index_disk_full(70000), [full,
	    room_made, clean], root=True),
	Case("merge-killed-maildir", merge_killed(maildir_restored), [clean],
	    points=10, full=50),
	Case("merge-killed-index", merge_killed(index_deleted), [clean],
	    points=10, full=50),
	Case("merge-killed-uidvalidity", merge_killed(uidvalidity_changed),
	    [clean], kind="maildir", points=5, full=50),
	Case("drop-killed", merge_killed(folder_dropped), [clean],
	    points=10, full=50),
	Case("trash-killed", merge_killed(trashed), [clean], kind="plain",
	    points=10, full=50),
	Case("undo-killed-local", undo_killed(unlink_all), [begun, undone],
	    points=8, full=50),
	Case("undo-killed-remote", undo_killed(server_emptied), [begun,
	    undone], points=8, full=50),
]

# What the program does not meet yet: a name, or (name, messages), and why.
EXPECTED_LATER = {}
