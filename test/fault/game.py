"""Random actions on both sides of an account, and what must come of them.

A model is {folder: {token: flags}}. An action is data: (side, verb, words...).
A Game is one round: it thinks of actions, says which are within its rules, and
what both sides hold then; merge() is the rules of the design (three-way flags,
deletion wins over re-flagging, additions survive). Nothing here touches a file
or a server: that is hands.py.

A message that one side moves or copies is not re-flagged by the other side in
the same round, and messages with keywords are moved and copied on the server
only, and never edited: what becomes of these depends on whether moves are carried as moves.
A message is moved or copied once a round, and not by a side that also removes
one with the same content: nobody could tell that from another move.

"t5~1" is a twin of "t5" in the same folder: the same bytes, flags and date. As
nobody can tell them apart, twins are never flagged or moved, and one side only
touches them in a round.
"""

from collections import Counter

from judge import family

FOLDERS = ["INBOX", "work", "lists/foo", "lists/bar", "Entw\u00fcrfe"]
SYSTEM = ["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft",
    "$Forwarded"]
KEYWORDS = ["work", "todo", "$Label1", "NonJunk", "reise-2024"]
WORDS = {"local": SYSTEM, "remote": SYSTEM + KEYWORDS}
# What a merge leaves as it was: of one side its flags alone may come back.
IN_EPOCH = {
	"local": {"deliver", "flag", "unflag", "look", "make", "remove", "copy"},
	"remote": {"deliver", "flag", "make", "remove", "copy"},
}
REMOVALS = 12		# a round and side; the guard is not what we test
EVERYWHERE = object()	# merged: no folder has a base


def forgo(flag):
	"""Nobody sets it."""
	for side, words in WORDS.items():
		WORDS[side] = [f for f in words if f != flag]


def merge_flags(base, local, remote):
	added = (local - base) | (remote - base)
	removed = (base - local) | (base - remote)
	return (base | added) - removed


def unite_flags(local, remote):
	"""Without a base: a mark of deletion only where both have it, and the
	server's keywords, as files have none."""
	letters = (local | remote) - {"\\Deleted"} - set(KEYWORDS)
	return letters | (local & remote & {"\\Deleted"}) \
	    | (remote & set(KEYWORDS))


def merge_folder(base, local, remote, fresh):
	new = {}
	for tok in set(base) | set(local) | set(remote):
		both = [s[tok] for s in (local, remote) if tok in s]
		if fresh and len(both) == 2:
			new[tok] = unite_flags(*both)
		elif fresh or tok not in base:
			new[tok] = frozenset().union(*both)
		elif len(both) == 2:
			new[tok] = merge_flags(base[tok], *both)
	return {tok: flags for tok, flags in new.items()
	    if tok in local or tok in remote}


def merge(base, local, remote, merged=(), trash=None):
	"""What both sides must become. merged: folders whose base counts for
	nothing. trash: where goes what was removed locally."""
	out, thrown = {}, {}
	for folder in set(base) | set(local) | set(remote):
		fresh = merged is EVERYWHERE or folder in merged
		b, l, r = (side.get(folder) for side in (base, local, remote))
		gone = not fresh and b is not None and (l is None or r is None)
		if fresh and l is None and r is None:
			continue
		b, l, r = b or {}, l or {}, r or {}
		new = merge_folder(b, l, r, fresh)
		if not gone or new:
			out[folder] = new
		if trash and folder != trash and not fresh:
			thrown.update((tok, r[tok] - {"\\Deleted"})
			    for tok in b if tok in r and tok not in l)
	if thrown:
		out.setdefault(trash, {}).update(thrown)
	return out


def copy_of(model):
	return {folder: dict(held) for folder, held in model.items()}


def has_keywords(flags):
	return any(f in KEYWORDS for f in flags)


