"""The connection cut after byte n, in either direction, then one clean run.

POINTS cuts each way, by reset, by an end of stream and by silence in turn; every
second one lets the program connect again at once. Every cut must have happened.
--only N repeats one point of the same SEED and POINTS.
"""

import random
import sys

import suite

MODES = ("reset", "fin", "silence")


def total(scene):
	scene.relay.disarm()
	r = scene.world.run("sync")
	scene.relay.wait_quiet()
	count = dict(scene.relay.bytes)
	if r.rc != 0:
		raise RuntimeError("not even without a fault: %s" % r)
	v, trouble = scene.recover(idle=True)
	if trouble or not v.good():
		raise RuntimeError("not even without a fault: %s\n%s" % (
		    trouble, v))
	scene.back()
	return count


class Worker:
	def __init__(self, scene, tally):
		self.scene, self.tally = scene, tally

	def do(self, number, job):
		way, n, mode, refuse = job
		relay = self.scene.relay
		for _ in range(4):
			relay.arm(way, n, mode, refuse)
			r = self.scene.world.run("--json", "sync")
			fired = relay.fired
			relay.wait_quiet()
			if fired:
				break
			n = max(1, relay.bytes[way] - 3)
			self.scene.back()
		trouble = None
		if fired and refuse and r.rc not in (0, 75):
			trouble = "exit %d after a cut: %s" % (r.rc, r)
		v, more = self.scene.recover(idle=number % 10 == 0)
		self.tally.point(number, fired, v, "%s after byte %d %s%s" % (
		    mode, n, way, "" if refuse else ", may connect again"),
		    trouble or more)
		self.scene.back()

	def close(self):
		self.scene.close()


def run(opts, tally):
	rng = random.Random(opts.seed)
	with suite.Dovecot() as server:
		scenes = [suite.Scene(server, "cut%d" % i, {"timeout": "1"})
		    for i in range(max(1, opts.jobs))]
		totals = total(scenes[0])
		jobs = []
		for way in ("in", "out"):
			for i, n in enumerate(suite.spread(opts.points,
			    totals[way], rng, 0)):
				jobs.append((way, n, MODES[i % 3],
				    i // 3 % 2 == 0))
		print("cut: %(in)d bytes in, %(out)d bytes out" % totals,
		    flush=True)
		suite.work_off(opts, jobs, lambda i: Worker(scenes[i], tally))


def main():
	# A run that follows a cut waits for what may be on its way.
	opts = suite.options("cut", 50, waits=2)
	tally = suite.Tally("cut", opts)
	return suite.conclude(tally, lambda: run(opts, tally))


if __name__ == "__main__":
	sys.exit(main())
