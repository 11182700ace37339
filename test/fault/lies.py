"""Random two-way rounds with a server that lies (lying.py), against a model.

A point is one round of an account that has some rounds with the same server: a
few lies that last, drawn for the account, and in each round some that pass
(lying.py, twisting.py, where a table says which may not stand together, and
why). The first run of a round meets these: it may end as it
likes, but 0 means that both sides are equal. Then they have passed, and at most
PATIENCE runs later both sides are what the rules say, and one more run does
nothing.
"""

import sys

import suite
import hands
import modes
import rounds
from game import Game, Names
from lying import PASSING, Lies
from twisting import EPOCH, TWISTS, apart

ROUNDS = 8		# of an account
PATIENCE = 3
QUIET = (0, 1, 75)	# how a run may end that met a lie
EACH = sorted(PASSING) + sorted(TWISTS)	# that pass; --lie NAME,... for less

# What lasts, one of each line at most: which of these may stand together is
# what the design says. No rule survives a server that lies about all that a
# message is known by.
SIZES = ("size-off", "size-less", "size-some", "size-zero", "size-none",
    "size-drift")
DATES = ("date-none", "date-nil", "date-odd", "date-old", "date-other",
    "date-drift")
UPLOADS = ("append-flags",)


def lasting(rng):
	"""Of one server: seldom none, seldom all."""
	return {rng.choice(names) for names, chance in ((SIZES, .6),
	    (DATES, .5), (UPLOADS, .3)) if rng.random() < chance}


class Account:
	"""ROUNDS points with one server."""

	def __init__(self, opts, tally, server, number):
		self.opts, self.tally = opts, tally
		self.rng = suite.random.Random(opts.seed * 1000003 + number)
		self.first = number * ROUNDS
		self.lies = Lies(lasting(self.rng), self.rng.random())
		self.relay = suite.Relay(server.port, lies=self.lies,
		    hides=modes.chosen().hides | {"COMPRESS=DEFLATE"})
		self.world = suite.World(server, "lies%d" % number,
		    port=self.relay.port)
		self.names = Names(set() if modes.chosen().waits else None)
		self.hands = {"local": hands.Local(self.world),
		    "remote": hands.Remote(self.world)}
		self.base, self.said = {}, []
		self.may_return, self.new = {}, set()

	def close(self):
		self.relay.stop()
		self.world.close()

	def verdict(self, struck=()):
		return self.lies.verdict(self.world, self.base,
		    self.may_return, struck, self.new)

	def draw(self):
		"""Some that pass."""
		given = [name for name in self.opts.lie.split(",") if name]
		names = set(self.rng.sample(given or EACH,
		    min(self.rng.randrange(4), len(given or EACH))))
		if modes.chosen().waits:	# removals are long about
			names -= EPOCH
		return frozenset(apart(names))

	def act(self, names):
		game = Game(self.base, self.names)
		game.epoch = bool(EPOCH & names)
		game.drafts = not game.epoch
		self.said = hands.play(game, self.hands, self.rng,
		    self.rng.randrange(4, 20))
		was, self.base = self.base, game.outcome()
		self.new = self.base.keys() - was.keys()
		self.may_return = game.returned()

	def lied_to(self, names):
		"""The run that meets them; what is wrong with it, or None."""
		self.lies.pass_on(names)
		r = self.world.run("-v", "--json", "sync")
		self.tell(r)
		self.struck = sorted(self.lies.struck)
		self.lies.pass_on(())
		if r.rc not in QUIET:
			return "exit %d: %s" % (r.rc, r)
		if r.rc == 0:
			v = self.verdict(self.struck)
			if not v.good():
				return "silent: %s\n%s" % (v, r)
		return None

	def tell(self, r):
		self.said += ["-- exit %d" % r.rc] + [line for line in
		    (r.out + r.err).splitlines() if '"pair"' not in line]

	def settled(self):
		"""(verdict, what is wrong or None), with an honest server."""
		for _ in range(PATIENCE):
			r = self.world.run("-v", "--json", "sync")
			self.tell(r)
			v = self.verdict()
			if self.world.good(r):
				break
		else:
			return v, "exit %d: %s" % (r.rc, r)
		try:
			self.world.assert_idle()
		except AssertionError as e:
			return v, str(e)
		return v, None

	def round(self, n):
		names = self.draw()
		self.act(names)
		trouble = self.lied_to(names)
		v, more = self.settled()
		trouble = trouble or more
		self.tally.point(n, True, v, "%s; in passing %s" % (
		    " ".join(sorted(self.lies.lasting)) or "honest",
		    " ".join(self.struck) or "nothing"), trouble)
		if trouble or not v.good() or n == self.opts.only:
			print("\n".join("  " + s for s in self.said))
		return v.good() and trouble is None

	def go(self):
		self.base = rounds.fill(self.world, self.rng, self.names,
		    self.opts.messages)
		v, trouble = self.settled()
		if trouble or not v.good():
			self.tally.point(self.first, True, v, " ".join(
			    sorted(self.lies.lasting)) + ": first pull",
			    trouble)
			return
		for n in range(self.first, self.first + ROUNDS):
			if not self.round(n) or n == self.opts.only:
				return


class Worker:
	def __init__(self, opts, tally, server):
		self.given = opts, tally, server

	def do(self, n, number):
		account = Account(*self.given, number)
		try:
			account.go()
		finally:
			account.close()

	def close(self):
		pass


def run(opts, tally):
	accounts = range(-(-opts.points // ROUNDS))
	if opts.only is not None:
		accounts = [opts.only // ROUNDS]
	with suite.Dovecot() as server:
		each = suite.argparse.Namespace(**dict(vars(opts), only=None))
		suite.work_off(each, accounts, lambda i: Worker(opts, tally,
		    server))


def main():
	opts = suite.options("lies", 200, messages=60, lie="")
	tally = suite.Tally("lies", opts)
	return suite.conclude(tally, lambda: run(opts, tally))


if __name__ == "__main__":
	sys.exit(main())