class Names:
	"""Tokens and folders that were not there before. left: what went
	somewhere locally, and as it may still wait on the server, beside
	another of its content, stays where it is now (None: it goes)."""

	def __init__(self, left=None):
		self.tokens = self.folders = self.twins = 0
		self.left = left
		# What was copied locally: the older one is not deleted any
		# more, but filed, and needs no trash.
		self.filed = set()

	def token(self):
		self.tokens += 1
		return "t%d" % self.tokens

	def waits(self, name, what):
		return self.left is not None and (what == "twin"
		    or name in self.left)

	def folder(self, rng):
		self.folders += 1
		return rng.choice(("x%d", "lists/x%d", "deep/er/x%d")) \
		    % self.folders

	def twin(self, tok):
		self.twins += 1
		return "%s~%d" % (family(tok), self.twins)


class Side:
	"""What one side holds. think_VERB gives the words of an action or
	None; VERB does it, or says that it is against the rules."""

	VERBS = [("deliver", 5), ("flag", 7), ("unflag", 5), ("remove", 3),
	    ("move", 3), ("copy", 2), ("twin", .3), ("make", .4), ("drop", .4),
	    ("rename", .2)]

	def __init__(self, game, name):
		self.game, self.name, self.words = game, name, WORDS[name]
		self.held = copy_of(game.base)
		self.removed = 0
		self.lost = set()	# families that it removed somewhere

	def other(self):
		return self.game.sides["remote" if self.name == "local"
		    else "local"]

	# -- what the rules leave it --

	def may_touch(self, folder, tok, what):
		g, at = self.game, (folder, family(tok))
		if tok not in self.held.get(folder, {}) or g.is_closed(folder):
			return False
		if at in g.refiled or (self.name, at) in g.edited:
			return False
		if self.name == "remote" and what in ("remove", "move") \
		    and family(tok) in g.kept:
			return False
		if g.after and (at in g.touched or g.merged
		    or family(tok) in g.placed
		    or family(tok) in self.lost | self.other().lost):
			return False
		others = self.other().name in g.touched.get(at, ())
		if g.is_twin(folder, tok):
			return what in ("twin", "remove") and not others \
			    and family(tok) not in g.placed \
			    and self.may_for(folder, tok, what)
		if others and (what in ("move", "twin") or (what in
		    ("flag", "edit") and at in g.bound)):
			return False
		return self.may_for(folder, tok, what)

	def may_for(self, folder, tok, what):
		g, name = self.game, family(tok)
		flags = self.held[folder][tok]
		if what == "remove":
			return g.placed.get(name) != self.name \
			    and self.may_lose(flags, name)
		if what in ("move", "twin") and g.names.waits(name, what):
			return False
		if what in ("move", "twin"):
			return name not in g.placed and name not in self.lost \
			    and not (self.name == "local"
			    and has_keywords(flags))
		if what == "draft":
			flags = [m.get(folder, {}).get(tok) for m in (g.base,
			    self.held, self.other().held)]
			return not g.merged and not g.trash and flags.count(
			    flags[0]) == 3 and "\\Draft" in (flags[0] or ()) \
			    and not has_keywords(flags[0]) \
			    and name not in g.placed \
			    and (folder, name) not in g.touched \
			    and not g.is_twin(folder, tok) \
			    and name not in self.lost | self.other().lost
		if what == "edit":
			return not g.merged and tok in g.base.get(folder, {}) \
			    and (folder, name) not in g.bound \
			    and not has_keywords(flags) \
			    and not self.is_draft(folder, tok) \
			    and self.name not in g.touched.get((folder, name),
			    ())
		return True

	def is_draft(self, folder, tok):
		"""What is saved anew takes its place."""
		return any("\\Draft" in held.get(folder, {}).get(tok, ())
		    for held in (self.held, self.other().held,
		    self.game.base))

	def may_lose(self, flags, name):
		"""What it removes may have to come back, or go to the trash
		where it must not meet another."""
		g = self.game
		if g.merged and self.name == "remote" and has_keywords(flags):
			return False
		return not (g.trash and self.name == "local" and (
		    name in self.lost or name in g.names.filed
		    or any(name == family(t) for m in (g.base, self.held,
		    self.other().held) for t in m.get(g.trash, {}))))

	def may_place(self, folder, tok, what):
		g = self.game
		if what != "copy" and (g.merged or (g.trash
		    and self.name == "local")):
			return False
		return self.may_touch(folder, tok, "move")

	def may_fill(self, folder, tok):
		"""A folder that no side has this message in, nor had."""
		g = self.game
		if folder not in self.held or g.is_closed(folder) \
		    or (folder, family(tok)) in g.filled:
			return False
		if folder == g.trash and family(tok) in self.lost \
		    | self.other().lost:
			return False	# another of its content goes there
		return not any(family(tok) == family(t) for m in (g.base,
		    self.held, self.other().held) for t in m.get(folder, {}))

	def is_spare(self, name):
		"""A small one beyond the five that was there on both sides, and
		that both have left alone."""
		g, held = self.game, self.held.get(name)
		return held is not None and name not in FOLDERS \
		    and name != g.trash and not g.after and not g.merged \
		    and g.base.get(name) == held \
		    and self.other().held.get(name) == held \
		    and len(held) + self.removed <= g.removals \
		    and not any(f.startswith(name + "/") for m in (self.held,
		    self.other().held) for f in m) \
		    and not any(f == name for f, _ in g.touched)

	# -- thinking --

	def think(self, rng):
		verbs, weights = zip(*self.VERBS)
		verb = rng.choices(verbs, weights)[0]
		words = getattr(self, "think_" + verb)(rng)
		return words and (self.name, verb) + words

	def pick(self, rng, allowed):
		self.game.known_twins = {}	# nothing changes meanwhile
		places = [(f, t) for f in sorted(self.held)
		    for t in sorted(self.held[f]) if allowed(f, t)]
		self.game.known_twins = None
		return rng.choice(places) if places else None

	def pick_for(self, rng, what):
		return self.pick(rng, lambda f, t: self.may_touch(f, t, what))

	def think_deliver(self, rng):
		g = self.game
		open = [f for f in sorted(self.held) if not g.is_closed(f)]
		if not open:
			return None
		return (rng.choice(open), g.names.token(), sorted(f for f in
		    self.words if rng.random() < .25),
		    1400000000 + rng.randrange(200000000),
		    rng.choice((0, 500, 4000, 30000)), rng.random() < .5)

	def think_flag(self, rng):
		at = self.pick_for(rng, "flag")
		return at and at + (rng.choice(self.words),)

	think_unflag = think_flag

	def think_remove(self, rng):
		return self.pick_for(rng, "remove")

	def think_move(self, rng, what="move"):
		at = self.pick(rng, lambda f, t: self.may_place(f, t, what))
		free = at and [f for f in sorted(self.held)
		    if self.may_fill(f, at[1])]
		return (at + (rng.choice(free), rng.random() < .5)) if free \
		    else None

	def think_copy(self, rng):
		return self.think_move(rng, "copy")

	def think_twin(self, rng):
		at = self.pick_for(rng, "twin")
		return at and at + (self.game.names.twin(at[1]),)

	def think_make(self, rng):
		return (self.game.names.folder(rng),)

	def think_drop(self, rng):
		names = [f for f in sorted(self.held) if self.is_spare(f)]
		return (rng.choice(names),) if names else None

	def think_rename(self, rng):
		at = self.think_drop(rng)
		return at and at + (self.game.names.folder(rng),)

	# -- acting: False is against the rules --

	def deliver(self, folder, tok, flags, *how):
		if folder not in self.held or self.game.is_closed(folder):
			return False
		self.held[folder][tok] = frozenset(flags)
		self.game.touch(self, folder, tok)
		return True

	def change(self, folder, tok, change):
		if not self.may_touch(folder, tok, "flag"):
			return False
		self.held[folder][tok] = change(self.held[folder][tok])
		self.game.touch(self, folder, tok)
		return True

	def flag(self, folder, tok, flag):
		return self.change(folder, tok, lambda had: had | {flag})

	def unflag(self, folder, tok, flag):
		return self.change(folder, tok, lambda had: had - {flag})

	def remove(self, folder, tok):
		if not self.may_touch(folder, tok, "remove") \
		    or self.removed >= self.game.removals:
			return False
		del self.held[folder][tok]
		self.removed += 1
		self.lost.add(family(tok))
		self.leave(tok)
		self.game.touch(self, folder, tok)
		return True

	def leave(self, tok):
		left = self.game.names.left
		if left is not None and self.name == "local":
			left.add(family(tok))

	def place(self, folder, tok, to, what):
		if not self.may_place(folder, tok, what) \
		    or not self.may_fill(to, tok):
			return False
		self.held[to][tok] = self.held[folder][tok]
		self.file_away(tok)
		self.game.move(self, folder, tok, to)
		return True

	def file_away(self, tok):
		if self.name == "local":
			self.game.names.filed.add(family(tok))

	def move(self, folder, tok, to, *how):
		if not self.place(folder, tok, to, "move"):
			return False
		self.leave(tok)
		del self.held[folder][tok]
		return True

	def copy(self, folder, tok, to, *how):
		return self.place(folder, tok, to, "copy")

	def twin(self, folder, tok, twin):
		"""The other must hold just what this side does."""
		def of(model):
			return {t: f for t, f in model.get(folder, {}).items()
			    if family(t) == family(tok)}

		if not self.may_touch(folder, tok, "twin") \
		    or not of(self.game.base) == of(self.held) \
		    == of(self.other().held):
			return False
		self.held[folder][twin] = self.held[folder][tok]
		self.file_away(tok)
		self.game.touch(self, folder, tok)
		self.game.placed[family(tok)] = self.name
		return True

	def make(self, name):
		g = self.game
		if g.after or any(name in m for m in (g.base, self.held,
		    self.other().held)):
			return False
		self.held[name] = {}
		return True

	def drop(self, name):
		g = self.game
		if not self.is_spare(name) or (g.trash
		    and self.name == "local") or any(g.placed.get(family(t))
		    == self.name for t in self.held[name]):
			return False
		self.lost |= set(map(family, self.held[name]))
		self.removed += len(self.held.pop(name))
		g.closed.add(name)
		return True

	def rename(self, name, to):
		g = self.game
		if not self.is_spare(name) or (g.trash
		    and self.name == "local") or to in self.held \
		    or any(map(has_keywords, self.held[name].values())):
			return False
		families = set(map(family, self.held[name]))
		if families & (self.lost | set(g.placed)
		    | set(g.names.left or ())):
			return False
		for tok in families:
			self.leave(tok)
		g.placed.update(dict.fromkeys(families, self.name))
		self.held[to] = self.held.pop(name)
		g.closed.add(name)
		return True


