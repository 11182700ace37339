"""The disk fills up during a run; room is made; one clean run, judged.

Maildir and state lie on a tmpfs each. What is there leaves free no more than a
number of pages (or of inodes), spread from none to what a run takes, so that
each point meets its end at another moment. --kind says where:
	mail	the Maildir has no room
	state	the index and its WAL have none
	both	neither has
	inodes	the Maildir can take no more files
	first	the first sync, of a Maildir without room
	index	the first sync, of an index without room
By default they take turns. The run must end with 74 or 1 and speak of space.
Wants root; says "disk: skipped: not root" without. --only N repeats one point of
the same SEED and POINTS.
"""

import ctypes
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading

import suite			# first: it says where the others are
import kill
import power

MS_REMOUNT = 32
MNT_DETACH = 2
PAGE = 4096
ROOM, FILES = 32 << 20, 10000		# when there is room
SPACE = re.compile("[Nn]o space left|is full")
KINDS = ("mail", "state", "both", "inodes", "first", "index")
ENDS = (74, 1)


def libc(name, *args):
	lib = ctypes.CDLL(None, use_errno=True)
	if getattr(lib, name)(*args) < 0:
		raise OSError(ctypes.get_errno(), "%s: %s" % (name,
		    os.strerror(ctypes.get_errno())))


class Disk:
	"""A tmpfs whose size changes while it is in use."""

	def __init__(self, at):
		self.at = at
		os.makedirs(at, exist_ok=True)
		self.mount(0, ROOM, FILES)

	def mount(self, flags, size, files):
		libc("mount", b"tmpfs", self.at.encode(), b"tmpfs",
		    ctypes.c_ulong(flags), b"size=%d,nr_inodes=%d,mode=755" % (
		    size, files))

	def used(self):
		"""(pages, inodes)"""
		s = os.statvfs(self.at)
		return s.f_blocks - s.f_bfree, s.f_files - s.f_ffree

	def leave(self, pages=None, files=None):
		"""So much is free; None: enough."""
		used = self.used()
		self.mount(MS_REMOUNT, ROOM if pages is None else
		    max(1, used[0] + pages) * PAGE, FILES if files is None else
		    used[1] + files)

	def clear(self):
		self.leave()
		for e in os.scandir(self.at):
			if e.is_dir(follow_symlinks=False):
				shutil.rmtree(e.path)
			else:
				os.unlink(e.path)

	def off(self):
		libc("umount2", self.at.encode(), MNT_DETACH)


class Peak:
	"""What two disks need at most while something runs."""

	def __init__(self, disks):
		self.disks = disks
		self.before = [d.used() for d in disks]
		self.most = list(self.before)
		self.done = threading.Event()
		self.thread = threading.Thread(target=self.look)

	def look(self):
		while not self.done.wait(0.0005):
			self.most = [tuple(map(max, m, d.used()))
			    for m, d in zip(self.most, self.disks)]

	def __enter__(self):
		self.thread.start()
		return self

	def __exit__(self, *exc):
		self.done.set()
		self.thread.join()

	def taken(self):
		"""[(pages, inodes)]"""
		return [(m[0] - b[0], m[1] - b[1])
		    for m, b in zip(self.most, self.before)]


class Disks:
	"""A scene on two of them."""

	def place(self):
		now = self.dir + "/now"
		self.mail = Disk(now + "/mail")
		self.state = Disk(now + "/state")

	def close(self):
		if not self.closed:
			self.mail.off()
			self.state.off()
		super().close()

	def back_local(self):
		for disk, name in ((self.mail, "mail"), (self.state, "state")):
			disk.clear()
			suite.copy_tree("%s/then/%s/." % (self.dir, name),
			    disk.at)


class Scene(Disks, suite.Scene):
	pass


class First(Disks, kill.First):
	pass


