"""Transport and login: each failure has its exit status and its sentence."""

import os
import socket
import subprocess
import sys
import threading
import time

import pytest

import dovecot
from dovecot import Dovecot, free_ports, make_ca, make_leaf
from world import World


def one_line(r):
	lines = [l for l in r.err.splitlines() if l]
	assert len(lines) == 1, str(r)
	return lines[0]


def test_tls(make_world):
	w = make_world(tls=True)
	with w.imap() as imap:
		w.append(imap, "INBOX", "t")
	w.settle()


def test_starttls(make_world):
	w = make_world(keys={"tls": "starttls"})
	w.keys["tls-ca-file"] = '"%s"' % w.server.ca
	w.write_conf()
	with w.imap() as imap:
		w.append(imap, "INBOX", "t")
	w.settle()


class TlsServer:
	"""openssl s_server with a certificate of our choice: it never gets
	further than the handshake, or does not answer as IMAP."""

	def __init__(self, dir, prefix, chain=None):
		self.port = free_ports(1)[0]
		self.proc = subprocess.Popen(["openssl", "s_server", "-quiet",
		    "-accept", "127.0.0.1:%d" % self.port, "-cert",
		    prefix + ".crt", "-key", prefix + ".key"],
		    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
		    stderr=subprocess.DEVNULL, cwd=dir)
		end = time.monotonic() + 10
		while time.monotonic() < end:
			try:
				socket.create_connection(("127.0.0.1",
				    self.port), 1).close()
				return
			except OSError:
				time.sleep(0.01)	# until it listens
		raise RuntimeError("openssl s_server does not listen")

	def close(self):
		self.proc.kill()
		self.proc.wait()


@pytest.fixture(scope="module")
def certs(tmp_path_factory):
	"""Leaves that must not be trusted, by name."""
	at = str(tmp_path_factory.mktemp("certs"))
	make_ca(at + "/ca")
	make_ca(at + "/other", "some other CA")
	make_leaf(at + "/name", at + "/ca", "DNS:imap.example.org,IP:10.0.0.1")
	make_leaf(at + "/expired", at + "/ca", days="-1")
	make_leaf(at + "/wrongca", at + "/other")
	dovecot.make_key(at + "/self.key")
	dovecot.openssl("req", "-x509", "-new", "-key", at + "/self.key",
	    "-days", "30", "-subj", "/CN=127.0.0.1", "-addext",
	    "subjectAltName=IP:127.0.0.1", "-addext",
	    "basicConstraints=critical,CA:FALSE", "-out", at + "/self.crt")
	return at


SENTENCES = {}
WORDS = {"name": ("127.0.0.1",), "expired": ("expired",),
    "self": ("self",), "wrongca": ("issuer", "authority", "CA", "trust",
    "issued")}


@pytest.mark.parametrize("leaf", WORDS)
def test_certificate_refused(make_world, certs, leaf):
	s = TlsServer(certs, certs + "/" + leaf)
	try:
		w = make_world(tls=True, port=s.port,
		    keys={"tls-ca-file": '"%s/ca.crt"' % certs})
		r = w.run("sync")
	finally:
		s.close()
	assert r.rc == 76, str(r)
	line = one_line(r)
	assert any(word in line for word in WORDS[leaf]), line
	SENTENCES[leaf] = line.replace(str(s.port), "PORT") \
	    .replace(w.dir, "DIR")


def test_each_has_its_own_sentence():
	if len(SENTENCES) < len(WORDS):
		pytest.skip("needs test_certificate_refused before it")
	assert len(set(SENTENCES.values())) == len(WORDS), SENTENCES


def test_fingerprint_replaces_the_chain(make_world):
	w = make_world(tls=True)
	text = subprocess.run(["openssl", "x509", "-noout", "-fingerprint",
	    "-sha256", "-in", w.server.dir + "/tls/leaf.crt"], check=True,
	    stdout=subprocess.PIPE, text=True).stdout.split("=")[1].strip()
	w.keys.update({"tls-ca-file": None,
	    "tls-fingerprint": '"%s"' % text})
	w.write_conf()
	w.sync()
	wrong = text.replace(text[0], "0" if text[0] != "0" else "1")
	w.keys["tls-fingerprint"] = '"%s"' % wrong
	w.write_conf()
	assert w.run("sync").rc == 76


def test_not_tls_at_all(make_world):
	w = make_world()
	w.keys["tls"] = "implicit"
	w.write_conf()
	r = w.run("sync")
	assert r.rc == 76, str(r)
	one_line(r)


def test_wrong_password(make_world):
	w = make_world(keys={"password": "'hunter-2x'"})
	r = w.run("sync")
	assert r.rc == 77, str(r)
	assert "hunter" not in r.err
	one_line(r)


def test_password_command(make_world):
	w = make_world(keys={"password": None,
	    "password-command": '"printf \'pw\\\\nsecond\\\\n\'"'})
	w.sync()


@pytest.mark.parametrize("command", ["false", "exit 3", "true"])
def test_password_command_fails(make_world, command):
	w = make_world(keys={"password": None,
	    "password-command": '"%s"' % command})
	r = w.run("sync")
	assert r.rc == 75, str(r)	# the server has refused nothing
	assert "password-command" in r.err, r.err


@pytest.mark.parametrize("mechanism", ["plain", "scram-sha-1", "scram-sha-256"])
def test_mechanism(mechanism):
	with Dovecot(mechanisms=mechanism) as s, World(s, "m") as w:
		w.sync()


def test_refused(make_world):
	w = make_world(port=free_ports(1)[0])
	begin = time.monotonic()
	r = w.run("sync")
	assert r.rc == 75, str(r)
	assert "127.0.0.1" in one_line(r)
	assert time.monotonic() - begin < 5


