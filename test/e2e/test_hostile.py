"""A server that wants to harm: each script must end within the limits, with a
proper exit status and one sentence, nothing written outside the Maildir, little
memory taken, no crash. No real server takes part."""

import base64
import contextlib
import os
import re
import socket
import ssl
import subprocess
import threading
import time

import pytest

from dovecot import make_ca, make_leaf
from world import World, program

SECONDS = 25		# of one run; the silence limit is 2
RSS = 64 << 10		# kB, as VmHWM says it
CAPS = b"IMAP4rev1 UIDPLUS LITERAL+"
BODY = (b"From: a@example.org\r\nDate: Fri, 14 Jul 2017 02:40:00 +0000\r\n"
    b"Message-ID: <%d@example.org>\r\n\r\nBody %d.\r\n")
PLAIN = base64.b64encode(b"\0u\0canary-5cr3t").decode()
DATE = b'"14-Jul-2017 02:40:00 +0000"'


class Gone(Exception):
	pass


class Conn:
	"""One connection, served well but for the verbs that hooks take over:
	a hook is called with this, the tag and the rest of the line."""

	def __init__(self, sock, hooks):
		self.sock, self.hooks = sock, hooks
		self.file = sock.makefile("rb")
		self.end = time.monotonic() + SECONDS

	def send(self, data):
		try:
			self.sock.sendall(data)
		except OSError:
			raise Gone

	def forever(self, data):
		"""Large pieces, until the client hangs up."""
		piece = data * (1 + (1 << 16) // len(data))
		while time.monotonic() < self.end:
			self.send(piece)

	def drip(self, data):
		"""Now and then, so that it is never silent."""
		for octet in data:
			self.send(bytes([octet]))
			if self.dead(0.2):
				raise Gone

	def dead(self, seconds):
		self.sock.settimeout(seconds)
		try:
			return self.sock.recv(1) == b""
		except TimeoutError:
			return False
		except OSError:
			raise Gone
		finally:
			self.sock.settimeout(SECONDS)

	def hold(self):
		"""Says nothing more."""
		while not self.dead(1):
			if time.monotonic() > self.end:
				break
		raise Gone

	def line(self):
		try:
			line = self.file.readline()
		except (OSError, ValueError):
			raise Gone
		if not line.endswith(b"\n"):
			raise Gone
		return line.rstrip(b"\r\n")

	def serve(self):
		greeting = self.hooks.get("GREETING")
		if greeting is not None:
			greeting(self)
		else:
			self.send(b"* OK [CAPABILITY %s] hello\r\n" % CAPS)
		while True:
			tag, verb, rest = (self.line().split(b" ", 2) +
			    [b""])[:3]
			if verb == b"UID":
				verb, _, rest = rest.partition(b" ")
			name = verb.decode()
			hook = self.hooks.get(name, getattr(self, "do_" + name,
			    None))
			if hook is None:
				self.send(tag + b" OK done\r\n")
			elif name in self.hooks:
				hook(self, tag, rest)
			else:
				hook(tag, rest)

	def do_CAPABILITY(self, tag, rest):
		self.send(b"* CAPABILITY %s\r\n%s OK done\r\n" % (CAPS, tag))

	def do_LIST(self, tag, rest):
		self.send(b'* LIST () "/" INBOX\r\n%s OK done\r\n' % tag)

	def do_STATUS(self, tag, rest):
		name = rest[:rest.index(b" (")]
		self.send(b"* STATUS %s (MESSAGES 2 UIDNEXT 3 UIDVALIDITY 7)"
		    b"\r\n%s OK done\r\n" % (name, tag))

	def do_SELECT(self, tag, rest):
		self.send(b"* FLAGS (\\Seen \\Deleted)\r\n* 2 EXISTS\r\n"
		    b"* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 3] ok\r\n"
		    b"%s OK [READ-WRITE] done\r\n" % tag)

	def do_FETCH(self, tag, rest):
		for uid in (1, 2):
			if b"BODY.PEEK" in rest:
				self.body(uid, BODY % (uid, uid))
			else:
				self.row(uid)
		self.send(tag + b" OK done\r\n")

	def row(self, uid):
		self.send(b"* %d FETCH (UID %d FLAGS (\\Seen) INTERNALDATE %s "
		    b"RFC822.SIZE %d)\r\n" % (min(uid, 2), uid, DATE,
		    len(BODY % (uid, uid))))

	def body(self, uid, data, announced=None):
		size = len(data) if announced is None else announced
		self.send(b"* %d FETCH (UID %d BODY[] {%d}\r\n%s)\r\n" %
		    (uid, uid, size, data))

	def do_EXPUNGE(self, tag, rest):
		self.send(tag + b" OK done\r\n")

	def do_LOGOUT(self, tag, rest):
		self.send(b"* BYE\r\n" + tag + b" OK done\r\n")


class Fake:
	password = "canary-5cr3t"

	def __init__(self, hooks):
		self.hooks = hooks
		self.listener = socket.create_server(("127.0.0.1", 0))
		self.port = self.listener.getsockname()[1]
		self.thread = threading.Thread(target=self.run, daemon=True)
		self.thread.start()

	def run(self):
		while True:
			try:
				sock = self.listener.accept()[0]
			except OSError:
				return
			sock.settimeout(SECONDS)
			with sock, contextlib.suppress(Gone):
				Conn(sock, self.hooks).serve()

	def remove(self, user):
		self.listener.close()


# --- what it does instead of what it should ---

def instead(text):
	"""Sends text (TAG stands for the tag) in place of the answer."""
	def hook(c, tag=b"", rest=b""):
		c.send(text.replace(b"TAG", tag))
	return hook


def forever(text, before=b""):
	def hook(c, tag=b"", rest=b""):
		c.send(before)
		c.forever(text.replace(b"TAG", tag))
	return hook


def then_hold(text=b""):
	def hook(c, tag=b"", rest=b""):
		c.send(text)
		c.hold()
	return hook


def then_close(text=b""):
	def hook(c, tag=b"", rest=b""):
		c.send(text)
		raise Gone
	return hook


def half_close(c, tag, rest):
	c.sock.shutdown(socket.SHUT_WR)
	c.hold()


def drip(text):
	def hook(c, tag=b"", rest=b""):
		c.drip(text)
	return hook


def bodies(one):
	"""FETCH of bodies is answered by one(connection, uid)."""
	def hook(c, tag, rest):
		if b"BODY.PEEK" not in rest:
			c.do_FETCH(tag, rest)
			return
		for uid in (1, 2):
			one(c, uid)
		c.send(tag + b" OK done\r\n")
	return {"FETCH": hook}


def rows(text):
	"""FETCH of numbers is answered with this; bodies are served."""
	def hook(c, tag, rest):
		if b"BODY.PEEK" in rest:
			c.do_FETCH(tag, rest)
		else:
			c.send(text.replace(b"TAG", tag))
	return {"FETCH": hook}


def mailbox(name):
	return {"LIST": instead(b'* LIST () "/" INBOX\r\n* LIST () "/" ' + name
	    + b"\r\nTAG OK done\r\n")}


def plus_forever(c, tag, rest):
	c.forever(b"+ \r\n")


def many_names(c, tag, rest):
	"""Each another, each long."""
	for n in range(200000):
		c.send(b'* LIST () "/" {60000}\r\n%08d%s\r\n' % (n, b"x" * 59992))


def endless_list(c, tag, rest):
	for n in range(10000000):
		c.send(b"".join(b'* LIST () "/" "folder %d"\r\n' % i
		    for i in range(n * 1000, n * 1000 + 1000)))


def sparse(verb, sep):
	"""Numbers that no set can hold as a range."""
	def hook(c, tag, rest):
		c.send(b"* %s " % verb)
		for n in range(0, 1 << 31, 1000):
			c.send(b"".join(b"%d%s" % (i * 2 + 1, sep)
			    for i in range(n, n + 1000)))
	return hook


def sparse_lines(c, tag, rest):
	for n in range(0, 1 << 31, 10000):
		c.send(b"* VANISHED %s\r\n" % b",".join(b"%d" % (i * 2 + 1)
		    for i in range(n, n + 10000)))


def longer(c, uid):
	c.body(uid, BODY % (uid, uid) + b"tail\r\n")


def shorter(c, uid):
	data = BODY % (uid, uid)
	c.body(uid, data, len(data) - 4)


def cut_short(c, uid):
	data = BODY % (uid, uid)
	c.send(b"* %d FETCH (UID %d BODY[] {%d}\r\n%s" % (uid, uid,
	    len(data) + 100, data))
	raise Gone


def other_uid(c, uid):
	c.body(uid + 40, BODY % (uid, uid))


# Name: (hooks, exit status, how many messages are there then).
SCRIPTS = {
	"well": ({}, 0, 2),
	"greeting-bye": ({"GREETING": then_hold(b"* BYE go away\r\n")}, 75, 0),
	"greeting-no": ({"GREETING": then_hold(b"* NO go away\r\n")}, 75, 0),
	"greeting-tagged": ({"GREETING": then_hold(b"a1 OK in\r\n")}, 76, 0),
	"greeting-preauth": ({"GREETING":
	    then_hold(b"* PREAUTH welcome\r\n")}, 76, 0),
	"greeting-rubbish": ({"GREETING":
	    then_hold(b"HTTP/1.1 400 Bad Request\r\n")}, 76, 0),
	"greeting-endless-plus": ({"GREETING": forever(b"+ go\r\n")}, 76, 0),
	"greeting-endless-nul": ({"GREETING": forever(b"\0")}, 76, 0),
	"greeting-endless-lines": ({"GREETING": forever(b"\r\n")}, 76, 0),
	"greeting-drips": ({"GREETING": drip(b"* OK " + b"x" * 1000)}, 75, 0),
	"greeting-closes": ({"GREETING": then_close()}, 75, 0),
	"login-silent": ({"LOGIN": then_hold()}, 75, 0),
	"login-drips": ({"LOGIN": drip(b"* OK " + b"x" * 1000)}, 75, 0),
	"login-half-closed": ({"LOGIN": half_close}, 75, 0),
	"login-endless-ok": ({"LOGIN": forever(b"* OK wait\r\n")}, 76, 0),
	"login-endless-alert": ({"LOGIN":
	    forever(b"* OK [ALERT] \x1b]0;evil\x07\r\n")}, 76, 0),
	"login-preauth": ({"LOGIN":
	    instead(b"* PREAUTH in\r\nTAG NO no\r\n")}, 77, 0),
	"login-echoes": ({"LOGIN":
	    instead(b"TAG NO not canary-5cr3t\r\n")}, 77, 0),
	"login-endless-plus": ({"GREETING": instead(b"* OK [CAPABILITY IMAP4rev1"
	    b" SASL-IR AUTH=PLAIN] hi\r\n"), "AUTHENTICATE": plus_forever},
	    76, 0),
	"login-echoes-badly": ({"LOGIN":
	    instead(b"canary-5cr3t is what you say\r\n")}, 76, 0),
	"login-echoes-at-length": ({"LOGIN":
	    instead(b"x" * 73 + b" canary-5cr3t\r\n")}, 76, 0),
	"login-echoes-base64": ({"GREETING": instead(b"* OK [CAPABILITY "
	    b"IMAP4rev1 LOGINDISABLED SASL-IR AUTH=PLAIN] hi\r\n"),
	    "AUTHENTICATE":
	    lambda c, tag, rest: c.send(tag + b" NO bad: " + rest + b"\r\n")},
	    77, 0),
	"login-early-ok": ({"GREETING": then_hold(
	    b"* OK [CAPABILITY IMAP4rev1] hi\r\nm123451 OK in\r\n")}, 76, 0),
	"select-silent": ({"SELECT": then_hold()}, 1, 0),
	"select-endless-ok": ({"SELECT": forever(b"* OK wait\r\n")}, 1, 0),
	"select-endless-exists": ({"SELECT": forever(b"* 3 EXISTS\r\n")}, 1,
	    0),
	"select-endless-flags": ({"SELECT": forever(
	    b"* FLAGS (" + b" ".join(b"k%d" % n for n in range(600))
	    + b")\r\n")}, 1, 0),
	"select-sparse-vanished": ({"SELECT": sparse(b"VANISHED", b",")}, 1,
	    0),
	"select-vanished-lines": ({"SELECT": sparse_lines}, 1, 0),
	"select-bye": ({"SELECT": then_hold(b"* BYE no more\r\n")}, 1, 0),
	"select-no-uidvalidity": ({"SELECT":
	    instead(b"* 2 EXISTS\r\nTAG OK done\r\n")}, 1, 0),
	"exists-2^32-1": ({"SELECT": instead(b"* 4294967295 EXISTS\r\n"
	    b"* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 3] ok\r\n"
	    b"TAG OK [READ-WRITE] done\r\n")}, 1, 2),
	"exists-2^32": ({"SELECT": instead(b"* 4294967296 EXISTS\r\n"
	    b"TAG OK done\r\n")}, 1, 0),
	"line-without-end": ({"LIST": forever(b"x", b'* LIST () "/" ')}, 1,
	    2),
	"untagged-without-end": ({"LIST": forever(b"x", b"* X-FOO ")}, 1, 2),
	"text-without-end": ({"LIST": forever(b"x", b"* OK ")}, 1, 2),
	"tagged-without-end": ({"LIST": forever(b"x", b"m")}, 1, 2),
	"parentheses": ({"FETCH": forever(b"(", b"* 1 FETCH ")}, 1, 0),
	# INBOX is there without being listed.
	"parentheses-list": ({"LIST": forever(b"(", b"* LIST ")}, 1, 2),
	"parentheses-code": ({"LIST": forever(b"([", b"* OK [X")}, 1, 2),
	"flags-without-end": ({"FETCH":
	    forever(b"a ", b"* 1 FETCH (UID 1 FLAGS (")}, 1, 0),
	"list-endless": ({"LIST": endless_list}, 1, 2),
	"list-endless-same": ({"LIST":
	    forever(b'* LIST () "/" INBOX\r\n')}, 1, 2),
	"list-long-names": ({"LIST": many_names}, 1, 2),
	"list-broken": ({"LIST": instead(b"* LIST (\r\nTAG OK\r\n")}, 1, 2),
	"fetch-endless-rows": ({"FETCH":
	    forever(b"* 1 FETCH (UID 1 FLAGS ())\r\n")}, 1, 0),
	"fetch-endless-nil": (bodies(lambda c, uid: c.forever(
	    b"* 1 FETCH (UID 1 BODY[] NIL)\r\n")), 1, 0),
	"fetch-early-ok": ({"FETCH": instead(b"TAG OK done\r\n")}, 1, 0),
	"fetch-uid-0": (rows(b"* 1 FETCH (UID 0 FLAGS ())\r\n"
	    b"TAG OK done\r\n"), 1, 0),
	"fetch-uid-2^32": (rows(b"* 1 FETCH (UID 4294967296 FLAGS ())\r\n"
	    b"TAG OK done\r\n"), 1, 0),
	"fetch-uid-2^64+1": (rows(b"* 1 FETCH (UID 18446744073709551617 "
	    b"FLAGS ())\r\nTAG OK done\r\n"), 1, 0),
	"fetch-two-uids": (rows(b"* 1 FETCH (UID 1 UID 2)\r\n"
	    b"TAG OK done\r\n"), 1, 0),
	"literal-2^32-1": (bodies(lambda c, uid: c.body(uid, b"x" * 100,
	    4294967295) or c.hold()), 1, 0),
	"literal-2^32": (bodies(lambda c, uid: c.body(uid, b"", 1 << 32)), 1,
	    0),
	"literal-2^64": (bodies(lambda c, uid: c.body(uid, b"", 1 << 64)), 1,
	    0),
	"literal-in-list": ({"LIST":
	    forever(b"x", b'* LIST () "/" {4294967295}\r\n')}, 1, 2),
	"literal-unknown": ({"LIST":
	    forever(b"x", b"* X-FOO {4294967295}\r\n")}, 1, 2),
	"body-longer": (bodies(longer), 0, 2),
	"body-shorter": (bodies(shorter), 1, 0),
	"body-cut": (bodies(cut_short), 1, 0),
	"body-nil": (bodies(lambda c, uid: c.send(
	    b"* %d FETCH (UID %d BODY[] NIL)\r\n" % (uid, uid))), 1, 0),
	"body-empty": (bodies(lambda c, uid: c.send(
	    b'* %d FETCH (UID %d BODY[] "")\r\n' % (uid, uid))), 1, 0),
	"body-of-another": (bodies(other_uid), (1, 75), 0),
	"body-without-uid": (bodies(lambda c, uid: c.send(
	    b"* %d FETCH (BODY[] {2}\r\nhi)\r\n" % uid)), (1, 75), 0),
	"body-twice": (bodies(lambda c, uid: (c.body(uid, BODY % (uid, uid)),
	    c.body(uid, BODY % (uid, 9)))), 0, 2),
	"name-dotdot": (mailbox(b'"../evil"'), 0, None),
	"name-inner-dotdot": (mailbox(b'"a/../../../evil"'), 0, None),
	"name-absolute": (mailbox(b'"/evil"'), (0, 1), None),
	"name-dot": (mailbox(b'"."'), 0, None),
	"name-cur": (mailbox(b'"cur"'), 0, None),
	"name-tmp-new": (mailbox(b'"INBOX/new"'), 0, None),
	"name-marker": (mailbox(b'".mailtern"'), 0, None),
	"name-nul": (mailbox(b"{6}\r\nevil\0x"), (0, 1), None),
	"name-crlf": (mailbox(b"{12}\r\nevil\r\nA NOOP"), (0, 1), None),
	"name-300": (mailbox(b'"' + b"e" * 300 + b'"'), 0, None),
	"name-20000": (mailbox(b'"' + b"e" * 20000 + b'"'), (0, 1), None),
	"name-utf7": (mailbox(b'"&AC4ALgAv-evil"'), (0, 1), None),
	"name-shell": (mailbox(b'"$(touch evil);`touch evil`"'), 0, None),
	"name-delimiter": ({"LIST": instead(b'* LIST () "/" INBOX\r\n'
	    b'* LIST () "x" "..x..xevil"\r\nTAG OK done\r\n')}, (0, 1), None),
	"namespace": ({"GREETING": instead(b"* OK [CAPABILITY IMAP4rev1 "
	    b"NAMESPACE] hi\r\n"), "NAMESPACE": instead(b"* NAMESPACE "
	    b'(("../" "/")) NIL NIL\r\nTAG OK done\r\n')}, 0, None),
}


def starttls(tmp_path):
	"""A hook that begins TLS, and the keys for it."""
	at = str(tmp_path)
	make_ca(at + "/ca")
	make_leaf(at + "/leaf", at + "/ca")
	context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
	context.load_cert_chain(at + "/leaf.crt", at + "/leaf.key")

	def begin(c, tag, rest):
		c.send(tag + b" OK begin\r\n")
		c.sock = context.wrap_socket(c.sock, server_side=True)
		c.file = c.sock.makefile("rb")

	return begin, {"timeout": "2", "tls": "starttls",
	    "tls-ca-file": '"%s/ca.crt"' % at}


@pytest.mark.parametrize("name, mechanism", [
    ("Cyrus IMAP 3.6.1-Debian", b"SCRAM-SHA-256"),
    ("Cyrus IMAP 3.10.1", b"SCRAM-SHA-256-PLUS"),
    ("somebody", b"SCRAM-SHA-256-PLUS")])
def test_binding_that_does_not_work(tmp_path, name, mechanism):
	"""Old Cyrus offers -PLUS over TLS 1.3 and can't do it. What the server
	refuses, another mechanism may get past, once."""
	begin, keys = starttls(tmp_path)
	tried = []

	def authenticate(c, tag, rest):
		tried.append(rest.split()[0])
		c.send(tag + b" NO [AUTHENTICATIONFAILED] no\r\n")

	caps = b"IMAP4rev1 SASL-IR STARTTLS AUTH=SCRAM-SHA-256-PLUS " \
	    b"AUTH=SCRAM-SHA-256 AUTH=PLAIN"
	hooks = {"GREETING": instead(b"* OK [CAPABILITY %s] %s ready\r\n" %
	    (caps, name.encode())), "STARTTLS": begin,
	    "CAPABILITY": instead(b"* CAPABILITY %s\r\nTAG OK x\r\n" % caps),
	    "AUTHENTICATE": authenticate}
	with World(Fake(hooks), "u", keys=keys) as w:
		assert w.run("sync").rc == 77
	assert tried == [mechanism, b"PLAIN"]


def test_told_in_clear(tmp_path):
	"""What somebody says before TLS begins is forgotten: a namespace that
	hides all folders would make them look deleted."""
	begin, keys = starttls(tmp_path)

	def inject(c, tag, rest):
		c.send(b'* NAMESPACE (("evil/" "/")) NIL NIL\r\n'
		    b"* ENABLED QRESYNC\r\n* PREAUTH in\r\n")
		begin(c, tag, rest)

	logins = []

	def login(c, tag, rest):
		logins.append(rest)
		c.send(tag + b" OK in\r\n")

	hooks = {"GREETING": instead(b"* OK [CAPABILITY IMAP4rev1 STARTTLS] hi"
	    b"\r\n"), "STARTTLS": inject, "LOGIN": login, **mailbox(b"lists")}
	with World(Fake(hooks), "u", keys=keys) as w:
		r = w.run("sync")
		assert r.rc == 0, str(r)
		assert len(logins) == 1
		assert sorted(w.maildir.all()) == ["INBOX", "lists"]


def peak(pid):
	try:
		with open("/proc/%d/status" % pid) as f:
			m = re.search(r"VmHWM:\s+(\d+)", f.read())
	except OSError:
		return 0
	return int(m.group(1)) if m else 0


def watched(w, *args):
	"""Runs mailtern; the Result and its highest memory."""
	proc = w.popen(*args, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
	    text=True, errors="replace")
	seconds = SECONDS * (6 if sanitized() else 1)
	high, end = 0, time.monotonic() + seconds
	while proc.poll() is None and time.monotonic() < end:
		high = max(high, peak(proc.pid))
		time.sleep(0.005)	# between two looks at its memory
	late = proc.poll() is None
	if late:
		proc.kill()
	out, err = proc.communicate()
	return proc.returncode, out, err, high, late


def outside(w):
	"""What lies in the parent directory, less what is ours."""
	found = set()
	for at, dirs, files in os.walk(w.dir):
		if at == w.dir:
			dirs[:] = [d for d in dirs if d not in ("mail", "state")]
		found.update(os.path.join(at, n) for n in dirs + files)
	return found


def sanitized():
	"""It needs more memory, and time."""
	with open(program(), "rb") as f:
		text = f.read()
	return b"__asan_init" in text or b"__tsan_init" in text


@pytest.mark.sample(30)
@pytest.mark.parametrize("name", SCRIPTS)
def test_hostile(name):
	hooks, status, messages = SCRIPTS[name]
	limit = "1" if "drips" in name else "2"
	with World(Fake(hooks), "u", keys={"timeout": limit}) as w:
		before = outside(w)
		rc, out, err, high, late = watched(w, "sync")
		text = "%s: exit %s, %d kB\n%s%s" % (name, rc, high, out, err)
		print(text)
		assert not late, "does not end: " + text
		assert rc in (status if isinstance(status, tuple) else
		    (status,)), text
		assert "Sanitizer" not in err and "runtime error" not in err, err
		assert outside(w) == before, outside(w) - before
		assert sanitized() or high < RSS, text
		assert w.server.password[:6] not in out + err, text
		assert PLAIN not in out + err, text
		assert "\x1b" not in out + err, text
		if rc > 1 and not isinstance(status, tuple):
			assert len(err.splitlines()) == 1, text
		if messages is not None:
			assert count(w) == messages, text


def count(w):
	return sum(len(files) for at, dirs, files in os.walk(w.maildir.root)
	    if os.path.basename(at) in ("cur", "new"))
