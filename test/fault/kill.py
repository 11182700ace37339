"""SIGKILL at system calls spread over a run, then one clean run, then judge.

Four kinds of points take turns: before or after the call, out of all calls or
out of those that change something. Every point must fire. --only N repeats one
point of the same SEED and POINTS.
"""

import os
import random
import subprocess
import sys

import suite

KINDS = [("enter", True), ("exit", True), ("enter", False), ("exit", False)]
KILLAT = os.environ.get("KILLAT") or os.path.join(
    os.path.dirname(os.path.dirname(suite.HERE)), "build/test/fault/killat")


def killat(scene, n, how, changing, power=(), limit=120):
	"""n 0: only count. power: directories whose file systems are cut off
	at the same time. {"fired": "1", ...}"""
	cmd = [KILLAT] + (["-w"] if changing else []) \
	    + [a for dir in power for a in ("-g", dir)] + (["-c"] if n == 0 else [str(n), how]) + ["--"]
	w = scene.world
	p = subprocess.run(cmd + w.command("--json", "sync"),
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
	def __init__(self, scene, tally):
		self.scene, self.tally = scene, tally

	def do(self, number, job):
		n, how, changing = job
		asked = n
		for _ in range(4):
			r = killat(self.scene, n, how, changing)
			if r["fired"] == "1":
				break
			# This run was shorter: its own end is what we meet.
			n = max(1, int(r["total"]) - 1 - (asked - n) % 7)
			self.scene.back()
		v, trouble = self.scene.recover(idle=number % 10 == 0)
		self.tally.point(number, r["fired"] == "1", v,
		    "%s call %d%s %s" % (how, n, " of the changing" if changing
		    else "", r.get("call", "")), trouble)
		self.scene.back()

	def close(self):
		self.scene.close()


def run(opts, tally):
	rng = random.Random(opts.seed)
	with suite.Dovecot() as server:
		scenes = [suite.Scene(server, "kill%d" % i)
		    for i in range(max(1, opts.jobs))]
		totals = {c: total(scenes[0], c) for c in (True, False)}
		jobs = []
		for k, (how, changing) in enumerate(KINDS):
			points = len(range(k, opts.points, len(KINDS)))
			jobs += [(n, how, changing) for n in (suite.spread(
			    points, totals[changing], rng) if points else [])]
		print("kill: %d calls, %d of them change something" % (
		    totals[False], totals[True]), flush=True)
		suite.work_off(opts, jobs, lambda i: Worker(scenes[i], tally))


def main():
	opts = suite.options("kill", 100)
	tally = suite.Tally("kill", opts)
	return suite.conclude(tally, lambda: run(opts, tally))


if __name__ == "__main__":
	sys.exit(main())
