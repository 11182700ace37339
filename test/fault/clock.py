"""The clock years back and forth, between runs and in the middle of one.

By turns, each with another jump:

	run	a sync while the clock is wrong; then it is right again
	twice	one with the clock far ahead, then one with it far behind
	during	the clock jumps after byte n of the talk with the server
	first	the first sync has the wrong clock
	killed	as run, but the sync is killed in its midst
	dirs	the dates of new/ and cur/ jump, the clock is right
	world	all: directories have the wrong clock's dates as well, mail comes
		when it is right again
	files	the dates of known files jump, and a message goes on the server
	refused	the server refuses a message while the clock is wrong, and takes
		it when the clock is right

libfaketime sets the program's clock (not the monotonic one); files and
directories have the kernel's dates, or those that are set. Where directories
went back both sides are merged, which says so in one line: there nothing is
deleted in the scene, as pending deletions come back. Behind it a run with the
right clock must end with 0, the judge looks, "mailtern status" must answer, and
one more run must do nothing. A point has fired when the index says that a run
was made at the wrong time. POINTS; --only N repeats one of the same SEED and
POINTS.
"""

import glob
import os
import random
import signal
import sqlite3
import sys
import time

import kill
import suite
from instances import LIMIT

DAY = 86400
YEAR = 365 * DAY
JUMPS = (3600, 3 * DAY, 2 * YEAR, 11 * YEAR)
KINDS = ("run", "twice", "during", "first", "killed", "dirs", "world",
    "files", "refused")
MERGES = ("dirs", "world")
LIBRARY = "/usr/lib/*/faketime/libfaketimeMT.so.1"


class Add(suite.Scene):
	"""Both sides add messages and flags: a merge gives the same."""

	def change_remote(self):
		w = self.world
		with w.imap() as imap:
			w.append(imap, "INBOX", "far1", [])
			w.append(imap, "work", "far2", ["\\Flagged", "todo"])
			imap.store("INBOX", 1, "+", ["\\Flagged"])
		self.put("INBOX", "far1")
		self.put("work", "far2", "\\Flagged", "todo")
		self.put("INBOX", "I0", "\\Seen", "\\Flagged")

	def change_local(self):
		w, d = self.world, self.world.maildir
		w.deliver("INBOX", "near1")
		w.deliver("work", "near2", "FS")
		d.flag(d.find("I4", "INBOX"), "R")
		self.put("INBOX", "near1")
		self.put("work", "near2", "\\Flagged", "\\Seen")
		self.put("INBOX", "I4", "\\Seen", "\\Answered")


