"""The command line: dry run, status, locks, secrets, terminal, signals."""

import collections
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest

from dovecot import Dovecot
from world import World, program

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "fault"))

from relay import Relay		# noqa: E402


# Their UID is not known before it is done.
SENT = ("push", "move-remote", "copy-remote")


def ops(result, details=True):
	"""The operations that a run tells, as a multiset."""
	return collections.Counter((e["op"], e["folder"], e["uid"]
	    if e["op"] not in SENT else None, e["detail"] if details else "")
	    for e in result.of("op"))


def both_change(world):
	with world.imap() as imap:
		imap.create("x")
		u = [world.append(imap, "INBOX", "m%d" % i, ["\\Seen"])
		    for i in range(12)]
		world.append(imap, "x", "x0", ["\\Seen"])
	world.sync()
	with world.imap() as imap:
		world.append(imap, "INBOX", "far")
		imap.store("INBOX", u[0], "+", ["\\Flagged", "work"])
		imap.expunge("INBOX", u[1])
		imap.create("made-far")
	local_change(world)


def local_change(world):
	d = world.maildir
	world.deliver("INBOX", "near", "S")
	d.flag(d.find("m2"), "F")
	d.unflag(d.find("m3"), "S")
	d.unlink(d.find("m4"))
	d.move(d.find("m5"), "x")
	d.create("made-near")
	world.deliver("made-near", "n0")


def test_dry_run_tells_what_is_then_done(world):
	both_change(world)
	local, remote = world.local_stamp(), world.remote_stamp()
	dry = world.run("--json", "sync", "--dry-run")
	assert world.local_stamp() == local, "a dry run changes files"
	assert world.remote_stamp() == remote, "a dry run changes the server"
	again = world.run("--json", "sync", "-n")
	real = world.sync("-v")
	told = ops(dry)
	assert sum(told.values()) >= 9, str(dry)
	assert told == ops(real), "%s\n%s" % (dry, real)
	assert ops(again) == told
	assert dry.summary()["pulled"] == real.summary()["pulled"]
	assert dry.summary()["pushed"] == real.summary()["pushed"]
	world.compare()
	world.assert_idle()


def test_first_dry_run_makes_nothing(world):
	with world.imap() as imap:
		world.append(imap, "INBOX", "far")
	dry = world.run("--json", "sync", "-n")
	assert dry.rc == 0, str(dry)
	assert dry.summary()["pulled"]["new"] == 1
	assert not os.path.exists(world.maildir.root + "/INBOX")
	world.settle()


def test_status_tells_what_is_pushed(world):
	both_change(world)
	world.sync()
	with Relay(world.server.port) as relay:
		local_change_again(world)
		world.port = relay.port
		world.write_conf()
		status = world.run("--json", "status")
		assert relay.connections == 0, "status uses the network"
	world.port = None
	world.write_conf()
	assert status.rc in (0, 1), str(status)
	told = ops(status, False)
	real = world.sync("-v")
	assert sum(told.values()) >= 5, str(status)
	assert told == ops(real, False), "%s\n%s" % (status, real)
	world.compare()
	idle = world.run("--json", "status")
	assert idle.rc == 0 and not ops(idle), str(idle)


def local_change_again(world):
	d = world.maildir
	world.deliver("INBOX", "near2", "S")
	d.flag(d.find("m6"), "R")
	d.flag(d.find("m7"), "T")
	d.unlink(d.find("m8"))
	d.create("made-again")
	world.deliver("made-again", "n1", "F")


def test_status_lines_for_people(world):
	with world.imap() as imap:
		world.append(imap, "INBOX", "m")
	world.sync()
	world.deliver("INBOX", "near", "S")
	r = world.run("status")
	assert r.rc in (0, 1) and "w" in r.out, str(r)


def test_summary_line(world):
	with world.imap() as imap:
		for i in range(3):
			world.append(imap, "INBOX", "m%d" % i)
	r = world.run("sync", rc=0)
	lines = r.out.splitlines()
	assert re.fullmatch(r"w: pulled 3 new\b.*; \d+ round trips?, .*B, "
	    r"[\d.]+ s", lines[-1]), r.out
	r = world.run("-q", "sync")
	assert (r.rc, r.out, r.err) == (0, "", "")


