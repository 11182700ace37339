"""Uploads: several messages in one APPEND, what becomes of them when that is
refused, answered oddly or not at all, and servers that can't have it."""

import contextlib
import re
import socket
import time

import pytest

from between import Between, cut
from middleman import Middleman
from uploads import Uploads

SMALL, BIG = 300, 9000


def through(world, port):
	world.port = port
	world.write_conf()


@contextlib.contextmanager
def between(world, uploads):
	with Middleman(world.server.port, uploads.up, uploads.down) as man:
		through(world, man.port)
		yield uploads
	through(world, None)


def deliver(world, n, first=0, folder="INBOX"):
	for i in range(first, first + n):
		world.deliver(folder, "m%d" % i, "SFRD"[i % 4],
		    1500000000 + i)


def on_server(world, folder="INBOX"):
	with world.imap() as imap:
		return len(imap.messages(folder, False))


def pushed(r):
	return r.summary()["pushed"]["new"]


def items(r):
	return [e for e in r.of("item") if not e["more"]]


def no(word):
	return lambda line: line.replace(b" " + word, b"")


def minus(line):
	return line.replace(b"LITERAL+", b"LITERAL-")


# -- all goes well --

def test_many_in_one_command(world):
	"""A hundred a command, flags and dates with them; no round trips in
	between, few transactions here."""
	world.sync()
	idle = world.sync().summary()
	deliver(world, 350)
	with between(world, Uploads()) as up:
		r = world.sync()
	assert [len(u.sizes) for u in up.all] == [100, 100, 100, 50]
	assert pushed(r) == 350
	s = r.summary()
	assert s["round_trips"] <= idle["round_trips"] + 8, s
	assert s["fsyncs"] <= idle["fsyncs"] + 30, s
	world.settle()


def test_large_ones_go_alone(world):
	world.sync()
	deliver(world, 2)
	world.deliver("INBOX", "big", "S", size=6 << 20)
	deliver(world, 2, 2)
	with between(world, Uploads()) as up:
		assert pushed(world.sync()) == 5
	assert max(max(u.sizes) for u in up.all) > 6 << 20
	for u in up.all:
		assert len(u.sizes) == 1 or max(u.sizes) < SMALL * 10
	world.settle()


def test_same_message_often(world):
	"""Each file gets a UID of its own."""
	world.sync()
	for i in range(30):
		world.deliver("INBOX", "twin", "S")
	assert pushed(world.sync()) == 30
	assert on_server(world) == 30
	world.assert_idle()


# -- what servers lack --

LACKS = {
	"nothing": (lambda line: line, True, True),
	"multiappend": (no(b"MULTIAPPEND"), False, True),
	"literal+": (no(b"LITERAL+"), False, True),
	"literal-": (minus, True, True),
	"uidplus": (no(b"UIDPLUS"), True, False),
}


@pytest.mark.sample(2)
@pytest.mark.parametrize("lack", LACKS)
def test_without(world, lack):
	"""Several in one command only where the server need not be asked for
	each; without UIDs they are found by another look."""
	caps, groups, told = LACKS[lack]
	lines = []

	def up(line):
		m = re.search(rb"^\S* ?(APPEND )?.*\{(\d+)(\+?)\}\r\n$", line)
		if m:
			lines.append((bool(m[1]), int(m[2]), bool(m[3])))
		return line

	def down(line):
		if b"CAPABILITY " in line:
			line = caps(line)
		return line if told else re.sub(rb"\[APPENDUID [^]]*\] ", b"",
		    line)

	world.sync()
	deliver(world, 30)
	for i in range(4):
		world.deliver("INBOX", "big%d" % i, "S", size=BIG)
	with Middleman(world.server.port, up, down) as man:
		through(world, man.port)
		r = world.sync()
		assert pushed(r) == 34, str(r)
		world.compare()
		world.assert_idle()
	through(world, None)
	assert any(not first for first, _, _ in lines) == groups
	for first, size, ahead in lines:
		assert ahead == (lack != "literal+" and (lack != "literal-" or
		    size <= 4096))
		assert first or lack != "literal-" or size <= 4096
	world.settle()


