"""Several mailtern at once on one account, and on one Maildir.

The first is held after byte n of its talk with the server, and stopped; what
then is started must end at once, with exit 75, and touch nothing: neither mail
nor folders nor the index. By turns these are one or four of

	same	the same syncrc
	state	the same Maildir from another state directory
	status	"mailtern status", which must answer meanwhile, with exit 0 or 1
	killed	as same; the first is killed then, and as many are let go in
		the same moment
	gate	nobody is held: all are let go in the same moment. Who comes
		too late ends with 75
	first	as gate in the first sync, each with a state directory of its own

Where they are let go together, at least one must end with 0, the others with 0
or 75. Then one clean run, and the judge. POINTS rounds; --only N repeats one of
the same SEED and POINTS.
"""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time

import kill
import suite

KINDS = ("same", "state", "status", "killed", "gate", "first")
AT_ONCE = 5.0		# seconds, on a machine with other things to do
LIMIT = 60


class Trouble(Exception):
	pass


def gated(world, read_end, env):
	"""Starts when the gate opens: the other end is closed."""
	return subprocess.Popen(["sh", "-c", 'read x; exec "$@"', "gate"] +
	    world.command("--json", "sync"), stdin=read_end,
	    stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env,
	    cwd=world.dir)


class Worker:
	def __init__(self, scenes, tally):
		self.scenes, self.tally = scenes, tally

	def env(self, scene, number):
		"""Of a state directory of its own; 0: the usual one."""
		env = scene.world.env()
		if number:
			env["XDG_STATE_HOME"] = "%s/state%d" % (
			    scene.world.dir, number)
			os.makedirs(env["XDG_STATE_HOME"], exist_ok=True)
		return env

	def stamp(self, scene):
		"""Mail, folders and the usual index, as they are now."""
		w, files = scene.world, {}
		for at, dirs, names in os.walk(w.maildir.root):
			for name in dirs + names:
				st = os.lstat(os.path.join(at, name))
				files[at, name] = (st.st_ino, st.st_size,
				    st.st_mtime_ns)
		for tail in ("", "-wal"):
			path = "%s/mailtern/%s.db%s" % (w.state, w.NAME, tail)
			if os.path.exists(path):
				with open(path, "rb") as f:
					files[path] = hashlib.sha256(
					    f.read()).hexdigest()
		return files, w.remote_stamp()

	def hold_first(self, scene, job):
		kind, others, way, n = job
		scene.relay.arm(way, n, "hold", refuse=False)
		p = scene.world.popen("--json", "sync",
		    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
		if not scene.relay.wait_fired(lambda: p.poll() is None):
			p.communicate()
			scene.relay.wait_quiet()
			return None
		os.kill(p.pid, signal.SIGSTOP)
		os.waitid(os.P_PID, p.pid, os.WSTOPPED | os.WNOWAIT)
		return p

	def others(self, scene, job):
		"""What they must do while the first is at work."""
		kind, others, _, _ = job
		before = self.stamp(scene)
		command = "status" if kind == "status" else "sync"
		begun = time.monotonic()
		procs = [subprocess.Popen(scene.world.command(command),
		    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
		    stderr=subprocess.PIPE, cwd=scene.world.dir,
		    env=self.env(scene, i + 1 if kind == "state" else 0))
		    for i in range(others)]
		for p in procs:
			out, err = p.communicate(timeout=LIMIT)
			if p.returncode not in ((0, 1) if command == "status"
			    else (75,)):
				raise Trouble("%s meanwhile: exit %d: %s%s" % (
				    command, p.returncode, out.decode(),
				    err.decode()))
		took = time.monotonic() - begun
		if took > AT_ONCE:
			raise Trouble("%s waited %.1f s" % (command, took))
		if self.stamp(scene) != before:
			raise Trouble("%s touched something" % command)

	def let_go(self, scene, n, states):
		"""n of them in one moment."""
		r, w = os.pipe()
		procs = [gated(scene.world, r, self.env(scene, i if states
		    else 0)) for i in range(n)]
		os.close(r)
		os.close(w)
		codes = []
		for p in procs:
			out, err = p.communicate(timeout=LIMIT)
			codes.append(p.returncode)
			if p.returncode not in (0, 75):
				raise Trouble("exit %d: %s%s" % (p.returncode,
				    out.decode()[-1000:], err.decode()))
		if 0 not in codes:
			raise Trouble("none of %d did it: %s" % (n, codes))

	def end_first(self, scene, p):
		"""It goes on, and does all that there is to do."""
		os.kill(p.pid, signal.SIGCONT)
		scene.relay.release()
		out, err = p.communicate(timeout=LIMIT)
		if p.returncode != 0:
			raise Trouble("the first: exit %d: %s%s" % (
			    p.returncode, out.decode()[-1000:], err.decode()))

	def round(self, scene, job):
		kind, others, _, _ = job
		if kind in ("gate", "first"):
			self.let_go(scene, others + 1, kind == "first")
			return True
		p = self.hold_first(scene, job)
		if p is None:
			return False
		try:
			self.others(scene, job)
			if kind != "killed":
				self.end_first(scene, p)
		finally:
			if p.poll() is None:
				p.kill()
				p.communicate()
			scene.relay.release()
		if kind == "killed":
			self.let_go(scene, others + 1, False)
		return True

	def do(self, number, job):
		scene = self.scenes[job[0] == "first"]
		fired, trouble = False, None
		for _ in range(4):
			try:
				fired = self.round(scene, job)
			except Trouble as e:
				fired, trouble = True, str(e)
			if fired:
				break
			scene.back()	# it was shorter this time
			job = job[:3] + (max(1, job[3] * 9 // 10),)
		scene.relay.wait_quiet()
		v, more = scene.recover(idle=number % 5 == 0)
		self.tally.point(number, fired, v, "%s, %d others, held after "
		    "byte %d %s" % (job[0], job[1], job[3], job[2]),
		    trouble or more)
		scene.back()

	def close(self):
		for scene in self.scenes:
			scene.close()


def totals(scene):
	"""The bytes that a run takes in and sends."""
	scene.relay.disarm()
	r = scene.world.run("sync")
	scene.relay.wait_quiet()
	if r.rc != 0:
		raise RuntimeError("not even alone: %s" % r)
	count = dict(scene.relay.bytes)
	scene.back()
	return count


def run(opts, tally):
	rng = random.Random(opts.seed)
	with suite.Dovecot() as server:
		scenes = [[suite.Scene(server, "inst%d" % i),
		    kill.First(server, "inst%d.first" % i)]
		    for i in range(max(1, opts.jobs))]
		count = totals(scenes[0][0])
		jobs = []
		for i in range(opts.points):
			way = rng.choice(("in", "out"))
			jobs.append((KINDS[i % len(KINDS)],
			    1 if i // len(KINDS) % 2 == 0 else 4, way,
			    rng.randrange(1, count[way] * 9 // 10)))
		suite.work_off(opts, jobs, lambda i: Worker(scenes[i], tally))


def main():
	opts = suite.options("instances", 36)
	tally = suite.Tally("instances", opts)
	return suite.conclude(tally, lambda: run(opts, tally))


if __name__ == "__main__":
	sys.exit(main())
