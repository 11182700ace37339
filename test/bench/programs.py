"""The programs that are measured, each with an account of its own.

A program has a directory (Maildir, state, configuration) and a user on the
server. All make durable what they deliver: mailtern always does, mbsync by its
default FSync, offlineimap with fsync = true. All keep the dates of messages.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

from world import program as mailtern_program

FSYNCS = ("fsync", "fdatasync", "syncfs")


class Failed(Exception):
	pass


PLENTY = 15 << 30	# bytes: with so much left, files may lie about


def remove(dir):
	"""At the end of all, where there is room. For five minutes ext4 gives
	nobody the inode of a file that was removed, and looks at each of them
	for every new file: the next first pull would be measured by that."""
	if not os.path.exists(dir):
		return
	at = os.statvfs(os.path.dirname(dir))
	if at.f_bavail * at.f_frsize < PLENTY:
		shutil.rmtree(dir, ignore_errors=True)
		return
	away = os.path.dirname(dir) + "/away"
	os.makedirs(away, exist_ok=True)
	os.rename(dir, "%s/%d" % (away, len(os.listdir(away))))


def spread(dir):
	"""Directories made in dir go to different parts of the disk (ext4),
	for the same reason."""
	if shutil.which("chattr"):
		subprocess.run(["chattr", "+T", dir],
		    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def run_measured(tools, command, dir, env, limit):
	"""Runs, and returns what it cost and what it printed."""
	out = dir + "/measured"
	with open(dir + "/stdout", "wb") as so, \
	    open(dir + "/stderr", "wb") as se:
		p = subprocess.Popen([tools + "/measure", out] + command,
		    stdin=subprocess.DEVNULL, stdout=so, stderr=se, env=env,
		    cwd=dir, start_new_session=True)
		try:
			p.wait(limit)
		except BaseException as e:
			os.killpg(p.pid, signal.SIGKILL)
			p.wait()
			if isinstance(e, subprocess.TimeoutExpired):
				raise Failed("longer than %d s: %s" % (limit,
				    " ".join(command))) from None
			raise
	with open(dir + "/stdout", errors="replace") as f:
		said = f.read()
	if p.returncode:
		raise Failed(tail(dir))
	with open(out) as f:
		cost = json.load(f)
	if cost.pop("rc") != 0:
		raise Failed("%s\n%s" % (" ".join(command), tail(dir)))
	return cost, said


def tail(dir):
	text = ""
	for name in ("stdout", "stderr"):
		with open(dir + "/" + name, errors="replace") as f:
			text += f.read()[-2000:]
	return text


class Program:
	name = None
	reference = False	# is it what the others are compared with?

	def __init__(self, dir, user, password, tools):
		self.dir, self.user, self.password = dir, user, password
		self.tools = tools
		os.makedirs(dir + "/home", exist_ok=True)
		# Where the messages are: a directory right under one that
		# spread() was called for.
		self.mail = dir + "-mail"
		self.wipe()

	def places(self):
		return {"mail": self.mail, "state": self.dir + "/state"}

	def wipe(self):
		"""As if it had never run."""
		remove(self.mail)
		for place in self.places().values():
			shutil.rmtree(place, ignore_errors=True)
		os.makedirs(self.dir + "/state", exist_ok=True)
		self.prepare()

	def remove(self):
		remove(self.mail)
		shutil.rmtree(self.dir, ignore_errors=True)

	def prepare(self):
		pass

	def save(self):
		"""What it has now; restore() goes back there."""
		saved = self.dir + "/saved"
		shutil.rmtree(saved, ignore_errors=True)
		os.mkdir(saved)
		for name, place in self.places().items():
			copy(place, saved + "/" + name)

	def restore(self):
		for name, place in self.places().items():
			shutil.rmtree(place)
			copy(self.dir + "/saved/" + name, place)

	def env(self):
		return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"),
		    "HOME": self.dir + "/home", "LANG": "C.UTF-8",
		    "XDG_STATE_HOME": self.dir + "/state",
		    # Of a program with sanitizers; strace hides leaks from it.
		    "ASAN_OPTIONS": "detect_leaks=0"}

	def write(self, text):
		fd = os.open(self.dir + "/conf", os.O_WRONLY | os.O_CREAT
		    | os.O_TRUNC, 0o600)
		with os.fdopen(fd, "w") as f:
			f.write(text)

	def fsyncs_told(self, said):
		return None

	def told(self, said):
		return {}

	def run(self, port, limit=3600, durable=True, wrap=()):
		self.configure(port, durable)
		cost, said = run_measured(self.tools, list(wrap)
		    + self.command(), self.dir, self.env(), limit)
		cost["cpu"] = cost["user"] + cost["system"]
		cost.update(self.told(said))
		return cost

	def count_fsyncs(self, port):
		"""One more run, unmeasured. None where strace is not."""
		if not shutil.which("strace"):
			self.run(port)
			return None
		log = self.dir + "/strace"
		self.run(port, wrap=["strace", "-f", "-c", "-o", log,
		    "--seccomp-bpf", "-e", "trace=" + ",".join(FSYNCS)])
		with open(log) as f:
			return sum(int(m[1]) for m in re.finditer(
			    r"^\s*\S+\s+\S+\s+\S+\s+(\d+)\s+(?:\d+\s+)?(?:%s)$"
			    % "|".join(FSYNCS), f.read(), re.M))

	def files(self, folder):
		"""(directory, name) of each message file."""
		out = []
		for box in ("cur", "new"):
			at = os.path.join(self.mail, *folder.split("/"), box)
			try:
				out += [(at, n) for n in os.listdir(at)
				    if not n.startswith(".")]
			except FileNotFoundError:
				pass
		return out


def copy(source, target):
	subprocess.run(["cp", "-a", "--reflink=auto", source, target],
	    check=True)


class Mailtern(Program):
	name = "mailtern"

	@staticmethod
	def version():
		return first_line([mailtern_program(), "--version"])

	def configure(self, port, durable):
		self.write("account bench {\n"
		    "    host = \"127.0.0.1\"\n    port = %d\n"
		    "    tls = none\n    user = \"%s\"\n"
		    "    password = '%s'\n    maildir = \"%s\"\n}\n" % (port,
		    self.user, self.password, self.mail))

	def command(self):
		return [mailtern_program(), "-c", self.dir + "/conf", "--json",
		    "sync"]

	def told(self, said):
		for line in reversed(said.splitlines()):
			event = json.loads(line)
			if event.get("event") == "summary":
				return {"fsyncs": event["fsyncs"],
				    "trips_told": event["round_trips"]}
		raise Failed("no summary: " + said[-1000:])


class Mbsync(Program):
	name = "mbsync"
	reference = True

	@staticmethod
	def version():
		return first_line(["mbsync", "--version"])

	def prepare(self):
		os.makedirs(self.mail)

	def configure(self, port, durable):
		self.write("FSync %s\n\n"
		    "IMAPStore remote\nHost 127.0.0.1\nPort %d\nUser %s\n"
		    "Pass %s\nSSLType None\nAuthMechs LOGIN\nTimeout 300\n\n"
		    "MaildirStore local\nPath %s/\nInbox %s/INBOX\n"
		    "SubFolders Verbatim\n\nChannel all\nFar :remote:\n"
		    "Near :local:\nPatterns *\nCreate Both\nExpunge Both\n"
		    "CopyArrivalDate yes\nSyncState *\n" % (
		    "yes" if durable else "no", port, self.user, self.password,
		    self.mail, self.mail))

	def command(self):
		return ["mbsync", "-q", "-c", self.dir + "/conf", "-a"]


class Offlineimap(Program):
	name = "offlineimap"

	@staticmethod
	def version():
		return "offlineimap " + first_line(["offlineimap",
		    "--version"]).split(",")[0]

	def prepare(self):
		os.makedirs(self.mail)

	def configure(self, port, durable):
		self.write("[general]\naccounts = a\nmetadata = %s/state\n"
		    "fsync = %s\n\n[Account a]\nlocalrepository = local\n"
		    "remoterepository = remote\n\n[Repository local]\n"
		    "type = Maildir\nlocalfolders = %s\nsep = /\n"
		    "utime_from_header = no\n\n[Repository remote]\n"
		    "type = IMAP\nremotehost = 127.0.0.1\nremoteport = %d\n"
		    "remoteuser = %s\nremotepass = %s\nssl = no\n"
		    "starttls = no\nauth_mechanisms = LOGIN\n" % (self.dir,
		    durable, self.mail, port, self.user, self.password))

	def command(self):
		return ["offlineimap", "-c", self.dir + "/conf", "-o", "-u",
		    "quiet"]


def first_line(command):
	p = subprocess.run(command, stdout=subprocess.PIPE,
	    stderr=subprocess.STDOUT, text=True)
	return p.stdout.strip().split("\n")[0]


def installed():
	"""Classes, mailtern first."""
	return [Mailtern] + [c for c in (Mbsync, Offlineimap)
	    if shutil.which(c.name)]


# -- what the machine can do at best --

class RawFetch:
	"""All bodies of all folders, asked for in one write, thrown away."""
	name = "raw fetch"

	def __init__(self, folders):
		self.folders = folders

	def run(self, server, user):
		ask = "a LOGIN %s %s\r\n" % (user, server.password)
		for f in self.folders:
			ask += "b EXAMINE %s\r\nc UID FETCH 1:* (UID FLAGS " \
			    "INTERNALDATE BODY.PEEK[])\r\n" % f
		start = time.monotonic()
		with socket.create_connection(("127.0.0.1", server.port),
		    600) as s:
			s.sendall((ask + "z LOGOUT\r\n").encode())
			buf = bytearray(1 << 20)
			end = b""
			n = s.recv_into(buf)
			while n:
				end += buf[max(0, n - 400):n]
				end = end[-400:]
				n = s.recv_into(buf)
		if b"\r\nz OK" not in end:
			raise Failed("raw fetch ended with %r" % end[-200:])
		return {"wall": time.monotonic() - start}


class RawCreate:
	"""Files of the same sizes, durable with one syncfs (create.c)."""
	name = "raw create"

	def __init__(self, tools, dir, sizes):
		self.tools, self.dir, self.sizes = tools, dir, sizes

	def run(self):
		target = self.dir + "/raw"
		remove(target)
		os.makedirs(target)
		with open(self.dir + "/sizes", "w") as f:
			f.writelines("%d\n" % n for n in self.sizes)
		os.sync()
		cost, _ = run_measured(self.tools, ["sh", "-c",
		    'exec "$1" "$2" <"$3"', "sh", self.tools + "/create",
		    target, self.dir + "/sizes"], self.dir, dict(os.environ),
		    600)
		remove(target)
		cost["cpu"] = cost["user"] + cost["system"]
		return cost
