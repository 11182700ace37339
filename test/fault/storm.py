"""Mail readers and another client at work, all the time, while syncs run.

Two mail readers share a folder of --files messages and change --rate things a
second on disk: flags (a rename within cur/), new/ to cur/ and back, deliveries,
moves to a second folder, deletions. An IMAP client flags, appends and expunges
--far things a second. POINTS syncs run one after the other in that storm; each
must end within 20 s ("finished"). Flags of the two sides are not the same ones,
and a message that is moved on disk is left alone by the client, so what must be
there in the end is known exactly.

"believed" counts what a sync took for absent that nobody had removed: by the
evidence in the index's log, and by UIDs and file names that are not any more.
Behind the storm one clean run makes both sides equal to the model, and another
one does nothing.

--peer mbsync lets mbsync do the same (counted, not judged by its log).
"""

import json
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

import suite
import judge
import progress
from maildirview import split_name, token
from world import message

LIMIT = 20		# seconds for a run
FOLDER, OTHER = "INBOX", "work"
LOCAL = "FRS"		# letters that only the readers change
REMOTE = ("\\Draft", "todo")	# and flags that only the client changes
FLAG = {v: k for k, v in judge.LETTER.items()}

MBSYNC = """
IMAPAccount a
Host 127.0.0.1
Port %(port)d
User %(user)s
Pass %(password)s
SSLType None
AuthMechs LOGIN

IMAPStore far
Account a

MaildirStore near
SubFolders Verbatim
Path %(root)s/
Inbox %(root)s/INBOX

Channel c
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
CopyArrivalDate yes
SyncState *
"""


def disk_dir():
	"""Not in memory: there a reading misses nothing that is renamed."""
	return suite.os.environ.get("MAILTERN_TEST_DIR") or \
	    tempfile.gettempdir()


class Mail:
	"""A message, who may do what with it, and what it should be like."""

	def __init__(self, tok, folder, flags, kind):
		self.tok, self.folder = tok, folder
		self.flags = set(flags)
		self.kind = kind	# of three: see may()
		self.file = None	# (new or cur, name)
		self.uid = None
		self.unique = None
		self.gone = None	# who deleted it
		self.from_folders = set()
		self.lock = threading.Lock()

	def may(self, what):
		"""Moved and deleted on disk, deleted there, or by both."""
		return self.kind in {"move": (0,), "delete": (0, 2),
		    "far": (1, 2)}[what]


def bare(name):
	"""The unique part, without what mbsync puts into it."""
	return split_name(name)[0].partition(",U=")[0]