@pytest.mark.sample(4)
@pytest.mark.parametrize("told", [b"7", b"7:8", b"7:11", b"8:7,9,10",
    b"7,8,9,9", b"10,9,8,7", b"7:9,9", b"0,7,8,9", b"7:*"])
def test_answers_that_do_not_fit(world, told):
	"""Four messages, and UIDs that are not four in their order: they are
	found by another look, and each keeps its own flags."""
	world.sync()
	with world.imap() as imap:	# UIDs of no other message
		for i in range(6):
			world.append(imap, "INBOX", "old%d" % i, ["\\Seen"])
	world.sync()
	deliver(world, 4)

	def down(line):
		return re.sub(rb"(\[APPENDUID \d+) 7:10\]", rb"\1 %s]" % told,
		    line)

	with Middleman(world.server.port, down=down) as man:
		through(world, man.port)
		assert pushed(world.sync()) == 4
	through(world, None)
	assert on_server(world) == 10
	world.compare()
	world.assert_idle()
	for i in range(4):	# paired with its own
		world.maildir.unlink(world.maildir.find("m%d" % i))
		world.sync()
		world.compare()


# -- refused --

def one_is_refused(u):
	return b"NO not that one" if max(u.sizes) >= 5000 else None


def test_one_bad_message(world):
	"""It is named, and stops nothing else; the next runs know it."""
	world.sync()
	deliver(world, 120)
	world.deliver("INBOX", "bad", "S", size=BIG)
	with between(world, Uploads(one_is_refused)) as up:
		r = world.sync(rc=1)
		assert pushed(r) == 120, str(r)
		e, = items(r)
		assert "was not pushed" in e["message"]
		assert on_server(world) == 120
		assert max(len(u.sizes) for u in up.all) == 100
		del up.all[:]
		deliver(world, 20, 120)
		assert pushed(world.sync(rc=1)) == 20
		assert sorted(len(u.sizes) for u in up.all)[-1] > 1
		for u in up.all:	# it spoils no group any more
			assert len(u.sizes) == 1 or max(u.sizes) < 5000
	world.sync("--full")
	world.settle()


def test_bad_message_in_each_group(world):
	"""Groups that are refused again and again are given up."""
	world.sync()
	for i in range(6):
		deliver(world, 50, 100 * i)
		world.deliver("INBOX", "bad%d" % i, "S", size=BIG)
		deliver(world, 50, 100 * i + 50)
	with between(world, Uploads(one_is_refused)) as up:
		r = world.sync(rc=1)
		assert pushed(r) == 600, str(r)
		assert len(items(r)) == 6
	assert on_server(world) == 600
	groups = [u for u in up.all if len(u.sizes) > 1]
	assert 3 <= len(groups) <= 7
	world.sync("--full")
	world.settle()


def test_server_that_can_not_after_all(world):
	"""BAD to each command with several: one is tried."""
	world.sync()
	world.maildir.create("b")
	deliver(world, 30)
	deliver(world, 30, 30, "b")

	def judge(u):
		return b"BAD too many arguments" if len(u.sizes) > 1 else None

	with between(world, Uploads(judge)) as up:
		assert pushed(world.sync()) == 60
	assert sum(len(u.sizes) > 1 for u in up.all) == 1
	world.settle()


@pytest.mark.parametrize("code", [b"[TRYCREATE] ", b"[NOPERM] "])
def test_folder_refuses_all(world, code):
	"""Not the fault of any of them: they are not tried one by one."""
	world.sync()
	deliver(world, 120)
	with between(world, Uploads(lambda u: b"NO " + code + b"no")) as up:
		r = world.sync(rc=1)
		e, = items(r)
		assert "120 messages not pushed" in e["message"]
	assert len(up.all) <= 2
	world.settle()


