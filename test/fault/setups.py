"""The matrix and random rounds on every kind of server (lib/servers.py).

	setups.py [--only NAME] [--points N]

The matrix is that of the end to end tests: each pair of a local and a remote
action on a message, with outcomes written from the rules. Rounds are those of
rounds.py. One line a server and suite.
"""

import argparse
import os
import sys

import suite
import game
import judge
import maildirview
import modes
import progress
import rounds
from servers import SETUPS
from suite import HERE

sys.path.append(os.path.join(HERE, "..", "e2e"))

import test_matrix as matrix		# noqa: E402


LATER = "until a run in an hour or later"
ANEW = "numbers its messages anew"


class World(suite.World):
	"""Whose folders may have parents: some servers make them, too."""

	parents = {"/".join(words[:n]) for words in (name.split("/") for name in
	    game.FOLDERS + ["deep/er/x"]) for n in range(1, len(words))}

	ahead = 0		# of the clock, in seconds
	base = None		# what both sides held before this round
	came_back = back = 0	# so many messages; and may (servers.py)

	def command(self, *args):
		return super().command(*args) + ["--clock-ahead",
		    str(self.ahead)]

	def run(self, *args, **more):
		"""Where the server does not say that a folder is gone, it goes an
		hour later; removals come behind a merge (design, section 5)."""
		self.merged = set()
		for _ in range(3):
			r = super().run(*args, **more)
			notes = [e["message"] for e in r.of("note")]
			self.merged |= {n.partition(": ")[0] for n in notes
			    if ANEW in n}
			if any(LATER in n for n in notes):
				self.ahead += 3700
			elif not any(ANEW in n for n in notes):
				break
			if r.rc != 75 or "-n" in args:
				break
		return r

	def verdict(self, model=None):
		v = super().verdict(model)
		if v.good() or not self.merged or self.base is None:
			return v
		return self.after_merge(model)

	def after_merge(self, model):
		"""A merge is one-sided: what the server removed in a folder that
		it numbers anew is back, on both sides, and so are flags."""
		local, remote = self.views(model)
		v = judge.judge(local, remote, None, self.sums)
		back = {}
		for name in set(model) | set(remote):
			self.take_back(v, model, remote, name, back)
		for name, held in back.items():
			model.setdefault(name, {}).update(held)
			self.came_back += len(held)
		for name in self.merged & set(remote):
			flags = {s.tok: s.flags for s in remote[name]}
			for tok in model[name]:
				model[name][tok] = flags.get(
				    judge.family(tok))
		return v

	def take_back(self, v, model, remote, name, back):
		want, _ = judge.families(model.get(name, {}))
		have = judge.counts(remote.get(name, ()))
		for tok in set(want) | set(have):
			more = have.get(tok, 0) - want.get(tok, 0)
			spare = [t for t in self.base.get(name, {})
			    if judge.family(t) == tok
			    and t not in model.get(name, {})]
			if more < 0:
				v.add("lost", "remote: %s not in %s", tok, name)
			elif more > len(spare) or (more and name not in
			    self.merged):
				v.add("resurrected", "remote: %s in %s", tok,
				    name)
			for t in spare[:max(0, more)]:
				back.setdefault(name, {})[t] = frozenset()

	def remote_stamp(self):
		"""Some number an empty folder anew each time it is opened."""
		return {name: stamp[-1] and stamp for name, stamp in
		    super().remote_stamp().items()}

	def views(self, model=None):
		local, remote = super().views(model)
		for view in (local, remote):
			for name in self.parents & view.keys():
				if not view[name] and name not in (model or ()):
					del view[name]
		return local, remote


def cell(row, out, server):
	"""What is wrong with one pair of actions."""
	v = judge.Verdict()
	for side, names in (("local", {c: c for c in "SFT"}),
	    ("remote", matrix.NAMES)):
		wanted = sorted((folder, "".join(sorted(names[c]
		    for c in letters))) for folder, letters in
		    matrix.expected(row, server).items())
		found = matrix.places(out[side], matrix.name(row))
		if found != wanted:
			v.add("wrong", "%s: %s, not %s", side, found, wanted)
	return v


def play_matrix(tally, server, user):
	waits = modes.chosen().waits
	rows = [r for r in matrix.MATRIX["rows"] if not waits
	    or "marked" not in (r["local"], r["remote"])]
	with suite.relay_to(server) as relay:
		for out in matrix.one_run(server, relay.port, rows, user):
			for n, row in enumerate(rows):
				tally.point(n, True, cell(row, out, server),
				    matrix.name(row))
			if out["idle"]:
				tally.failed += 1
				print("%s: %s" % (tally.name, out["idle"]))


class Tally(suite.Tally):
	"""A point alone has no way of its own: all of that server is played."""

	def repeat(self, n):
		super().repeat(self.setup)


class Run(rounds.Run):
	def round(self, n):
		self.world.base = game.copy_of(self.base)
		return super().round(n)


def play_rounds(tally, server, user):
	run = Run(tally.opts, tally, server, user)
	with run.relay:
		run.go()
	if run.world.came_back:
		print("%s: %d messages came back in merges, %d may" % (
		    tally.name, run.world.came_back, World.back))
	if run.world.came_back > World.back:
		tally.failed += 1
	if tally.points < tally.opts.points:
		tally.failed = max(1, tally.failed)


SUITES = {"matrix": play_matrix, "rounds": play_rounds}


def suit(setup):
	"""What this server can't keep is not asked of it."""
	modes.choose(setup.mode)
	maildirview.WRITTEN[:] = setup.fields
	if not setup.keywords:
		game.KEYWORDS[:] = []
		game.SYSTEM.remove("$Forwarded")
		game.WORDS["remote"] = game.SYSTEM


def play(opts, name):
	"""All suites on one server; how many failed."""
	setup, failed = SETUPS[name], 0
	if not setup.there():
		print("setups: skipped: %s is not unpacked (.ci/servers)" %
		    name)
		return 0
	suit(setup)
	World.back = setup.back
	for n, (what, body) in enumerate(SUITES.items()):
		tally = Tally("%s %s" % (name.replace("-", " "), what), opts)
		tally.setup = name
		with setup.make() as server:
			failed += suite.conclude(tally, lambda: body(tally,
			    server, "u%d" % n + setup.domain))
	return failed


def options():
	p = argparse.ArgumentParser(prog="setups")
	p.add_argument("--points", type=int, default=30)
	p.add_argument("--min", type=int, default=0)
	p.add_argument("--messages", type=int, default=60)
	p.add_argument("--seed", type=int, default=int(os.environ.get("SEED")
	    or 1))
	p.add_argument("--only", choices=SETUPS)
	return p.parse_args()


def apart(body):
	"""In a process of its own: what was sent unasked counts there. Whether
	it failed."""
	sys.stdout.flush()
	pid = os.fork()
	if pid == 0:
		failed = 1
		try:
			failed = body()
			sys.stdout.flush()
		finally:
			os._exit(1 if failed else 0)
	return os.waitpid(pid, 0)[1] != 0


def main():
	opts, failed = options(), 0
	names = [opts.only] if opts.only else list(SETUPS)
	for done, name in enumerate(names):
		progress.tell(done, len(names))
		each = argparse.Namespace(**dict(vars(opts), only=None))
		failed += apart(lambda: play(each, name))
	return 1 if failed else 0


suite.World = matrix.World = World

if __name__ == "__main__":
	sys.exit(main())
