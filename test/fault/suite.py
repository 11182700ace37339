"""What the fault suites share: options, one scene, the line at the end.

The scene is an account in sync, on which then both sides changed: a run on it
pulls and pushes messages, flags, deletions and folders. It is made once and
put back as plain files (cp -a) for every point. The program always talks
through a relay, which tells when the server is done with a killed client.
"""

import argparse
import atexit
import os
import random
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]

import judge			# noqa: E402
import modes			# noqa: E402
import progress			# noqa: E402
from hiding import REJECTED	# noqa: E402
from dovecot import Dovecot, scratch_dir	# noqa: E402, F401
from relay import Relay		# noqa: E402
from world import DATE, World, program	# noqa: E402


def options(name, points, waits=1, **more):
	"""POINTS, SEED and JOBS of the environment, or the options. waits: so
	many jobs a processor."""
	p = argparse.ArgumentParser(prog=name)
	env = os.environ
	p.add_argument("--points", type=int,
	    default=int(env.get("POINTS") or points))
	p.add_argument("--min", type=int, default=0,
	    help="fail with fewer points")
	p.add_argument("--seed", type=int, default=int(env.get("SEED") or
	    random.SystemRandom().randrange(1 << 31)))
	p.add_argument("--jobs", type=int,
	    default=int(env.get("JOBS") or waits * (os.cpu_count() or 1)))
	p.add_argument("--only", type=int, metavar="N",
	    help="run only this point, and say what happens")
	for key, default in more.items():
		p.add_argument("--" + key, type=type(default),
		    default=default)
	modes.add_option(p)
	o = p.parse_args()
	modes.choose(o.mode)
	if o.only is not None:
		o.jobs = 1
	if not os.access(program(), os.X_OK):
		sys.exit("%s: no program: %s" % (name, program()))
	return o


def relay_to(server):
	"""In front of the server as the mode wants it to look."""
	return Relay(server.port, hides=modes.chosen().hides)


IMPLIED = {"CONDSTORE": "QRESYNC", "ENABLE": "QRESYNC"}	# RFC 7162, 3.2.3


def sent_unasked():
	"""How many commands the program sent that the server did not offer."""
	hides = modes.chosen().hides
	unasked = [(cap, line) for cap, line in REJECTED if "*" in hides
	    or IMPLIED.get(cap, cap) in hides]
	for cap, line in unasked[:20]:
		print("%s is not offered: %s" % (cap, line.decode("latin-1")),
		    flush=True)
	return len(unasked)


def again(opts, n):
	"""The command that repeats point n, and no other."""
	own = dict(vars(opts), min=None, jobs=None, only=n)
	words = [a for key, value in own.items() if value not in (None, "")
	    for a in ("--" + key, str(value))]
	return shlex.join(["/usr/bin/python3", "-B", os.path.relpath(
	    sys.argv[0])] + words)


class Tally:
	"""Counts over all points; the last line and the exit status."""

	def __init__(self, name, opts, trouble="failed"):
		self.name, self.opts, self.trouble = name, opts, trouble
		self.points = self.fired = self.failed = 0
		self.count = dict.fromkeys(judge.COUNTS, 0)
		self.lock = threading.Lock()
		self.start = time.monotonic()

	def point(self, n, fired, verdict, what, trouble=None):
		with self.lock:
			self.points += 1
			self.fired += fired
			for k, v in (verdict.count if verdict else {}).items():
				self.count[k] += v
			if trouble:
				self.failed += 1
			if not fired or trouble or not verdict.good():
				print("%s: point %d: %s%s\n%s\n%s" % (
				    self.name, n, what, "" if fired else
				    ": did not fire", trouble or "",
				    verdict or ""), flush=True)
				self.repeat(n)
			elif self.opts.only is not None:
				print("%s: point %d: %s: good" % (self.name, n,
				    what))

	def repeat(self, n):
		progress.failed()
		print("%s: repeat: %s" % (self.name, again(self.opts, n)),
		    flush=True)

	def finish(self):
		print("%s: points=%d fired=%d lost=%d duplicated=%d "
		    "resurrected=%d wrong=%d %s=%d mode=%s seed=%d "
		    "seconds=%.1f" % (
		    self.name, self.points, self.fired, self.count["lost"],
		    self.count["duplicated"], self.count["resurrected"],
		    self.count["wrong"], self.trouble, self.failed,
		    modes.name(), self.opts.seed, time.monotonic() - self.start), flush=True)
		bad = sum(self.count.values()) + self.failed + sent_unasked()
		return 1 if bad or self.fired != self.points \
		    or self.points < max(1, self.opts.min) else 0


