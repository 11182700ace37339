"""The power cut at system calls spread over a run, then one clean run, judged.

Maildir and state lie on a loop-mounted file system of their own, or on one
each ("apart": there no sync of the one makes the other durable by chance),
the server's mailbox outside. A mail reader has just changed things there, and
nothing has synced them. At the n-th call that changes something the program
is killed and the file system shut down without a flush (killat -g); at the
last point of each file system that happens right after the program's exit 0.
Mounted again, its journal is replayed, and what was not durable is gone. At
every fourth point the power goes once more during the run that recovers. A
fifth of the points is in the first sync of an account ("first"), with batches
that syncfs.

What the reader did may be gone as well, unless either side still shows it:
that decides what has to be on both sides after one clean run. "stuck" is a
clean run that does not exit 0, or a second one that does anything. Only what
the reader's own unsynced delivery left empty may be named with exit 1; any
other empty file is "wrong", also where the message comes again beside it.

POINTS are for ext4, most of them apart; a quarter of that goes on top for XFS
where mkfs.xfs is. Wants root and loop devices; says "power: skipped: WHY"
without. --only N repeats one point of the same SEED and POINTS.
"""

import copy
import ctypes
import fcntl
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import suite			# first: it says where the others are
import judge
import kill
import maildirview
from world import transfers

CLONE_NEWNS = 0x20000
MS_REC_PRIVATE = 0x4000 | 0x40000
IOC_SHUTDOWN = 0x8004587d
NO_LOG_FLUSH = b"\2\0\0\0"
EMPTY = maildirview.digest(b"")

# How each is made, and the size of its image in MiB.
MKFS = {"ext4": (["mkfs.ext4", "-q", "-F", "-J", "size=4"], 48),
    "xfs": (["mkfs.xfs", "-q", "-f"], 320)}


def tool(name):
	return shutil.which(name, path=os.environ.get("PATH", "") +
	    ":/usr/sbin:/sbin")


def command(*args):
	p = subprocess.run((tool(args[0]) or args[0],) + args[1:], text=True,
	    stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
	    stdin=subprocess.DEVNULL)
	if p.returncode != 0:
		raise RuntimeError("%s: %s" % (" ".join(args),
		    p.stdout.strip()))


def own_mounts():
	"""Mounts of this process and its children go with the last of them,
	and each loop device with its mount, however they end."""
	libc = ctypes.CDLL(None, use_errno=True)
	if libc.unshare(CLONE_NEWNS) < 0 or libc.mount(b"none", b"/", None,
	    MS_REC_PRIVATE, None) < 0:
		raise OSError(ctypes.get_errno(), "no mounts of our own")


class Disk:
	"""A file system in a file, which can be put back as it was."""

	def __init__(self, kind, image, at):
		self.kind, self.image, self.at = kind, image, at
		self.mounted = False
		args, size = MKFS[kind]
		with open(image, "wb") as f:
			f.truncate(size << 20)
		command(*args, image)
		os.makedirs(at, exist_ok=True)

	def on(self):
		command("mount", "-t", self.kind, "-o", "loop", self.image,
		    self.at)
		self.mounted = True

	def off(self):
		"""The last process has ended, but the kernel may still be
		letting go of its files."""
		end = time.monotonic() + 10
		while self.mounted:
			try:
				command("umount", self.at)
				self.mounted = False
			except RuntimeError:
				if time.monotonic() > end:
					raise
				time.sleep(0.01)

	def keep(self):
		os.rename(self.image, self.image + ".then")

	def back(self):
		command("cp", "--sparse=always", self.image + ".then",
		    self.image)


def try_disk(kind):
	"""Does all that a point needs once."""
	dir = tempfile.mkdtemp(prefix="power-", dir=suite.scratch_dir())
	try:
		disk = Disk(kind, dir + "/image", dir + "/at")
		disk.on()
		try:
			fd = os.open(disk.at, os.O_RDONLY)
			fcntl.ioctl(fd, IOC_SHUTDOWN, NO_LOG_FLUSH)
			os.close(fd)
		finally:
			disk.off()
	finally:
		shutil.rmtree(dir, ignore_errors=True)


def unable():
	"""Why power can't be cut here, or None."""
	if os.getuid() != 0:
		return "not root"
	if not os.path.exists("/dev/loop-control"):
		return "no loop devices"
	if not tool("mkfs.ext4"):
		return "no mkfs.ext4"
	try:
		own_mounts()
		try_disk("ext4")
	except (OSError, RuntimeError) as e:
		return "no loop mounts: %s" % e
	return None


def cells(model, tok):
	return {folder: toks[tok] for folder, toks in model.items()
	    if tok in toks}


def without_empty(view):
	"""(view, the unique parts of the empty files that it had)"""
	out = {name: [s for s in seen if s.sum != EMPTY]
	    for name, seen in view.items()}
	return out, {maildirview.split_name(s.where.rpartition("/")[2])[0]
	    for seen in view.values() for s in seen if s.sum == EMPTY}


