"""Random two-way rounds against a model.

Each round acts at random on both sides, predicts the outcome from the rules of
the design (three-way flags, deletion wins over re-flagging, additions survive),
runs the program once and compares both sides with the prediction. Every tenth
round one more run must do nothing.

A message that one side moves or copies is not re-flagged by the other side in
the same round, and messages with keywords are moved and copied on the server
only: what becomes of those pairs depends on whether moves are carried as moves.
A message is moved or copied once a round, and not by a side that also removes
one with the same content: nobody could tell that from another move.
"""

import sys

import suite
from maildirview import File
from suite import judge

FOLDERS = ["INBOX", "work", "lists/foo", "lists/bar", "Entw\u00fcrfe"]
SYSTEM = ["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft",
    "$Forwarded"]
KEYWORDS = ["work", "todo", "$Label1", "NonJunk", "reise-2024"]
REMOVALS = 12		# a round and side; the guard is not what we test


def merge_flags(base, local, remote):
	added = (local - base) | (remote - base)
	removed = (base - local) | (base - remote)
	return (base | added) - removed


def merge(base, local, remote):
	"""Each is {folder: {token: flags}}; what both sides must become."""
	out = {}
	for folder in set(base) | set(local) | set(remote):
		b, l, r = (side.get(folder) for side in (base, local, remote))
		gone = b is not None and (l is None or r is None)
		b, l, r = b or {}, l or {}, r or {}
		new = {}
		for tok in set(b) | set(l) | set(r):
			if tok not in b:
				both = [s[tok] for s in (l, r) if tok in s]
				new[tok] = frozenset().union(*both)
			elif tok in l and tok in r:
				new[tok] = merge_flags(b[tok], l[tok], r[tok])
		if not gone or new:
			out[folder] = new
	return out


def copy_of(model):
	return {folder: dict(held) for folder, held in model.items()}


class Side:
	"""One side's copy of the model, and the actions that change it."""

	def __init__(self, run, name, model):
		self.run, self.name = run, name
		self.rng = run.rng
		self.held = copy_of(model)
		self.removed = 0
		self.lost = set()	# tokens that it has removed somewhere

	def actions(self):
		return [(self.deliver, 5), (self.add_flag, 7),
		    (self.drop_flag, 5), (self.remove, 3), (self.move, 3),
		    (self.copy, 2), (self.make_folder, .4),
		    (self.remove_folder, .4), (self.rename_folder, .2)]

	def act(self):
		todo, weights = zip(*self.actions())
		self.rng.choices(todo, weights)[0]()

	def say(self, *words):
		self.run.said.append(" ".join((self.name,) + words))

	def pick(self, what):
		"""A (folder, token) that the rules of this game leave us."""
		places = [(f, t) for f in sorted(self.held)
		    for t in sorted(self.held[f])
		    if self.run.may_touch(self, f, t, what)]
		return self.rng.choice(places) if places else None

	def some_flags(self):
		return frozenset(f for f in self.words
		    if self.rng.random() < .25)

	def deliver(self):
		folder = self.rng.choice(sorted(set(self.held)
		    - self.run.renamed))
		tok = self.run.new_token()
		flags = self.some_flags()
		self.say("delivers", tok, folder, *sorted(flags))
		self.do_deliver(folder, tok, flags)
		self.held[folder][tok] = flags
		self.run.touch(self, folder, tok)

	def add_flag(self):
		self.change_flag(True)

	def drop_flag(self):
		self.change_flag(False)

	def change_flag(self, add):
		at = self.pick("flag")
		flag = self.rng.choice(self.words)
		if at is None:
			return
		folder, tok = at
		self.say("+" if add else "-", flag, folder, tok)
		self.do_flag(folder, tok, flag, add)
		had = self.held[folder][tok]
		self.held[folder][tok] = had | {flag} if add else had - {flag}
		self.run.touch(self, folder, tok)

	def remove(self):
		at = self.pick("remove")
		if at is None or self.removed >= REMOVALS:
			return
		self.say("removes", *at)
		self.do_remove(*at)
		del self.held[at[0]][at[1]]
		self.removed += 1
		self.lost.add(at[1])

	def target(self, tok):
		"""A folder that no side has this token in, nor had."""
		free = [f for f in sorted(self.held)
		    if self.run.may_fill(f, tok)]
		return self.rng.choice(free) if free else None

	def move(self):
		at = self.pick("move")
		to = at and self.target(at[1])
		if to is None:
			return
		folder, tok = at
		self.say("moves", tok, folder, "->", to)
		self.do_move(folder, tok, to)
		self.held[to][tok] = self.held[folder].pop(tok)
		self.run.moved(self, folder, tok, to)

	def copy(self):
		at = self.pick("move")
		to = at and self.target(at[1])
		if to is None:
			return
		folder, tok = at
		self.say("copies", tok, folder, "->", to)
		self.do_copy(folder, tok, to)
		self.held[to][tok] = self.held[folder][tok]
		self.run.moved(self, folder, tok, to)

	def make_folder(self):
		name = self.run.new_folder(self.rng)
		self.say("makes folder", name)
		self.do_make_folder(name)
		self.held[name] = {}

	def spare_folder(self):
		"""A small one beyond the five that was there on both sides, and
		that the other side has left alone."""
		names = [f for f in sorted(self.held) if f not in FOLDERS
		    and f in self.run.base
		    and self.held[f] == self.run.base[f]
		    and self.run.other(self).held.get(f) == self.held[f]
		    and len(self.held[f]) + self.removed <= REMOVALS
		    and not any(g.startswith(f + "/") for g in self.held)]
		return self.rng.choice(names) if names else None

	def remove_folder(self):
		name = self.spare_folder()
		if name is None:
			return
		if any(self.run.placed.get(t) == self.name
		    for t in self.held[name]):
			return
		self.say("removes folder", name)
		self.do_remove_folder(name)
		self.lost |= set(self.held[name])
		self.removed += len(self.held.pop(name))
		self.run.closed.add(name)

	def rename_folder(self):
		name = self.spare_folder()
		if name is None or any(self.keywords(f)
		    for f in self.held[name].values()):
			return
		toks = set(self.held[name])
		if toks & self.lost or toks & set(self.run.placed):
			return
		self.run.placed.update(dict.fromkeys(toks, self.name))
		to = self.run.new_folder(self.rng)
		self.say("renames folder", name, "->", to)
		self.do_rename_folder(name, to)
		self.held[to] = self.held.pop(name)
		self.run.closed.add(name)
		self.run.renamed.add(name)

	@staticmethod
	def keywords(flags):
		return any(f in KEYWORDS for f in flags)


