"""A private, throwaway Dovecot on 127.0.0.1 for tests and the demo.

	with Dovecot() as server:
		server.port, server.tls_port, server.ca

Any user name is a user; the password is server.password. Each user's mail lies
in server.mail(user), so a test resets or copies a mailbox as plain files.
Started by root it runs as nobody, because Dovecot's imap refuses to be root.
Nothing is looked up by name: there may be no localhost in /etc/hosts.

As a program: dovecot.py DIR starts a server in DIR, writes DIR/server.env
(PORT=, TLS_PORT=, CA=) once it answers, and runs until its stdin ends.
"""

import atexit
import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from imapclient import ALL

START_LIMIT = 20.0

CONF = """
base_dir = {dir}/run
state_dir = {dir}/state
log_path = {dir}/dovecot.log
protocols = imap
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
default_process_limit = 400
default_client_limit = 2000
first_valid_uid = 1
ssl = yes
ssl_cert = <{dir}/tls/leaf.crt
ssl_key = <{dir}/tls/leaf.key
disable_plaintext_auth = no
auth_mechanisms = {mechanisms}
auth_cache_size = 4M
auth_failure_delay = 0
mail_location = {location}
mail_fsync = {fsync}
mail_max_userip_connections = 1000
mailbox_list_index = yes
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={dir}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = {separator}
  prefix = {prefix}
}}
protocol imap {{
  mail_plugins = {plugins}
  {capability}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
service imap {{
  process_min_avail = 2
  service_count = 500
  process_limit = 300
}}
service imap-login {{
  chroot =
  service_count = 0
  process_min_avail = 1
  client_limit = 500
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {tls_port}
    ssl = yes
  }}
}}
"""

LEAF = """
basicConstraints = CA:FALSE
subjectAltName = {san}
extendedKeyUsage = serverAuth
"""


def have_dovecot():
	return find_dovecot() is not None


def find_dovecot():
	path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
	return shutil.which("dovecot", path=path)


def scratch_dir():
	"""Where tests put things: $MAILTERN_TEST_DIR, else memory, else /tmp."""
	given = os.environ.get("MAILTERN_TEST_DIR")
	if given:
		return given
	try:
		free = os.statvfs("/dev/shm")
		if free.f_bavail * free.f_frsize > 2 << 30 \
		    and os.access("/dev/shm", os.W_OK | os.X_OK):
			return "/dev/shm"
	except OSError:
		pass
	return tempfile.gettempdir()


def free_ports(n):
	"""Ports that nobody listens on; held together, so they differ."""
	socks = []
	for _ in range(n):
		s = socket.socket()
		s.bind(("127.0.0.1", 0))
		socks.append(s)
	ports = [s.getsockname()[1] for s in socks]
	for s in socks:
		s.close()
	return ports


def openssl(*args, stdin=None):
	p = subprocess.run(("openssl",) + args, input=stdin, text=True,
	    stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
	if p.returncode != 0:
		raise RuntimeError("openssl %s: %s" % (args[0], p.stdout))


def make_key(path):
	openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out",
	    path)


def make_ca(prefix, name="mailtern test CA"):
	"""prefix.key and a self-signed prefix.crt that may sign others."""
	make_key(prefix + ".key")
	openssl("req", "-x509", "-new", "-key", prefix + ".key", "-days", "30",
	    "-subj", "/CN=" + name, "-addext",
	    "keyUsage=critical,keyCertSign,cRLSign", "-out", prefix + ".crt")


def make_leaf(prefix, ca, san="DNS:localhost,IP:127.0.0.1", days="30"):
	"""prefix.key and prefix.crt, signed by ca. days="-1": expired yesterday."""
	make_key(prefix + ".key")
	openssl("req", "-new", "-key", prefix + ".key", "-subj",
	    "/CN=mailtern test", "-out", prefix + ".csr")
	with open(prefix + ".ext", "w") as f:
		f.write(LEAF.format(san=san))
	openssl("x509", "-req", "-in", prefix + ".csr", "-CA", ca + ".crt",
	    "-CAkey", ca + ".key", "-set_serial", str(time.time_ns()),
	    "-days", days, "-extfile", prefix + ".ext", "-out",
	    prefix + ".crt")


