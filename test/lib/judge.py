"""Compares what lies on both sides with what should lie there.

A model is {folder: {token: frozenset of IMAP flags and keywords}}; every token
is there exactly once in each folder that names it, and nowhere else. "t5~1" is
a twin of "t5": equal in bytes, flags and date, and so there once more.
"""

from maildirview import digest, token

LETTER = {"\\Seen": "S", "\\Answered": "R", "\\Flagged": "F",
    "\\Deleted": "T", "\\Draft": "D", "$Forwarded": "P"}
KNOWN = frozenset(LETTER.values())
COUNTS = ("lost", "duplicated", "resurrected", "wrong")


class Seen:
	"""One message as it lies on one side."""

	def __init__(self, tok, flags, date, sum, where):
		self.tok, self.flags, self.date = tok, flags, date
		self.sum, self.where = sum, where


def view_remote(imap):
	"""{folder: [Seen]} of the whole account."""
	return {name: [Seen(token(m.data), m.flags, m.date, digest(m.data),
	    "%s uid %d" % (name, m.uid))
	    for m in imap.messages(name).values()] for name in imap.folders()}


def view_local(maildir):
	out = {}
	for name, files in maildir.all().items():
		out[name] = []
		for f in files:
			data = f.data()
			letters = frozenset(f.letters) & KNOWN
			out[name].append(Seen(token(data), letters, f.mtime,
			    digest(data), repr(f)))
	return out


def letters_of(flags):
	return frozenset(LETTER[f] for f in flags if f in LETTER)


def family(tok):
	return tok.partition("~")[0]


def families(held):
	"""({family: how many}, {family: flags})"""
	count, flags = {}, {}
	for tok, f in held.items():
		count[family(tok)] = count.get(family(tok), 0) + 1
		flags[family(tok)] = f
	return count, flags


class Verdict:
	def __init__(self):
		self.count = dict.fromkeys(COUNTS, 0)
		self.lines = []

	def add(self, kind, text, *args):
		self.count[kind] += 1
		self.lines.append(kind + ": " + text % args)

	def good(self):
		return not self.lines

	def __str__(self):
		return "\n".join(self.lines[:40]) \
		    + ("\n..." if len(self.lines) > 40 else "")


def judge_side(v, side, view, model, sums):
	for name in sorted(set(model) - set(view)):
		v.add("lost", "%s: no folder %s", side, name)
	for name in sorted(set(view) - set(model)):
		v.add("resurrected", "%s: folder %s", side, name)
	for name, seen in view.items():
		want, _ = families(model.get(name, {}))
		count = {}
		for s in seen:
			count[s.tok] = count.get(s.tok, 0) + 1
		for tok, n in sorted(want.items()):
			if count.get(tok, 0) < n:
				v.add("lost", "%s: %s not in %s%s", side, tok,
				    name, " %d times" % n if n > 1 else "")
		for tok, n in sorted(count.items()):
			if tok not in want:
				v.add("resurrected", "%s: %s in %s", side, tok,
				    name)
			elif n > want[tok]:
				v.add("duplicated", "%s: %s %d times in %s",
				    side, tok, n, name)
		for s in seen:
			if s.tok in sums and sums[s.tok] != s.sum:
				v.add("wrong", "%s: bytes of %s, %s", side,
				    s.tok, s.where)


def judge_flags(v, side, view, model):
	for name, seen in view.items():
		_, flags = families(model.get(name, {}))
		for s in seen:
			want = flags.get(s.tok)
			if want is None:
				continue
			if side == "local":
				want = letters_of(want)
			if s.flags != want:
				v.add("wrong", "%s: %s in %s has %s, not %s",
				    side, s.tok, name,
				    " ".join(sorted(s.flags)) or "nothing",
				    " ".join(sorted(want)) or "nothing")


def judge_pairs(v, local, remote):
	"""Each token's dates and bytes are the same on both sides."""
	for name in sorted(set(local) & set(remote)):
		far = {s.tok: s for s in remote[name]}
		for s in local[name]:
			r = far.get(s.tok)
			if r is None:
				continue
			if s.date != r.date:
				v.add("wrong", "date of %s in %s: local %d, "
				    "remote %d", s.tok, name, s.date, r.date)
			if s.sum != r.sum:
				v.add("wrong", "bytes of %s in %s differ",
				    s.tok, name)


def model_of(view):
	"""The model that a remote view amounts to."""
	return {name: {s.tok: s.flags for s in seen}
	    for name, seen in view.items()}


def counts(seen):
	out = {}
	for s in seen:
		out[s.tok] = out.get(s.tok, 0) + 1
	return out


def set_aside(local, remote, model=None):
	"""Takes out of remote what may wait there because others have marked
	messages in the folder (modes.py: waits); returns how many."""
	taken = 0
	for name, seen in remote.items():
		here = counts(local.get(name, ()))
		want, _ = families((model or {}).get(name, {}))
		spare = {tok: n - max(here.get(tok, 0), want.get(tok, 0))
		    for tok, n in counts(seen).items()}
		marked = [s for s in seen if "\\Deleted" in s.flags]
		waiting = []
		for s in marked:
			if spare[s.tok] > 0:
				spare[s.tok] -= 1
				waiting.append(s)
		if len(waiting) < len(marked):
			remote[name] = [s for s in seen if s not in waiting]
			taken += len(waiting)
	return taken


def judge(local, remote, model=None, sums=None, flags=True):
	"""Without a model the server's side is taken for it."""
	v = Verdict()
	if model is None:
		model = model_of(remote)
	for side, view in (("local", local), ("remote", remote)):
		judge_side(v, side, view, model, sums or {})
		if flags:
			judge_flags(v, side, view, model)
	judge_pairs(v, local, remote)
	return v
