"""IMAP servers other than Dovecot, private and throwaway, and a table of all.

	with SETUPS["courier"]() as server:
		server.port, server.password, server.prefix, server.separator

Most of their packages can't be installed beside Dovecot's, so .ci/servers unpacks
all of them under $MAILTERN_SERVERS (build/servers). Users are u0 to u9. Nothing needs root;
what refuses to be root runs as nobody.
"""

import contextlib
import functools
import os
import shutil
import signal
import socket
import socketserver
import subprocess
import tempfile
import threading
import time

from dovecot import START_LIMIT, Dovecot, free_ports, scratch_dir

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(
    __file__))))
USERS = ["u%d" % i for i in range(10)]
NOBODY = 65534


def root(name):
	"""Where the packages of that server are unpacked."""
	return os.path.join(os.environ.get("MAILTERN_SERVERS", os.path.join(
	    TOP, "build", "servers")), "roots", name)


def libraries(top, *more):
	return ":".join(top + "/usr/lib" + d for d in ("/x86_64-linux-gnu", "")
	    + more)


class Server:
	"""What all of them share: a directory, a process, a port."""

	password, prefix, separator = "pw", "", "/"
	offers, drops = None, ()	# it is asked
	lineage = False		# a copy is known for one (EMAILID, X-GUID)

	def __init__(self):
		self.dir = tempfile.mkdtemp(prefix=self.ROOT + "-",
		    dir=scratch_dir())
		os.chmod(self.dir, 0o755)
		self.top = root(self.ROOT)
		self.env = dict(os.environ, HOME=self.dir,
		    LD_LIBRARY_PATH=libraries(self.top))
		self.as_root = os.getuid() == 0
		if self.as_root:
			os.chown(self.dir, NOBODY, NOBODY)
		self.port, = free_ports(1)
		self.proc = None
		try:
			self.start()
			self.wait_ready()
		except BaseException:
			self.stop()
			raise

	@classmethod
	def there(cls):
		return os.path.isdir(root(cls.ROOT))

	def __enter__(self):
		return self

	def __exit__(self, *exc):
		self.stop()

	def drop(self):
		"""Before a command that must not run as root."""
		return ["setpriv", "--pdeathsig", "TERM"] + ([
		    "--reuid", str(NOBODY), "--regid", str(NOBODY),
		    "--clear-groups", "--inh-caps=-all"] if self.as_root
		    else []) + ["--"]

	def command(self, *words, **more):
		subprocess.run(self.drop() + list(words), check=True,
		    env=self.env, cwd=self.dir, stdout=subprocess.DEVNULL,
		    stderr=subprocess.DEVNULL, **more)

	def daemon(self, *words):
		self.proc = subprocess.Popen(self.drop() + list(words),
		    env=self.env, cwd=self.dir, stdin=subprocess.DEVNULL,
		    stdout=open(self.dir + "/log", "wb"),
		    stderr=subprocess.STDOUT, start_new_session=True)

	def write(self, name, text):
		with open(os.path.join(self.dir, name), "w") as f:
			f.write(text)

	def make(self, *names):
		for name in names:
			path = os.path.join(self.dir, name)
			os.makedirs(path, exist_ok=True)
		if self.as_root:
			subprocess.run(["chown", "-R", "%d:%d" % (NOBODY,
			    NOBODY), self.dir], check=True)

	def wait_ready(self):
		end = time.monotonic() + START_LIMIT
		while time.monotonic() < end:
			with contextlib.suppress(OSError):
				with socket.create_connection(("127.0.0.1",
				    self.port), 5) as s:
					if s.recv(4) in (b"* OK", b"* PR"):
						return
			if self.proc and self.proc.poll() is not None:
				break
			time.sleep(.02)		# between tries to connect
		with open(self.dir + "/log", errors="replace") as f:
			raise RuntimeError(self.ROOT + ": " + f.read())

	def remove(self, user):
		"""Users stay until the server goes."""

	def stop(self):
		if self.proc:
			with contextlib.suppress(OSError):
				os.killpg(self.proc.pid, signal.SIGTERM)
			try:
				self.proc.wait(5)
			except subprocess.TimeoutExpired:
				os.killpg(self.proc.pid, signal.SIGKILL)
				self.proc.wait()
		self.proc = None
		shutil.rmtree(self.dir, ignore_errors=True)


# -- Cyrus IMAP --

CYRUS = """
configdirectory: {dir}/conf
proc_path: {dir}/proc
mboxname_lockpath: {dir}/lock
defaultpartition: default
partition-default: {dir}/spool
cyrus_user: {user}
servername: localhost
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {dir}/sasldb2
sasl_mech_list: PLAIN LOGIN
allowplaintext: yes
altnamespace: yes
unixhierarchysep: yes
virtdomains: off
lmtpsocket: {dir}/sock/lmtp
idlesocket: {dir}/sock/idle
notifysocket: {dir}/sock/notify
expunge_mode: delayed
delete_mode: delayed
autocreate_quota: 0
autocreate_post: yes
conversations: yes
syslog_prefix: cyrus
"""

