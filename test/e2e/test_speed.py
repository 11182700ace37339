"""Round trips, from --json; and memory, with one big message."""

import os
import subprocess

import pytest

from dovecot import scratch_dir
from maildirview import digest


def test_pull_of_a_thousand(world):
	with world.imap() as imap:
		for i in range(1000):
			world.append(imap, "INBOX", "m%d" % i)
	s = world.sync().summary()
	assert s["pulled"]["new"] == 1000
	assert 0 < s["round_trips"] <= 20, s
	world.compare()
	world.assert_idle()


def test_push_of_a_hundred_flags(world):
	with world.imap() as imap:
		for i in range(150):
			world.append(imap, "INBOX", "m%d" % i)
	world.sync()
	idle = world.sync().summary()
	for i in range(100):
		world.maildir.flag(world.maildir.find("m%d" % i),
		    "SFRD"[i % 4])
	s = world.sync().summary()
	assert s["pushed"]["flags"] == 100
	assert s["round_trips"] <= idle["round_trips"] + 3, (s, idle)
	world.compare()
	world.assert_idle()


def test_push_of_many(world):
	"""Messages are pipelined too: not a round trip each."""
	world.sync()
	idle = world.sync().summary()
	for i in range(40):
		world.deliver("INBOX", "m%d" % i, "S")
	s = world.sync().summary()
	assert s["pushed"]["new"] == 40
	assert s["round_trips"] <= idle["round_trips"] + 20, (s, idle)
	world.compare()


def test_idle_cost_does_not_grow(world):
	world.sync()
	with world.imap() as imap:
		for i in range(10):
			imap.create("f%d" % i)
	world.sync()
	few = world.sync().summary()
	with world.imap() as imap:
		for i in range(300):
			world.append(imap, "f%d" % (i % 10), "m%d" % i)
	world.sync()
	world.sync()
	many = world.sync().summary()
	assert many["round_trips"] <= few["round_trips"], (few, many)
	# Greeting, login, one flight for all folders, LOGOUT.
	assert many["round_trips"] <= 4, many


BIG = 300 << 20
LIMIT = 64 << 10		# KiB


def peak(world, *args):
	"""Runs, and returns the peak of resident memory in KiB."""
	log = world.dir + "/time"
	code = ("import os,sys,resource,subprocess as s\n"
	    "r=s.run(sys.argv[2:]).returncode\n"
	    "open(sys.argv[1],'w').write('%d %d'%(r,"
	    "resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))\n")
	subprocess.run(["/usr/bin/python3", "-c", code, log]
	    + world.command(*args), env=world.env(), timeout=300,
	    stdout=subprocess.DEVNULL, check=True)
	with open(log) as f:
		rc, rss = map(int, f.read().split())
	assert rc == 0
	return rss


@pytest.mark.slow
def test_300_megabytes(make_world):
	room = os.statvfs(scratch_dir())
	if room.f_bavail * room.f_frsize < 4 << 30:
		pytest.skip("too little room in " + scratch_dir())
	w = make_world()
	line = b"0123456789abcdef" * 4 + b"\r\n"
	head = b"From: a@b\r\nX-Tok: big1\r\n\r\n"
	with w.imap() as imap:
		imap.append("INBOX", head + line * (BIG // len(line)), [],
		    1500000000)
	down = peak(w, "sync")
	w.sync()
	f = w.maildir.find("big1")
	data = f.data().replace(b"big1", b"big2")
	w.maildir.deliver("INBOX", data, "S", 1500000001)
	up = peak(w, "sync")
	with w.imap() as imap:
		sums = {digest(m.data) for m in
		    imap.messages("INBOX").values()}
	assert sums == {digest(f.data()), digest(data)}
	assert down < LIMIT and up < LIMIT, (down, up)


@pytest.mark.slow
def test_many_messages_in_bounded_memory(make_world):
	w = make_world()
	with w.imap() as imap:
		for i in range(20000):
			imap.append("INBOX", b"X-Tok: %d\r\n\r\n%d\r\n" % (i,
			    i), [], 1500000000)
	assert peak(w, "sync") < LIMIT
	assert peak(w, "sync") < LIMIT
