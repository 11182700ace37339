"""Maildirs that another program keeps: the real mbsync, or the real OfflineIMAP."""

import os
import shutil
import subprocess

import pytest

import judge

FOLDERS = ["Entw\u00fcrfe", "lists/foo"]
SMALL, LARGE = 600, 100000
N = 12		# in each folder

needs = {name: pytest.mark.skipif(shutil.which(name) is None,
    reason="%s is not installed" % name) for name in ("mbsync", "offlineimap")}

MBSYNC = """
IMAPAccount a
Host 127.0.0.1
Port {port}
User {user}
Pass {password}
SSLType None
AuthMechs LOGIN

IMAPStore far
Account a

MaildirStore near
{where}

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
CopyArrivalDate yes
SyncState *
"""

WHERE = "Path {mail}/\nInbox {mail}/INBOX\nSubFolders Verbatim"
GLOBAL = MBSYNC.replace("SyncState *", "SyncState {dir}/sync-state/")
MANY = """
IMAPAccount Work.Mail
Host 127.0.0.1
Port {port}
User {user}
Pass "{password}"
SSLType None
AuthMechs LOGIN

IMAPStore far
Account Work.Mail

MaildirStore near
{where}

# The folders that it is about.
Channel inbox
Far :far:
Near :near:
Expunge Both
CopyArrivalDate yes
SyncState *

Channel lists
Far :far:lists/
Near :near:lists/
Patterns *
Create Both
Expunge Both
CopyArrivalDate yes
SyncState *

Channel drafts
Far ":far:{raw}"
Near ":near:{raw}"
Create Both
Expunge Both
CopyArrivalDate yes
SyncState *

Group all inbox lists drafts
"""

OFFLINEIMAP = """
[general]
accounts = a
metadata = {dir}/state-offlineimap
[Account a]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = {mail}
sep = {sep}
utime_from_header = no
[Repository far]
type = IMAP
remotehost = 127.0.0.1
remoteport = {port}
remoteuser = {user}
remotepass = {password}
ssl = no
starttls = no
auth_mechanisms = LOGIN
"""


def tool(world, *command):
	p = subprocess.run(command, env=world.env(), cwd=world.dir,
	    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
	    timeout=60)
	assert p.returncode == 0, p.stdout


class Theirs:
	"""A world whose Maildir mbsync keeps."""
	PROGRAM = "mbsync"

	def __init__(self, world, conf=MBSYNC):
		self.world = world
		self.rc = world.dir + "/mbsyncrc"
		self.made = world.dir + "/made/syncrc"
		os.makedirs(world.maildir.root)
		os.makedirs(world.dir + "/sync-state")
		self.write(conf)
		with world.imap() as imap:
			for name in FOLDERS:
				imap.create(name)
			for f, name in enumerate(["INBOX"] + FOLDERS):
				for i in range(N):
					world.append(imap, name, "m%d.%d" %
					    (f, i), ["\\Seen"] if i % 2 else
					    [], size=LARGE if i == 9 else
					    SMALL)
		self.sync()

	def write(self, conf, port=None):
		w = self.world
		text = conf.format(port=port or w.server.port, user=w.user,
		    password=w.server.password, dir=w.dir,
		    raw="Entw&APw-rfe",
		    where=WHERE.format(mail=w.maildir.root))
		with open(self.rc, "w") as f:
			f.write(text)

	def sync(self):
		tool(self.world, "mbsync", "-q", "-c", self.rc, "all")

	def run(self, *args, rc=0):
		"""import, to a syncrc of its own, which is used from then on."""
		w = self.world
		w.conf = self.made
		return w.run("--json", "import", *args, self.PROGRAM, self.rc,
		    rc=rc)

	def path(self, folder):
		"""mbsync calls a directory as the server calls the folder."""
		return os.path.join(self.world.maildir.root,
		    folder.replace("\u00fc", "&APw-"))

	def files(self, folder):
		return {os.path.join(self.path(folder), box, name)
		    for box in ("cur", "new")
		    for name in os.listdir(os.path.join(self.path(folder),
		    box))}

	def find(self, tok, folder):
		tag = ("X-Tok: %s\n" % tok).encode()
		found = []
		for path in self.files(folder):
			with open(path, "rb") as f:
				if tag in f.read():
					found.append(path)
		assert len(found) == 1, (tok, found)
		return found[0]

	def letters(self, tok, folder, letters):
		path = self.find(tok, folder)
		name = os.path.basename(path).partition(":2,")[0]
		os.rename(path, os.path.join(self.path(folder), "cur",
		    "%s:2,%s" % (name, "".join(sorted(letters)))))

	def held(self):
		"""{folder: [(token, flags)]} of the server, and of the disk."""
		w = self.world
		with w.imap() as imap:
			remote = judge.view_remote(imap)
			remote = {f: sorted((s.tok, "".join(sorted(
			    judge.letters_of(s.flags)))) for s in v)
			    for f, v in remote.items()}
		local = {f.replace("&APw-", "\u00fc"): sorted((s.tok,
		    "".join(sorted(s.flags))) for s in v)
		    for f, v in judge.view_local(w.maildir).items()}
		return remote, local


