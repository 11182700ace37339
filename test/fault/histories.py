"""Random histories of an account: rounds of actions on both sides, and faults.

A history is data, thought out beforehand from a seed; what must come of it is
predicted from the rules (game.py). Each round:

    strike    the index of an earlier day is back, the index is lost, or a
              folder has the dates of yesterday; such a round is a merge
    acts      what people do on both sides
    faults    runs that are killed at a system call or cut from the server
    after     what people do between such a run and the next
    dry       a run with --dry-run, which may change nothing
    full      the run that follows is told --full

and then one clean run, which must exit 0 and make both sides what the model
says (with trash, where removals take a run to come back, two). At every fifth
round and the last, one more run does nothing.

POINTS is the number of rounds. A history that fails is shrunk: rounds, faults
and actions are left out for as long as it still fails (--shrink seconds), and
printed as a Python literal. --replay FILE runs such a literal, --only N the
N-th history of the same SEED. An action that has lost what it acts on, because
an earlier one was left out, is passed over.
"""

import argparse
import ast
import itertools
import os
import pprint
import random
import shutil
import subprocess
import sys
import time
import traceback

import suite
import hands
import kill
import modes
from game import EVERYWHERE, FOLDERS, Game, Names, forgo
from world import transfers

DAY = 86400
REMOVALS = 6		# below what the guard holds in a small account
MODES = (("reset", 9), ("fin", 9), ("silence", 1))


# -- what a history is --

def new_round(**more):
	return dict({"strike": None, "acts": [], "faults": [], "after": [],
	    "dry": False, "full": False}, **more)


def merged_by(strike):
	if strike is None:
		return ()
	return (strike[1],) if strike[0] == "dates" else EVERYWHERE


def game_of(base, names, number, history):
	strike = history["rounds"][number]["strike"]
	return Game(base, names, merged_by(strike), history["trash"], REMOVALS,
	    number == 0)


class Author:
	"""Thinks of histories. The account of one begins on the server."""

	def __init__(self, rng):
		self.rng, self.names = rng, Names()
		self.base = {"INBOX": {}}

	def history(self):
		rng = self.rng
		trash = "Trash" if rng.random() < .15 else None
		out = {"trash": trash, "rounds": []}
		for n in range(rng.choice((2, 3, 4, 6, 8, 12, 20))):
			out["rounds"].append(new_round(strike=self.strike(n)))
			self.round(n, out)
		return out

	def strike(self, n):
		rng, kind = self.rng, self.rng.random()
		if n == 0 or kind > .2:
			return None
		if kind < .06:
			return ("lost",)
		folder = rng.choice(sorted(self.base))
		if kind < .12:
			return ("old", folder, self.names.token())
		return ("dates", folder)

	def round(self, n, history):
		rng, r = self.rng, history["rounds"][n]
		if r["strike"] and r["strike"][0] == "old":
			day(self.base, r["strike"])
		game = game_of(self.base, self.names, n, history)
		if n == 0:
			r["acts"] += first_acts(game, history["trash"], rng)
		for _ in range(rng.choice((0, 2, 4, 8, 14))):
			r["acts"].append(game.think(rng))
		while rng.random() < .4 and len(r["faults"]) < 3:
			r["faults"].append(self.fault())
		game.after = True
		if r["faults"] and n > 0:
			for _ in range(rng.choice((0, 1, 3))):
				r["after"].append(game.think(rng))
		for key in ("acts", "after"):
			r[key] = [a for a in r[key] if a]
		r["dry"], r["full"] = rng.random() < .1, rng.random() < .1
		self.base = game.outcome()

	def fault(self):
		rng = self.rng
		if rng.random() < .75:
			return ("kill", int(2 ** rng.uniform(0, 7)),
			    rng.choice(("enter", "exit")))
		way = rng.choice(("in", "out"))
		modes, weights = zip(*MODES)
		return ("cut", way, int(2 ** rng.uniform(4, 11)),
		    rng.choices(modes, weights)[0])