class Survived:
	"""What of the reader's changes either side shows after the cut."""

	def __init__(self, before, after, views):
		self.views = views
		self.after = after
		self.model = copy.deepcopy(before)
		self.gone = []
		toks = set()
		for model in (before, after):
			for m in model.values():
				toks |= set(m)
		for tok in sorted(toks):
			was, now = cells(before, tok), cells(after, tok)
			if was != now:
				self.decide(tok, was, now)
		for name in set(after) - set(before):
			if any(name in v for v in views.values()):
				self.model.setdefault(name, {})

	def decide(self, tok, was, now):
		for name in set(was) | set(now):
			for side in self.views:
				if self.shows(side, name, tok, was.get(name),
				    now.get(name)):
					return self.take(tok, now)
		self.gone.append(tok)

	def take(self, tok, now):
		for m in self.model.values():
			m.pop(tok, None)
		for name, flags in now.items():
			self.model.setdefault(name, {})[tok] = flags

	def shows(self, side, name, tok, was, now):
		seen = [s for s in self.views[side].get(name, ())
		    if s.tok == tok]
		if was == now:
			return False
		if now is None:
			return not seen
		if was is None:
			return bool(seen)
		want, odd = now, was ^ now
		if side == "local":
			want, odd = map(judge.letters_of, (want, odd))
		return any(s.flags & odd == want & odd for s in seen)

	def sums(self, sums):
		"""A file the reader has not synced may have lost bytes; they
		are lost unless the server has them."""
		out = dict(sums)
		for name, seen in self.views["local"].items():
			far = {s.tok for s in self.views["remote"].get(name,
			    ())}
			for s in seen:
				if s.tok not in far and s.tok in out:
					out[s.tok] = s.sum
		return out


class Scene(suite.Scene):
	"""The scene on a disk of its own; back() leaves the reader's changes
	where the kernel has them, in memory."""

	def __init__(self, kind, apart, *args):
		self.kind, self.apart = kind, apart
		self.disks = []
		super().__init__(*args)

	def place(self):
		at = self.dir + "/now"
		self.add_disk("disk", at)
		if self.apart:
			self.add_disk("disk-state", at + "/state")

	def add_disk(self, name, at):
		disk = Disk(self.kind, self.dir + "/" + name, at)
		self.disks.append(disk)
		disk.on()

	def on(self):
		for disk in self.disks:
			disk.on()

	def off(self):
		for disk in reversed(self.disks):
			disk.off()

	def close(self):
		if not self.closed:
			self.off()
		super().close()

	def change(self):
		self.change_remote()
		self.before = self.model

	def keep_local(self):
		self.off()
		for disk in self.disks:
			disk.keep()

	def back_local(self):
		self.off()
		for disk in self.disks:
			disk.back()
		self.on()
		self.model = copy.deepcopy(self.before)
		self.change_local()
		new = set().union(*self.model.values()) \
		    - set().union(*self.before.values())
		self.delivered = {f.unique: tok for files in
		    self.world.maildir.all().values() for f in files
		    for tok in [maildirview.token(f.data())] if tok in new}

	def cut(self, n, how):
		"""n 0: right after the end. {"fired": "1", ...}"""
		r = kill.killat(self, n, how, True, [d.at for d in self.disks])
		self.off()
		self.on()
		return r

	def views(self):
		with self.world.imap() as imap:
			remote = judge.view_remote(imap)
		local, empty = without_empty(judge.view_local(
		    self.world.maildir))
		return {"local": local, "remote": remote}, empty

	def recover(self, again=0):
		"""(verdict, trouble, what was gone of the reader's doing).
		again: the call of a second cut."""
		self.relay.disarm()
		views, empty = self.views()
		left = Survived(self.before, self.model, views)
		sums = left.sums(self.world.sums)
		self.twice = again > 0 and self.cut(again, "enter")["fired"] \
		    == "1"
		r = self.world.run("--json", "sync")
		views, still = self.views()
		v = judge.judge(views["local"], views["remote"], left.model,
		    sums)
		for name in sorted(empty | still):
			if self.delivered.get(name) not in left.gone:
				v.add("wrong", "local: %s is empty", name)
		trouble = None
		if r.rc not in ((0, 1) if empty else (0,)):
			trouble = "the clean run: %s" % r
		elif v.good():
			trouble = self.second(r.rc, still)
		if not v.good():
			v.lines.append("clean run: %s" % r)
		return v, trouble, "%d files empty, gone: %s" % (len(empty),
		    " ".join(left.gone) or "nothing")

	def second(self, rc, empty):
		"""One more run finds nothing to do."""
		w = self.world
		before = w.remote_stamp(), w.local_stamp()
		r = w.run("--json", "sync")
		if r.rc != rc:
			return "the second run: %s" % r
		if transfers(r.summary()) != 0 \
		    or (w.remote_stamp(), w.local_stamp()) != before:
			return "the second run does something: %s" % r
		if not empty and r.summary()["pending"] + \
		    r.summary()["held"] != 0:
			return "the second run leaves something: %s" % r
		return None