class Offline(Theirs):
	"""One that OfflineIMAP keeps."""
	PROGRAM = "offlineimap"

	def write(self, conf):
		w = self.world
		with open(self.rc, "w") as f:
			f.write(OFFLINEIMAP.format(port=w.server.port,
			    user=w.user, password=w.server.password,
			    sep=conf, dir=w.dir, mail=w.maildir.root))

	def sync(self):
		tool(self.world, "offlineimap", "-c", self.rc, "-o", "-u",
		    "quiet")

	def find(self, tok, folder):
		if not os.path.exists(self.path(folder)):
			folder = folder.replace("/", ".")
		return super().find(tok, folder)


def change(theirs):
	"""One of each kind on both sides, in each folder."""
	w = theirs.world
	with w.imap() as imap:
		for f, name in enumerate(["INBOX"] + FOLDERS):
			tok = "m%d.%%d" % f
			uid = {judge.token(m.data): m.uid for m in
			    imap.messages(name).values()}
			imap.expunge(name, [uid[tok % 0]])
			imap.store(name, [uid[tok % 1]], "+", ["\\Flagged"])
			imap.store(name, [uid[tok % 3]], "-", ["\\Seen"])
			imap.store(name, [uid[tok % 4]], "+", ["\\Flagged"])
			imap.store(name, [uid[tok % 8]], "+", ["\\Answered"])
			imap.expunge(name, [uid[tok % 9]])
			imap.expunge(name, [uid[tok % 10]])
			imap.leave()
			w.append(imap, name, "there%d" % f, size=SMALL)
	for f, name in enumerate(["INBOX"] + FOLDERS):
		tok = "m%d.%%d" % f
		os.unlink(theirs.find(tok % 2, name))
		theirs.letters(tok % 4, name, "S")
		theirs.letters(tok % 5, name, "")
		theirs.letters(tok % 6, name, "RS")
		# Deleted here, re-flagged there; and the other way round.
		os.unlink(theirs.find(tok % 8, name))
		theirs.letters(tok % 10, name, "FS")
		deliver(theirs, name, "here%d" % f)


def deliver(theirs, folder, tok):
	w = theirs.world
	folder = folder.replace("\u00fc", "&APw-")
	return w.deliver(folder, tok, "S", size=SMALL)


def snapshot(world):
	"""All that mbsync has, and all that lies in the Maildir."""
	out = {}
	for top in (world.maildir.root, world.dir + "/sync-state",
	    world.dir + "/home"):
		for at, dirs, files in os.walk(top):
			dirs[:] = [d for d in dirs if d != ".mailtern"]
			for name in files:
				path = os.path.join(at, name)
				st = os.stat(path)
				out[path] = (st.st_ino, st.st_mtime_ns,
				    st.st_ctime_ns)
	return out


RIVALS = {"box": (Theirs, MBSYNC), "global": (Theirs, GLOBAL),
    "channels": (Theirs, MANY), "offlineimap": (Offline, "/")}
