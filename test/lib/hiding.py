"""Makes a server look as if it lacked capabilities, and reject their syntax.

	talk = Hiding({"UIDPLUS", "MOVE"})	# of one connection
	to_server, to_client = talk.up(data)	# what the client sent
	to_client = talk.down(data)		# what the server sent

Names are taken out of every list of capabilities, and codes that belong to
them out of responses. A command that uses their syntax is not passed on: its
answer is BAD, in its turn. Each such command is also kept in REJECTED, because
a client that looks at what is offered sends none.

"*" hides all but what RFC 3501 has, the response codes of RFC 5530 too.
Literals, IDLE and the exchange of AUTHENTICATE are told from commands; what
comes behind TLS or COMPRESS is not (hide COMPRESS, or nothing at all). The
server itself must have LITERAL+.
"""

import re

REJECTED = []		# (capability, command)
KEPT = ("IMAP4REV1", "AUTH=", "STARTTLS", "LOGINDISABLED")
LITERAL_MINUS = 4096

# What of a command's text, without tag and strings, needs the capability.
SYNTAX = [(cap, re.compile(b"(?:" + text + b")", re.I)) for cap, text in (
    ("ENABLE", rb"ENABLE\b"),
    ("QRESYNC", rb"ENABLE\b.*\bQRESYNC|(SELECT|EXAMINE) .*\(.*QRESYNC"
	rb"|UID FETCH .*\bVANISHED"),
    ("CONDSTORE", rb"ENABLE\b.*\b(CONDSTORE|QRESYNC)"
	rb"|(SELECT|EXAMINE) .*\(.*(CONDSTORE|QRESYNC)"
	rb"|(UID )?FETCH .*\b(MODSEQ|CHANGEDSINCE)"
	rb"|(UID )?STORE .*\bUNCHANGEDSINCE|(UID )?SEARCH .*\bMODSEQ"
	rb"|(STATUS|LIST) .*\(.*\bHIGHESTMODSEQ"),
    ("UIDPLUS", rb"UID EXPUNGE"),
    ("MOVE", rb"(UID )?MOVE\b"),
    ("ESEARCH", rb"(UID )?SEARCH RETURN"),
    ("SEARCHRES", rb"(UID )?SEARCH RETURN \([^)]*\bSAVE\b|UID [^\"]*\$(?=[ \r]|$)"),
    ("LIST-EXTENDED", rb"LIST (\(|\S+ \(|.* RETURN)"),
    ("LIST-STATUS", rb"LIST .*RETURN .*\bSTATUS"),
    ("SPECIAL-USE", rb"LIST .*\bSPECIAL-USE|CREATE .*\(USE"),
    ("ID", rb"ID\b"),
    ("NAMESPACE", rb"NAMESPACE"),
    ("COMPRESS=DEFLATE", rb"COMPRESS"),
    ("SASL-IR", rb"AUTHENTICATE \S+ \S"),
    ("UNSELECT", rb"UNSELECT"),
    ("IDLE", rb"IDLE"),
    ("NOTIFY", rb"NOTIFY"),
    ("SORT", rb"(UID )?SORT\b"),
    ("OBJECTID", rb"STATUS .*\bMAILBOXID|(UID )?FETCH .*\bEMAILID"),
    ("STATUS=SIZE", rb"STATUS .*\(.*\bSIZE"),
    ("BINARY", rb"(UID )?FETCH .*\bBINARY"),
)]
# Codes, and the capability they come with; "*": any beyond RFC 3501.
CODES = {b"HIGHESTMODSEQ": "CONDSTORE", b"NOMODSEQ": "CONDSTORE",
    b"MODIFIED": "CONDSTORE", b"CLOSED": "QRESYNC", b"APPENDUID": "UIDPLUS",
    b"COPYUID": "UIDPLUS", b"UIDNOTSTICKY": "UIDPLUS",
    b"MAILBOXID": "OBJECTID"}
OLD_CODES = (b"ALERT", b"BADCHARSET", b"CAPABILITY", b"PARSE",
    b"PERMANENTFLAGS", b"READ-ONLY", b"READ-WRITE", b"TRYCREATE", b"UIDNEXT",
    b"UIDVALIDITY", b"UNSEEN")
