"""Makes a server lie: about sizes, dates, and what it has done.

	lies = Lies({"size-off", "date-none"}, seed)
	talk = Lying(lies)			# of one connection
	to_server, to_client = talk.up(data)	# what the client sent
	to_client = talk.down(data)		# what the server sent

LASTING lies belong to a server: its rows say the same for as long as they are
among lies.lasting. PASSING ones are of one run: lies.pass_on(names) arms them,
each then strikes at some of the commands that it concerns, and lies.struck says
which did. A refused command goes to the server as NOOP, so that its answer
comes in its turn. COMPRESS must be hidden; what comes behind TLS is not seen.
"""

import random
import re
import zlib

import judge
import twisting
from twisting import TWISTS, Heard

# Of messages with equal bytes in a folder, and the date with which the first of
# them came into the account: Gmail.
ONE = "keeps-one"
LITERAL = re.compile(rb"\{(\d+)(\+?)\}\r?\n\Z")
UID = re.compile(rb"\bUID (\d+)")
SIZE = re.compile(rb" ?RFC822\.SIZE (\d+)")
DATE = re.compile(rb' ?INTERNALDATE "[^"]*"')
FETCHED = re.compile(rb"\* \d+ FETCH \(", re.I)
FLAGS = re.compile(rb"(APPEND (?:\"(?:\\.|[^\"])*\"|[^ \"{]+) )\(([^)]*)\) ",
    re.I)
SPOT = re.compile(rb"APPEND (\"(?:\\.|[^\"])*\"|[^ \"{]+) ", re.I)
GIVEN = re.compile(rb'\A[^\r]* ("[ 0-9]\d-\w{3}-\d{4} [0-9:]{8} [-+]\d{4}") ')
APPENDED = re.compile(rb"\[APPENDUID \d+ (\d+)\]")
MONTHS = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def uid_of(text):
	found = UID.search(text)
	return int(found[1]) if found else 0


# -- lasting: what is told of a message --

def sized(change):
	"""A lie about RFC822.SIZE: change(lies, uid, size), None leaves it out."""
	def lie(lies, text):
		def instead(m):
			n = change(lies, uid_of(text), int(m[1]))
			return b"" if n is None else b" RFC822.SIZE %d" % n
		return SIZE.sub(instead, text)
	return lie


def dated(change):
	"""The same for INTERNALDATE: change(lies, uid), b"" leaves it out."""
	def lie(lies, text):
		return DATE.sub(lambda m: change(lies, uid_of(text)), text)
	return lie


def some_date(rng):
	return b' INTERNALDATE "%2d-%s-%d %02d:%02d:00 +0000"' % (
	    rng.randrange(1, 29), rng.choice(MONTHS), rng.randrange(2001, 2024),
	    rng.randrange(24), rng.randrange(60))


def fixed(uid):
	"""The same numbers for one message each time."""
	return random.Random(zlib.crc32(b"%d" % uid))


ROWS = {
	"size-off": sized(lambda lies, uid, n: n + 1 + uid % 13),
	"size-less": sized(lambda lies, uid, n: max(0, n - 1 - uid % 7)),
	"size-some": sized(lambda lies, uid, n: n + (uid % 3 == 0) * 17),
	"size-zero": sized(lambda lies, uid, n: 0),
	"size-none": sized(lambda lies, uid, n: None),
	"size-drift": sized(lambda lies, uid, n: n + lies.rng.randrange(40)),
	"date-none": dated(lambda lies, uid: b""),
	"date-nil": dated(lambda lies, uid: b" INTERNALDATE NIL"),
	"date-odd": dated(lambda lies, uid:
	    b' INTERNALDATE "31-Nov-2020 25:00:00 +0000"'),
	"date-old": dated(lambda lies, uid:
	    b' INTERNALDATE "01-Jan-1969 00:00:%02d +0000"' % (uid % 60)),
	"date-other": dated(lambda lies, uid: some_date(fixed(uid))),
	"date-drift": dated(lambda lies, uid: some_date(lies.rng)),
}