class Point:
	def __init__(self, kind, **free):
		self.kind, self.free = kind, free

	def narrow(self):
		"""It was enough: half of it. False when there was nothing."""
		some = any(self.free.values())
		self.free = {k: v // 2 for k, v in self.free.items()}
		return some

	def apply(self, scene):
		f = self.free
		scene.mail.leave(f.get("mail"), f.get("inodes"))
		scene.state.leave(f.get("state"))

	def __str__(self):
		return "%s: room for %s" % (self.kind, ", ".join(
		    "%d %s" % (v, {"mail": "pages of mail", "state":
		    "pages of state", "inodes": "files"}[k])
		    for k, v in self.free.items()))


def scene_of(kind, server, user):
	return (First if kind in ("first", "index") else Scene)(server, user)


def needs(scene):
	"""What a run takes; the scene stays as it was."""
	with Peak([scene.mail, scene.state]) as peak:
		r = scene.world.run("--json", "sync")
	if r.rc != 0:
		raise RuntimeError("not even without a fault: %s" % r)
	v, trouble = scene.recover(idle=True)
	if trouble or not v.good():
		raise RuntimeError("not even without a fault: %s\n%s" % (
		    trouble, v))
	scene.back()
	(mail, inodes), (state, _) = peak.taken()
	return {"mail": mail, "state": state, "inodes": inodes}


LIMITED = {"mail": ("mail",), "first": ("mail",), "state": ("state",),
    "index": ("state",), "both": ("mail", "state"), "inodes": ("inodes",)}


def points_of(kind, n, need, rng):
	"""Free: from nothing to one less than enough."""
	out = []
	for i in range(n):
		share = (i + rng.random()) / n
		out.append(Point(kind, **{what: int(need[what] * share)
		    for what in LIMITED[kind]}))
	return out


def trouble_of(r):
	if r.rc == 0:
		return "exit 0, though there was no room: %s" % r
	if r.rc not in ENDS:
		return "exit %d for want of space: %s" % (r.rc, r)
	if not SPACE.search(r.err):
		return "not a word about space: %s" % r
	return None


class Worker:
	exits = {}

	def __init__(self, scenes, tally):
		self.scenes, self.tally = scenes, tally

	def attempt(self, scene, point):
		"""(did the room run out, Result)"""
		for _ in range(12):
			point.apply(scene)
			r = scene.world.run("--json", "sync", limit=30)
			scene.relay.wait_quiet()
			if r.rc != 0:
				return True, r
			v = scene.world.verdict(scene.model)
			if not v.good():
				break		# that is what must not be
			scene.back()
			if not point.narrow():
				break
		return False, r

	def do(self, number, point):
		scene = self.scenes[point.kind]
		try:
			fired, r = self.attempt(scene, point)
		except subprocess.TimeoutExpired:
			self.tally.point(number, 1, scene.world.verdict(
			    scene.model), str(point), "hangs")
			return scene.back()
		trouble = trouble_of(r)
		for disk in (scene.mail, scene.state):
			disk.leave()
		v, more = scene.recover(idle=number % 5 == 0)
		with self.tally.lock:
			self.exits[r.rc] = self.exits.get(r.rc, 0) + 1
		said = "\nthat run: %s" % r if trouble or more or \
		    not v.good() or self.tally.opts.only is not None else ""
		self.tally.point(number, fired, v, str(point) + said,
		    "\n".join(filter(None, (trouble, more))))
		scene.back()

	def close(self):
		for scene in self.scenes.values():
			scene.close()


def run(opts, tally):
	rng = random.Random(opts.seed)
	kinds = [opts.kind] if opts.kind else list(KINDS)
	with suite.Dovecot() as server:
		workers = [{kind: scene_of(kind, server, "disk%d%s" % (i,
		    kind)) for kind in kinds}
		    for i in range(max(1, opts.jobs))]
		points = []
		for i, kind in enumerate(kinds):
			need = needs(workers[0][kind])
			n = len(range(i, opts.points, len(kinds)))
			print("disk: %s: a run takes %d and %d pages, %d files"
			    % (kind, need["mail"], need["state"],
			    need["inodes"]), flush=True)
			points += points_of(kind, n, need, rng)
		suite.work_off(opts, points,
		    lambda i: Worker(workers[i], tally))
		print("disk: " + ", ".join("exit %d: %d" % e for e in
		    sorted(Worker.exits.items())), flush=True)


def main():
	opts = suite.options("disk", 30, kind="")
	if os.getuid() != 0:
		print("disk: skipped: not root")
		return 0
	try:
		power.own_mounts()
	except OSError as e:
		print("disk: skipped: no mounts: %s" % e)
		return 0
	# Through the exit handlers, which unmount.
	signal.signal(signal.SIGTERM, lambda *_: sys.exit(
	    128 + signal.SIGTERM))
	tally = suite.Tally("disk", opts)
	return suite.conclude(tally, lambda: run(opts, tally))


if __name__ == "__main__":
	sys.exit(main())