class First(Scene):
	"""There is mail on the server and nothing here."""

	def begin(self):
		w = self.world
		with w.imap() as imap:
			imap.create("work")
			for folder, n in (("INBOX", 24), ("work", 6)):
				for i in range(n):
					tok = "%s%d" % (folder[0], i)
					flags = ["\\Seen"] if i % 3 else []
					w.append(imap, folder, tok, flags,
					    size=400 << i % 5)
					self.put(folder, tok, *flags)

	def change_remote(self):
		pass

	def change_local(self):
		pass


def total(scene):
	"""The calls of a run without a fault; the disk stays as it was."""
	r = kill.killat(scene, 0, "enter", True)
	if r["exit"] != "0":
		raise RuntimeError("the run that counts exits %s" % r["exit"])
	v, trouble, _ = scene.recover()
	if trouble or not v.good():
		raise RuntimeError("not even without a fault: %s\n%s" % (
		    trouble, v))
	scene.back()
	return int(r["total"])


class Worker:
	undone = []		# points where something of the reader's is gone
	twice = []		# points where the recovery was cut as well

	def __init__(self, scenes, tally):
		self.scenes, self.tally = scenes, tally

	def do(self, number, job):
		kind, n, how, again = job
		scene, asked = self.scenes[kind], n
		for _ in range(4):
			r = scene.cut(n, how)
			if r["fired"] == "1" or asked == 0:
				break
			# This run was shorter: its own end is what we meet.
			n = max(1, int(r["total"]) - 1 - (asked - n) % 7)
			scene.back()
		what = "%s call %d %s" % (how, n, r.get("call"))
		if asked == 0:
			what = "right after the end, exit " + r["exit"]
		v, trouble, gone = scene.recover(again)
		if scene.twice:
			what += " and call %d of the recovery" % again
			self.twice.append(number)
		self.tally.point(number, r["fired"] == "1" or (asked == 0 and
		    r["exit"] == "0"), v, "%s: %s; %s" % (kind, what, gone),
		    trouble)
		if "gone: nothing" not in gone:
			self.undone.append(number)
		scene.back()

	def close(self):
		for scene in self.scenes.values():
			scene.close()


def jobs_for(kind, points, calls, rng):
	"""The last point is the end itself."""
	spread = suite.spread(points - 1, calls, rng) if points > 1 else []
	return [(kind, n, ("enter", "exit")[i % 2], 0 if i % 4 != 1 else
	    rng.randrange(1, calls // 2)) for i, n in enumerate(spread)] \
	    + [(kind, 0, "end", 0)]


def kinds(opts):
	"""{kind: (scene, file system, state apart, points)}"""
	points = {"ext4": opts.points}
	if tool("mkfs.xfs"):
		points["xfs"] = opts.xfs if opts.xfs >= 0 else opts.points // 4
	out = {}
	for fs, n in points.items():
		out[fs] = (Scene, fs, False, n - n // 2 - n // 5)
		out[fs + " apart"] = (Scene, fs, True, n // 2)
		out[fs + " first"] = (First, fs, True, n // 5)
	return {kind: k for kind, k in out.items() if k[3] > 0}


def run(opts, tally):
	rng = random.Random(opts.seed)
	todo = kinds(opts)
	with suite.Dovecot() as server:
		workers = [{kind: scene(fs, apart, server, "power%d.%d" % (i,
		    k)) for k, (kind, (scene, fs, apart, _)) in
		    enumerate(todo.items())} for i in range(max(1, opts.jobs))]
		jobs = []
		for kind, (_, _, _, n) in todo.items():
			calls = total(workers[0][kind])
			jobs += jobs_for(kind, n, calls, rng)
			print("power: %s: %d points, %d calls change something"
			    % (kind, n, calls), flush=True)
		suite.work_off(opts, jobs, lambda i: Worker(workers[i], tally))
		print("power: %d cuts took something the reader had done, "
		    "%d were followed by one during the recovery" % (
		    len(Worker.undone), len(Worker.twice)), flush=True)
		if not Worker.undone and tally.points >= 20:
			raise RuntimeError("no cut took anything")


def main():
	opts = suite.options("power", 100, xfs=-1)
	why = unable()
	if why:
		print("power: skipped: " + why)
		return 0
	# Through the exit handlers, which unmount.
	signal.signal(signal.SIGTERM, lambda *_: sys.exit(
	    128 + signal.SIGTERM))
	tally = suite.Tally("power", opts, "stuck")
	return suite.conclude(tally, lambda: run(opts, tally))


if __name__ == "__main__":
	sys.exit(main())