def test_json_is_one_object_a_line(world):
	both_change(world)
	r = world.sync()
	for line in r.out.splitlines():
		assert "event" in json.loads(line)
	s = r.summary()
	assert list(r.events[-1]) == list(s) and r.events[-1] == s
	for side in ("pulled", "pushed"):
		assert {"new", "flags", "deleted", "moved", "copied"} \
		    <= set(s[side])
	for key in ("pending", "held", "round_trips", "bytes_in", "bytes_out",
	    "fsyncs", "seconds", "exit", "account"):
		assert key in s


class Stalled:
	"""A run that is at work: its server has gone silent."""

	def __init__(self, world, *args, n=900):
		self.world = world
		self.relay = Relay(world.server.port)
		world.port = self.relay.port
		world.write_conf()
		self.relay.arm("in", n, "silence")
		self.proc = world.popen(*(args or ("sync",)),
		    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
		end = time.monotonic() + 20
		while not self.relay.fired:
			assert time.monotonic() < end, "it never got there"
			assert self.proc.poll() is None, \
			    self.proc.communicate()
			time.sleep(0.005)	# polls the relay

	def end(self):
		self.relay.drop_silent()
		self.out, self.err = self.proc.communicate(timeout=30)
		self.relay.stop()
		self.world.port = None
		self.world.write_conf()
		return self.proc.returncode


def test_second_instance(world):
	with world.imap() as imap:
		world.append(imap, "INBOX", "m")
	s = Stalled(world)
	try:
		begin = time.monotonic()
		r = world.run("sync")
		took = time.monotonic() - begin
		quiet = world.run("-q", "sync")
	finally:
		s.end()
	assert r.rc == 75, str(r)
	assert took < 2, "it waited %.1f s" % took
	assert len(r.err.splitlines()) == 1, r.err
	assert (quiet.rc, quiet.err) == (75, "")
	world.settle()


def test_lock_of_a_root(make_world):
	"""Another configuration with the same Maildir."""
	one = make_world()
	with one.imap() as imap:
		one.append(imap, "INBOX", "m")
	one.sync()
	s = Stalled(one)
	try:
		two = make_world(user=one.user)
		two.keys["maildir"] = '"%s"' % one.maildir.root
		two.write_conf()
		r = two.run("sync")
	finally:
		s.end()
	assert r.rc in (75, 78), str(r)
	one.settle()


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_signal_stops_cleanly(world, sig):
	with world.imap() as imap:
		world.append(imap, "INBOX", "m")
	s = Stalled(world)
	begin = time.monotonic()
	s.proc.send_signal(sig)
	try:
		s.proc.wait(10)
		took = time.monotonic() - begin
	finally:
		rc = s.end()
	assert rc == 75, (rc, s.err)
	assert took < 2, "%.1f s" % took
	world.settle()


CANARY = "Kanarienvogel-7f3a91"


def scan(text, where):
	assert CANARY.encode() not in text, "the password is in " + where


def scan_process(pid):
	for name in ("environ", "cmdline"):
		try:
			with open("/proc/%s/%s" % (pid, name), "rb") as f:
				scan(f.read(), name)
		except OSError:
			pass


def descendants(pid):
	try:
		tasks = os.listdir("/proc/%d/task" % pid)
	except OSError:
		return []
	found = [pid]
	for t in tasks:
		try:
			with open("/proc/%d/task/%s/children" % (pid, t)) as f:
				for c in f.read().split():
					found += descendants(int(c))
		except OSError:
			pass
	return found


@pytest.mark.parametrize("how", ["password", "command", "scram", "refused"])
def test_canary(tmp_path, how):
	"""The password is in no output, index, state, environment or argv."""
	secret = tmp_path / "secret"
	secret.write_text(CANARY + "\n")
	with Dovecot(password=CANARY, mechanisms="plain scram-sha-256"
	    if how == "scram" else "plain") as server, \
	    World(server, "c") as w:
		if how == "command":
			w.keys.update({"password": None,
			    "password-command": '"cat %s"' % secret})
		if how == "refused":
			server.password = "x" + CANARY
			w.keys["password"] = "'%sx'" % CANARY
		w.write_conf()
		if how == "refused":
			r = w.run("-v", "-v", "--json", "sync")
			assert r.rc == 77, str(r)
			scan((r.out + r.err).encode(), "output")
			return
		with w.imap() as imap:
			w.append(imap, "INBOX", "m")
		s = Stalled(w, "-v", "-v", "--json", "sync")
		for pid in descendants(s.proc.pid):
			scan_process(pid)
		s.end()
		scan(s.out + s.err, "output")
		r = w.run("-v", "-v", "sync", rc=0)
		scan((r.out + r.err).encode(), "output")
		assert re.search("login|authenticate", r.err, re.I), \
		    "-vv shows no protocol: the test shows nothing"
		scan_files(w)


def scan_files(world):
	seen = 0
	for top in (world.state, world.maildir.root):
		for at, _, names in os.walk(top):
			for name in names:
				with open(os.path.join(at, name), "rb") as f:
					scan(f.read(), name)
				seen += 1
	assert seen > 1


def test_password_command_sees_no_secret(world):
	"""Nor does it inherit descriptors or a terminal."""
	out = world.dir + "/seen"
	world.keys.update({"password": None, "password-command":
	    '"ls -l /proc/self/fd > %s; env >> %s; echo pw"' % (out, out)})
	world.write_conf()
	world.sync()
	with open(out) as f:
		text = f.read()
	assert "socket:" not in text and ".db" not in text, text


def run_on_terminal(command, env, columns=80):
	"""(exit status, what came on the terminal) - stderr is the terminal."""
	master, slave = pty.openpty()
	fcntl.ioctl(slave, termios.TIOCSWINSZ,
	    struct.pack("HHHH", 24, columns, 0, 0))
	p = subprocess.Popen(command, stdin=slave, stdout=subprocess.PIPE,
	    stderr=slave, env=env, start_new_session=True)
	os.close(slave)
	got = b""
	while True:
		ready, _, _ = select.select([master], [], [], 60)
		assert ready, "nothing for a minute"
		try:
			data = os.read(master, 65536)
		except OSError:		# EIO: the other end is closed
			break
		if not data:
			break
		got += data
	os.close(master)
	out = p.stdout.read()
	return p.wait(), got.decode(errors="replace"), out.decode()


def many(world, n, size=0):
	with world.imap() as imap:
		for i in range(n):
			world.append(imap, "INBOX", "m%d" % i, size=size)


def test_progress_bar(world):
	many(world, 3000)
	rc, text, out = run_on_terminal(world.command("sync"), world.env())
	assert rc == 0, text
	frames = re.findall(r"w: ([^\r\n\x1b]*)", text)
	counts = [(int(a), int(b)) for a, b in
	    re.findall(r"(\d+)/(\d+)", " ".join(frames))]
	assert counts, repr(text[-2000:])
	assert any(b == 3000 for _, b in counts), counts
	assert [a for a, b in counts if b == 3000] \
	    == sorted(a for a, b in counts if b == 3000)
	# Redrawn on one line, gone at the end, and no bar without terminal.
	assert "\r" in text
	assert text.count("\n") <= 2
	last = re.split(r"[\r\n]", text.rstrip("\r\n"))[-1]
	assert re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", last).strip() == "", last
	assert "pulled 3000 new" in out
	assert "\x1b" not in out and "\r" not in out


def test_progress_fits_the_terminal(world):
	many(world, 500)
	rc, text, _ = run_on_terminal(world.command("sync"), world.env(), 30)
	assert rc == 0
	for frame in re.split(r"[\r\n]", text):
		frame = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", frame)
		assert len(frame) <= 30, frame


def test_no_bar_elsewhere(world):
	many(world, 50)
	r = world.run("sync", rc=0)
	assert "\r" not in r.err and "\x1b" not in r.err
	assert r.err == ""


def test_quiet_on_terminal(world):
	many(world, 50)
	rc, text, out = run_on_terminal(world.command("-q", "sync"),
	    world.env())
	assert (rc, text, out) == (0, "", "")


def test_stdout_full(world):
	with open("/dev/full", "w") as full:
		p = subprocess.run(world.command("--json", "sync"),
		    stdout=full, stderr=subprocess.PIPE, env=world.env(),
		    timeout=60)
	assert p.returncode == 74, p
	world.settle()


def test_version_and_help(world):
	for arg in ("--version", "--help"):
		p = subprocess.run([program(), arg], stdout=subprocess.PIPE,
		    stderr=subprocess.PIPE, timeout=20)
		assert p.returncode == 0 and p.stdout, p


def test_state_is_private(world):
	world.sync()
	for at, _, names in os.walk(world.state):
		for name in names:
			mode = os.stat(os.path.join(at, name)).st_mode
			assert mode & 0o077 == 0, name