def test_no_such_host(make_world):
	w = make_world(keys={"host": '"nosuch.invalid"'})
	r = w.run("sync")
	assert r.rc == 75, str(r)
	assert "nosuch.invalid" in one_line(r)


def test_one_quiet_line(make_world):
	w = make_world(port=free_ports(1)[0])
	r = w.run("-q", "sync")
	assert (r.rc, r.out, r.err) == (75, "", "")


@pytest.fixture
def mute():
	"""Accepts and says nothing."""
	with socket.create_server(("127.0.0.1", 0)) as s:
		yield s.getsockname()[1]


@pytest.mark.parametrize("tls", ["none", "implicit"])
def test_says_nothing(make_world, mute, tls):
	w = make_world(port=mute, keys={"tls": tls, "timeout": "1"})
	begin = time.monotonic()
	r = w.run("sync")
	assert r.rc == 75, str(r)
	one_line(r)
	assert 0.9 < time.monotonic() - begin < 4


def test_silent_after_login(make_world):
	"""A server that goes silent in the middle of work."""
	import sys
	sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..",
	    "fault"))
	from relay import Relay
	w = make_world(keys={"timeout": "1"})
	with Relay(w.server.port) as relay:
		w.port = relay.port
		w.write_conf()
		relay.arm("in", 900, "silence")
		r = w.run("sync", limit=20)
		assert relay.fired
		assert r.rc == 75, str(r)
		relay.wait_quiet()


class Script(threading.Thread):
	"""A server that greets and then answers everything with one line."""

	def __init__(self, greeting, answer=b""):
		super().__init__(daemon=True)
		self.sock = socket.create_server(("127.0.0.1", 0))
		self.port = self.sock.getsockname()[1]
		self.greeting, self.answer = greeting, answer
		self.got = b""
		self.start()

	def run(self):
		try:
			while True:
				c, _ = self.sock.accept()
				c.sendall(self.greeting)
				while data := c.recv(4096):
					self.got += data
					if self.answer:
						c.sendall(self.answer)
				c.close()
		except OSError:
			pass


def test_not_imap(make_world):
	s = Script(b"220 smtp.example.org ESMTP\r\n")
	r = make_world(port=s.port).run("sync")
	assert r.rc == 76, str(r)
	one_line(r)


def test_bye(make_world):
	s = Script(b"* BYE too many connections\r\n")
	r = make_world(port=s.port).run("sync")
	assert r.rc == 75, str(r)
	assert "too many connections" in one_line(r)


@pytest.mark.parametrize("code", [b"", b"[CAPABILITY IMAP4rev1] "])
def test_preauth_is_not_trusted(make_world, code):
	"""Refused at once, not after a silence that nobody breaks."""
	s = Script(b"* PREAUTH " + code + b"welcome\r\n")
	w = make_world(port=s.port)
	r = w.run("sync", limit=10)
	assert r.rc == 76 and "PREAUTH" in r.err, str(r)


def test_no_cleartext_password_to_a_far_host(make_world, tmp_path):
	"""Decided before anything is sent. The far host is an address that only
	a network namespace of the test's own has, on its loopback device."""
	if subprocess.run(["unshare", "-rn", "ip", "link", "set", "lo", "up"],
	    stderr=subprocess.DEVNULL).returncode != 0:
		pytest.skip("no network namespaces here")
	w = make_world(keys={"host": '"192.0.2.1"', "port": "4143",
	    "tls": "none", "timeout": "5"})
	got = tmp_path / "got"
	r = w.run("sync", wrap=["unshare", "-rn", "--", sys.executable,
	    os.path.join(os.path.dirname(__file__), "far_host.py"), str(got)])
	assert r.rc == 78 and "clear text" in r.err, str(r)
	assert got.read_bytes() == b"connected: "


def test_starttls_missing(make_world):
	s = Script(b"* OK [CAPABILITY IMAP4rev1] hi\r\n")
	w = make_world(port=s.port, keys={"tls": "starttls", "timeout": "1"})
	r = w.run("sync")
	assert r.rc == 76, str(r)
	assert b"pw" not in s.got


def test_several_accounts(make_world):
	"""Side by side; the worst exit status wins."""
	one, two = make_world(), make_world(port=free_ports(1)[0])
	with open(two.conf) as f:
		text = f.read().replace("account w", "account v")
	with open(one.conf, "a") as f:
		f.write(text)
	with one.imap() as imap:
		one.append(imap, "INBOX", "t")
	r = one.run("--json", "sync")
	assert r.rc == 75, str(r)
	assert r.summary("w")["exit"] == 0
	assert r.summary("w")["pulled"]["new"] == 1
	assert r.summary("v")["exit"] == 75
	r = one.run("--json", "sync", "w")
	assert r.rc == 0 and len(r.of("summary")) == 1


def test_tunnel(make_world):
	"""PREAUTH through a command, as with ssh and an imap binary."""
	w = make_world()
	w.keys.update({"host": None, "port": None, "tls": None,
	    "tunnel": "'exec %s/relay.sh'" % w.dir})
	w.write_conf()
	with open(w.dir + "/relay.sh", "w") as f:
		f.write("#!/usr/bin/python3\n"
		    "import os,select,socket\n"
		    "s=socket.create_connection(('127.0.0.1',%d))\n"
		    "while True:\n"
		    "  r,_,_=select.select([0,s],[],[])\n"
		    "  for f in r:\n"
		    "    d=os.read(0,65536) if f==0 else s.recv(65536)\n"
		    "    if not d: os._exit(0)\n"
		    "    s.sendall(d) if f==0 else os.write(1,d)\n"
		    % w.server.port)
	os.chmod(w.dir + "/relay.sh", 0o755)
	with w.imap() as imap:
		w.append(imap, "INBOX", "t")
	w.settle()
