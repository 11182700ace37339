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
import modes
import progress
import rounds
from servers import SETUPS
from suite import HERE

sys.path.append(os.path.join(HERE, "..", "e2e"))

import test_matrix as matrix		# noqa: E402


class World(suite.World):
	"""Whose folders may have parents: some servers make them, too."""

	parents = {"/".join(words[:n]) for words in (name.split("/") for name in
	    game.FOLDERS + ["deep/er/x"]) for n in range(1, len(words))}

	def views(self, model=None):
		local, remote = super().views(model)
		for view in (local, remote):
			for name in self.parents & view.keys():
				if not view[name] and name not in (model or ()):
					del view[name]
		return local, remote


def cell(row, out):
	"""What is wrong with one pair of actions."""
	v = judge.Verdict()
	for side, names in (("local", {c: c for c in "SFT"}),
	    ("remote", matrix.NAMES)):
		wanted = sorted((folder, "".join(sorted(names[c]
		    for c in letters))) for folder, letters in
		    row["expect"].items())
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
				tally.point(n, True, cell(row, out),
				    matrix.name(row))
			if out["idle"]:
				tally.failed += 1
				print("%s: %s" % (tally.name, out["idle"]))


def play_rounds(tally, server, user):
	run = rounds.Run(tally.opts, tally, server, user)
	with run.relay:
		run.go()
	if tally.points < tally.opts.points:
		tally.failed = max(1, tally.failed)


SUITES = {"matrix": play_matrix, "rounds": play_rounds}


def play(opts, name):
	"""All suites on one server; how many failed."""
	setup, failed = SETUPS[name], 0
	if not setup.there():
		print("setups: skipped: %s is not unpacked (.ci/servers)" %
		    name)
		return 0
	modes.choose(setup.mode)
	with setup.make() as server:
		for n, (what, body) in enumerate(SUITES.items()):
			tally = suite.Tally("%s %s" % (
			    name.replace("-", " "), what), opts)
			failed += suite.conclude(tally, lambda: body(tally,
			    server, "u%d" % n))
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