class Reader(threading.Thread):
	"""Half of the messages on disk are his."""

	def __init__(self, storm, number, rate):
		super().__init__(daemon=True)
		self.storm, self.number, self.rate = storm, number, rate
		self.rng = random.Random("%d.%d" % (storm.opts.seed, number))
		self.maildir = storm.world.maildir
		self.mine = []
		self.count = dict.fromkeys(("rename", "deliver", "move",
		    "delete", "lookup"), 0)
		self.serial = 0
		self.error = None

	def path(self, mail, box, name):
		return "%s/%s/%s" % (self.maildir.dir(mail.folder), box, name)

	def look_up(self, mail):
		"""Somebody renamed it: the sync, for a flag of the other side."""
		self.count["lookup"] += 1
		for _ in range(20):
			for box in ("cur", "new"):
				at = self.maildir.dir(mail.folder) + "/" + box
				for name in suite.os.listdir(at):
					if bare(name) == mail.unique:
						mail.file = (box, name)
						return True
		return False

	def try_at(self, mail, act):
		"""act(path, letters) on the file, wherever it is now."""
		for _ in range(20):
			box, name = mail.file
			try:
				act(self.path(mail, box, name), box, name)
				return True
			except FileNotFoundError:
				if not self.look_up(mail):
					break
		if mail.gone is None:
			self.storm.missed.append(mail)
		return False

	def rename(self, mail, folder, box, letters):
		"""letters(old) gives the new ones."""
		to = {}

		def act(path, was, name):
			unique, old = split_name(name)
			if folder != mail.folder:	# as mbsync wants it
				unique = bare(name)
			new = unique + ":2," + "".join(sorted(letters(old)))
			if box == "new" and not letters(old):
				new = unique
			suite.os.rename(path, "%s/%s/%s" % (
			    self.maildir.dir(folder), box, new))
			to["file"] = (box, new)

		if self.try_at(mail, act):
			mail.file = to["file"]
			return True
		return False

	def toggle(self, mail):
		letter = self.rng.choice(LOCAL)
		flag = FLAG[letter]
		add = flag not in mail.flags
		if self.rename(mail, mail.folder, "cur", lambda old:
		    set(old) | {letter} if add else set(old) - {letter}):
			(mail.flags.add if add else mail.flags.discard)(flag)
			self.count["rename"] += 1

	def mark_new(self, mail):
		"""As mutt does: back to new/ without letters of ours."""
		if self.rename(mail, mail.folder, "new",
		    lambda old: set(old) - {"S"}):
			mail.flags.discard("\\Seen")
			self.count["rename"] += 1

	def move(self, mail):
		to = OTHER if mail.folder == FOLDER else FOLDER
		mail.from_folders.add(mail.folder)
		if self.rename(mail, to, "cur", set):
			mail.folder = to
			self.count["move"] += 1

	def delete(self, mail):
		by = mail.gone
		mail.gone = "here"
		if self.try_at(mail, lambda path, *_: suite.os.unlink(path)):
			self.count["delete"] += 1
		elif by:
			mail.gone = by

	def deliver(self):
		self.serial += 1
		tok = "r%d.%d" % (self.number, self.serial)
		mail = Mail(tok, FOLDER, (), 0)
		data = self.storm.note(message(tok, size=600))
		mail.unique = "%d.M%dP%d.reader" % (1650000000 + self.serial,
		    self.number, self.serial)
		f = self.maildir.deliver(FOLDER, data, None, suite.DATE,
		    mail.unique)
		mail.file = (f.box, f.name)
		self.storm.add(mail)
		self.mine.append(mail)
		self.count["deliver"] += 1

	def act(self):
		dice = self.rng.random()
		if dice < .04:
			return self.deliver()
		mail = self.rng.choice(self.mine)
		with mail.lock:
			if mail.gone:
				return self.mine.remove(mail)
			if dice < .06 and mail.may("delete"):
				self.delete(mail)
			elif dice < .08 and mail.may("move"):
				self.move(mail)
			elif dice < .11:
				self.mark_new(mail)
			else:
				self.toggle(mail)

	def run(self):
		try:
			self.storm.paced(self.rate, self.act)
		except Exception as e:
			self.error = e
			raise

	def changes(self):
		return sum(n for k, n in self.count.items() if k != "lookup")


class Client(threading.Thread):
	"""The other client, on the server."""

	def __init__(self, storm, rate):
		super().__init__(daemon=True)
		self.storm, self.rate = storm, rate
		self.rng = random.Random("%d.far" % storm.opts.seed)
		self.imap = storm.world.imap()
		self.mine = []
		self.serial = self.done = 0
		self.asked = 0		# to append at once
		self.error = None

	def act(self):
		dice = self.rng.random()
		self.done += 1
		while self.asked > 0:
			self.asked -= 1
			self.append()
		if dice < .1:
			return self.append()
		mail = self.rng.choice(self.mine)
		with mail.lock:
			if mail.gone:
				return self.mine.remove(mail)
			if dice < .13:
				mail.gone = "far"
				self.imap.expunge(FOLDER, mail.uid)
				return
			flag = self.rng.choice(REMOTE)
			add = flag not in mail.flags
			(mail.flags.add if add else mail.flags.discard)(flag)
			self.imap.store(FOLDER, mail.uid, "+" if add else "-",
			    [flag])

	def append(self):
		self.serial += 1
		mail = Mail("f%d" % self.serial, FOLDER, (), 1)
		data = self.storm.note(message(mail.tok, size=600))
		mail.uid = self.imap.append(FOLDER, data.replace(b"\n",
		    b"\r\n"), (), suite.DATE)
		self.storm.add(mail)
		self.mine.append(mail)

	def run(self):
		try:
			self.storm.paced(self.rate, self.act)
		except Exception as e:
			self.error = e
			raise


