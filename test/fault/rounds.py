"""Random two-way rounds on one growing account, against a model.

Each round acts at random on both sides, predicts the outcome from the rules
(game.py), runs the program once and compares both sides with the prediction.
Every tenth round one more run must do nothing.
"""

import sys

import suite
import hands
import modes
import progress
from game import FOLDERS, KEYWORDS, SYSTEM, Game, Names


def fill(world, rng, names, n):
	"""n messages with some flags, on the server; returns the model."""
	base = {}
	with world.imap() as imap:
		for folder in FOLDERS[1:]:
			imap.create(folder)
		for i in range(n):
			folder = FOLDERS[i % len(FOLDERS)]
			tok = names.token()
			flags = frozenset(f for f in SYSTEM + KEYWORDS
			    if rng.random() < .2)
			world.append(imap, folder, tok, sorted(flags),
			    1400000000 + i)
			base.setdefault(folder, {})[tok] = flags
	return base


class Run:
	def __init__(self, opts, tally, server, user="rounds"):
		self.opts, self.tally = opts, tally
		self.rng = suite.random.Random(opts.seed)
		self.relay = suite.relay_to(server)
		self.world = suite.World(server, user, port=self.relay.port)
		self.names = Names(set() if modes.chosen().waits else None)
		self.hands = {"local": hands.Local(self.world),
		    "remote": hands.Remote(self.world)}
		self.base = {}

	def compare(self, n, idle):
		r = self.world.run("-v", "--json", "sync")
		good = self.world.good(r)
		v = self.world.verdict(self.base)
		trouble = None
		if not good:
			trouble = "exit %d: %s" % (r.rc, r)
		elif idle and v.good():
			try:
				self.world.assert_idle()
			except AssertionError as e:
				trouble = str(e)
		self.tally.point(n, True, v, "%d messages in %d folders" % (
		    sum(map(len, self.base.values())), len(self.base)),
		    trouble)
		if trouble or not v.good() or n == self.opts.only:
			print("\n".join("  " + s for s in self.said))
			print("\n".join("  " + s for s in r.out.splitlines()
			    if '"pair"' not in s))
		return v.good() and trouble is None

	def round(self, n):
		game = Game(self.base, self.names)
		game.drafts = not modes.chosen().waits
		self.said = hands.play(game, self.hands, self.rng,
		    self.rng.randrange(4, 30))
		self.base = game.outcome()
		if any("'draft'" in act for act in self.said):
			self.world.run("-v", "--json", "sync")	# sees it once
		return self.compare(n, n % 10 == 0)

	def go(self):
		self.said = []
		self.base = fill(self.world, self.rng, self.names,
		    self.opts.messages)
		if not self.compare(0, True):
			return
		self.tally.points = self.tally.fired = 0
		for n in range(1, self.opts.points + 1):
			progress.tell(n - 1, self.opts.points)
			if not self.round(n) or n == self.opts.only:
				return


def run(opts, tally):
	with suite.Dovecot() as server:
		r = Run(opts, tally, server)
		with r.relay:
			r.go()
	if tally.points < opts.points and opts.only is None:
		tally.failed = max(1, tally.failed)


def main():
	opts = suite.options("rounds", 100, messages=500)
	tally = suite.Tally("rounds", opts)
	return suite.conclude(tally, lambda: run(opts, tally))


if __name__ == "__main__":
	sys.exit(main())