class Dovecot:
	offers, drops = ALL, ()
	lineage = True

	def __init__(self, base=None, password="pw", location="sdbox:~/sdbox",
	    mechanisms="plain login scram-sha-256 scram-sha-1",
	    plugins="zlib imap_zlib", capability=None, fsync="never",
	    prefix="", separator="/"):
		self.password = password
		self.prefix, self.separator = prefix, separator
		self.own_dir = base is None
		self.dir = base or tempfile.mkdtemp(prefix="dovecot-",
		    dir=scratch_dir())
		os.chmod(self.dir, 0o755)
		self.proc = None
		self.pid = os.getpid()
		self.account()
		self.options = {"location": location, "plugins": plugins,
		    "prefix": prefix, "separator": separator,
		    "mechanisms": mechanisms, "fsync": fsync, "capability":
		    "imap_capability = " + capability if capability else ""}
		self.start()

	def __enter__(self):
		return self

	def __exit__(self, *exc):
		self.stop()

	def account(self):
		"""Whom the server runs as."""
		self.uid, self.gid = os.getuid(), os.getgid()
		if self.uid == 0:
			who = pwd.getpwnam("nobody")
			self.uid, self.gid = who.pw_uid, who.pw_gid
		self.user = pwd.getpwuid(self.uid).pw_name
		self.group = str(self.gid)
		try:
			import grp
			self.group = grp.getgrgid(self.gid).gr_name
		except KeyError:
			pass

	def own(self, path):
		if os.getuid() == 0:
			os.chown(path, self.uid, self.gid)

	def certificates(self):
		tls = self.dir + "/tls"
		if not os.path.isdir(tls):
			os.mkdir(tls)
			make_ca(tls + "/ca")
			make_leaf(tls + "/leaf", tls + "/ca")
			for name in os.listdir(tls):
				self.own(tls + "/" + name)
		self.ca = tls + "/ca.crt"
		os.chmod(tls, 0o755)
		os.chmod(self.ca, 0o644)

	def start(self):
		for sub in ("run", "state", "mail"):
			os.makedirs(self.dir + "/" + sub, exist_ok=True)
			self.own(self.dir + "/" + sub)
		self.own(self.dir)
		self.certificates()
		last = None
		for _ in range(3):	# a port may be taken meanwhile
			self.port, self.tls_port = free_ports(2)
			try:
				return self.start_once()
			except RuntimeError as e:
				last = e
				self.kill()
		raise last

	def start_once(self):
		program = find_dovecot()
		if program is None:
			raise RuntimeError("dovecot is not installed")
		conf = self.dir + "/dovecot.conf"
		with open(conf, "w") as f:
			f.write(CONF.format(dir=self.dir, user=self.user,
			    group=self.group, uid=self.uid, gid=self.gid,
			    port=self.port, tls_port=self.tls_port,
			    password=self.password, **self.options))
		os.chmod(conf, 0o644)
		cmd = ["setpriv", "--pdeathsig", "TERM"]
		if os.getuid() == 0:
			cmd += ["--reuid", str(self.uid), "--regid",
			    str(self.gid), "--clear-groups",
			    "--inh-caps=-all"]
		cmd += ["--", program, "-F", "-c", conf]
		self.proc = subprocess.Popen(cmd, stdin=subprocess.DEVNULL,
		    stdout=open(self.dir + "/start.log", "w"),
		    stderr=subprocess.STDOUT, cwd=self.dir,
		    start_new_session=True, close_fds=True)
		atexit.register(self.stop)
		self.wait_ready(self.port)

	def wait_ready(self, port):
		"""Ready is: it greets."""
		end = time.monotonic() + START_LIMIT
		while time.monotonic() < end:
			if self.proc.poll() is not None:
				raise RuntimeError("dovecot: " + self.log())
			try:
				with socket.create_connection(
				    ("127.0.0.1", port), 5) as s:
					if s.recv(4) == b"* OK":
						return
			except OSError:
				pass
			time.sleep(0.01)	# between tries to connect
		raise RuntimeError("dovecot does not answer: " + self.log())

	def log(self):
		text = ""
		for name in ("start.log", "dovecot.log"):
			try:
				with open(self.dir + "/" + name,
				    errors="replace") as f:
					text += f.read()
			except OSError:
				pass
		return text

	def mail(self, user):
		return self.dir + "/mail/" + user

	def home(self, user):
		"""The user's home, made with the right owner."""
		path = self.mail(user)
		if not os.path.isdir(path):
			os.mkdir(path, 0o700)
			self.own(path)
		return path

	def clone(self, user, copy):
		"""Gives copy the mailbox that user has, owner and dates too."""
		subprocess.run(["cp", "-a", self.mail(user), self.mail(copy)],
		    check=True)

	def remove(self, user):
		shutil.rmtree(self.mail(user), ignore_errors=True)

	def kill(self):
		if self.proc is None or os.getpid() != self.pid:
			return
		if self.proc.poll() is None:
			self.proc.terminate()
			self.kill_children()
			try:
				self.proc.wait(5)
			except subprocess.TimeoutExpired:
				self.proc.kill()
				self.proc.wait()
		self.proc = None

	def kill_children(self):
		"""By themselves they take a second to end."""
		pid = self.proc.pid
		with contextlib.suppress(OSError):
			with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
				for child in f.read().split():
					os.kill(int(child), signal.SIGKILL)

	def stop(self):
		if os.getpid() != self.pid:
			return
		self.kill()
		if self.own_dir:
			shutil.rmtree(self.dir, ignore_errors=True)


def main():
	if len(sys.argv) != 2:
		sys.exit("usage: dovecot.py DIR (runs until stdin ends)")
	signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
	os.makedirs(sys.argv[1], exist_ok=True)
	with Dovecot(base=os.path.abspath(sys.argv[1])) as server:
		env = server.dir + "/server.env"
		with open(env + ".new", "w") as f:
			f.write("PORT=%d\nTLS_PORT=%d\nCA=%s\n" % (server.port,
			    server.tls_port, server.ca))
		os.rename(env + ".new", env)
		sys.stdin.read()


if __name__ == "__main__":
	main()
