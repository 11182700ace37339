"""SIGKILL at system calls spread over a run, then one clean run, then judge.

--kind says which run is killed:
	run	an account in sync, changed on both sides (suite.Scene)
	first	the first sync: no index, and on disk either nothing or, for
		--adopt, mail that the server has in part
	again	one of these, killed; the run that recovers is killed as well

Four kinds of points take turns: before or after the call, out of all calls or
out of those that change something. --every K takes every K-th of all calls instead,
before and after. Every point must fire, for "again" both times. --only N
repeats one point of the same SEED and POINTS.
"""

import os
import random
import subprocess
import sys

import suite

KINDS = [("enter", True), ("exit", True), ("enter", False), ("exit", False)]
KILLAT = os.environ.get("KILLAT") or os.path.join(
    os.path.dirname(os.path.dirname(suite.HERE)), "build/test/fault/killat")


class First(suite.Scene):
	"""There is mail on the server and nothing here."""

	SERVER = (("INBOX", 12), ("work", 6), ("lists/foo", 3))

	def begin(self):
		w = self.world
		with w.imap() as imap:
			for folder, n in self.SERVER:
				if folder != "INBOX":
					imap.create(folder)
				for i in range(n):
					tok = "%s%d" % (folder[0], i)
					flags = ["\\Seen"] if i % 3 else []
					flags += ["todo"] if i % 4 == 1 else []
					w.append(imap, folder, tok, flags,
					    size=400 << i % 5)
					self.put(folder, tok, *flags)

	def change(self):
		pass


class Adopt(First):
	"""As much is on disk, under names of another program."""

	args = ("--adopt",)

	def change(self):
		d = self.world.maildir
		for folder in ("INBOX", "work", "near"):
			d.create(folder)
		self.have("INBOX", 0, 9)
		self.have("work", 2, 6)
		for i in range(4):
			self.near("INBOX", "here%d" % i, "S" if i % 2 else None)
		self.near("near", "here4", "F")
		self.near("work", "here5", "")

	def have(self, folder, first, end):
		"""Flags unite, T only where both have it."""
		for i in range(first, end):
			tok = "%s%d" % (folder[0], i)
			letters = (None, "F", "S", "T")[i % 4]
			self.world.deliver(folder, tok, letters,
			    size=400 << i % 5)
			if letters == "F" or letters == "S":
				self.model[folder][tok] |= {"\\Flagged" if
				    letters == "F" else "\\Seen"}

	def near(self, folder, tok, letters):
		self.world.deliver(folder, tok, letters)
		self.put(folder, tok, *[f for f, x in
		    suite.judge.LETTER.items() if x in (letters or "")])


SCENES = {"run": (suite.Scene,), "first": (First, Adopt),
    "again": (suite.Scene, First, Adopt)}


def killat(scene, n, how, changing, power=(), limit=120):
	"""n 0: only count. power: directories whose file systems are cut off
	at the same time. {"fired": "1", ...}"""
	cmd = [KILLAT] + (["-w"] if changing else []) \
	    + [a for dir in power for a in ("-g", dir)] + (["-c"] if n == 0 else [str(n), how]) + ["--"]
	w = scene.world
	p = subprocess.run(cmd + w.command("--json", "sync", *scene.args),
	    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
	    stderr=subprocess.PIPE, env=w.env(), cwd=w.dir, timeout=limit)
	last = p.stdout.decode().rstrip("\n").rpartition("\n")[2]
	if p.returncode != 0 or "fired=" not in last:
		raise RuntimeError("killat: %s\n%s" % (last, p.stderr.decode()))
	# The program may have been killed inside a line.
	last = last[last.rindex("fired="):]
	scene.relay.wait_quiet()
	return dict(word.split("=") for word in last.split())


def total(scene, changing):
	r = killat(scene, 0, "enter", changing)
	if r["exit"] != "0":
		raise RuntimeError("the run that counts exits %s" % r["exit"])
	v, trouble = scene.recover(idle=True)
	if trouble or not v.good():
		raise RuntimeError("not even without a fault: %s\n%s" % (
		    trouble, v))
	scene.back()
	return int(r["total"])


class Worker:
	def __init__(self, scenes, tally):
		self.scenes, self.tally = scenes, tally

	def kill(self, scene, job):
		"""(fired, the call), on an account put back."""
		n, how, changing, again = job
		for _ in range(6):
			r = killat(scene, n, how, changing)
			if r["fired"] != "1":
				# This run was shorter: its end is what we meet.
				n = max(1, int(r["total"]) - 1 - (job[0] - n)
				    % 7)
			elif again == 0:
				return True, "%d %s" % (n, r["call"])
			else:
				r2 = killat(scene, again, how, changing)
				if r2["fired"] == "1":
					return True, "%d %s, then %d %s" % (n,
					    r["call"], again, r2["call"])
				again = 1 + again % max(1,
				    int(r2["total"]) * 95 // 100)
			scene.back()
		return False, str(n)

	def do(self, number, job):
		scene, job = self.scenes[job[0]], job[1:]
		fired, call = self.kill(scene, job)
		# Who typed --adopt may say so again, or leave it to cron.
		v, trouble = scene.recover(idle=number % 10 == 0,
		    args=scene.args if number % 2 else ())
		left = scene.world.maildir.left_in_tmp()
		if left and trouble is None:
			trouble = "left in tmp/: %s" % left
		self.tally.point(number, fired, v, "%s, %s call%s %s" % (
		    type(scene).__name__, job[1], " of the changing" if job[2]
		    else "", call), trouble)
		scene.back()

	def close(self):
		for scene in self.scenes:
			scene.close()


def jobs_for(opts, k, points, totals, rng):
	"""Those of scene k: (k, n, how, changing, n of the second kill)."""
	if opts.every:
		return [(k, n, how, False, 0) for how in ("enter", "exit")
		    for n in range(1 + rng.randrange(opts.every),
		    totals[False] + 1, opts.every)]
	out = []
	for i, (how, changing) in enumerate(KINDS):
		n = len(range(i, points, len(KINDS)))
		for at in suite.spread(n, totals[changing], rng) if n else []:
			again = rng.randrange(1, totals[changing]) \
			    if opts.kind == "again" else 0
			out.append((k, at, how, changing, again))
	return out


def run(opts, tally):
	rng = random.Random(opts.seed)
	kinds = SCENES[opts.kind]
	with suite.Dovecot() as server:
		scenes = [[kind(server, "kill%d.%d" % (i, k))
		    for k, kind in enumerate(kinds)]
		    for i in range(max(1, opts.jobs))]
		jobs = []
		for k, scene in enumerate(scenes[0]):
			totals = {c: total(scene, c) for c in (True, False)}
			points = len(range(k, opts.points, len(kinds)))
			jobs += jobs_for(opts, k, points, totals, rng)
			print("%s: %s: %d calls, %d of them change something" %
			    (tally.name, kinds[k].__name__, totals[False],
			    totals[True]), flush=True)
		suite.work_off(opts, jobs, lambda i: Worker(scenes[i], tally))


def main():
	opts = suite.options("kill", 100, every=0, kind="run")
	if opts.kind not in SCENES:
		sys.exit("kill: kinds are %s" % ", ".join(SCENES))
	tally = suite.Tally("kill" if opts.kind == "run" else
	    "kill-" + opts.kind, opts)
	return suite.conclude(tally, lambda: run(opts, tally))


if __name__ == "__main__":
	sys.exit(main())