MASTER = """
START {{
  recover cmd="{bin}/ctl_cyrusdb -C {dir}/imapd.conf -r"
}}
SERVICES {{
  imap cmd="{bin}/imapd -C {dir}/imapd.conf" listen="127.0.0.1:{port}" prefork=2
}}
"""


class Cyrus(Server):
	"""expunge_mode delayed: it keeps what QRESYNC tells of."""

	ROOT, lineage = "cyrus", True

	def start(self):
		if self.as_root:
			user = "nobody"
		else:
			import pwd
			user = pwd.getpwuid(os.getuid()).pw_name
		bin = self.top + "/usr/lib/cyrus/bin"
		self.env["CYRUS_USER"] = user
		self.write("imapd.conf", CYRUS.format(dir=self.dir, user=user))
		self.write("cyrus.conf", MASTER.format(dir=self.dir, bin=bin,
		    port=self.port))
		self.make("spool", "proc", "lock", "sock", *("conf/" + d
		    for d in "db log msg proc ptclient socket user quota "
		    "sieve".split()))
		for user in USERS:
			self.command(self.top + "/usr/sbin/saslpasswd2", "-p",
			    "-c", "-f", self.dir + "/sasldb2", "-u",
			    "localhost", user, input=b"pw\n")
		self.daemon(bin + "/master", "-C", self.dir + "/imapd.conf",
		    "-M", self.dir + "/cyrus.conf", "-p", self.dir +
		    "/master.pid")


# -- Courier --

class Login(socketserver.StreamRequestHandler):
	"""Courier's imapd greets somebody who is logged in already, and its own
	daemons want to be root; so the login is played here, then it is left to
	imapd. Its capabilities are those of the configuration."""

	disable_nagle_algorithm = True

	def line(self):
		words = self.rfile.readline().decode("latin-1").split()
		if not words:
			raise EOFError
		return words

	def say(self, text):
		self.wfile.write(text.encode() + b"\r\n")

	def handle(self):
		owner = self.server.owner
		self.say("* OK Courier-IMAP ready.")
		with contextlib.suppress(EOFError, OSError):
			while True:
				tag, verb, *words = self.line()
				if verb.upper() == "LOGIN":
					break
				if verb.upper() == "CAPABILITY":
					self.say("* CAPABILITY "
					    + owner.env["IMAP_CAPABILITY"])
				if verb.upper() == "LOGOUT":
					self.say("* BYE Bye")
				self.say(tag + " OK Done")
			self.run(owner, tag, words[0].strip('"'))

	def run(self, owner, tag, user):
		imapd = owner.imapd(user)
		while line := imapd.stdout.readline():
			if line.startswith(b"* PREAUTH"):
				break		# what a login replaces
		self.say(tag + " OK LOGIN Ok.")
		threading.Thread(target=self.up, args=(imapd,),
		    daemon=True).start()
		while data := imapd.stdout.read1(65536):
			self.wfile.write(data)
		self.connection.shutdown(socket.SHUT_WR)
		imapd.wait()

	def up(self, imapd):
		with contextlib.suppress(OSError, ValueError):
			while data := self.rfile.read1(65536):
				imapd.stdin.write(data)
				imapd.stdin.flush()
		with contextlib.suppress(OSError):
			imapd.stdin.close()


class Courier(Server):
	"""Neither CONDSTORE nor LITERAL+, and no UIDNEXT in SELECT."""

	ROOT, prefix, separator = "courier", "INBOX.", "."

	def start(self):
		self.env["LD_LIBRARY_PATH"] = libraries(self.top,
		    "/courier-authlib")
		shown = subprocess.run(["sh", "-c", "set -a; . '%s'; env -0" %
		    (self.top + "/etc/courier/imapd")], stdout=subprocess.PIPE,
		    env=self.env, check=True).stdout
		self.env.update(v.split("=", 1) for v in
		    shown.decode().split("\0") if v)
		self.env["GAM_CLIENT_ID"] = self.dir	# its own watcher
		self.daemon(self.top + "/usr/libexec/gam_server", "--notimeout",
		    self.dir)
		self.make("home")
		self.listener = socketserver.ThreadingTCPServer(("127.0.0.1",
		    self.port), Login, bind_and_activate=False)
		self.listener.allow_reuse_address = True
		self.listener.daemon_threads = True
		self.listener.server_bind()
		self.listener.server_activate()
		self.listener.owner = self
		threading.Thread(target=self.listener.serve_forever,
		    daemon=True).start()

	def imapd(self, user):
		home = self.dir + "/home/" + user
		if not os.path.isdir(home):
			self.command("mkdir", home)
			self.command(self.top + "/usr/bin/maildirmake.courier",
			    home + "/Maildir")
		return subprocess.Popen(self.drop() + [self.top +
		    "/usr/bin/imapd", "Maildir"], cwd=home, env=dict(self.env,
		    HOME=home), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
		    stderr=subprocess.DEVNULL)

	def stop(self):
		if hasattr(self, "listener"):
			self.listener.shutdown()
			self.listener.server_close()
		super().stop()