def first_acts(game, trash, rng):
	"""What was on the server before."""
	acts = [("remote", "make", name) for name in FOLDERS[1:4]
	    + ([trash] if trash else [])]
	for act in acts:
		game.act(act)
	for _ in range(rng.choice((0, 3, 10, 20))):
		words = game.sides["remote"].think_deliver(rng)
		acts.append(("remote", "deliver") + words)
		game.act(acts[-1])
	return acts


def day(base, strike):
	"""The day that the index has missed: a message came."""
	_, folder, tok = strike
	if folder in base:
		base[folder][tok] = frozenset()


def rounds_of(history):
	return len(history["rounds"])


def literal_of(history):
	"""Without what is as usual."""
	rounds = [{k: v for k, v in r.items() if v} for r in history["rounds"]]
	return pprint.pformat(dict(history, rounds=rounds), width=78,
	    compact=True, sort_dicts=False)


def history_of(literal):
	h = ast.literal_eval(literal)
	return dict(h, rounds=[new_round(**r) for r in h["rounds"]])


# -- playing --

class Bad(Exception):
	"""What the program did is not what the history wants."""


class Stage:
	"""Plays histories, each on an account of its own."""

	number = itertools.count()
	args = ()		# of kill.killat

	def __init__(self, server):
		self.server, self.relay = server, suite.relay_to(server)
		self.fired = self.rounds = 0
		self.loud = False

	def close(self):
		self.relay.stop()

	def play(self, history):
		"""(verdict or None, trouble or None)"""
		self.history = history
		self.relay.disarm()
		keys = {"trash": '"%s"' % history["trash"]} \
		    if history["trash"] else {}
		with suite.World(self.server, "h%d" % next(self.number),
		    port=self.relay.port, keys=keys) as self.world:
			try:
				return self.play_rounds()
			except (Bad, AssertionError,
			    subprocess.TimeoutExpired) as e:
				return None, "round %d: %s" % (self.n, e)
			finally:
				self.relay.disarm()
				self.relay.wait_quiet()

	def play_rounds(self):
		self.base, self.strikes = {"INBOX": {}}, 0
		for self.n, r in enumerate(self.history["rounds"]):
			last = self.n == rounds_of(self.history) - 1
			v, trouble = self.round(r, last or self.n % 5 == 4)
			self.rounds += 1
			if trouble or not v.good():
				return v, "round %d: %s" % (self.n, trouble
				    or "not what the model says")
		return v, None

	def round(self, r, idle):
		if r["strike"] and r["strike"][0] == "old":
			self.strike_old(r["strike"])
		game = game_of(self.base, None, self.n, self.history)
		self.do(game, r["acts"])
		self.strike(r["strike"])
		for fault in r["faults"]:
			getattr(self, fault[0])(*fault[1:])
		game.after = True
		if self.n > 0:
			self.do(game, r["after"])
		self.base = game.outcome()
		if r["dry"]:
			self.dry()
		return self.clean(["--full"] if r["full"] else [], idle)

	def do(self, game, acts):
		both = {"local": hands.Local(self.world),
		    "remote": hands.Remote(self.world)} if acts else {}
		for hand in both.values():
			hand.begin()
		for act in acts:
			done = game.act(act)
			if done:
				both[act[0]].do(act)
			self.say("%s%r", "" if done else "passed over: ", act)
		for hand in both.values():
			hand.end()

	def say(self, text, *args):
		if self.loud:
			print("histories: round %d: %s" % (self.n, text % args),
			    flush=True)

	def sync(self, *args):
		r = self.world.run("--json", "sync", *args, limit=60)
		self.say("%s", r)
		if r.rc != 0:
			raise Bad("exit 0 wanted: %s" % r)
		return r

	# -- strikes --

	def strike_old(self, strike):
		"""The index of before a run that had something to do."""
		w = self.world
		if strike[1] not in self.base or not os.path.isdir(
		    w.maildir.root):
			return
		then = w.dir + "/then"
		suite.copy_tree(w.state, then)
		with w.imap() as imap:
			w.append(imap, strike[1], strike[2])
		self.sync()
		shutil.rmtree(w.state)
		os.rename(then, w.state)
		day(self.base, strike)

	def strike(self, strike):
		w = self.world
		self.say("strike: %s", strike)
		if strike and strike[0] == "lost":
			shutil.rmtree(w.state)
			os.mkdir(w.state)
		elif strike and strike[0] == "dates":
			self.strikes += 1	# older than the last time
			then = time.time() - DAY * self.strikes
			for box in ("new", "cur"):
				path = w.maildir.dir(strike[1]) + "/" + box
				if os.path.isdir(path):
					os.utime(path, (then, then))

	# -- faults --

	def kill(self, n, how):
		r = kill.killat(self, n, how, True, limit=60)
		self.say("kill %s %d: %s", how, n, r)
		self.fired += r["fired"] == "1"

	def cut(self, way, n, mode):
		w = self.world
		if mode == "silence":
			w.keys["timeout"] = "1"
			w.write_conf()
		self.relay.arm(way, n, mode)
		r = w.run("--json", "sync", limit=60)
		self.say("cut %s %d %s: fired %d: %s", way, n, mode,
		    self.relay.fired, r)
		fired = self.relay.fired
		self.fired += fired
		self.relay.wait_quiet()
		self.relay.disarm()
		if w.keys.pop("timeout", None):
			w.write_conf()
		if r.rc not in ((0, 75) if fired else (0,)):
			raise Bad("exit %d after a cut: %s" % (r.rc, r))

	# -- judging --

	def stamp(self):
		w = self.world
		return w.remote_stamp(), w.local_stamp() \
		    if os.path.isdir(w.maildir.root) else None

	def dry(self):
		before = self.stamp()
		r = self.world.run("--json", "sync", "--dry-run", limit=60)
		self.say("%s", r)
		if r.rc not in (0, 1) or self.stamp() != before:
			raise Bad("--dry-run changed something: %s" % r)

	def clean(self, args, idle):
		r = self.sync(*args)
		if self.history["trash"]:
			self.sync()
		v = self.world.verdict(self.base)
		if not v.good():
			v.lines.append("the clean run: %s" % r)
			return v, None
		left = self.world.maildir.left_in_tmp()
		if left:
			return v, "left in tmp: %s" % left
		if idle:
			self.world.assert_idle()
		return v, None


