"""What a broken, or hostile, server says beside, or instead of, its answers.

Each is of one run (lying.py: PASSING) and strikes at lines that the server
sends, some of those that it concerns; what a body holds is left alone. A twist
is told the connection's Heard, and the response in parts, text and literals in
turn, and gives what is sent instead.
"""

import re

FETCH = re.compile(rb"\* (\d+) FETCH \(", re.I)
ROW = re.compile(rb"\* \d+ FETCH \((?!.*BODY)(?=.*FLAGS)(?=.*\bUID )", re.I)
UID = re.compile(rb"\bUID (\d+)")
EXISTS = re.compile(rb"\* (\d+) EXISTS", re.I)
VALIDITY = re.compile(rb"UIDVALIDITY (\d+)", re.I)
STATUS = re.compile(rb'\* STATUS ("(?:\\.|[^"])*"|[^ ]+) .*HIGHESTMODSEQ (\d+)',
    re.I)
NONSENSE = (b'BODYSTRUCTURE (("TEXT" "PLAIN" NIL ((("x" "\\\\"))) -1 {3}\r\n',
    b')"\r', b' 99999999999) "MIXED" (NIL NIL) "") ')


class Heard:
	"""What went over one connection, as far as the lies want to know."""

	def __init__(self, lies):
		self.lies = lies
		self.exists = 0
		self.box = b""		# its UIDVALIDITY
		self.rows = []		# that are kept back, to be turned round
		self.lines = []		# that go before this response

	def known(self):
		return self.lies.seen.setdefault(self.box, set())

	def hear(self, text):
		"""A line before it is twisted."""
		found = EXISTS.match(text)
		if found:
			self.exists = int(found[1])
		found = VALIDITY.search(text)
		if found and text.startswith(b"* OK ["):
			self.box = found[1]
		found = STATUS.match(text)
		if found and not self.lies.passing:
			self.lies.modseqs[found[1]] = found[2]

	def note(self, text):
		"""A row that was sent."""
		found = UID.search(text)
		if found and FETCH.match(text):
			self.known().add(int(found[1]))


def before(words):
	"""A line more, before this one."""
	def twist(heard, parts):
		heard.lines.append(words(heard))
		return parts
	return twist


def number(name, change):
	"""Another number behind that name."""
	which = re.compile(rb"\b(%s) (\d+)" % name, re.I)

	def twist(heard, parts):
		return [which.sub(lambda m: m[1] + b" %d" % change(int(m[2])),
		    parts[0])] + parts[1:]
	return twist


def odd_structure(heard, parts):
	head = FETCH.match(parts[0])[0]
	one, two, three = NONSENSE
	return [head + one, two, three + parts[0][len(head):]] + parts[1:]


def stray_vanished(heard):
	"""Of one that is still there."""
	known = sorted(heard.known())
	return b"* VANISHED (EARLIER) %d\r\n" % known[len(known) // 2] \
	    if known else b""


def stray_row(heard):
	"""Of one that never was."""
	return b"* %d FETCH (UID %d FLAGS (\\Seen))\r\n" % (heard.exists,
	    max(heard.known() or {1}) + 1000)


def unflagged_row(heard):
	"""Of an old one, without a word about its flags."""
	known = sorted(heard.known())
	return b"* 1 FETCH (UID %d)\r\n" % known[0] if known else b""


def row_lacks(heard, parts):
	"""Of one that was never told of; what is kept back of others nobody
	can miss."""
	uid = int(UID.search(b"".join(parts))[1])
	return parts if uid in heard.known() else []


def rows_turned(heard, parts):
	heard.rows.insert(0, b"".join(parts))
	return []


def modseq_stuck(heard, parts):
	found = STATUS.match(parts[0])
	was = heard.lies.modseqs.get(found[1])
	return [parts[0][:found.start(2)] + was + parts[0][found.end(2):]] \
	    if was else parts


OF_BOX = rb"\* (OK \[|STATUS )"
TWISTS = {
	"odd-structure": (FETCH, odd_structure),
	"stray-expunge": (FETCH, before(lambda heard: b"* 1 EXPUNGE\r\n")),
	"stray-vanished": (FETCH, before(stray_vanished)),
	"stray-row": (ROW, before(stray_row)),
	"unflagged-row": (FETCH, before(unflagged_row)),
	"row-twice": (ROW, lambda heard, parts: parts + parts),
	"row-lacks": (ROW, row_lacks),
	"rows-turned": (ROW, rows_turned),
	"exists-less": (EXISTS, lambda heard, parts: [b"* %d EXISTS\r\n" % max(
	    0, heard.exists - 1)]),
	"exists-falls": (FETCH, before(lambda heard: b"* %d EXISTS\r\n" % max(
	    0, heard.exists - 1))),
	"exists-more": (EXISTS, lambda heard, parts: [b"* %d EXISTS\r\n" % (
	    heard.exists + 1)]),
	"validity-none": (re.compile(OF_BOX), number(rb"UIDVALIDITY",
	    lambda n: 0)),
	"uidnext-low": (re.compile(OF_BOX), number(rb"UIDNEXT",
	    lambda n: max(1, n - 3))),
	"uidnext-high": (re.compile(OF_BOX), number(rb"UIDNEXT",
	    lambda n: n + 50)),
	"modseq-back": (re.compile(OF_BOX), number(rb"HIGHESTMODSEQ",
	    lambda n: max(1, n // 2))),
	"modseq-ahead": (re.compile(OF_BOX), number(rb"HIGHESTMODSEQ",
	    lambda n: n + 1000)),
	"modseq-stuck": (STATUS, modseq_stuck),
	"row-modseq": (FETCH, lambda heard, parts: [re.sub(rb"MODSEQ \(\d+\)",
	    b"MODSEQ (1)", parts[0])] + parts[1:]),
}

# Not in one run, for together they are no lie but what a server says of which it
# is true: no rule could tell.
APART = {
	("exists-falls", "stray-vanished"): "it is gone, and the count says so",
	("exists-less", "stray-vanished"): "it is gone, and the count says so",
	("stray-expunge", "stray-vanished"): "it is gone, and so it is counted",
	("exists-less", "row-lacks"): "there is no such new message",
	("exists-falls", "row-lacks"): "there is no such new message",
	("row-lacks", "stray-expunge"): "there is no such new message",
}
# Nobody can know, before the server tells: flags that it does not say to be
# others; a folder that is new. All else is compared.
FLAGS_HIDDEN, FOLDERS_HIDDEN = "modseq-stuck", "list-lacks"
# It looks like another world. A merge is one-sided: what the server lost may
# come back, and its flags are united with ours; what was taken away here stays
# away. Marks of deletion go where both do not have them.
EPOCH = frozenset(["uidnext-low", "uidnext-high"])


def apart(names):
	"""Of these, those that may stand together."""
	names = set(names)
	for one, other in sorted(APART):
		if {one, other} <= names:
			names.discard(other)
	return names