class Storm:
	def __init__(self, opts, server):
		self.opts = opts
		self.relay = suite.relay_to(server)
		self.world = suite.World(server, "storm", tempfile.mkdtemp(
		    prefix="storm-", dir=disk_dir()), port=self.relay.port)
		self.world.own_dir = True
		self.mail = {}
		self.missed = []
		self.lock = threading.Lock()
		self.over = threading.Event()

	def note(self, data):
		with self.lock:
			return self.world.note(data)

	def add(self, mail):
		with self.lock:
			self.mail[mail.tok] = mail

	def paced(self, rate, act):
		"""rate things a second; what was late is made up for."""
		begun, n = time.monotonic(), 0
		while not self.over.is_set():
			due = int((time.monotonic() - begun) * rate)
			while n < due and not self.over.is_set():
				act()
				n += 1
			self.over.wait(0.002)

	# -- the account --

	def fill(self):
		"""On the server at first, many at a time."""
		w = self.world
		with w.imap() as imap:
			imap.create(OTHER)
			for i in range(self.opts.files):
				mail = Mail("m%d" % i, FOLDER, ["\\Seen"]
				    if i % 2 else [], i % 3)
				mail.uid = w.append(imap, FOLDER, mail.tok,
				    sorted(mail.flags), size=300 << i % 3)
				self.add(mail)

	def learn(self):
		"""Where the files are, and what they are called."""
		for f in self.world.maildir.files(FOLDER):
			mail = self.mail[token(f.data())]
			mail.file, mail.unique = (f.box, f.name), bare(f.name)

	def model(self):
		out = {FOLDER: {}, OTHER: {}}
		for m in self.mail.values():
			if not m.gone:
				out[m.folder][m.tok] = frozenset(m.flags)
		return out

	def begin(self):
		self.fill()
		self.sync(clean=True)
		self.learn()
		self.threads = [Reader(self, i, self.opts.rate / 2)
		    for i in range(2)]
		client = Client(self, self.opts.far)
		for i, mail in enumerate(self.mail.values()):
			self.threads[i % 2].mine.append(mail)
			if mail.may("far"):
				client.mine.append(mail)
		self.readers = list(self.threads)
		self.threads.append(client)
		for t in self.threads:
			t.start()

	def end(self):
		self.over.set()
		for t in self.threads:
			t.join()
			if t.error:
				raise t.error
		self.threads[-1].imap.close()

	def changes(self):
		return sum(t.changes() for t in self.readers) \
		    + self.threads[-1].done

	def wait_for(self, n):
		"""Until n more things have changed."""
		end, limit = self.changes() + n, time.monotonic() + 60
		while self.changes() < end:
			if time.monotonic() > limit or any(t.error for t in
			    self.threads):
				raise RuntimeError("the storm has stopped")
			self.over.wait(0.002)

	# -- one run --

	def command(self):
		if self.opts.peer == "mbsync":
			conf = self.world.dir + "/mbsyncrc"
			with open(conf, "w") as f:
				f.write(MBSYNC % {"user": self.world.user,
				    "port": self.world.server.port,
				    "password": self.world.server.password,
				    "root": self.world.maildir.root})
			suite.os.makedirs(self.world.maildir.root,
			    exist_ok=True)
			return ["mbsync", "-c", conf, "-a"]
		return self.world.command("--json", "sync")

	def sync(self, clean=False):
		"""(exit status or None when it did not end in time, output)"""
		p = subprocess.Popen(self.command(), env=self.world.env(),
		    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
		    stderr=subprocess.STDOUT, cwd=self.world.dir)
		try:
			out = p.communicate(timeout=120 if clean else LIMIT)[0]
		except subprocess.TimeoutExpired:
			p.kill()
			return None, p.communicate()[0].decode()
		if clean and p.returncode != 0:
			raise RuntimeError("exit %d: %s" % (p.returncode,
			    out.decode()[-2000:]))
		return p.returncode, out.decode()

	# -- what was believed --

	def believed(self):
		"""What was taken for absent that nobody removed from there."""
		if self.opts.peer:
			return []
		names = {m.unique: m for m in self.mail.values() if m.unique}
		uids = {m.uid: m for m in self.mail.values() if m.uid}
		db = sqlite3.connect("file:%s/mailtern/%s.db?mode=ro" % (
		    self.world.state, self.world.NAME), uri=True)
		rows = db.execute("SELECT what, folder, uid, unique_part, "
		    "evidence FROM log WHERE evidence <> '' ORDER BY id").fetchall()
		db.close()
		self.logged = len(rows)
		out = []
		for what, folder, uid, unique, evidence in rows:
			mail = names.get(unique)
			if mail is None and folder == FOLDER:
				mail = uids.get(uid)
			if mail is None or not (mail.gone or
			    folder in mail.from_folders):
				out.append("%s %s uid %s %s (%s): %s" % (what,
				    folder, uid, unique, mail and mail.tok,
				    evidence))
		return out

	def replaced(self):
		"""Messages that came again: of another UID or file name."""
		if self.opts.peer:
			return []
		with self.world.imap() as imap:
			far = {token(m.data): uid for uid, m in
			    imap.messages(FOLDER).items()}
		near = {token(f.data()): bare(f.name)
		    for f in self.world.maildir.files(FOLDER)}
		return ["%s has uid %s, not %s; file %s, not %s" % (m.tok,
		    far.get(m.tok), m.uid, near.get(m.tok), m.unique)
		    for m in self.mail.values() if not m.gone and
		    not m.from_folders and ((m.uid and far.get(m.tok) != m.uid)
		    or (m.unique and near.get(m.tok) != m.unique))]


