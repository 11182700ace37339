"""The matrix and random rounds with extensions taken away, pair by pair.

	pairwise.py [--points N] [--rounds N] [--seed N] [--only N]

Eight runs in a row hide and reject some of EXTENSIONS each (lib/hiding.py), so
that of any two of them every pair of (there, not there) is met. What must come
of a run is the same each time: that of the rules.
"""

import argparse
import itertools
import os
import random
import sys

import suite
import modes
import progress
import setups

RUNS = 8
EXTENSIONS = ("ENABLE QRESYNC CONDSTORE UIDPLUS MOVE ESEARCH SEARCHRES "
    "LIST-EXTENDED LIST-STATUS SPECIAL-USE ID NAMESPACE SASL-IR UNSELECT IDLE "
    "LITERAL+ LITERAL- MULTIAPPEND NOTIFY STATUS=SIZE BINARY").split()


def columns(rng):
	"""In which of RUNS runs each is hidden. Sets of half the runs, all with
	run 0: any two that differ meet, miss each other and miss both."""
	sets = list(itertools.combinations(range(1, RUNS), RUNS // 2 - 1))
	return {name: {0} | set(s) for name, s in zip(EXTENSIONS,
	    rng.sample(sets, len(EXTENSIONS)))}


def hidden(seed, n):
	"""What run n hides."""
	block, run = divmod(n, RUNS)
	at = columns(random.Random(seed * 1000003 + block))
	return sorted(name for name in EXTENSIONS if run in at[name])


def settle_on(seed, n):
	hides = hidden(seed, n)
	modes.MODES["pairwise"] = modes.Mode("drawn", set(hides) |
	    {"COMPRESS=DEFLATE"}, waits=modes.UIDPLUS if "UIDPLUS" in hides
	    else None)
	modes.choose("pairwise")
	print("pairwise: run %d: without %s" % (n, " ".join(hides)), flush=True)


def play(opts, server, n):
	settle_on(opts.seed, n)
	failed = 0
	for at, (what, body) in enumerate(setups.SUITES.items()):
		each = argparse.Namespace(points=opts.rounds, min=0, only=None,
		    messages=60, seed=opts.seed + n)
		tally = suite.Tally("pairwise %s" % what, each)
		failed += suite.conclude(tally, lambda: body(tally, server,
		    "p%d-%d" % (n, at)))
	if failed:
		print("pairwise: repeat: /usr/bin/python3 -B test/fault/"
		    "pairwise.py --rounds %d --seed %d --only %d" % (
		    opts.rounds, opts.seed, n))
	return failed


def options():
	p = argparse.ArgumentParser(prog="pairwise")
	p.add_argument("--points", type=int, default=4 * RUNS)
	p.add_argument("--min", type=int, default=0)
	p.add_argument("--rounds", type=int, default=6)
	p.add_argument("--seed", type=int, default=int(os.environ.get("SEED")
	    or random.SystemRandom().randrange(1 << 31)))
	p.add_argument("--only", type=int, metavar="N")
	return p.parse_args()


def main():
	opts = options()
	runs = range(opts.points) if opts.only is None else [opts.only]
	failed = 0
	with suite.Dovecot() as server:
		for done, n in enumerate(runs):
			progress.tell(done, len(runs))
			failed += setups.apart(lambda: play(opts, server, n))
	print("pairwise: runs=%d failed=%d seed=%d" % (len(runs), failed,
	    opts.seed))
	return 1 if failed or len(runs) < opts.min else 0


if __name__ == "__main__":
	sys.exit(main())
