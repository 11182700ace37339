"""System calls that fail, one site after the other; then one clean run, judged.

A site is a call and the class of what it works on (failat.c). At a point the
n-th call of a site returns an error without being carried out, once or from
then on, or is interrupted, or moves half of the bytes. The run must end by
itself; with 0 only when both sides are as they should be; interrupted or short
with 0 always; with anything but 0 and 75 not without a sentence.

Each combination of site, error and "once" or "from then on" comes once before
any comes twice, with another n; --points 0 takes every point there is. --only N
repeats one point of the same SEED and POINTS; --site "pread64 index" (or the
beginning of it) takes points of that site alone.
"""

import errno
import os
import platform
import random
import subprocess
import sys

import suite

FAILAT = os.environ.get("FAILAT") or os.path.join(
    os.path.dirname(os.path.dirname(suite.HERE)), "build/test/fault/failat")
LIMIT = 30		# seconds; "timeout" of the scene is far below

FULL_DISK = ("ENOSPC", "EIO", "EDQUOT")
NEW_NAME = FULL_DISK + ("EROFS", "EACCES")
LOOK = ("EIO", "EACCES")
ERRORS = {
    "write": FULL_DISK, "pwrite64": FULL_DISK, "writev": FULL_DISK,
    "pwritev": FULL_DISK, "copy_file_range": FULL_DISK,
    "ftruncate": FULL_DISK, "fallocate": FULL_DISK,
    "fsync": FULL_DISK, "fdatasync": FULL_DISK, "syncfs": FULL_DISK,
    "openat-create": NEW_NAME + ("EMFILE",), "mkdirat": NEW_NAME,
    "mkdir": NEW_NAME, "renameat": NEW_NAME, "renameat2": NEW_NAME,
    "rename": NEW_NAME, "linkat": NEW_NAME, "link": NEW_NAME,
    "unlinkat": ("EIO", "EROFS", "EACCES"),
    "unlink": ("EIO", "EROFS", "EACCES"),
    "rmdir": ("EIO", "EROFS", "EACCES"),
    "utimensat": ("EIO", "EROFS", "EPERM"),
    "fchmod": ("EIO", "EROFS", "EPERM"),
    "fchmodat": ("EIO", "EROFS", "EPERM"),
    "read": ("EIO",), "pread64": ("EIO",), "readv": ("EIO",),
    "getdents64": ("EIO",), "lseek": ("EIO",),
    "openat": LOOK + ("EMFILE",), "open": LOOK + ("EMFILE",),
    "newfstatat": LOOK, "statx": LOOK, "stat": LOOK, "lstat": LOOK,
    "fstat": ("EIO",), "access": LOOK, "faccessat": LOOK,
    "fstatfs": ("EIO",), "statfs": ("EIO",),
    "flock": ("ENOLCK", "EIO"), "fcntl-lock": ("ENOLCK", "EIO"),
    "socket": ("EMFILE", "ENOBUFS"),
    "connect": ("ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH"),
}
SOCKET_OUT = ("EPIPE", "ECONNRESET", "ETIMEDOUT")
SOCKET_IN = ("ECONNRESET", "ETIMEDOUT")
SOCKET = {"write": SOCKET_OUT, "writev": SOCKET_OUT, "sendto": SOCKET_OUT,
    "sendmsg": SOCKET_OUT, "read": SOCKET_IN, "readv": SOCKET_IN,
    "recvfrom": SOCKET_IN, "recvmsg": SOCKET_IN}
# What must be durable before the run may say that all is done. SQLite passes
# over the directory of a new WAL, and checkpoints again another time.
SYNCS = ("fsync", "fdatasync", "syncfs")
SYNCED = ("message", "tmp", "folder", "marker", "wal")
INTERRUPTED = ("read", "write", "pread64", "pwrite64", "readv", "writev",
    "sendto", "recvfrom", "sendmsg", "recvmsg")
SHORTENED = ("read", "write", "pread64", "pwrite64", "sendto", "recvfrom")


class Point:
	def __init__(self, call, what, how, ever, n):
		self.call, self.what, self.how = call, what, how
		self.ever, self.n = ever, n

	def harmless(self):
		return self.how in ("EINTR", "short")

	def __str__(self):
		return "%s on %s, %s at %d%s" % (self.call, self.what,
		    self.how, self.n, " and then on" if self.ever else "")


def hows(call, what):
	"""(how, from then on)"""
	table = SOCKET if what == "socket" and call in SOCKET else ERRORS
	out = [(e, ever) for e in table.get(call, ()) for ever in (False,
	    True)]
	# The standard output is stdio's, which does not ask again. No signal
	# that we handle interrupts it.
	if call in INTERRUPTED and what != "stdout":
		out.append(("EINTR", False))
	# Random bytes come whole, or somebody else is to blame.
	if call in SHORTENED and what != "device":
		out += [("short", False), ("short", True)]
	return out