def figures(tally, storm, finished, believed, began):
	c, opts = tally.count, storm.opts
	renames = sum(t.count["rename"] for t in storm.readers)
	print("%s: runs=%d finished=%d files=%d changes=%d rate=%d renames=%d "
	    "lost=%d duplicated=%d resurrected=%d wrong=%d believed=%d "
	    "failed=%d mode=%s seed=%d seconds=%.1f" % (tally.name, opts.points,
	    finished, opts.files, storm.changes(), storm.changes() /
	    storm.seconds, renames, c["lost"], c["duplicated"],
	    c["resurrected"], c["wrong"], len(believed), tally.failed,
	    opts.mode, opts.seed, time.monotonic() - began), flush=True)


def held(out):
	"""Exit 1 is for removals that are held, as they grow too fast."""
	last = [json.loads(line) for line in out.splitlines()
	    if line.startswith('{"event":"summary"')][-1]
	return last["held"] > 0 and not any('"failed"' in line or
	    "not there any more" in line for line in out.splitlines())


def run(opts, tally):
	began = time.monotonic()
	finished = 0
	with suite.Dovecot() as server:
		storm = Storm(opts, server)
		storm.begin()
		stormed = time.monotonic()
		for n in range(opts.points):
			if n % 2 == 1:
				storm.threads[-1].asked = opts.files // 10
			storm.wait_for((opts.rate + opts.far) // 2)
			before, t = storm.changes(), time.monotonic()
			rc, out = storm.sync()
			took = time.monotonic() - t
			good = rc in (0, 75) or (rc is not None and
			    opts.peer != "") or (rc == 1 and held(out))
			finished += good
			progress.tell(n + 1, opts.points)
			print("storm: run %d: exit %s, %.1f s, %d changes "
			    "meanwhile" % (n, rc, took, storm.changes()
			    - before), flush=True)
			if not good or storm.changes() == before:
				tally.failed += 1
				print(out[-2000:])
		storm.seconds = time.monotonic() - stormed
		storm.end()
		storm.sync(clean=True)
		v = storm.world.verdict(storm.model())
		believed = storm.believed() + storm.replaced()
		tally.count = v.count
		for line in believed[:20] + v.lines[:20] + ["the reader lost "
		    "sight of " + m.tok for m in storm.missed[:20]
		    if not m.gone]:
			print("storm: " + line)
		tally.failed += len([m for m in storm.missed if not m.gone])
		if not opts.peer and v.good():
			storm.world.assert_idle()
		figures(tally, storm, finished, believed, began)
	return 1 if suite.sent_unasked() or finished != opts.points \
	    or believed or not v.good() \
	    or tally.failed or finished < max(1, opts.min) else 0


def main():
	opts = suite.options("storm", 8, files=5000, rate=500, far=30, peer="")
	if opts.peer and not shutil.which(opts.peer):
		print("storm: skipped: no " + opts.peer)
		return 0
	return run(opts, suite.Tally("storm", opts))


if __name__ == "__main__":
	sys.exit(main())