# -- GNU mailutils --

IMAP4D = """
pidfile {dir}/pid;
mode daemon;
foreground yes;
max-children 100;
timeout 1800;
logging {{ syslog no; }};
acl {{ allow any; }};
virtdomain {{ passwd-dir {dir}/domains; }};
auth {{ authentication generic:virtdomain; authorization virtdomain:system; }};
mailbox {{ mailbox-type mbox; }};
create-home-dir no;
namespace personal {{
  prefix "" {{ directory "$home/mail"; delimiter "/"; mailbox-type mbox; }};
}};
server 127.0.0.1:{port} {{ transcript no; tls-mode no; }};
"""


class Imap4d(Server):
	"""Neither UIDPLUS nor keywords, and COPY forgets flags. Its UIDVALIDITY
	stands in the first message of an mbox file: an empty folder has another
	one each time, and one whose first message is expunged a new one, at
	times. What the server removed there since the last run comes back: some
	1 to 3 messages in 30 rounds. Maildirs behind it are not played: their
	newest message has another UID whenever it is looked at, and APPEND
	forgets flags and dates."""

	ROOT, drops = "imap4d", ("COPY",)

	def start(self):
		uid = (NOBODY, NOBODY) if self.as_root else (os.getuid(),
		    os.getgid())
		hash = subprocess.run(["openssl", "passwd", "-6", "pw"],
		    stdout=subprocess.PIPE, check=True, text=True).stdout
		os.mkdir(self.dir + "/domains")
		self.write("domains/localhost", "".join("%s:%s:%d:%d:%s:%s:"
		    "/bin/false:mbox:%s/INBOX\n" % ((u, hash.strip()) + uid
		    + (u, self.home(u), self.home(u))) for u in USERS))
		self.write("imap4d.conf", IMAP4D.format(dir=self.dir,
		    port=self.port))
		for u in USERS:
			os.makedirs(self.home(u) + "/mail")
			self.write("home/%s/INBOX" % u, "")
		self.make()
		self.daemon(self.top + "/usr/sbin/imap4d", "--no-config",
		    "--config-file=" + self.dir + "/imap4d.conf")

	def home(self, user):
		return self.dir + "/home/" + user


# -- hoodiecrow --

class Hoodiecrow(Server):
	"""RFC 3501 alone, in memory, and one UIDVALIDITY for all folders."""

	ROOT, plugins = "hoodiecrow", ""

	@classmethod
	def there(cls):
		return super().there() and shutil.which("node") is not None

	def start(self):
		self.make()
		self.daemon("node", os.path.join(TOP, "test", "lib",
		    "hoodiecrow.js"), self.top +
		    "/node_modules/hoodiecrow-imap", str(self.port),
		    self.plugins)


class HoodiecrowGmail(Hoodiecrow):
	"""With what Gmail has of its plug-ins."""

	plugins = "X-GM-EXT-1,UIDPLUS,MOVE,CONDSTORE,ENABLE,ID,IDLE," \
	    "NAMESPACE,SPECIAL-USE,UNSELECT,SASL-IR"


# -- all --

class Setup:
	"""How to start one, the mode to talk to it (modes.py), and what stands
	behind the names of its users. keywords: it keeps any. fields: it writes
	them into messages. back: so many messages at most may come back in the
	rounds, as merges are one-sided (design, section 5)."""

	def __init__(self, make, mode="qresync", domain="", keywords=True,
	    fields=(), back=0):
		self.make, self.mode, self.domain = make, mode, domain
		self.keywords, self.fields, self.back = keywords, fields, back

	def there(self):
		there = getattr(self.make, "there", None)
		return there is None or there()


def dovecot(location, **more):
	return functools.partial(Dovecot, location=location, **more)


SETUPS = {
	"dovecot": Setup(Dovecot),
	"dovecot-plain": Setup(Dovecot, mode="plain"),
	"dovecot-maildir": Setup(dovecot("maildir:~/Maildir")),
	"dovecot-fs": Setup(dovecot("maildir:~/Maildir:LAYOUT=fs")),
	"dovecot-prefix": Setup(dovecot("maildir:~/Maildir", prefix="INBOX.",
	    separator=".")),
	"dovecot-mdbox": Setup(dovecot("mdbox:~/mdbox")),
	"dovecot-mbox": Setup(dovecot("mbox:~/mail:INBOX=~/inbox")),
	"cyrus": Setup(Cyrus),
	"courier": Setup(Courier),
	"imap4d": Setup(Imap4d, mode="bare", domain="@localhost",
	    keywords=False, fields=("Status", "X-IMAPbase", "X-UID"),
	    back=6),
	"hoodiecrow": Setup(Hoodiecrow, mode="bare"),
	"hoodiecrow-gmail": Setup(HoodiecrowGmail),
}