class Point:
	"""One point on a scene that was put back."""

	def __init__(self, scene, kind, jump, way, n):
		self.scene, self.world = scene, scene.world
		# What was written while the clock was ahead.
		self.world.known_damage |= self.world.CLOCKS
		self.kind, self.jump, self.way, self.n = kind, jump, way, n
		self.file = scene.dir + "/clock"
		self.model = {f: dict(m) for f, m in scene.model.items()}
		self.fired = False
		self.trouble = None
		self.says = ""

	def set(self, jump):
		with open(self.file + ".new", "w") as f:
			f.write("%+d\n" % jump)
		os.rename(self.file + ".new", self.file)

	def env(self):
		return {"LD_PRELOAD": glob.glob(LIBRARY)[0],
		    "FAKETIME_TIMESTAMP_FILE": self.file,
		    "FAKETIME_NO_CACHE": "1", "NO_FAKE_STAT": "1",
		    "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKE_UTIME": "0"}

	def expect(self, r, *codes):
		self.says += r.out + r.err
		if r.rc not in codes and self.trouble is None:
			self.trouble = "exit %d: %s" % (r.rc, r)

	def sync(self, jump, *codes):
		self.set(jump)
		self.expect(self.world.run("--json", "sync", env=self.env(),
		    limit=LIMIT), *(codes or (0,)))
		self.look(jump)

	def look(self, jump):
		"""Did the run have that clock?"""
		db = sqlite3.connect("file:%s/mailtern/%s.db?mode=ro" % (
		    self.world.state, self.world.NAME), uri=True)
		last = db.execute("SELECT value FROM meta WHERE "
		    "key = 'last-sync'").fetchone()
		db.close()
		if last and abs(int(last[0]) - time.time() - jump) < 1000:
			self.fired = True

	def boxes(self):
		return [os.path.join(self.world.maildir.dir(f), box)
		    for f in self.world.maildir.folders()
		    for box in ("new", "cur")]

	def shift(self, paths):
		for path in paths:
			st = os.stat(path)
			at = max(1, int(st.st_mtime) + self.jump)
			os.utime(path, (at, at))

	# -- the kinds --

	def do_run(self):
		self.sync(self.jump)

	do_first = do_run

	def do_twice(self):
		self.sync(abs(self.jump))
		self.sync(-abs(self.jump))

	def hold(self):
		"""A sync that stands still after byte n."""
		self.scene.relay.arm(self.way, self.n, "hold", refuse=False)
		p = self.world.popen("--json", "sync", stdout=-1, stderr=-1,
		    more_env=self.env())
		held = self.scene.relay.wait_fired(lambda: p.poll() is None)
		return p, held

	def do_during(self):
		self.set(0)
		p, held = self.hold()
		self.set(self.jump)
		self.scene.relay.release()
		out, err = p.communicate(timeout=LIMIT)
		if p.returncode != 0:
			self.trouble = "exit %d: %s%s" % (p.returncode,
			    out.decode()[-2000:], err.decode())
		self.look(self.jump)

	def do_killed(self):
		self.set(self.jump)
		p, self.fired = self.hold()
		p.send_signal(signal.SIGKILL)
		p.communicate()
		self.scene.relay.release()

	def do_dirs(self):
		self.shift(self.boxes())
		self.sync(0)
		back = self.jump < -2
		if back != ("merge" in self.says):
			self.trouble = "merged %swanted: %s" % ("" if back
			    else "un", self.says[-2000:])

	def do_world(self):
		self.shift(self.boxes())
		self.sync(self.jump)
		self.shift(self.boxes())
		self.sync(self.jump)
		self.world.deliver("INBOX", "late")
		self.model["INBOX"]["late"] = frozenset()

	def do_files(self):
		w = self.world
		with w.imap() as imap:
			uid = min(imap.messages("work", False))
			tok = suite.judge.token(imap.messages("work")[uid].data)
			imap.expunge("work", uid)
		self.model["work"].pop(tok, None)
		self.shift([f.path for files in w.maildir.all().values()
		    for f in files])
		self.sync(self.jump)

	def do_refused(self):
		"""Nobody can write where the server keeps the folder."""
		box = os.path.realpath(self.world.server.mail(self.world.user)) \
		    + "/sdbox/mailboxes/work/dbox-Mails"
		os.chmod(box, 0o500)
		try:
			self.sync(self.jump, 0, 1)
		finally:
			os.chmod(box, 0o700)
		self.fired = self.fired and '"exit":1' in self.says

	# -- and behind it --

	def go(self):
		getattr(self, "do_" + self.kind)()
		self.scene.relay.wait_quiet()
		self.scene.relay.disarm()
		# Two days on: whatever waits for tomorrow is due.
		self.sync(2 * DAY if self.kind == "refused" else 0)
		v = self.world.verdict(self.model)
		if self.kind == "files":	# their dates are what we set
			v.lines = [s for s in v.lines
			    if not s.startswith("wrong: date of ")]
			v.count["wrong"] = len([s for s in v.lines
			    if s.startswith("wrong")])
		self.expect(self.world.run("status", limit=LIMIT), 0)
		if v.good() and self.trouble is None:
			try:
				self.world.assert_idle()
			except AssertionError as e:
				self.trouble = str(e)
		return v


class Worker:
	def __init__(self, scenes, tally):
		self.scenes, self.tally = scenes, tally

	def scene(self, kind):
		return self.scenes[1 if kind in MERGES else
		    2 if kind == "first" else 0]

	def do(self, number, job):
		kind, jump, way, part = job
		scene = self.scene(kind)
		n = max(1, int(scene.count[way] * part))
		for _ in range(4):
			point = Point(scene, kind, jump, way, n)
			v = point.go()
			if point.fired or kind not in ("during", "killed"):
				break
			n = n * 8 // 10		# it was shorter this time
			scene.back()
		self.tally.point(number, point.fired, v, "%s, %+d days, byte "
		    "%d %s" % (kind, jump // DAY, n, way), point.trouble)
		scene.back()

	def close(self):
		for scene in self.scenes:
			scene.close()


def scenes(server, i):
	"""With the bytes that a run of each takes."""
	out = [kind(server, "clock%d.%d" % (i, k)) for k, kind in
	    enumerate((suite.Scene, Add, kill.First))]
	for scene in out:
		scene.relay.disarm()
		scene.world.sync()
		scene.relay.wait_quiet()
		scene.count = dict(scene.relay.bytes)
		scene.back()
	return out


def run(opts, tally):
	rng = random.Random(opts.seed)
	with suite.Dovecot() as server:
		workers = [scenes(server, i) for i in range(max(1, opts.jobs))]
		jobs = []
		for i in range(opts.points):
			turn, kind = divmod(i, len(KINDS))
			jump = JUMPS[(turn // 2 + kind) % len(JUMPS)]
			jobs.append((KINDS[kind],
			    jump if (turn + kind) % 2 else -jump,
			    rng.choice(("in", "out")), rng.random() * .9))
		suite.work_off(opts, jobs, lambda i: Worker(workers[i], tally))


def main():
	opts = suite.options("clock", 45)
	if not glob.glob(LIBRARY):
		print("clock: skipped: no libfaketime")
		return 0
	tally = suite.Tally("clock", opts)
	return suite.conclude(tally, lambda: run(opts, tally))


if __name__ == "__main__":
	sys.exit(main())
