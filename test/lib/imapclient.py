"""A small IMAP client that shares no code with the program under test.

It judges: what lies on the server is what this client sees. Errors raise
ImapError; nothing is retried, nothing is guessed.
"""

import base64
import calendar
import functools
import re
import socket
import ssl
import time

FLAT = re.compile(rb"\(([^()\[\]{}~\"\r]*)\)")	# a list of plain atoms
ALL = frozenset("LITERAL+ UNSELECT UIDPLUS MOVE CONDSTORE".split())
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


class ImapError(Exception):
	pass


def ack_at_once(sock):
	"""Else a server without TCP_NODELAY takes 40 ms for an answer; Linux
	wants to be told each time."""
	if hasattr(socket, "TCP_QUICKACK"):
		sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def mutf7_encode(name):
	out, run = [], ""

	def flush():
		if run:
			b = base64.b64encode(run.encode("utf-16-be"))
			out.append("&" + b.decode().rstrip("=")
			    .replace("/", ",") + "-")

	for c in name:
		if " " <= c <= "~":
			flush()
			run = ""
			out.append("&-" if c == "&" else c)
		else:
			run += c
	flush()
	return "".join(out)


def mutf7_decode(name):
	def part(m):
		if not m.group(1):
			return "&"
		b = m.group(1).replace(",", "/")
		b += "=" * (-len(b) % 4)
		return base64.b64decode(b).decode("utf-16-be")

	return re.sub(r"&([^-]*)-", part, name)


def quote(text):
	return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def format_date(stamp):
	t = time.gmtime(stamp)
	return '"%2d-%s-%04d %02d:%02d:%02d +0000"' % (t.tm_mday,
	    MONTHS[t.tm_mon - 1], t.tm_year, t.tm_hour, t.tm_min, t.tm_sec)


def parse_date(text):
	m = re.fullmatch(r" ?(\d+)-(\w+)-(\d+) (\d+):(\d+):(\d+) "
	    r"([+-])(\d\d)(\d\d)", text)
	if not m:
		raise ImapError("bad date " + text)
	zone = (int(m[8]) * 60 + int(m[9])) * 60
	local = calendar.timegm((int(m[3]), MONTHS.index(m[2]) + 1, int(m[1]),
	    int(m[4]), int(m[5]), int(m[6])))
	return local - zone if m[7] == "+" else local + zone


@functools.lru_cache
def one_of(stops):
	return re.compile(b"[" + re.escape(stops) + b"]")


class Message:
	"""A message on the server."""

	def __init__(self, uid, flags, date, size, data):
		self.uid, self.flags, self.date = uid, flags, date
		self.size, self.data = size, data

	def __repr__(self):
		return "uid %d %s" % (self.uid, " ".join(sorted(self.flags)))


