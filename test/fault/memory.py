"""The n-th allocation fails, once or from then on; one clean run, judged.

--kind: "run" (an account in sync, changed on both sides), "tls" (the same over
TLS, the password from a command) or "first" (the first sync); by default they
take turns. Of the first kind also: none left from the moment on at which a
thread is started, for each thread. The run may say "out of memory" and end with
74, or do without what it did not get; it never dies of a signal, hangs, or exits
0 with something undone. nomem.c, preloaded, does it. --points 0 takes every
allocation there is.
--only N repeats one point of the same SEED and POINTS.
"""

import os
import random
import signal
import struct
import subprocess
import sys

import suite			# first: it says where the others are
import kill

NOMEM = os.environ.get("NOMEM") or os.path.join(
    os.path.dirname(os.path.dirname(suite.HERE)), "build/test/fault/nomem.so")
REPORT = "QQQQ224s"	# struct report of nomem.c
LIMIT = 30		# seconds
ENDS = (0, 74)
LIBCONFUSE = (-signal.SIGSEGV, -signal.SIGABRT, 78)


class Tls(suite.Scene):
	"""OpenSSL and a child process have a share."""

	def place(self):
		self.relay.target = ("127.0.0.1", self.server.tls_port)
		self.relay.hides = ()		# it can't read that


def scene_of(kind, server, user):
	keys = {"timeout": "5"}
	if kind == "tls":
		keys.update({"tls": "implicit", "tls-ca-file": '"%s"' %
		    server.ca, "password": None,
		    "password-command": '"echo %s"' % server.password})
	make = {"run": suite.Scene, "tls": Tls, "first": kill.First}[kind]
	return make(server, user, keys)


class Point:
	def __init__(self, kind, n, ever, thread=0):
		self.kind, self.n, self.ever = kind, n, ever
		self.thread = thread	# if not 0, this one in place of n

	def env(self):
		if self.thread:
			return {"NOMEM_AT": "0", "NOMEM_THREAD":
			    str(self.thread)}
		return {"NOMEM_AT": str(self.n),
		    **({"NOMEM_EVER": "1"} if self.ever else {})}

	def __str__(self):
		if self.thread:
			return "%s, thread %d and then on" % (self.kind,
			    self.thread)
		return "%s, allocation %d%s" % (self.kind, self.n,
		    " and then on" if self.ever else "")


def run_short_of(scene, point):
	"""(allocations, refused, threads, where, Result)"""
	out = scene.dir + "/nomem"
	with open(out, "wb") as f:
		f.write(bytes(struct.calcsize(REPORT)))
	# The authorities of this system would have most of the allocations.
	env = {"LD_PRELOAD": NOMEM, "NOMEM_FILE": out,
	    "SSL_CERT_FILE": scene.server.ca, "SSL_CERT_DIR": scene.dir,
	    **point.env()}
	r = scene.world.run("sync", env=env, limit=LIMIT)
	scene.relay.wait_quiet()
	with open(out, "rb") as f:
		count, fired, pid, threads, where = struct.unpack(REPORT,
		    f.read())
	if pid == 0:
		raise RuntimeError("nomem.so was not loaded: %s" % r)
	return count, fired, threads, where.rstrip(b"\0").decode(), r


def total(scene):
	"""The allocations and threads of a run; the scene stays as it was."""
	count, _, threads, _, r = run_short_of(scene, Point("", 0, False))
	if r.rc != 0:
		raise RuntimeError("not even without a fault: %s" % r)
	v, trouble = scene.recover(idle=True)
	if trouble or not v.good():
		raise RuntimeError("not even without a fault: %s\n%s" % (
		    trouble, v))
	scene.back()
	return count, threads


def trouble_of(where, r, verdict):
	"""What is wrong with how the run ended, or None. libconfuse takes no
	heed of what it gets, and there is no way to give it other memory; it
	has done its work before any mail, index or server is touched."""
	if r.rc in LIBCONFUSE and where.startswith("libconfuse.so"):
		return None
	if r.rc < 0:
		return "died of signal %d: %s" % (-r.rc, r)
	if r.rc not in ENDS:
		return "exit %d for want of memory: %s" % (r.rc, r)
	if r.rc == 0 and not verdict.good():
		return "exit 0 with something undone:\n%s\n%s" % (verdict, r)
	if r.rc == 74 and not r.err.strip():
		return "exit 74 without a sentence: %s" % r
	return None


class Worker:
	exits = {}

	def __init__(self, scenes, tally):
		self.scenes, self.tally = scenes, tally

	def attempt(self, scene, point):
		"""A run is never exactly as long as the one before."""
		for _ in range(5):
			count, fired, _, where, r = run_short_of(scene, point)
			if fired:
				break
			point.n = max(1, count - 1)
			scene.back()
		return fired, where, r

	def do(self, number, point):
		scene = self.scenes[point.kind]
		try:
			fired, where, r = self.attempt(scene, point)
		except subprocess.TimeoutExpired:
			self.tally.point(number, 1, scene.world.verdict(
			    scene.model), str(point), "hangs")
			return scene.back()
		verdict = scene.world.verdict(scene.model) if r.rc == 0 \
		    else None
		trouble = trouble_of(where, r, verdict)
		v, more = scene.recover(idle=number % 10 == 0)
		with self.tally.lock:
			self.exits[r.rc] = self.exits.get(r.rc, 0) + 1
		said = "\nthat run: %s" % r if trouble or more or \
		    not v.good() or self.tally.opts.only is not None else ""
		self.tally.point(number, fired > 0, v, "%s: %s%s" % (point,
		    where, said), "\n".join(filter(None, (trouble, more))))
		scene.back()

	def close(self):
		for scene in self.scenes.values():
			scene.close()


def points_of(kind, total, n, rng):
	"""n spread over the run, alternately once and for ever; 0: all."""
	if n == 0:
		return [Point(kind, i, ever) for i in range(1, total + 1)
		    for ever in (False, True)]
	return [Point(kind, at, i % 2 == 1) for i, at in
	    enumerate(suite.spread(n, total, rng))]


def run(opts, tally):
	rng = random.Random(opts.seed)
	kinds = [opts.kind] if opts.kind else ["run", "tls", "first"]
	with suite.Dovecot() as server:
		workers = [{kind: scene_of(kind, server, "memory%d%s" % (i,
		    kind)) for kind in kinds}
		    for i in range(max(1, opts.jobs))]
		points, last = [], []
		for i, kind in enumerate(kinds):
			n, threads = total(workers[0][kind])
			share = len(range(i, opts.points, len(kinds)))
			print("memory: %s: %d allocations, %d threads" % (kind,
			    n, threads), flush=True)
			if share or opts.points == 0:
				points += points_of(kind, n, share, rng)
			if i == 0:
				last = [Point(kind, 0, True, t + 1)
				    for t in range(threads)]
		suite.work_off(opts, points + last,
		    lambda i: Worker(workers[i], tally))
		print("memory: " + ", ".join("exit %d: %d" % e for e in
		    sorted(Worker.exits.items())), flush=True)


def main():
	opts = suite.options("memory", 60, kind="")
	tally = suite.Tally("memory", opts)
	return suite.conclude(tally, lambda: run(opts, tally))


if __name__ == "__main__":
	sys.exit(main())