class Local(Side):
	words = SYSTEM

	def begin(self):
		self.maildir = self.run.world.maildir
		self.file = {(f.folder, judge.token(f.data())): f
		    for files in self.maildir.all().values() for f in files}

	def end(self):
		pass

	def do_deliver(self, folder, tok, flags):
		letters = "".join(judge.letters_of(flags))
		size = self.rng.choice((0, 500, 4000, 30000))
		self.file[folder, tok] = self.run.world.deliver(folder, tok,
		    letters or self.rng.choice((None, "")),
		    self.run.new_date(), size=size)

	def do_flag(self, folder, tok, flag, add):
		change = self.maildir.flag if add else self.maildir.unflag
		self.file[folder, tok] = change(self.file[folder, tok],
		    judge.LETTER[flag])

	def do_remove(self, folder, tok):
		self.maildir.unlink(self.file.pop((folder, tok)))

	def do_move(self, folder, tok, to):
		self.file[to, tok] = self.maildir.move(
		    self.file.pop((folder, tok)), to, self.rng.random() < .5)

	def do_copy(self, folder, tok, to):
		self.file[to, tok] = self.maildir.copy(self.file[folder, tok],
		    to, self.rng.random() < .5)

	def do_make_folder(self, name):
		self.maildir.create(name)

	def do_remove_folder(self, name):
		self.maildir.remove_folder(name)

	def do_rename_folder(self, name, to):
		self.maildir.rename_folder(name, to)
		for folder, tok in [k for k in self.file if k[0] == name]:
			file = self.file.pop((folder, tok))
			self.file[to, tok] = File(self.maildir.root, to,
			    file.box, file.name)


