"""One account on a throwaway server, one Maildir, and mailtern between them.

The program is $MAILTERN, else build/mailtern. Every world has its own user,
configuration and state; nothing of the caller's home is read.
"""

import atexit
import hashlib
import json
import os
import shutil
import subprocess
import tempfile

import judge
import modes
from dovecot import scratch_dir
from imapclient import Imap
from maildirview import Maildir, digest, token

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
DATE = 1500000000


def program():
	return os.environ.get("MAILTERN") or ROOT + "/build/mailtern"


def message(tok, size=0, subject=None, extra="", body=None):
	"""A plain message with a token, LF line ends, deterministic."""
	if body is None:
		body = "This is %s.\n" % tok
		if size > len(body):
			line = hashlib.sha256(tok.encode()).hexdigest() + "\n"
			body += line * (1 + (size - len(body)) // len(line))
	return ("From: Ann <ann@example.org>\nTo: Bob <bob@example.org>\n"
	    "Subject: %s\nDate: Fri, 14 Jul 2017 02:40:00 +0000\n"
	    "Message-ID: <%s@example.org>\nX-Tok: %s\n%s\n%s" % (
	    subject or "about " + tok, tok, tok, extra, body)).encode()


class Result:
	"""A finished run."""

	check = None	# of its events; conftest.py sets it

	def __init__(self, args, rc, out, err):
		self.args, self.rc = args, rc
		self.out, self.err = out, err
		self.events = []
		for line in out.splitlines():
			if line.startswith("{"):
				self.events.append(json.loads(line))
		if Result.check:
			Result.check(self.events)

	def summary(self, account=None):
		found = [e for e in self.events if e.get("event") == "summary"
		    and account in (None, e.get("account"))]
		if not found:
			raise AssertionError("no summary: " + str(self))
		return found[-1]

	def of(self, event):
		return [e for e in self.events if e.get("event") == event]

	def __str__(self):
		return "mailtern %s: exit %s\n%s%s" % (" ".join(self.args),
		    self.rc, self.out[-4000:], self.err[-4000:])


def transfers(summary):
	"""How many operations a summary speaks of."""
	return sum(n for side in ("pulled", "pushed")
	    for n in summary[side].values())


class World:
	NAME = "w"
	# Left by runs whose clock was ahead.
	CLOCKS = {"log-clock", "fact-clock", "folder-clock"}

	def __init__(self, server, user, dir=None, tls=False, port=None,
	    keys=None, defaults=""):
		self.server, self.user = server, user
		self.tls, self.port = tls, port
		self.keys = dict(modes.chosen().keys, **(keys or {}))
		self.defaults = defaults
		self.own_dir = dir is None
		self.dir = dir or tempfile.mkdtemp(prefix="world-",
		    dir=scratch_dir())
		self.maildir = Maildir(self.dir + "/mail")
		self.state = self.dir + "/state"
		self.conf = self.dir + "/syncrc"
		self.sums = {}
		self.pending = None	# told by a run that may have ended so
		# That verify may find; the index takes note of a file that
		# was put back when it looks at it next.
		self.known_damage = {"file-touched"}
		atexit.register(self.close)
		os.makedirs(self.state, exist_ok=True)
		os.makedirs(self.dir + "/home", exist_ok=True)
		self.write_conf()

	def close(self):
		if self.own_dir:
			shutil.rmtree(self.dir, ignore_errors=True)
		self.server.remove(self.user)

	def __enter__(self):
		return self

	def __exit__(self, *exc):
		self.close()

	# -- configuration --

	def account_keys(self):
		keys = {"host": '"127.0.0.1"', "user": '"%s"' % self.user,
		    "password": "'%s'" % self.server.password,
		    "maildir": '"%s"' % self.maildir.root}
		if self.tls:
			keys["port"] = str(self.port or self.server.tls_port)
			keys["tls-ca-file"] = '"%s"' % self.server.ca
		else:
			keys["port"] = str(self.port or self.server.port)
			keys["tls"] = "none"
		keys.update(self.keys)
		return {k: v for k, v in keys.items() if v is not None}

	def write_conf(self):
		text = self.defaults + "account %s {\n" % self.NAME
		for k, v in self.account_keys().items():
			text += "    %s = %s\n" % (k, v)
		fd = os.open(self.conf, os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
		    0o600)
		with os.fdopen(fd, "w") as f:
			f.write(text + "}\n")

	def env(self):
		env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"),
		    "HOME": self.dir + "/home", "LANG": "C.UTF-8",
		    "XDG_STATE_HOME": self.state, "TERM": "xterm",
		    "XDG_CONFIG_HOME": self.dir + "/home/.config",
		    "UV_USE_IO_URING": "0"}
		for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS",
		    "TSAN_OPTIONS", "LLVM_PROFILE_FILE"):
			if name in os.environ:
				env[name] = os.environ[name]
		return env

	# -- running --

	def command(self, *args):
		return [program(), "-c", self.conf] + list(args)

	def run(self, *args, wrap=(), limit=120, env=None, rc=None):
		self.pending = None
		if any(a.startswith("--clock-ahead") for a in args):
			self.known_damage |= self.CLOCKS
		p = subprocess.run(list(wrap) + self.command(*args),
		    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
		    stderr=subprocess.PIPE, timeout=limit,
		    env=dict(self.env(), **(env or {})), cwd=self.dir)
		r = Result(args, p.returncode,
		    p.stdout.decode(errors="replace"),
		    p.stderr.decode(errors="replace"))
		if rc is not None and r.rc != rc and not (rc == 0
		    and self.waits(r)):
			raise AssertionError("exit %d wanted: %s" % (rc, r))
		return r

	def popen(self, *args, more_env=None, **more):
		return subprocess.Popen(self.command(*args),
		    stdin=subprocess.DEVNULL, env=dict(self.env(),
		    **(more_env or {})), cwd=self.dir, **more)

	def waits(self, r):
		"""Done, but for removals that have to wait in this mode: how many
		those may be, verdict() will tell."""
		if not modes.chosen().waits or r.rc != 75:
			return False
		s = r.summary()
		self.pending = s["pending"]
		return s["pending"] > 0 and s["held"] == 0

	def good(self, r):
		return r.rc == 0 or self.waits(r)

	def sync(self, *args, rc=0, **more):
		return self.run("--json", "sync", *args, rc=rc, **more)

	def imap(self):
		s = self.server
		return Imap("127.0.0.1", s.port, self.user, s.password,
		    prefix=s.prefix, separator=s.separator, offers=s.offers,
		    drops=s.drops)

	# -- filling --

	def note(self, data):
		"""Remembers the bytes of a token, for compare()."""
		self.sums[token(data)] = digest(data)
		return data

	def append(self, imap, folder, tok, flags=(), date=DATE, **how):
		data = self.note(message(tok, **how))
		return imap.append(folder, data.replace(b"\n", b"\r\n"), flags,
		    date)

	def deliver(self, folder, tok, letters=None, date=DATE, **how):
		return self.maildir.deliver(folder, self.note(message(tok,
		    **how)), letters, date)

	# -- judging --

	def views(self, model=None):
		"""What lies (locally, on the server), without what waits."""
		with self.imap() as imap:
			remote = judge.view_remote(imap)
		local = judge.view_local(self.maildir)
		self.waiting = judge.set_aside(local, remote, model) \
		    if modes.chosen().waits else 0
		return local, remote

	def verdict(self, model=None):
		v = judge.judge(*self.views(model), model, self.sums)
		if self.pending not in (None, self.waiting):
			v.add("wrong", "%d pending, but %d may be",
			    self.pending, self.waiting)
		return v

	def compare(self, model=None):
		v = self.verdict(model)
		assert v.good(), str(v)
		left = self.maildir.left_in_tmp()
		assert not left, "left in tmp/: %s" % left

	def remote_stamp(self):
		out = {}
		with self.imap() as imap:
			for name in imap.folders():
				st = imap.status(name)
				out[name] = (st["UIDVALIDITY"], st["UIDNEXT"],
				    st.get("HIGHESTMODSEQ"), sorted((m.uid,
				    sorted(m.flags), m.date) for m in
				    imap.messages(name, False).values()))
		return out

	def local_stamp(self):
		return {name: sorted(f.stamp() for f in files)
		    for name, files in self.maildir.all().items()}

	def assert_idle(self):
		"""One more run does nothing to mail, flags or folders."""
		remote, local = self.remote_stamp(), self.local_stamp()
		r = self.sync()
		s = r.summary()
		assert transfers(s) == 0, "a second run transfers: %s" % s
		self.views()
		assert s["pending"] == self.waiting and s["held"] == 0, str(s)
		assert self.local_stamp() == local, "files changed: %s" % r
		assert self.remote_stamp() == remote, "server changed: %s" % r
		self.assert_sound()
		return r

	def assert_sound(self):
		"""Index and Maildir agree in all that verify looks at."""
		r = self.run("--json", "verify", "--offline")
		bad = [e for e in r.of("finding") if e["class"] != "foreign"
		    and e["kind"] not in self.known_damage]
		assert r.rc in (0, 1) and not bad, str(r)

	def settle(self, model=None):
		"""One clean run: equal sides; then one that does nothing."""
		r = self.sync()
		self.compare(model)
		self.assert_idle()
		return r