class Local(Side):
	VERBS = Side.VERBS + [("edit", .5), ("refile", .5), ("look", 1),
	    ("draft", .7)]

	def think_edit(self, rng):
		at = self.pick_for(rng, "edit")
		return at and at + (self.game.names.token(),)

	def think_draft(self, rng):
		at = self.game.drafts and self.pick_for(rng, "draft")
		return at and at + (self.game.names.token(),)

	def think_refile(self, rng):
		return self.pick(rng, lambda f, t: self.may_place(f, t,
		    "refile"))

	def think_look(self, rng):
		return self.pick_for(rng, "look")

	def edit(self, folder, tok, new):
		"""An editor saves other content under the same name: the old
		message stays with the server, the file is a new one."""
		if not self.may_touch(folder, tok, "edit"):
			return False
		self.held[folder][new] = self.held[folder][tok]
		self.game.edited.add((self.name, (folder, family(tok))))
		self.game.touch(self, folder, tok)
		self.game.touch(self, folder, new)
		self.game.placed[new] = self.name	# where it was edited
		return True

	def draft(self, folder, tok, new):
		"""The same with a draft: what is saved takes its place."""
		if not self.may_touch(folder, tok, "draft") \
		    or self.removed >= self.game.removals:
			return False
		self.held[folder][new] = self.held[folder].pop(tok)
		self.removed += 1
		for name in (tok, new):
			self.game.touch(self, folder, name)
			at = folder, family(name)
			self.game.bound.add(at)
			self.game.edited.add((self.name, at))
			self.game.placed[family(name)] = self.name
		return True

	def refile(self, folder, tok):
		"""The file gets another name altogether."""
		if not self.may_place(folder, tok, "refile"):
			return False
		self.game.move(self, folder, tok, folder)
		self.game.refiled.add((folder, family(tok)))
		return True

	def look(self, folder, tok):
		"""A reader moves it from new/ to cur/, without a flag."""
		return self.may_touch(folder, tok, "look")