def forget_flags(text):
	"""APPEND, but for \\Seen."""
	return FLAGS.sub(lambda m: m[1] + (b"(\\Seen) " if b"\\Seen" in m[2]
	    else b"() "), text)


def rewrite(text):
	"""APPEND, with a field more: Exchange, and scanners of mail."""
	return SENT.sub(lambda m: m[1] + b"{%d+}\r\n" % (int(m[2]) + len(
	    ADDED)) + ADDED, text) if text[:7].upper() == b"APPEND " else text


SENT = re.compile(rb"([ )\"])\{(\d+)\+\}\r\n(?=[!-9;-~]+:|From )")
ADDED = b"X-Scanned: by the server\r\n"
COMMANDS = {
	"append-flags": forget_flags,
	"append-adds": rewrite,
}

# -- lasting: other lines --

PERMANENT = re.compile(rb"\[PERMANENTFLAGS \([^)]*\)\]", re.I)
FLAGLIST = re.compile(rb"(\* FLAGS \()[^)]*\)", re.I)
FIVE = b"\\\\Answered \\\\Flagged \\\\Draft \\\\Deleted \\\\Seen"


def no_keywords(line):
	line = PERMANENT.sub(b"[PERMANENTFLAGS (" + FIVE + b")]", line)
	return FLAGLIST.sub(rb"\1" + FIVE + b")", line)


LINES = {"no-keywords": no_keywords}
LASTING = tuple(ROWS) + tuple(COMMANDS) + tuple(LINES)


# -- passing: what is done of a command --

NO = b"NO [UNAVAILABLE] Try again later"
PASSING = {		# which commands, what is answered (None: hangs up)
	"no-header": (rb"UID FETCH .*BODY\.PEEK\[HEADER", NO),
	"no-body": (rb"UID FETCH .*BODY\.PEEK\[\]", NO),
	"no-row": (rb"UID FETCH (?!.*BODY)", NO),
	"no-search": (rb"UID SEARCH", NO),
	"no-select": (rb"(SELECT|EXAMINE)", NO),
	"no-status": (rb"STATUS", NO),
	"no-store": (rb"UID STORE", NO),
	"no-append": (rb"APPEND", NO),
	"no-expunge": (rb"UID EXPUNGE", NO),
	"no-move": (rb"UID (MOVE|COPY)", NO),
	"no-create": (rb"CREATE", NO),
	"no-delete": (rb"(DELETE|RENAME)", NO),
	"refuse-store": (rb"UID STORE", b"NO Not this one"),
	"refuse-append": (rb"APPEND", b"NO Not this one"),
	"bad-append": (rb"APPEND", b"BAD Not understood"),
	"ok-store": (rb"UID STORE", b"OK Done"),
	"ok-append": (rb"APPEND", b"OK Done"),
	"ok-expunge": (rb"UID EXPUNGE", b"OK Done"),
	"cut-header": (rb"UID FETCH .*BODY\.PEEK\[HEADER", None),
	"cut-body": (rb"UID FETCH .*BODY\.PEEK\[\]", None),
	"cut-row": (rb"UID FETCH (?!.*BODY)", None),
	"cut-select": (rb"(SELECT|EXAMINE)", None),
	"cut-store": (rb"UID STORE", None),
	"cut-append": (rb"APPEND", None),
	"cut-expunge": (rb"UID EXPUNGE", None),
	"list-lacks": (rb"LIST", b""),		# see Lying.passes
}
LISTED = re.compile(rb'\* (?:LIST|STATUS) .*?("(?:\\.|[^"])*"|[^ ()"]+)'
    rb'( \(MESSAGES.*)?\r\n\Z', re.I)