def conclude(tally, body):
	"""Runs the suite; whatever stops it, the line at the end comes."""
	try:
		body()
	except Exception as e:
		print("%s: stopped: %s: %s" % (tally.name, type(e).__name__, e))
		tally.failed += 1
	return tally.finish()


def copy_tree(source, target):
	subprocess.run(["cp", "-a", source, target], check=True)


class Scene:
	"""An account whose two sides differ in every way, ready to be put
	back. The paths stay the same each time: user, root and state."""

	args = ()		# of the sync that meets the fault

	def __init__(self, server, user, keys=None, seed=0):
		self.server, self.user = server, user
		self.relay = relay_to(server)
		self.dir = tempfile.mkdtemp(prefix="scene-", dir=scratch_dir())
		self.closed = False
		atexit.register(self.close)
		self.times = 0
		self.place()
		self.world = self.make_world(keys)
		self.random = random.Random(seed)
		self.model = {}
		self.gone = set()	# from both sides, when all is done
		self.begin()
		self.change()
		self.keep()

	def close(self):
		if self.closed:
			return
		self.closed = True
		self.relay.stop()
		shutil.rmtree(self.dir, ignore_errors=True)

	def make_world(self, keys):
		return World(self.server, self.user, self.dir + "/now",
		    port=self.relay.port, keys=keys)

	def place(self):
		"""Makes room for the world at self.dir + "/now"."""

	def put(self, folder, tok, *flags):
		self.model.setdefault(folder, {})[tok] = frozenset(flags)

	def begin(self):
		w = self.world
		with w.imap() as imap:
			for folder in ("work", "lists/foo"):
				imap.create(folder)
			for folder, n in (("INBOX", 8), ("work", 5),
			    ("lists/foo", 4)):
				for i in range(n):
					tok = "%s%d" % (folder[0], i)
					w.append(imap, folder, tok,
					    ["\\Seen"], size=400 << i % 4)
					self.put(folder, tok, "\\Seen")
		w.sync()
		w.compare(self.model)

	def change(self):
		self.change_remote()
		self.change_local()

	def change_remote(self):
		w = self.world
		with w.imap() as imap:
			uid = {judge.token(m.data): u for u, m in
			    imap.messages("INBOX").items()}
			w.append(imap, "INBOX", "far1", [])
			w.append(imap, "work", "far2", ["\\Flagged", "todo"],
			    size=9000)
			imap.store("INBOX", uid["I0"], "+", ["\\Flagged"])
			imap.store("INBOX", uid["I1"], "-", ["\\Seen"])
			imap.store("INBOX", uid["I2"], "+", ["keep"])
			imap.expunge("INBOX", uid["I3"])
			imap.create("far")
			w.append(imap, "far", "far3", ["\\Seen"])
		self.put("INBOX", "far1")
		self.put("work", "far2", "\\Flagged", "todo")
		self.put("INBOX", "I0", "\\Seen", "\\Flagged")
		self.put("INBOX", "I1")
		self.put("INBOX", "I2", "\\Seen", "keep")
		del self.model["INBOX"]["I3"]
		self.gone.add("I3")
		self.put("far", "far3", "\\Seen")

	def change_local(self):
		w, d = self.world, self.world.maildir
		w.deliver("INBOX", "near1")
		w.deliver("work", "near2", "FS", size=9000)
		d.flag(d.find("I4", "INBOX"), "R")
		d.unflag(d.find("I5", "INBOX"), "S")
		d.flag(d.find("I0", "INBOX"), "D")
		d.flag(d.find("l0", "lists/foo"), "T")
		d.unlink(d.find("I6", "INBOX"))
		d.unlink(d.find("w1", "work"))
		d.move(d.find("w2", "work"), "lists/foo")
		d.create("near")
		w.deliver("near", "near3", "S")
		w.deliver("near", "near4", "F")	# together (MULTIAPPEND)
		w.deliver("near", "near5", "S")
		self.expect_local()

	def expect_local(self):
		m = self.model
		self.put("INBOX", "I0", "\\Seen", "\\Flagged", "\\Draft")
		self.put("lists/foo", "l0", "\\Seen", "\\Deleted")
		self.put("INBOX", "near1")
		self.put("work", "near2", "\\Flagged", "\\Seen")
		self.put("INBOX", "I4", "\\Seen", "\\Answered")
		self.put("INBOX", "I5")
		del m["INBOX"]["I6"]
		del m["work"]["w1"]
		self.gone |= {"I6", "w1"}
		del m["work"]["w2"]
		self.put("lists/foo", "w2", "\\Seen")
		self.put("near", "near3", "\\Seen")
		self.put("near", "near4", "\\Flagged")
		self.put("near", "near5", "\\Seen")

	def keep(self):
		"""What is there now is what back() puts back."""
		self.relay.wait_quiet()
		self.keep_local()
		os.rename(self.server.mail(self.user), self.dir + "/server")
		self.back()

	def keep_local(self):
		copy_tree(self.world.dir, self.dir + "/then")

	def back_local(self):
		shutil.rmtree(self.world.dir, ignore_errors=True)
		copy_tree(self.dir + "/then", self.world.dir)

	def back(self):
		"""The server's mailbox is a link to a fresh copy, so that a
		process of an earlier point can't touch it."""
		self.times += 1
		self.back_local()
		link = self.server.mail(self.user)
		fresh = "%s.%d" % (link, self.times)
		copy_tree(self.dir + "/server", fresh)
		old = os.readlink(link) if os.path.islink(link) else None
		os.symlink(fresh, link + ".new")
		os.rename(link + ".new", link)
		if old:
			shutil.rmtree(old, ignore_errors=True)

	def is_kept(self):
		"""Of what was removed, all, where all is to be kept."""
		if modes.chosen().keys.get("attic") != "all":
			return True
		top = self.world.maildir.root + "/.mailtern/attic/tmp"
		kept = set()
		for at, _, names in os.walk(top):
			for name in names:
				with open(os.path.join(at, name), "rb") as f:
					kept.add(judge.token(f.read()))
		return self.gone <= kept

	def recover(self, idle=False, args=()):
		"""One clean run; returns (verdict, what went wrong or None)."""
		self.relay.disarm()
		w, trouble = self.world, None
		r = w.run("--json", "sync", *args)
		if r.rc != 0:
			trouble = "the clean run failed: %s" % r
		v = w.verdict(self.model)
		if trouble is None and not self.is_kept():
			trouble = "not all that was removed is in the attic"
		if idle and trouble is None and v.good():
			try:
				w.assert_idle()
			except AssertionError as e:
				trouble = str(e)
		return v, trouble