class Game:
	"""One round. merged: folders that will have no base (or EVERYWHERE);
	first: there is no Maildir yet, so only the server's side acts."""

	def __init__(self, base, names=None, merged=(), trash=None,
	    removals=REMOVALS, first=False):
		self.base, self.names = base, names or Names()
		self.merged, self.trash = merged, trash
		self.removals, self.first = removals, first
		self.after = False	# a fault has struck meanwhile
		self.epoch = False	# the server looks like another world
		self.may_return = {}	# then: what it lost
		self.touched, self.placed = {}, {}
		self.bound, self.filled, self.closed = set(), set(), set()
		self.refiled, self.edited = set(), set()
		self.kept = set()	# that may be the end of a window
		self.drafts = False	# they are edited: takes a run more
		self.known_twins = None
		self.sides = {}
		for kind in (Local, Side):
			name = "local" if kind is Local else "remote"
			self.sides[name] = kind(self, name)

	def think(self, rng):
		"""An action within the rules, already counted, or None."""
		names = ["remote"] if self.first else ["local", "remote"]
		act = self.sides[rng.choice(names)].think(rng)
		return act if act and self.act(act) else None

	def act(self, act):
		"""Counts it, unless it is against the rules."""
		side, verb, *words = act
		if self.first and side == "local":
			return False
		if self.epoch and (verb not in IN_EPOCH[side]
		    or any("\\Deleted" in w for w in words
		    if isinstance(w, (str, list)))):
			return False
		# A copy of what is marked as deleted is as good as a mark.
		if self.epoch and verb == "copy" and "\\Deleted" in \
		    self.sides[side].held.get(words[0], {}).get(words[1], ()):
			return False
		if self.after and self.merged and verb != "deliver":
			return False
		done = getattr(self.sides[side], verb)(*words)
		if done and self.epoch and verb == "remove" \
		    and side == "remote":
			self.may_return[tuple(words)] = None
		return done

	def returned(self):
		"""What may have come back, with the flags of the file."""
		held = self.sides["local"].held
		return {(folder, tok): held[folder][tok]
		    for folder, tok in self.may_return
		    if tok in held.get(folder, {})}

	def outcome(self):
		return merge(self.base, self.sides["local"].held,
		    self.sides["remote"].held, self.merged, self.trash)

	# -- what was done --

	def is_closed(self, folder):
		return folder in self.closed or (self.after and self.merged
		    is not EVERYWHERE and folder in self.merged)

	def is_twin(self, folder, tok):
		if self.known_twins is None:
			return family(tok) in self.twins(folder)
		if folder not in self.known_twins:
			self.known_twins[folder] = self.twins(folder)
		return family(tok) in self.known_twins[folder]

	def twins(self, folder):
		"""The families of which a side has, or had, more than one."""
		return {name for m in (self.base, self.sides["local"].held,
		    self.sides["remote"].held) for name, n in Counter(map(
		    family, m.get(folder, {}))).items() if n > 1}

	def touch(self, side, folder, tok):
		self.touched.setdefault((folder, family(tok)), set()).add(
		    side.name)

	def move(self, side, folder, tok, to):
		self.touch(side, folder, tok)
		self.bound.add((folder, family(tok)))
		self.placed[family(tok)] = side.name
		self.filled.add((to, family(tok)))