class Lies:
	"""Of one server, for all its connections. holds(folder, uid), both as on
	the wire, says whether it still has that message."""

	def __init__(self, lasting=(), seed=0, holds=None):
		self.lasting, self.rng = frozenset(lasting), random.Random(seed)
		self.holds = holds
		self.kept = {}		# (folder, message): what APPEND said
		self.dates = {}		# message: as it came first
		self.seen = {}		# UIDVALIDITY: UIDs that were told of
		self.modseqs = {}	# folder: as STATUS said without lies
		self.pass_on(())

	def verdict(self, world, model, may_return=None, struck=(), new=()):
		"""What both sides hold against a model. What the server makes
		up, or adds, is nobody's. may_return: messages that are there,
		or not; those that are become part of the model. new: folders
		that a lie which struck may have hidden."""
		local, remote = world.views(model)
		for (folder, tok), flags in (may_return or {}).items():
			name = judge.family(tok)	# of twins one may
			there = [s.tok for s in remote.get(folder, ())]
			if there.count(name) > sum(judge.family(t) == name
			    for t in model[folder]):
				model[folder][tok] = flags
		if twisting.FOLDERS_HIDDEN in struck:
			model = {f: m for f, m in model.items() if f not in new}
			for view in (local, remote):
				for folder in new & view.keys():
					del view[folder]
		dates = ONE not in self.lasting and not any(
		    name.startswith("date-") for name in self.lasting)
		sums = "append-adds" not in self.lasting
		for seen in [s for view in (local, remote)
		    for held in view.values() for s in held]:
			seen.date = seen.date if dates else None
			seen.sum = seen.sum if sums else None
		return judge.judge(local, remote, model,
		    world.sums if sums else None,
		    flags=twisting.FLAGS_HIDDEN not in struck)

	def keeps(self, words):
		"""APPEND: (its key, what was said when it was kept before, or
		None, if it is still there)."""
		folder = SPOT.match(words)[1]
		key = folder, words.partition(b"}\r\n")[2]
		said = self.kept.get(key)
		if said and not self.holds(folder, APPENDED.search(said)[1]):
			said = None
		return key, said

	def redate(self, words):
		"""APPEND, with the date that came with the first such."""
		found = GIVEN.search(words)
		if not found:
			return words
		data = words.partition(b"}\r\n")[2]
		first = self.dates.setdefault(data, found[1])
		return words[:found.start(1)] + first + words[found.end(1):]

	def pass_on(self, names, chance=.5):
		"""From now on these lies of one run; () for none."""
		self.passing = {name: (re.compile(PASSING[name][0], re.I),
		    PASSING[name][1]) for name in names if name in PASSING}
		self.twists = {name: TWISTS[name] for name in names
		    if name in TWISTS}
		self.chance, self.struck = chance, set()
		self.lacking = None	# the folder that LIST does not show

	def strikes(self, name):
		if self.rng.random() >= self.chance:
			return False
		self.struck.add(name)
		return True

	def judge(self, words):
		"""The name of the lie that this command meets, or None."""
		for name, (which, _) in self.passing.items():
			if which.match(words) and self.strikes(name):
				return name
		return None

	def row(self, text):
		for name in self.lasting & ROWS.keys():
			text = ROWS[name](self, text)
		return text.replace(b"( ", b"(", 1)

	def reword(self, line):
		for name in self.lasting & LINES.keys():
			line = LINES[name](line)
		return line

	def lacks(self, line):
		"""Whether this line of LIST or STATUS is kept back."""
		found = LISTED.match(line)
		if not found or found[1].strip(b'"').upper() == b"INBOX":
			return False
		if self.lacking is None:
			self.lacking = found[1]
		return found[1] == self.lacking