def test_over_quota(world):
	"""As many as fit: all but some that are larger."""
	world.sync()
	for i in range(40):
		world.deliver("INBOX", "m%d" % i, "S",
		    size=SMALL if i % 2 else 6000)
	room = [20 * 1500]

	def judge(u):
		if sum(u.sizes) > room[0]:
			return b"NO [OVERQUOTA] full"
		room[0] -= sum(u.sizes)
		return None

	with between(world, Uploads(judge)) as up:
		r = world.sync(rc=1)
		e, = items(r)
		assert "messages not pushed" in e["message"]
		assert on_server(world) == pushed(r) >= 10, str(r)
	assert room[0] < 6000
	assert len(up.all) <= 1 + 40
	world.settle()


class Blind(Uploads):
	"""The server does not say how far its UIDs are now."""
	def up(self, line):
		tag, _, rest = line.partition(b" ")
		if rest.startswith(b"STATUS ") and b"(UIDNEXT)" in rest:
			self.answers[tag] = tag + b" NO not now\r\n"
			return tag + b" NOOP\r\n"
		return super().up(line)


@pytest.mark.parametrize("kind", [Uploads, Blind])
@pytest.mark.parametrize("kept", [1, 3])
def test_not_all_or_none(world, kept, kind):
	"""A server that refuses, and has stored some of them all the same
	(Courier does): nothing is there twice, the rest goes in the next
	run."""
	world.sync()
	deliver(world, 8)
	done = []

	def judge(u):
		if len(u.sizes) == 1:
			return None
		if not done:
			with world.imap() as imap:
				for data in u.data[:kept]:
					i = int(re.search(rb"X-Tok: m(\d+)",
					    data)[1])
					imap.append("INBOX", bytes(data),
					    ["\\Seen"],
					    1500000000 + i)
		done.append(u)
		return b"NO it went wrong"

	with between(world, kind(judge)):
		r = world.sync(rc=1)
		assert "not pushed: " in r.err and "it went wrong" in r.err
		assert on_server(world) == kept, str(r)
		world.sync()
		assert on_server(world) == 8
	world.compare()
	world.assert_idle()


# -- no answer --

@pytest.mark.parametrize("late", [False, True])
def test_cut_at_a_group(world, late):
	"""In doubt are all of it: none is sent again before a look."""
	world.sync()
	deliver(world, 250)
	with Between(world, b" APPEND ", cut, late) as man:
		assert world.run("sync").rc == 75
		assert man.fired
	assert on_server(world) in ((0,) if not late else (100, 200, 250))
	world.settle()
	assert on_server(world) == 250


@pytest.mark.parametrize("n", [1, 8])
def test_server_is_still_at_it(world, n):
	"""It has all of the command when the connection is lost, and is slow:
	it ends it just before the next run, which leaves it a second, says its
	first word."""
	world.sync()
	deliver(world, n)
	sent, first = [], []

	def cut_off(u):
		sent.extend(bytes(data) for data in u.data)
		for s in man.open:
			with contextlib.suppress(OSError):
				s.shutdown(socket.SHUT_RDWR)
		return b"NO"

	def store(line):
		if not first:
			first.append(time.monotonic())
			with world.imap() as imap:
				for data in sent:
					i = int(re.search(rb"X-Tok: m(\d+)",
					    data)[1])
					imap.append("INBOX", data,
					    ["\\Seen"], 1500000000 + i)
		return line

	uploads = Uploads(cut_off)
	with Middleman(world.server.port, uploads.up, uploads.down) as man:
		through(world, man.port)
		assert world.run("sync").rc == 75
	with Middleman(world.server.port, store) as man:
		through(world, man.port)
		begun = time.monotonic()
		world.sync()
	through(world, None)
	assert len(sent) == n and first[0] - begun >= 1
	assert on_server(world) == n
	world.sync()
	assert on_server(world) == n


@pytest.mark.parametrize("line", [60, 1200, 2000])
def test_cut_inside_a_group(world, line):
	world.sync()
	deliver(world, 250)
	count = [0]

	def up(data):
		count[0] += 1
		if count[0] != line:
			return data
		for s in man.open:
			with contextlib.suppress(OSError):
				s.shutdown(socket.SHUT_RDWR)
		return b""

	with Middleman(world.server.port, up) as man:
		through(world, man.port)
		assert world.run("sync").rc == 75
	through(world, None)
	assert on_server(world) in (0, 100, 200)
	world.settle()
	assert on_server(world) == 250
