"""APPEND commands, whole: of one message or of several (MULTIAPPEND).

	uploads = Uploads(lambda u: None if u.sizes[0] < 5000 else b"NO big")
	with Middleman(world.server.port, uploads.up, uploads.down) as man:

judge(u) sees each command before the server does, and its literals with their
sizes: u.folder, u.sizes, u.data. It returns None, and the command goes on; or
what the answer shall be: then the server never sees it. uploads.all: all that
came. Only for what is sent without being asked for (LITERAL+).
"""

import re

LITERAL = re.compile(rb"\{(\d+)\+\}\r\n$")
FOLDER = re.compile(rb'^(\S+) APPEND (?:"([^"]*)"|(\S+)) ')


class Upload:
	def __init__(self, line):
		m = FOLDER.match(line)
		self.tag, self.folder = m[1], m[2] or m[3]
		self.sizes, self.data, self.octets = [], [], bytearray()
		self.literal(line)

	def literal(self, line):
		self.octets += line
		self.need = int(LITERAL.search(line)[1])
		self.sizes.append(self.need)
		self.data.append(bytearray())

	def add(self, line):
		"""True: that was its end."""
		part, rest = line[:self.need], line[self.need:]
		self.need -= len(part)
		self.data[-1] += part
		self.octets += part
		if LITERAL.search(rest):
			self.literal(rest)
		else:
			self.octets += rest
		return rest == b"\r\n"


class Uploads:
	def __init__(self, judge=lambda u: None, caps=lambda words: words):
		self.judge, self.caps = judge, caps
		self.now, self.all, self.answers = None, [], {}

	def up(self, line):
		if self.now is None:
			if not FOLDER.match(line):
				return line
			self.now = Upload(line)
			return b""
		if not self.now.add(line):
			return b""
		u, self.now = self.now, None
		self.all.append(u)
		answer = self.judge(u)
		if answer is None:
			return bytes(u.octets)
		# The server says something about a command that it has.
		self.answers[u.tag] = u.tag + b" " + answer + b"\r\n"
		return u.tag + b" NOOP\r\n"

	def down(self, line):
		if b"CAPABILITY " in line:
			line = self.caps(line)
		return self.answers.pop(line.split(b" ")[0], line)