def failat(scene, point):
	"""point None: count. ([line of the result], Result)"""
	w, out = scene.world, scene.dir + "/failat"
	cmd = [FAILAT, "-m", w.maildir.root, "-s", w.state, "-o", out]
	if point is None:
		cmd += ["-c", "--"]
	else:
		how = point.how if point.how == "short" else \
		    str(getattr(errno, point.how))
		cmd += (["-f"] if point.ever else []) + [point.call,
		    point.what, str(point.n), how, "--"]
	r = w.run("--json", "sync", wrap=cmd, limit=LIMIT)
	if r.rc != 0:
		raise RuntimeError("failat: %s" % r)
	with open(out) as f:
		lines = f.read().splitlines()
	scene.relay.wait_quiet()
	return lines, r


def numbers(line):
	return {k: int(v) for k, v in (word.split("=") for word in
	    line.split()[:3])}


def sites(scene):
	"""{(call, class): how often}; the scene stays as it was."""
	lines, r = failat(scene, None)
	if numbers(lines[-1])["exit"] != 0:
		raise RuntimeError("not even without a fault: %s" % r)
	v, trouble = scene.recover(idle=True)
	if trouble or not v.good():
		raise RuntimeError("not even without a fault: %s\n%s" % (
		    trouble, v))
	scene.back()
	return {tuple(line.split()[1:3]): int(line.split()[0])
	    for line in lines[:-1]}


def all_points(found, rng):
	"""Rounds: in each, every combination that has an n left, shuffled."""
	left = []
	for (call, what), count in sorted(found.items()):
		for how, ever in hows(call, what):
			ns = list(range(1, count + 1))
			rng.shuffle(ns)
			left.append((call, what, how, ever, ns))
	while left:
		rng.shuffle(left)
		for call, what, how, ever, ns in left:
			yield Point(call, what, how, ever, ns.pop())
		left = [c for c in left if c[4]]


def trouble_of(point, got, r, verdict):
	"""What is wrong with how the run ended, or None."""
	rc = got["exit"]
	if rc > 128:
		return "died of signal %d: %s" % (rc - 128, r)
	if rc == 0 and not verdict.good():
		return "exit 0 with something undone:\n%s\n%s" % (verdict, r)
	if rc == 0 and point.call in SYNCS and point.what in SYNCED:
		return "exit 0 though a sync failed: %s" % r
	if rc != 0 and point.harmless():
		return "exit %d, which nothing was wrong for: %s" % (rc, r)
	if rc not in (0, 75) and point.what != "stderr" and not r.err.strip():
		return "exit %d without a sentence: %s" % (rc, r)
	return None


class Worker:
	exits = {}

	def __init__(self, scene, tally):
		self.scene, self.tally = scene, tally

	def attempt(self, point):
		"""How often a call comes differs a little from run to run."""
		for _ in range(5):
			lines, r = failat(self.scene, point)
			got = numbers(lines[-1])
			if got["fired"]:
				break
			point.n = max(1, got["seen"] - 1)
			self.scene.back()
		return got, r, lines[-1].partition(" exit=")[2]

	def do(self, number, point):
		try:
			got, r, where = self.attempt(point)
		except subprocess.TimeoutExpired:
			self.tally.point(number, 1, self.scene.world.verdict(
			    self.scene.model), str(point), "hangs")
			return self.scene.back()
		verdict = self.scene.world.verdict(self.scene.model) \
		    if got["exit"] == 0 else None
		trouble = trouble_of(point, got, r, verdict)
		v, more = self.scene.recover(idle=number % 10 == 0)
		with self.tally.lock:
			self.exits[got["exit"]] = self.exits.get(got["exit"],
			    0) + 1
		said = "\nthat run: %s" % r if trouble or more or \
		    not v.good() or self.tally.opts.only is not None else ""
		self.tally.point(number, got["fired"] > 0, v, "%s: %s%s" % (
		    point, where, said), "\n".join(filter(None, (trouble,
		    more))))
		self.scene.back()

	def close(self):
		self.scene.close()


def run(opts, tally):
	rng = random.Random(opts.seed)
	with suite.Dovecot() as server:
		scenes = [suite.Scene(server, "errno%d" % i, {"timeout": "5"})
		    for i in range(max(1, opts.jobs))]
		found = sites(scenes[0])
		found = {site: n for site, n in found.items()
		    if " ".join(site).startswith(opts.site)}
		points = list(all_points(found, rng))
		print("errno: %d sites, %d calls, %d points there are" % (
		    len(found), sum(found.values()), len(points)), flush=True)
		suite.work_off(opts, points[:opts.points or None],
		    lambda i: Worker(scenes[i], tally))
		print("errno: " + ", ".join("exit %d: %d" % e for e in
		    sorted(Worker.exits.items())), flush=True)


def main():
	opts = suite.options("errno", 100, site="")
	if platform.machine() != "x86_64":
		print("errno: skipped: not x86-64")
		return 0
	tally = suite.Tally("errno", opts)
	return suite.conclude(tally, lambda: run(opts, tally))


if __name__ == "__main__":
	sys.exit(main())