def spread(points, total, rng, low=1):
	"""points numbers spread over low..total, jittered, not the last few
	(a run is never exactly as long as the one before)."""
	high = max(low + 1, int(total * 0.97))
	step = (high - low) / points
	return [min(high, low + int(i * step + rng.random() * step))
	    for i in range(points)]


def work_off(opts, jobs, make_worker):
	"""Threads take from jobs until none is left. make_worker(i) gives an
	object with do(job) and close()."""
	todo = list(enumerate(jobs))
	if opts.only is not None:
		todo = [j for j in todo if j[0] == opts.only]
	todo.reverse()
	lock = threading.Lock()
	errors, all_of, done = [], len(todo), 0

	def loop(i):
		nonlocal done
		worker = make_worker(i)
		try:
			while not errors:
				with lock:
					if not todo:
						return
					job = todo.pop()
				worker.do(*job)
				with lock:
					done += 1
					progress.tell(done, all_of)
		finally:
			worker.close()

	def guarded(i):
		try:
			loop(i)
		except BaseException as e:
			errors.append(e)
			raise

	threads = [threading.Thread(target=guarded, args=(i,))
	    for i in range(max(1, opts.jobs))]
	for t in threads:
		t.start()
	for t in threads:
		t.join()
	if errors:
		raise errors[0]
