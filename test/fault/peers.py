"""The same faults for other programs: mbsync and offlineimap beside mailtern.

	peers.py --program mbsync --suite kill --points 100 --seed 7

The suites are kill, cut and power, whose scene is an account in sync on which
then both sides changed, and disasters. The scene has only what all programs can
do: no moves, no new folders, no keywords. A program may run twice to recover.
What counts is where messages are then, by their header X-Tok:

	lost		not deleted by anybody, and on neither side
	duplicated	more than once on a side
	resurrected	deleted before the fault, and back behind exit 0
	stuck		the second run behind the fault does not exit 0, or it
			does and one side lacks what the other has; not: it
			holds removals, or touches nothing, and says so

Bytes, dates and flags are not compared: mbsync adds a header. Everybody syncs
to disk what is delivered. A program that is not installed is skipped.
"""

import argparse
import collections
import os
import random
import shutil
import subprocess
import sys
import time

import suite
import judge
import kill
import power
from world import DATE, World

sys.path.insert(0, os.path.join(suite.HERE, "..", "bench"))
import programs		# noqa: E402


class Mbsync(programs.Mbsync):
	"""A state directory of its own, and folders are removed, too."""

	def configure(self, port, durable):
		super().configure(port, durable)
		with open(self.dir + "/conf") as f:
			text = f.read()
		self.write(text.replace("SyncState *", "SyncState %s/state/\n"
		    "Remove Both" % self.dir))


PROGRAMS = {"mailtern": programs.Mailtern, "mbsync": Mbsync,
    "offlineimap": programs.Offlineimap}


class Peer(World):
	"""A World that another program syncs. Its arguments are its own."""

	def __init__(self, kind, server, user, dir, port):
		self.kind, self.program = kind, None
		super().__init__(server, user, dir, port=port)

	def write_conf(self):
		if self.program is None:
			self.program = self.kind(self.dir + "/p", self.user,
			    self.server.password, None)
			self.maildir.root = self.program.mail
			self.state = self.program.dir + "/state"
		self.program.configure(self.port, True)

	def env(self):
		return dict(super().env(), **self.program.env())

	def command(self, *args):
		return self.program.command()

	def run(self, *args, **more):
		r = super().run(limit=300, **more)
		r.args = (self.program.name,)
		return r


def places(view):
	return {name: collections.Counter(s.tok for s in seen)
	    for name, seen in view.items()}


def count_tokens(w, model, gone, stuck):
	"""(a Verdict by tokens alone, stuck)"""
	v = judge.Verdict()
	with w.imap() as imap:
		remote = places(judge.view_remote(imap))
	views = (remote, places(judge.view_local(w.maildir)))
	for folder, toks in model.items():
		for tok in toks:
			n = [view.get(folder, {}).get(tok, 0) for view in views]
			if not any(n):
				v.add("lost", "%s", tok)
			elif not all(n):
				stuck = stuck or "%s is on one side" % tok
			if max(n) > 1:
				v.add("duplicated", "%s", tok)
	for tok in gone:
		if not stuck and any(have.get(tok) for view in views
		    for have in view.values()):
			v.add("resurrected", "%s", tok)
	return v, stuck


class Common:
	"""What all programs can do, mixed into a Scene."""

	def make_world(self, keys):
		return Peer(self.peer, self.server, self.user, self.dir
		    + "/now", self.relay.port)

	def begin(self):
		w = self.world
		n = self.size
		with w.imap() as imap:
			imap.create("work")
			for i in range(n):
				folder = "work" if i % 3 == 2 else "INBOX"
				tok = "%s%d" % (folder[0], i)
				w.append(imap, folder, tok, ["\\Seen"],
				    size=400 << i % 4)
				self.put(folder, tok, "\\Seen")
		r = w.run()
		v, _ = count_tokens(w, self.model, (), None)
		if r.rc != 0 or not v.good():
			raise RuntimeError("the first sync: %s\n%s" % (r, v))

	def remove_remote(self, imap, folder, tok):
		uid = {judge.token(m.data): u for u, m in
		    imap.messages(folder).items()}
		imap.expunge(folder, uid[tok])
		del self.model[folder][tok]
		self.gone.add(tok)

	def change_remote(self):
		w, self.gone = self.world, set()
		with w.imap() as imap:
			for i in range(3):
				w.append(imap, "INBOX", "far%d" % i, [],
				    size=3000 * i)
				self.put("INBOX", "far%d" % i)
			imap.store("INBOX", 1, "+", ["\\Flagged"])
			self.remove_remote(imap, "INBOX", "I3")
			self.remove_remote(imap, "work", "w2")

	def change_local(self):
		w, d = self.world, self.world.maildir
		for i in range(3):
			w.deliver("INBOX", "near%d" % i, "S", size=3000 * i)
			self.put("INBOX", "near%d" % i)
		d.flag(d.find("I4", "INBOX"), "R")
		for folder, tok in (("INBOX", "I6"), ("work", "w5")):
			d.unlink(d.find(tok, folder))
			del self.model[folder][tok]
			self.gone.add(tok)

	def twice(self):
		"""Two runs; what the last one said if it does not exit 0."""
		self.relay.disarm()
		self.world.run()
		r = self.world.run()
		return None if r.rc == 0 else str(r)