# -- shrinking --

def shrink_list(items, fails):
	"""Leaves out pieces, halves first, for as long as it fails."""
	size = max(1, len(items) // 2)
	while items:
		at = 0
		while at < len(items):
			less = items[:at] + items[at + size:]
			if fails(less):
				items = less
			else:
				at += size
		if size == 1:
			break
		size = max(1, size // 2)
	return items


class Shrinker:
	def __init__(self, fails, seconds):
		self.fails, self.end = fails, time.monotonic() + seconds
		self.tried = 0

	def still(self, history):
		if time.monotonic() > self.end or not history["rounds"]:
			return False
		self.tried += 1
		return self.fails(history)

	def shrink(self, h):
		before = None
		while h != before and time.monotonic() < self.end:
			before = h
			h = dict(h, rounds=shrink_list(h["rounds"], lambda
			    rounds: self.still(dict(h, rounds=rounds))))
			for n in range(rounds_of(h)):
				h = self.shrink_round(h, n)
		return h

	def shrink_round(self, h, n):
		def put(**more):
			rounds = list(h["rounds"])
			rounds[n] = dict(rounds[n], **more)
			return dict(h, rounds=rounds)

		for key in ("strike", "dry", "full"):
			less = put(**{key: new_round()[key]})
			if less != h and self.still(less):
				h = less
		for key in ("faults", "acts", "after"):
			h = put(**{key: shrink_list(h["rounds"][n][key],
			    lambda items: self.still(put(**{key: items})))})
		return h


# -- the suite --

class Worker:
	def __init__(self, server, tally):
		self.stage, self.tally = Stage(server), tally
		self.stage.loud = tally.opts.only is not None \
		    or tally.opts.replay is not None

	def do(self, number, history):
		stage = self.stage
		stage.fired = stage.rounds = 0
		try:
			v, trouble = stage.play(history)
		except Exception:	# the test's own, and not for shrinking
			return self.tally.history(number, stage, None,
			    traceback.format_exc())
		self.tally.history(number, stage, v, trouble)
		if trouble and not stage.loud and self.tally.may_shrink():
			self.tally.shrunk(number, self.shrink(history))

	def shrink(self, history):
		s = Shrinker(lambda h: self.stage.play(h)[1] is not None,
		    self.tally.opts.shrink)
		return s.shrink(history)

	def close(self):
		self.stage.close()


class Tally(suite.Tally):
	def __init__(self, opts):
		super().__init__("histories", opts)
		self.rounds, self.shrinks = 0, 2

	def history(self, number, stage, v, trouble):
		with self.lock:
			self.points += 1
			self.rounds += stage.rounds
			self.fired += stage.fired
			for k, n in (v.count if v else {}).items():
				self.count[k] += n
			if trouble:
				self.failed += 1
				print("histories: history %d: %s\n%s" % (number,
				    trouble, v or ""), flush=True)
				self.repeat(number)
			elif stage.loud:
				print("histories: history %d: good" % number)

	def may_shrink(self):
		with self.lock:
			self.shrinks -= 1
			return self.shrinks >= 0

	def shrunk(self, number, history):
		with self.lock:
			print("histories: history %d, shrunk:\n%s" % (number,
			    literal_of(history)), flush=True)

	def finish(self):
		c = self.count
		print("histories: rounds=%d histories=%d fired=%d lost=%d "
		    "duplicated=%d resurrected=%d wrong=%d failed=%d mode=%s "
		    "seed=%d seconds=%.1f" % (self.rounds, self.points, self.fired,
		    c["lost"], c["duplicated"], c["resurrected"], c["wrong"],
		    self.failed, modes.name(), self.opts.seed,
		    time.monotonic() - self.start), flush=True)
		alone = self.opts.only is not None or self.opts.replay
		return 1 if self.failed or suite.sent_unasked() \
		    or self.rounds < max(1, self.opts.min) \
		    or (not alone and self.rounds >= 60
		    and self.fired * 10 < self.rounds) else 0


def options():
	env = os.environ
	p = argparse.ArgumentParser(prog="histories")
	p.add_argument("--points", type=int,
	    default=int(env.get("POINTS") or 60), help="rounds")
	p.add_argument("--min", type=int, default=0,
	    help="fail with fewer rounds")
	p.add_argument("--seed", type=int, default=int(env.get("SEED") or
	    random.SystemRandom().randrange(1 << 31)))
	p.add_argument("--jobs", type=int,
	    default=int(env.get("JOBS") or os.cpu_count() or 1))
	p.add_argument("--only", type=int, metavar="N",
	    help="run only this history, and say what happens")
	p.add_argument("--replay", metavar="FILE",
	    help="run the history in it, and say what happens")
	p.add_argument("--shrink", type=int, default=60, metavar="SECONDS",
	    help="for a history that fails")
	modes.add_option(p)
	o = p.parse_args()
	modes.choose(o.mode)
	if not os.access(suite.program(), os.X_OK):
		sys.exit("histories: no program: " + suite.program())
	return o


def histories_of(opts):
	if opts.replay:
		with open(opts.replay) as f:
			return [history_of(f.read())]
	out, rounds = [], 0
	while rounds < opts.points or (opts.only or 0) >= len(out):
		rng = random.Random("%d %d" % (opts.seed, len(out)))
		h = Author(rng).history()
		h["rounds"] = h["rounds"][:max(1, opts.points - rounds)]
		out.append(h)
		rounds += rounds_of(h)
	return out


def run(opts, tally):
	# Without an index what waits comes back, as it may (section 5).
	if modes.chosen().waits:
		forgo("\\Deleted")
	with suite.Dovecot() as server:
		suite.work_off(opts, histories_of(opts),
		    lambda i: Worker(server, tally))


def main():
	opts = options()
	if opts.only is not None or opts.replay:
		opts.jobs = 1
	tally = Tally(opts)
	return suite.conclude(tally, lambda: run(opts, tally))


if __name__ == "__main__":
	sys.exit(main())