class Remote(Side):
	words = SYSTEM + KEYWORDS

	def begin(self):
		self.imap = self.run.world.imap()
		self.uid = {(folder, judge.token(m.data)): uid
		    for folder in self.imap.folders()
		    for uid, m in self.imap.messages(folder).items()}

	def end(self):
		self.imap.close()

	def learn(self, folder):
		for uid, m in self.imap.messages(folder).items():
			self.uid[folder, judge.token(m.data)] = uid

	def do_deliver(self, folder, tok, flags):
		size = self.rng.choice((0, 500, 4000, 30000))
		self.uid[folder, tok] = self.run.world.append(self.imap,
		    folder, tok, sorted(flags), self.run.new_date(),
		    size=size)

	def do_flag(self, folder, tok, flag, add):
		self.imap.store(folder, self.uid[folder, tok],
		    "+" if add else "-", [flag])

	def do_remove(self, folder, tok):
		self.imap.expunge(folder, self.uid.pop((folder, tok)))

	def do_move(self, folder, tok, to):
		self.imap.move(folder, self.uid.pop((folder, tok)), to)
		self.learn(to)

	def do_copy(self, folder, tok, to):
		self.imap.copy(folder, self.uid[folder, tok], to)
		self.learn(to)

	def do_make_folder(self, name):
		self.imap.create(name)

	def do_remove_folder(self, name):
		self.imap.delete(name)

	def do_rename_folder(self, name, to):
		self.imap.rename(name, to)
		self.learn(to)


class Run:
	def __init__(self, opts, tally, server):
		self.opts, self.tally = opts, tally
		self.rng = suite.random.Random(opts.seed)
		self.world = suite.World(server, "rounds")
		self.tokens = self.folders = 0
		self.base = {}

	# -- the rules of the game --

	def other(self, side):
		return self.remote if side is self.local else self.local

	def touch(self, side, folder, tok):
		self.touched.setdefault((folder, tok), set()).add(side.name)

	def moved(self, side, folder, tok, to):
		self.touch(side, folder, tok)
		self.bound.add((folder, tok))
		self.placed[tok] = side.name
		self.filled.add((to, tok))

	def may_touch(self, side, folder, tok, what):
		if folder in self.closed:
			return False
		at = (folder, tok)
		if self.other(side).name in self.touched.get(at, ()):
			if what == "move" or (what == "flag"
			    and at in self.bound):
				return False
		if what == "remove":
			return self.placed.get(tok) != side.name
		if what == "move":
			return tok not in self.placed \
			    and tok not in side.lost and not (side is self.local
			    and side.keywords(side.held[folder][tok]))
		return True

	def may_fill(self, folder, tok):
		if folder in self.closed or (folder, tok) in self.filled:
			return False
		return not any(tok in m.get(folder, {}) for m in (self.base,
		    self.local.held, self.remote.held))

	def new_token(self):
		self.tokens += 1
		return "t%d" % self.tokens

	def new_folder(self, rng):
		self.folders += 1
		return rng.choice(("x%d", "lists/x%d", "deep/er/x%d")) \
		    % self.folders

	def new_date(self):
		return 1400000000 + self.rng.randrange(200000000)

	# -- rounds --

	def fill(self):
		with self.world.imap() as imap:
			for folder in FOLDERS[1:]:
				imap.create(folder)
			for i in range(self.opts.messages):
				folder = FOLDERS[i % len(FOLDERS)]
				tok = self.new_token()
				flags = frozenset(f for f in SYSTEM + KEYWORDS
				    if self.rng.random() < .2)
				self.world.append(imap, folder, tok,
				    sorted(flags), self.new_date())
				self.base.setdefault(folder, {})[tok] = flags

	def compare(self, n, idle):
		r = self.world.run("-v", "--json", "sync")
		v = self.world.verdict(self.base)
		trouble = None
		if r.rc != 0:
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
		self.touched, self.bound, self.filled = {}, set(), set()
		self.placed = {}	# token: the side that moved or copied it
		self.closed, self.renamed, self.said = set(), set(), []
		self.local = Local(self, "local", self.base)
		self.remote = Remote(self, "remote", self.base)
		self.local.begin()
		self.remote.begin()
		for _ in range(self.rng.randrange(4, 30)):
			self.rng.choice((self.local, self.remote)).act()
		self.remote.end()
		self.base = merge(self.base, self.local.held, self.remote.held)
		return self.compare(n, n % 10 == 0)

	def go(self):
		self.said = []
		self.fill()
		if not self.compare(0, True):
			return
		self.tally.points = self.tally.fired = 0
		for n in range(1, self.opts.points + 1):
			if not self.round(n) or n == self.opts.only:
				return


def run(opts, tally):
	with suite.Dovecot() as server:
		Run(opts, tally, server).go()
	if tally.points < opts.points and opts.only is None:
		tally.failed = max(1, tally.failed)


def main():
	opts = suite.options("rounds", 100, messages=500)
	tally = suite.Tally("rounds", opts)
	return suite.conclude(tally, lambda: run(opts, tally))


if __name__ == "__main__":
	sys.exit(main())