STRING = re.compile(rb'"(?:\\.|[^"\\])*"')
LITERAL = re.compile(rb"~?\{(\d+)(\+?)\}\r?\n\Z")
CODED = re.compile(rb"(\S+ (?:OK|NO|BAD|BYE|PREAUTH)) \[([^] ]+) ?"
    rb"([^]]*)\]", re.I)
LISTED = re.compile(rb"(\* (?:CAPABILITY|ENABLED))\b(.*)", re.I)


def is_append(words):
	"""At the literal that is a message, not the name of a folder."""
	words = words.split(None, 1)
	return words[0].upper() == b"APPEND" and words[1] != b'""'


class Hiding:
	def __init__(self, hides):
		self.hides = frozenset(hides)
		self.line, self.left = bytearray(), bytearray()
		self.skip = 0		# of a literal of the server
		self.state = self.command
		self.text = b""		# of a command, as it is passed on
		self.words = b""	# it without tag, strings and literals
		self.body = 0		# bytes of a literal that are to come
		self.bad = None		# what the command lacks
		self.after = None	# what follows that literal
		self.tags = []		# passed on, or (tag, answer) held back
		self.exchange = None	# tag of IDLE or AUTHENTICATE
		self.sending = None	# tag of APPEND
		self.asked = False	# its message waits for "+"

	def lacks(self, name):
		return name in self.hides or ("*" in self.hides
		    and not name.startswith(KEPT))

	# -- from the client --

	def up(self, data):
		self.server, self.client = bytearray(), bytearray()
		self.line += data
		while self.line and self.state():
			pass
		return bytes(self.server), bytes(self.client)

	def take_line(self):
		end = self.line.find(b"\n") + 1
		out = bytes(self.line[:end])
		del self.line[:end]
		return out

	def command(self):
		line = self.take_line()
		if not line:
			return False
		if self.exchange and not self.text and self.is_exchange(line):
			self.server += line
			return True
		literal = LITERAL.search(line)
		self.words += STRING.sub(b'""', LITERAL.sub(b'""',
		    line if self.text else line.partition(b" ")[2]))
		self.text += line
		if literal:
			self.literal(int(literal[1]), literal[2] == b"+")
		else:
			self.complete()
		return True

	def is_exchange(self, line):
		"""Base64 has no space, nor has DONE; a command has."""
		if b" " not in line.strip():
			if line.strip().upper() == b"DONE":
				self.exchange = None
			return True
		return False

	def literal(self, size, ahead):
		if ahead and self.lacks("LITERAL+") and (self.lacks("LITERAL-")
		    or size > LITERAL_MINUS):
			self.bad = "LITERAL+"
		self.bad = self.bad or self.needs()
		if self.bad and not ahead:
			return self.reject()	# and no literal comes
		if self.bad:
			self.body, self.after = size, self.command
			self.state = self.swallow
		elif is_append(self.words):
			self.sending = self.tag()
			self.tags.append(self.sending)
			self.server += self.text
			self.take_message(size, ahead)
			self.text = self.words = b""
		else:
			self.body, self.state = size, self.string
			if not ahead:
				self.answer(b"+ go on\r\n")
				self.text = LITERAL.sub(b"{%d+}\r\n" % size,
				    self.text)

	def swallow(self):
		n = min(self.body, len(self.line))
		del self.line[:n]
		self.body -= n
		if self.body == 0:
			self.state = self.after
		return True

	def string(self):
		"""A literal within a command, which is passed on as a whole."""
		if len(self.line) < self.body:
			return False
		self.text += bytes(self.line[:self.body])
		del self.line[:self.body]
		self.state = self.command
		return True

	def take_message(self, size, ahead):
		self.body, self.asked = size, not ahead
		self.state = self.message

	def message(self):
		n = min(self.body, len(self.line))
		self.server += self.line[:n]
		del self.line[:n]
		self.body -= n
		if self.body == 0:
			self.state = self.behind
		return True

	def behind(self):
		"""A message: the end of APPEND, or one more."""
		line = self.take_line()
		if not line:
			return False
		literal = LITERAL.search(line)
		lacks = None
		if literal and self.lacks("MULTIAPPEND"):
			lacks = "MULTIAPPEND"
		elif literal and literal[2] and self.lacks("LITERAL+") and (
		    self.lacks("LITERAL-") or int(literal[1]) > LITERAL_MINUS):
			lacks = "LITERAL+"
		if lacks:
			# The server takes back what it has of the command.
			REJECTED.append((lacks, line))
			self.server += b" )\r\n"
			self.state, self.after = self.command, self.rest
			if literal[2]:
				self.body = int(literal[1])
				self.state = self.swallow
			return True
		self.server += line
		if literal:
			self.take_message(int(literal[1]), literal[2] == b"+")
		else:
			self.state = self.command
		return True

	def rest(self):
		"""Of a command that the server has already refused."""
		line = self.take_line()
		if not line:
			return False
		literal = LITERAL.search(line)
		self.state = self.command
		if literal and literal[2]:
			self.body, self.state = int(literal[1]), self.swallow
		return True

	def tag(self):
		return self.text.split(None, 1)[0]

	def needs(self):
		"""The capability that is missing, or None."""
		for cap, syntax in SYNTAX:
			if self.lacks(cap) and syntax.match(self.words):
				return cap
		return None

	def complete(self):
		self.bad = self.bad or self.needs()
		if self.bad:
			return self.reject()
		if b" " in self.text:
			self.tags.append(self.tag())
			word = self.text.split()[1].upper()
			if word in (b"IDLE", b"AUTHENTICATE"):
				self.exchange = self.tag()
		self.server += self.text
		self.text = self.words = b""

	def reject(self):
		REJECTED.append((self.bad, self.text))
		self.answer(self.tag() + b" BAD Error in IMAP command: unknown."
		    b"\r\n")
		self.text, self.words, self.bad = b"", b"", None
		self.state = self.command

	def answer(self, text):
		"""Behind the answers to all that was passed on before."""
		self.tags.append((text,))
		self.client += self.answers()

	def answers(self):
		out = b""
		while self.tags and isinstance(self.tags[0], tuple):
			out += self.tags.pop(0)[0]
		return out

	# -- from the server --

	def down(self, data):
		out, at = [], 0
		if self.left:
			data = bytes(self.left) + data
			self.left.clear()
		while at < len(data):
			if self.skip:
				n = min(self.skip, len(data) - at)
				out.append(data[at:at + n])
				self.skip -= n
				at += n
				continue
			end = data.find(b"\n", at) + 1
			if end == 0:
				self.left += data[at:]
				break
			out.append(self.response(data[at:end]))
			at = end
		return b"".join(out)

	def ended(self):
		"""The server says no more: what there is of a last line."""
		out = bytes(self.left)
		self.left.clear()
		return out

	def response(self, line):
		if line.startswith(b"+"):
			self.asked = False
			return line
		if line.endswith(b"}\r\n"):
			literal = LITERAL.search(line)
			self.skip = int(literal[1]) if literal else 0
		elif line.startswith(b"* "):
			return line if line[2:3].isdigit() \
			    else self.reword(line)
		elif b" " not in line.strip() or line.startswith((b" ", b")")):
			return line		# behind a literal
		elif self.done(line.split(None, 1)[0]):
			return self.reword(line) + self.answers()
		return line

	def done(self, tag):
		"""Whether that is the answer to a command."""
		if tag not in self.tags:
			return False
		self.tags.remove(tag)
		if tag == self.exchange:
			self.exchange = None
		if self.asked and tag == self.sending:
			self.asked = False
			self.state = self.command	# no message comes
		return True

	def reword(self, line):
		listed = LISTED.match(line)
		if listed:
			return listed[1] + self.offered(listed[2]) + b"\r\n"
		coded = CODED.match(line)
		if not coded:
			return line
		code = coded[2].upper()
		if code == b"CAPABILITY":
			return coded[1] + b" [CAPABILITY" + self.offered(
			    coded[3]) + b"]" + line[coded.end():]
		if not self.lacks(CODES.get(code, "IMAP4REV1")) and not (
		    "*" in self.hides and code not in OLD_CODES):
			return line
		if line.startswith(b"* ") and code in CODES:
			return b""		# it says nothing else
		return coded[1] + line[coded.end():]

	def offered(self, words):
		return b"".join(b" " + w for w in words.split()
		    if not self.lacks(w.decode("latin-1").upper()))