class Imap:
	"""prefix and separator: of the names that the server has; what is asked
	and told here is without the one, and has / for the other. offers: what
	the server is known to have, whatever it says; None asks it. drops: of
	what it makes with these commands it forgets the flags, so these are set
	behind them."""

	def __init__(self, host, port, user, password, ca=None, limit=60,
	    prefix="", separator="/", offers=ALL, drops=()):
		self.prefix, self.separator = prefix, separator
		self.drops = drops
		self.sock = socket.create_connection((host, port), limit)
		self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
		if ca:
			context = ssl.create_default_context(cafile=ca)
			self.sock = context.wrap_socket(self.sock,
			    server_hostname=host)
		self.buf = bytearray()
		self.pos = 0
		self.tag = 0
		self.box = None
		self.untagged()
		self.offers = offers
		self.command("LOGIN %s %s" % (quote(user), quote(password)))
		if offers is None:
			self.offers = self.capabilities()

	def __enter__(self):
		return self

	def __exit__(self, *exc):
		self.close()

	def close(self):
		"""LOGOUT, and wait until the server has closed: its files rest."""
		try:
			self.command("LOGOUT")
			while self.sock.recv(4096):
				pass
		except (OSError, ImapError):
			pass
		self.sock.close()

	# -- reading --

	def fill(self):
		if self.pos > 1 << 20:
			del self.buf[:self.pos]
			self.pos = 0
		data = self.sock.recv(1 << 18)
		ack_at_once(self.sock)
		if not data:
			raise ImapError("the server closed the connection")
		self.buf += data

	def peek(self):
		while self.pos >= len(self.buf):
			self.fill()
		return self.buf[self.pos]

	def take(self, n):
		while len(self.buf) - self.pos < n:
			self.fill()
		data = bytes(self.buf[self.pos:self.pos + n])
		self.pos += n
		return data

	def until(self, stops):
		"""Bytes up to, without, one of stops."""
		find, i = one_of(stops).search, self.pos
		while True:
			m = find(self.buf, i)
			if m:
				data = bytes(self.buf[self.pos:m.start()])
				self.pos = m.start()
				return data
			i = len(self.buf) - self.pos
			self.fill()
			i += self.pos

	def value(self):
		c = self.peek()
		if c == 0x28:			# (
			m = FLAT.match(self.buf, self.pos)
			if m:
				self.pos = m.end()
				return m[1].decode("latin-1").split()
			self.pos += 1
			items = []
			while self.peek() != 0x29:
				if self.peek() == 0x20:
					self.pos += 1
					continue
				items.append(self.value())
			self.pos += 1
			return items
		if c == 0x22:			# "
			self.pos += 1
			out = bytearray()
			while True:
				out += self.until(b'"\\')
				if self.take(1) == b'"':
					return bytes(out).decode("latin-1")
				out += self.take(1)
		if c in b"{~":
			head = self.until(b"}")
			self.take(3)
			return self.take(int(head.lstrip(b"~{").rstrip(b"+")))
		word = self.until(b" ()\r[")
		if self.peek() == 0x5b:		# [: part of the atom
			word += self.until(b"]") + self.take(1)
			word += self.until(b" ()\r")
		return word.decode("latin-1")

	def text_line(self):
		line = self.until(b"\r")
		self.take(2)
		return line.decode("latin-1")

	def untagged(self):
		"""One response: (tag, name or number, rest)."""
		tag = self.until(b" ").decode()
		self.take(1)
		if tag == "+":
			return tag, "", self.text_line()
		word = self.until(b" \r").decode()
		if self.peek() == 0x0d:
			self.take(2)
			return tag, word.upper(), []
		self.take(1)
		if word.upper() in ("OK", "NO", "BAD", "BYE", "PREAUTH"):
			return tag, word.upper(), self.text_line()
		values = []
		while self.peek() != 0x0d:
			if self.peek() == 0x20:
				self.pos += 1
				continue
			values.append(self.value())
		self.take(2)
		return tag, word.upper(), values

	# -- names --

	def wire(self, name):
		"""As the server wants it, quoted."""
		if name != "INBOX":
			name = self.prefix + name.replace("/", self.separator)
		return quote(mutf7_encode(name))

	def plain(self, name):
		name = mutf7_decode(name)
		if name.upper() == "INBOX":
			return "INBOX"
		if name.startswith(self.prefix):
			name = name[len(self.prefix):]
		return name.replace(self.separator, "/")

	# -- commands --

	def capabilities(self):
		got, _ = self.command("CAPABILITY")
		return frozenset(w.upper() for _, word, v in got
		    if word == "CAPABILITY" for w in v)

	def send(self, *parts):
		"""Parts are text, or bytes that go as literals."""
		self.tag += 1
		tag = "j%d" % self.tag
		out = tag.encode() + b" "
		for p in parts:
			if not isinstance(p, bytes):
				out += p.encode()
			elif "LITERAL+" in self.offers:
				out += b"{%d+}\r\n" % len(p) + p
			else:
				self.sock.sendall(out + b"{%d}\r\n" % len(p))
				self.go_on()
				out = p
		self.sock.sendall(out + b"\r\n")
		return tag

	def go_on(self):
		"""Until the server asks for a literal."""
		tag = None
		while tag != "+":
			tag, word, rest = self.untagged()
			if word in ("NO", "BAD"):
				raise ImapError("%s %s" % (word, rest))

	def finish(self, tag):
		got = []
		while True:
			r = self.untagged()
			if r[0] != tag:
				got.append(r)
				continue
			if r[1] != "OK":
				raise ImapError("%s %s" % (r[1], r[2]))
			return got, r[2]

	def command(self, *parts):
		try:
			return self.finish(self.send(*parts))
		except ImapError as e:
			raise ImapError("%s: %s" % (str(parts[0])[:60], e))

	def folders(self):
		got, _ = self.command('LIST "" "*"')
		names = []
		for _, word, v in got:
			if word != "LIST":
				continue
			flags = [f.lower() for f in v[0]]
			if "\\noselect" in flags or "\\nonexistent" in flags:
				continue
			name = v[2]
			if isinstance(name, bytes):
				name = name.decode()
			names.append(self.plain(name))
		return sorted(names)

	def open(self, folder, write=True):
		if self.box == (folder, write):
			return
		self.box = None
		self.command("%s %s" % ("SELECT" if write else "EXAMINE",
		    self.wire(folder)))
		self.box = (folder, write)

	def leave(self):
		if self.box:
			self.command("UNSELECT" if "UNSELECT" in self.offers
			    else "EXAMINE INBOX")
		self.box = None

	def messages(self, folder, bodies=True):
		"""{uid: Message}; sees what is there now."""
		self.box = None
		self.open(folder, False)
		body = " BODY.PEEK[]" if bodies else ""
		got, _ = self.command("UID FETCH 1:* (UID FLAGS INTERNALDATE "
		    "RFC822.SIZE%s)" % body)
		out = {}
		for _, _, v in got:
			if not v or v[0] != "FETCH":
				continue
			a = dict(zip([k.upper() for k in v[1][::2]],
			    v[1][1::2]))
			if "INTERNALDATE" not in a:
				continue
			data = a.get("BODY[]", b"")
			if isinstance(data, str):
				data = b"" if data == "NIL" \
				    else data.encode("latin-1")
			uid = int(a["UID"])
			if uid in out:
				raise ImapError("uid %d twice" % uid)
			flags = frozenset(f for f in a["FLAGS"]
			    if f.lower() != "\\recent")
			out[uid] = Message(uid, flags,
			    parse_date(a["INTERNALDATE"]),
			    int(a["RFC822.SIZE"]), data)
		return out

	def status(self, folder):
		got, _ = self.command("STATUS %s (MESSAGES UIDNEXT UIDVALIDITY%s)"
		    % (self.wire(folder), " HIGHESTMODSEQ" if "CONDSTORE" in
		    self.offers else ""))
		for _, word, v in got:
			if word == "STATUS":
				return {k: int(n) for k, n in
				    zip(v[1][::2], v[1][1::2])
				    if n != "NIL"}
		raise ImapError("no STATUS for " + folder)

	def append(self, folder, data, flags=(), date=None):
		"""Returns the UID, where it is told. Courier refuses while
		another folder is open for reading."""
		if self.box and "UNSELECT" not in self.offers:
			self.open(folder)
		_, text = self.command("APPEND %s (%s) %s" % (
		    self.wire(folder), " ".join(flags),
		    format_date(date) + " " if date is not None else ""), data)
		m = re.search(r"\[APPENDUID \d+ (\d+)\]", text)
		return int(m[1]) if m else None

	def flag_newest(self, folder, flags):
		self.box = None
		uid = max(self.messages(folder, False))
		self.store(folder, uid, "+", flags)

	def store(self, folder, uids, how, flags):
		"""how: + - or empty."""
		self.open(folder)
		self.command("UID STORE %s %sFLAGS.SILENT (%s)" % (
		    uid_set(uids), how, " ".join(flags)))

	def expunge(self, folder, uids):
		self.store(folder, uids, "+", ["\\Deleted"])
		if "UIDPLUS" in self.offers:
			self.command("UID EXPUNGE %s" % uid_set(uids))
		else:
			self.expunge_marked(folder, uids)

	def expunge_marked(self, folder, uids):
		"""EXPUNGE, around what others have marked."""
		got, _ = self.command("UID SEARCH DELETED")
		others = {int(n) for _, word, v in got if word == "SEARCH"
		    for n in v} - ({uids} if isinstance(uids, int)
		    else set(uids))
		if others:
			self.store(folder, others, "-", ["\\Deleted"])
		self.command("EXPUNGE")
		if others:
			self.store(folder, others, "+", ["\\Deleted"])

	def copy(self, folder, uids, target):
		drops = "COPY" in self.drops
		flags = self.messages(folder, False)[uids].flags if drops else ()
		self.open(folder)
		self.command("UID COPY %s %s" % (uid_set(uids),
		    self.wire(target)))
		if flags:
			self.flag_newest(target, flags)

	def move(self, folder, uids, target):
		if "MOVE" not in self.offers:
			self.copy(folder, uids, target)
			return self.expunge(folder, uids)
		self.open(folder)
		self.command("UID MOVE %s %s" % (uid_set(uids),
		    self.wire(target)))

	def create(self, folder):
		self.command("CREATE " + self.wire(folder))

	def delete(self, folder):
		if self.box and self.box[0] == folder:
			self.leave()
		self.command("DELETE " + self.wire(folder))

	def rename(self, folder, target):
		if self.box and self.box[0] == folder:
			self.leave()
		self.command("RENAME %s %s" % (self.wire(folder),
		    self.wire(target)))


def uid_set(uids):
	if isinstance(uids, int):
		return str(uids)
	return ",".join(str(u) for u in sorted(uids))