class Scene(Common, suite.Scene):
	def __init__(self, peer, server, user, size=12):
		self.peer, self.size = peer, size
		super().__init__(server, user)

	def recover(self, idle=False):
		return count_tokens(self.world, self.model, self.gone,
		    self.twice())


class PowerScene(Common, power.Scene):
	"""What the reader did before the run is synced."""

	def __init__(self, peer, server, user, apart):
		self.peer, self.size = peer, 12
		super().__init__("ext4", apart, server, user)

	def place(self):
		self.add_disk("disk", self.dir + "/now")
		if self.apart:
			self.add_disk("disk-state", self.dir + "/now/p/state")

	def back_local(self):
		self.gone = set(self.gone_far)
		super().back_local()
		for disk in self.disks:
			power.command("sync", "-f", disk.at)

	def change(self):
		super().change()
		self.gone_far = set(self.gone)

	def recover(self, again=0):
		return count_tokens(self.world, self.model, self.gone,
		    self.twice())


# -- the suites: (points, fired, verdict, stuck) come one by one --

def killed(kind, opts, server, rng):
	s = Scene(kind, server, "peer")
	total = counted(s, lambda: kill.killat(s, 0, "enter", True))
	for i, n in enumerate(suite.spread(opts.points, total, rng)):
		r = kill.killat(s, n, ("enter", "exit")[i % 2], True)
		yield ("call %d" % n, r["fired"] == "1") + s.recover()
		s.back()


def counted(s, count):
	r = count()
	v, stuck = s.recover()
	if r["exit"] != "0" or stuck or not v.good():
		raise RuntimeError("not even without a fault: %s %s %s" % (r,
		    stuck, v))
	s.back()
	return int(r["total"])