class Lying:
	def __init__(self, lies):
		self.lies = lies
		self.line, self.text = bytearray(), b""
		self.body = 0		# octets of a literal that are to come
		self.sent = False	# of a literal that the server asks for
		self.instead = {}	# tag: what is answered
		self.sending = {}	# tag: what is appended
		self.over = False	# this connection was hung up
		self.left, self.parts = bytearray(), []
		self.heard = Heard(lies)
		self.skip = 0

	# -- from the client --

	def up(self, data):
		out = b""
		self.line += data
		while self.line and not self.over:
			if self.body:
				n = min(self.body, len(self.line))
				self.text += bytes(self.line[:n])
				del self.line[:n]
				self.body -= n
				continue
			end = self.line.find(b"\n") + 1
			if end == 0:
				break
			self.text += bytes(self.line[:end])
			del self.line[:end]
			literal = LITERAL.search(self.text)
			if literal:
				self.body = int(literal[1])
			if literal and not literal[2]:
				out += self.text	# it is asked for
				self.text, self.sent = b"", True
			elif not literal:
				out += self.text if self.sent else \
				    self.command(self.text)
				self.text, self.sent = b"", False
		if self.sent:
			out += self.text
			self.text = b""
		return out, b""

	def command(self, text):
		tag, _, words = text.partition(b" ")
		if not words:
			return text
		for name in self.lies.lasting & COMMANDS.keys():
			words = COMMANDS[name](words)
		name = self.lies.judge(words)
		if ONE in self.lies.lasting and words[:7].upper() == b"APPEND ":
			words = self.lies.redate(words)
			key, said = self.lies.keeps(words)
			if said:
				self.instead[tag] = said
				return tag + b" NOOP\r\n"
			self.sending[tag] = key
		if name is None or name == "list-lacks":
			return tag + b" " + words
		answer = PASSING[name][1]
		if answer is None:
			self.over = True
			return tag + b" LOGOUT\r\n"
		self.instead[tag] = answer
		return tag + b" NOOP\r\n"

	# -- from the server --

	def down(self, data):
		out = []
		self.left += data
		while self.left:
			if self.skip:
				if len(self.left) < self.skip:
					break
				self.parts.append(bytes(self.left[:self.skip]))
				del self.left[:self.skip]
				self.skip = 0
				continue
			end = self.left.find(b"\n") + 1
			if end == 0:
				break
			line = bytes(self.left[:end])
			del self.left[:end]
			self.parts.append(line)
			literal = LITERAL.search(line)
			if literal and self.parts[0].startswith(b"*"):
				self.skip = int(literal[1])
			if not self.skip:
				out.append(self.response(self.parts))
				self.parts = []
		return b"" if self.over else b"".join(out)

	def ended(self):
		return b"" if self.over else b"".join(self.parts) + bytes(
		    self.left)

	def response(self, parts):
		"""Text and literals in turn."""
		text = parts[0]
		self.heard.hear(text)
		parts = self.say(parts)
		kept, self.heard.rows = self.heard.rows, []
		self.heard.lines = []
		for name, (which, twist) in self.lies.twists.items():
			if parts and which.match(text) and \
			    self.lies.strikes(name):
				parts = twist(self.heard, parts)
		if parts or self.heard.rows:
			self.heard.note(text)
		before = b"".join(self.heard.lines)
		if self.heard.rows:	# more of them may come
			self.heard.rows += kept
			return before
		return before + b"".join(kept + parts)

	def say(self, parts):
		if FETCHED.match(parts[0]):
			return [self.lies.row(p) if i % 2 == 0 else p
			    for i, p in enumerate(parts)]
		tag, _, rest = parts[0].partition(b" ")
		if tag in self.instead:
			return [tag + b" " + self.instead.pop(tag) + b"\r\n"]
		if tag in self.sending and rest.startswith(b"OK [APPENDUID"):
			self.lies.kept[self.sending.pop(tag)] = rest.rstrip()
		if "list-lacks" in self.lies.struck and self.lies.lacks(
		    b"".join(parts)):
			return []
		return [self.lies.reword(b"".join(parts))]
