"""A month of ordinary days with servers that are like those of big providers.

Each day a little happens on both sides (game.py), then one run ends with 0,
both sides are equal, and one more run does nothing. The server is Dovecot with
what the provider lacks hidden, and with what it does otherwise (lying.py).
"""

import argparse
import os
import sys

import suite
import game
import hands
import modes
import progress
import setups
from imapclient import ImapError
from lying import Lies

DAYS = 30


class Provider:
	def __init__(self, hides, lasting, verbs=()):
		self.hides = frozenset(hides.split()) | {"COMPRESS=DEFLATE"}
		self.lasting, self.forgone = lasting, verbs


# Of two equal messages in a folder Gmail keeps one, so nobody makes any there.
PROVIDERS = {
	"gmail": Provider("QRESYNC LIST-EXTENDED MULTIAPPEND SEARCHRES NOTIFY",
	    {"keeps-one"}, verbs=("twin",)),
	"exchange": Provider("QRESYNC CONDSTORE ESEARCH SEARCHRES LIST-STATUS "
	    "LIST-EXTENDED MULTIAPPEND NOTIFY ENABLE SPECIAL-USE",
	    {"size-off", "append-adds", "no-keywords"}),
	"davmail": Provider("*", {"size-drift", "date-other", "append-adds",
	    "no-keywords"}),
	"icloud": Provider("QRESYNC SEARCHRES NOTIFY MULTIAPPEND MOVE",
	    {"append-flags"}),
}


class Month:
	def __init__(self, opts, tally, server, name):
		self.opts, self.tally = opts, tally
		self.provider = PROVIDERS[name]
		self.settle_on()
		self.rng = suite.random.Random("%d %s" % (opts.seed, name))
		self.lies = Lies(self.provider.lasting, opts.seed, self.holds)
		self.relay = suite.Relay(server.port, lies=self.lies,
		    hides=modes.chosen().hides)
		self.world = suite.World(server, name, port=self.relay.port)
		self.names = game.Names(set() if modes.chosen().waits else None)
		self.hands = {"local": hands.Local(self.world),
		    "remote": hands.Remote(self.world)}
		self.base = {f: {} for f in game.FOLDERS}

	def settle_on(self):
		p = self.provider
		modes.MODES["provider"] = modes.Mode("drawn", p.hides,
		    waits=modes.UIDPLUS if {"*", "UIDPLUS"} & p.hides
		    else None)
		modes.choose("provider")
		if "no-keywords" in p.lasting:
			game.KEYWORDS[:] = []
			game.forgo("$Forwarded")
			game.WORDS["remote"] = list(game.WORDS["local"])
		for kind in (game.Side, game.Local):
			kind.VERBS = [v for v in kind.VERBS
			    if v[0] not in p.forgone]

	def holds(self, folder, uid):
		with self.world.imap() as imap:
			try:
				imap.command("EXAMINE " + folder.decode())
			except ImapError:
				return False
			got, _ = imap.command("UID FETCH %d (UID)" % int(uid))
			return any(v[:1] == ["FETCH"] for _, _, v in got)

	def act(self, most):
		play = game.Game(self.base, self.names)
		self.said = hands.play(play, self.hands, self.rng,
		    self.rng.randrange(1, most))
		self.base = play.outcome()

	def day(self, n):
		self.act(40 if n == 0 else 8)
		r = self.world.run("-v", "--json", "sync")
		trouble = None if self.world.good(r) else "exit %d" % r.rc
		v = self.lies.verdict(self.world, self.base)
		if not trouble and v.good():
			try:
				self.world.assert_idle()
			except AssertionError as e:
				trouble = str(e)
		self.tally.point(n, True, v, "day %d" % n, trouble)
		if trouble or not v.good():
			print("\n".join("  " + s for s in self.said + [line
			    for line in str(r).splitlines()
			    if '"pair"' not in line]))
		return v.good() and trouble is None

	def go(self):
		with self.world.imap() as imap:
			for folder in game.FOLDERS[1:]:
				imap.create(folder)
		with self.relay:
			self.world.sync()
			for n in range(self.opts.points):
				if not self.day(n):
					self.tally.failed = max(1,
					    self.tally.failed)
					return


def play(opts, name):
	tally = suite.Tally(name + " days", opts)
	with suite.Dovecot() as server:
		return suite.conclude(tally, lambda: Month(opts, tally, server,
		    name).go())


def options():
	p = argparse.ArgumentParser(prog="providers")
	p.add_argument("--points", type=int, default=DAYS)
	p.add_argument("--min", type=int, default=0)
	p.add_argument("--seed", type=int, default=int(os.environ.get("SEED")
	    or suite.random.SystemRandom().randrange(1 << 31)))
	p.add_argument("--only", choices=PROVIDERS)
	return p.parse_args()


def main():
	opts, failed = options(), 0
	names = [opts.only] if opts.only else list(PROVIDERS)
	opts.only = None
	for done, name in enumerate(names):
		progress.tell(done, len(names))
		failed += setups.apart(lambda: play(opts, name))
	return 1 if failed else 0


if __name__ == "__main__":
	sys.exit(main())