def cut(kind, opts, server, rng):
	s = Scene(kind, server, "peer")
	s.relay.disarm()
	s.world.run()
	s.relay.wait_quiet()
	total = dict(s.relay.bytes)
	s.back()
	for i in range(opts.points):
		way = ("in", "out")[i % 2]
		n = rng.randrange(total[way] * 95 // 100)
		s.relay.arm(way, n, ("reset", "fin")[i // 2 % 2], False)
		s.world.run()
		fired = s.relay.fired
		s.relay.wait_quiet()
		yield ("byte %d %s" % (n, way), fired) + s.recover()
		s.back()


def power_cut(kind, opts, server, rng):
	for apart in (False, True):
		s = PowerScene(kind, server, "peer%d" % apart, apart)
		try:
			total = counted(s, lambda: kill.killat(s, 0, "enter",
			    True))
			points = opts.points // 2
			calls = suite.spread(points - 1, total, rng) + [0]
			for i, n in enumerate(calls):
				r = s.cut(n, ("enter", "exit")[i % 2]
				    if n else "end")
				fired = r["fired"] == "1" or n == 0
				yield ("call %d" % n, fired) + s.recover()
				s.back()
		finally:
			s.close()


# -- disasters --

def day(s):
	"""Yesterday is kept; then a day passes, and is synced."""
	w = s.world
	w.run()
	s.then = {"mail": w.maildir.root, "state": w.state,
	    "box": os.path.realpath(s.server.mail(s.user))}
	for name, path in s.then.items():
		suite.copy_tree(path, s.dir + "/old-" + name)
	with w.imap() as imap:
		for i in range(3):
			w.append(imap, "INBOX", "day%d" % i,
			    date=DATE + 60 * i)
			s.put("INBOX", "day%d" % i)
	w.run()


def bring(s, name):
	shutil.rmtree(s.then[name])
	suite.copy_tree(s.dir + "/old-" + name, s.then[name])


def files_gone(s):
	for files in s.world.maildir.all().values():
		for f in files:
			os.unlink(f.path)


def root_empty(s):
	shutil.rmtree(s.world.maildir.root)
	os.mkdir(s.world.maildir.root)


def state_lost(s):
	shutil.rmtree(s.world.state)
	os.mkdir(s.world.state)


def state_old(s):
	day(s)
	bring(s, "state")


def maildir_old(s):
	day(s)
	bring(s, "mail")


def server_old(s):
	"""And mail came: its UIDs are those of other messages."""
	day(s)
	bring(s, "box")
	with s.world.imap() as imap:
		for i in range(5):
			s.world.append(imap, "INBOX", "new%d" % i,
			    date=DATE + 3600 + 60 * i)
			s.put("INBOX", "new%d" % i)


def server_emptied(s):
	with s.world.imap() as imap:
		for name in imap.folders():
			uids = imap.messages(name, False)
			if uids:
				imap.expunge(name, list(uids))


DISASTERS = (files_gone, root_empty, state_lost, state_old, maildir_old,
    server_old, server_emptied)


class Struck(Scene):
	def change(self):
		self.gone = set()

	def recover(self, idle=False):
		stuck = self.twice()
		w, v = self.world, judge.Verdict()
		with w.imap() as imap:
			far = places(judge.view_remote(imap))
		near = places(judge.view_local(w.maildir))
		some = collections.Counter()
		for view in (far, near):
			for have in view.values():
				some.update(have)
		for folder, toks in self.model.items():
			for tok in toks:
				if not some[tok]:
					v.add("lost", "%s", tok)
		for name in set(far) | set(near):
			one, two = far.get(name, {}), near.get(name, {})
			for tok in set(one) | set(two):
				if max(one.get(tok, 0), two.get(tok, 0)) > 1:
					v.add("duplicated", "%s", tok)
		if not stuck and far != near:
			stuck = "exit 0, and the sides differ"
		elif stuck and ("nothing was touched" in stuck
		    or "are held" in stuck):
			stuck = None
		return v, stuck


def disasters(kind, opts, server, rng):
	for size in (12, 300):
		for strike in DISASTERS:
			s = Struck(kind, server, "p%d%s" % (size,
			    strike.__name__), size)
			try:
				strike(s)
				yield ("%s, %d messages" % (strike.__name__,
				    size), True) + s.recover()
			finally:
				s.close()


SUITES = {"kill": killed, "cut": cut, "power": power_cut,
    "disasters": disasters}


def run(name, opts):
	kind, begun = PROGRAMS[name], time.monotonic()
	if name != "mailtern" and not shutil.which(name):
		print("peers: %s: skipped: not installed" % name)
		return
	count = collections.Counter()
	points = collections.Counter()
	with suite.Dovecot() as server:
		for what, fired, v, stuck in SUITES[opts.suite](kind, opts,
		    server, random.Random(opts.seed)):
			count["points"] += 1
			count["fired"] += fired
			count["stuck"] += stuck is not None
			points["bad"] += stuck is not None or not v.good()
			for key, n in v.count.items():
				count[key] += n > 0
			if opts.verbose and (stuck or not v.good()):
				print("peers: %s: %s: %s\n%s" % (name, what,
				    (stuck or "")[:600], str(v)[:600]))
	print("peers: %s, %s: points=%d fired=%d bad=%d lost=%d duplicated=%d "
	    "resurrected=%d stuck=%d seed=%d seconds=%.0f" % (kind.version(),
	    opts.suite, count["points"], count["fired"], points["bad"],
	    count["lost"], count["duplicated"], count["resurrected"],
	    count["stuck"], opts.seed, time.monotonic() - begun), flush=True)


def main():
	p = argparse.ArgumentParser(prog="peers")
	p.add_argument("--program", choices=list(PROGRAMS),
	    help="default: all that are installed")
	p.add_argument("--suite", choices=list(SUITES), default="kill")
	p.add_argument("--points", type=int)
	p.add_argument("--seed", type=int, default=7)
	p.add_argument("--verbose", action="store_true")
	opts = p.parse_args()
	if opts.points is None:
		opts.points = 100 if opts.suite == "kill" else 60
	if opts.suite == "power":
		why = power.unable()
		if why:
			print("peers: power: skipped: " + why)
			return
	for name in [opts.program] if opts.program else list(PROGRAMS):
		run(name, opts)


if __name__ == "__main__":
	sys.exit(main())
