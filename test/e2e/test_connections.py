"""Several connections of one account."""

import collections
import os
import subprocess
import threading
import time

import pytest

from maildirview import digest
from middleman import Middleman
from world import Result


def through(world, man, **keys):
	world.port = man.port
	world.keys.update({k: str(v) for k, v in keys.items()})
	world.write_conf()


def fill(world, folders, each, first=0):
	with world.imap() as imap:
		for i in range(folders):
			if first == 0:
				imap.create("f%02d" % i)
			for k in range(first, first + each):
				world.append(imap, "f%02d" % i,
				    "m%02d-%d" % (i, k))


class Watch:
	"""What each connection logged in for, selected and fetched."""

	def __init__(self, down=None, others=0):
		"""The first connection waits for so many others to have a
		folder before it takes its first one."""
		self.selected = {}
		self.more_down, self.others = down, others
		self.there = threading.Event()

	def __enter__(self):
		self.man = Middleman(self.port, self.up, self.down, self.hold)
		return self.man.__enter__()

	def __exit__(self, *exc):
		return self.man.__exit__(*exc)

	def on(self, world):
		self.port = world.server.port
		return self

	def up(self, line):
		n = self.man.number
		if b" SELECT " in line:
			self.selected.setdefault(n, []).append(line)
		if len(set(self.selected) - {1}) >= self.others:
			self.there.set()
		return line

	def hold(self, line):
		if self.others and self.man.number == 1 and \
		    b" SELECT " in line:
			assert self.there.wait(60)

	def down(self, line):
		return self.more_down(self.man, line) if self.more_down \
		    else line


def test_few_changes_take_one(world):
	"""A connection costs more than a folder or two."""
	fill(world, 6, 3)
	with Watch().on(world) as man:
		through(world, man)
		world.sync()
		assert man.count == 1
	world.compare()


def test_many_folders(world):
	watch = Watch(others=3)
	fill(world, 40, 2)
	with watch.on(world) as man:
		through(world, man)
		s = world.sync().summary()
		assert man.count == 4
	assert s["pulled"]["new"] == 80
	assert sum(len(v) for v in watch.selected.values()) == 41
	world.port = None
	world.write_conf()
	world.compare()
	world.assert_idle()


def test_small_folders_share_their_syncs(world):
	fill(world, 48, 2)
	world.keys["connections"] = "1"
	world.write_conf()
	s = world.sync().summary()
	assert s["pulled"]["new"] == 96 and s["fsyncs"] < 48, s
	world.compare()
	world.assert_idle()


def test_slow_folder_keeps_no_other_waiting(world):
	"""What waits for other folders does not wait for ever."""
	asked, arrived = [0], []

	class Slow(Watch):
		def hold(self, line):
			if b"BODY.PEEK[]" not in line:
				return
			asked[0] += 1
			end = time.monotonic() + 10
			while asked[0] == 2 and not arrived and \
			    time.monotonic() < end:
				arrived.extend(world.maildir.files("f00"))
				time.sleep(0.01)

	fill(world, 2, 1)
	with Slow().on(world) as man:
		through(world, man, connections=1)
		world.sync()
	assert asked[0] == 2 and len(arrived) == 1
	world.compare()


def test_nothing_to_do_takes_one(world):
	fill(world, 40, 1)
	world.sync()
	world.sync()
	with Watch().on(world) as man:
		through(world, man, connections=4)
		world.sync()
		assert man.count == 1


@pytest.mark.parametrize("number", [1, 2, 3])
def test_as_configured(world, number):
	fill(world, 9, 2)
	with Watch().on(world) as man:
		through(world, man, connections=number)
		world.sync()
		assert man.count == number
	world.compare()


def fill_one(world, n, size=0):
	"""They are copies, which the first of them would do for."""
	world.keys["quirks"] = '{ "!dovecot-guid" }'
	world.write_conf()
	with world.imap() as imap:
		imap.create("src")
		for i in range(40):
			world.append(imap, "src", "m%d" % i, size=size)
		for i in range(n // 40):
			imap.copy("src", range(1, 41), "INBOX")
		imap.delete("src")


def all_there(world, n):
	"""Each of the forty as often as it should be, and nothing left over."""
	world.port = None
	world.write_conf()
	found = collections.Counter(digest(f.data())
	    for f in world.maildir.files("INBOX"))
	assert set(found) == set(world.sums.values())
	assert set(found.values()) == {n // 40}, found
	assert not world.maildir.left_in_tmp()
	world.assert_idle()


class Helped(Watch):
	"""The first connection asks for no body before others have."""

	def up(self, line):
		if b" EXAMINE " in line:
			self.there.set()
		return line

	def hold(self, line):
		if self.man.number == 1 and b"BODY.PEEK[]" in line:
			assert self.there.wait(60)


def test_one_big_folder(world):
	"""Hands without a folder help with what is left of a big one."""
	asked, fill_with = {}, 3200

	def down(man, line):
		if b"BODY[]" in line:
			asked[man.number] = asked.get(man.number, 0) + 1
		return line

	fill_one(world, fill_with)
	with Helped(down=down).on(world) as man:
		through(world, man, connections=3)
		s = world.sync().summary()
	assert s["pulled"]["new"] == fill_with
	assert len(asked) > 1 and sum(asked.values()) == fill_with, asked
	all_there(world, fill_with)


def test_many_batches_by_one(world):
	"""More than there are at a time, again and again."""
	fill_one(world, 12000)
	world.keys["connections"] = "1"
	world.write_conf()
	s = world.sync().summary()
	assert s["pulled"]["new"] == 12000
	all_there(world, 12000)


@pytest.mark.sample(1)
@pytest.mark.parametrize("after", [1, 2, 150])
def test_helper_is_lost(world, after):
	"""In the middle of a body, or between two."""
	lost, seen = [], [0]

	def down(man, line):
		if man.number == 1 or lost:
			return line
		seen[0] += b"BODY[]" in line
		if seen[0] < after or (after == 2 and b"BODY[]" in line):
			return line
		lost.append(man.number)
		return None

	fill_one(world, 2400)
	with Helped(down=down).on(world) as man:
		through(world, man, connections=2)
		s = world.sync().summary()
	assert lost, "none was lost"
	assert (s["pulled"]["new"], s["pending"], s["held"]) == (2400, 0, 0)
	all_there(world, 2400)


def test_both_ways(world):
	"""Folders that are new on either side, flags and messages."""
	world.keys["connections"] = "4"
	world.write_conf()
	fill(world, 6, 4)
	for i in range(6):
		world.maildir.create("g%d" % i)
		for k in range(3):
			world.deliver("g%d" % i, "l%d-%d" % (i, k), "S")
	s = world.sync().summary()
	assert s["pulled"]["new"] == 24 and s["pushed"]["new"] == 18
	world.compare()
	with world.imap() as imap:
		for i in range(6):
			imap.store("f%02d" % i, 1, "+", ["\\Flagged"])
			world.append(imap, "g%d" % i, "n%d" % i)
	for i in range(6):
		world.maildir.flag(world.maildir.find("m%02d-1" % i,
		    "f%02d" % i), "R")
	s = world.sync().summary()
	assert (s["pulled"]["flags"], s["pushed"]["flags"]) == (6, 6)
	assert s["pulled"]["new"] == 6
	world.compare()
	world.assert_idle()


class Refused(Watch):
	"""The first connection takes no folder before the program has said so
	often that there is no other."""

	def __init__(self, times, down, others=0):
		super().__init__(down, others)
		self.left, self.known = times, threading.Event()

	def hold(self, line):
		if self.man.number == 1 and b" SELECT " in line:
			assert self.known.wait(60)

	def sync(self, world):
		run = world.popen("-v", "--json", "sync",
		    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
		for line in run.stderr:
			self.left -= "connection is not to be had" in line
			if self.left == 0:
				self.known.set()
		with run:
			out = run.stdout.read()
		r = Result(("sync",), run.returncode, out, "")
		assert r.rc == 0 and self.left == 0, str(r)
		return r


def test_login_refused(world):
	"""No more than the server allows; and not asked again today."""
	def down(man, line):
		if man.number > 1 and b" OK " in line and \
		    b"Logged in" in line:
			tag = line.split()[0]
			return tag + b" NO [LIMIT] too many connections\r\n"
		return line

	fill(world, 9, 2)
	watch = Refused(2, down).on(world)
	with watch as man:
		through(world, man, connections=3)
		s = watch.sync(world).summary()
		assert s["pulled"]["new"] == 18 and man.count == 3
	world.compare()
	fill(world, 9, 1, first=2)
	with Watch().on(world) as man:
		through(world, man, connections=3)
		s = world.sync().summary()
		assert s["pulled"]["new"] == 9 and man.count == 1
	world.compare()


def test_connection_refused(world):
	"""The second is closed before it says anything."""
	def down(man, line):
		return None if man.number > 1 else line

	fill(world, 9, 2)
	watch = Refused(1, down).on(world)
	with watch as man:
		through(world, man, connections=2)
		s = watch.sync(world).summary()
		assert s["pulled"]["new"] == 18
	world.compare()


@pytest.mark.parametrize("at", [b"EXISTS", b" FETCH ", b"BODY[]"])
def test_lost_in_the_middle(world, at):
	"""Its folder is taken over by who is left."""
	lost = []

	def down(man, line):
		if man.number > 1 and at in line:
			lost.append(man.number)
			return None
		return line

	fill(world, 12, 6)
	with Watch(down=down, others=1).on(world) as man:
		through(world, man, connections=3)
		r = world.sync()
	assert lost, "none was lost"
	s = r.summary()
	assert (s["pulled"]["new"], s["pending"], s["held"]) == (72, 0, 0)
	world.port = None
	world.write_conf()
	world.compare()
	world.assert_idle()


def test_lost_while_the_disk_is_behind(world, preload):
	"""What it had brought is recorded before another goes on, which does
	not look at the disk again."""
	stalled, lost = world.dir + "/stalled", []

	def down(man, line):
		if man.number > 1 and b"EXISTS" in line and \
		    os.path.exists(stalled):
			lost.append(man.number)
			return None
		return line

	fill(world, 40, 1)
	world.sync()
	fill(world, 40, 2, first=1)
	watch = Watch(down=down, others=1)
	with watch.on(world) as man:
		through(world, man, connections=2)
		s = world.sync(env=preload("test/fault/stalled.c",
		    STALL_MS="2000", STALL_ONLY="1",
		    STALL_TELLS=stalled)).summary()
	assert lost, "none was lost"
	taken_over = {line.split()[2] for line in watch.selected[1]} & \
	    {line.split()[2] for line in watch.selected[2]}
	assert len(taken_over) == 1, watch.selected
	assert (s["pulled"]["new"], s["pending"], s["held"]) == (80, 0, 0)
	world.port = None
	world.write_conf()
	world.compare()
	world.assert_idle()


def test_lost_while_a_batch_is_at_the_disk(world, preload):
	"""The same within one folder."""
	cut, bodies, stalled = threading.Event(), [0], world.dir + "/stalled"

	def down(man, line):
		bodies[0] += man.number == 2 and b"BODY[]" in line
		if bodies[0] < 1400 or cut.is_set():
			return line
		while not os.path.exists(stalled):
			time.sleep(0.005)
		cut.set()
		return None

	class Held(Watch):
		def hold(self, line):
			super().hold(line)
			if self.man.number == 1 and b"BODY.PEEK[]" in line:
				assert cut.wait(60)

	with world.imap() as imap:
		imap.create("big")
	world.sync()
	fill_one(world, 2000)
	with world.imap() as imap:
		imap.copy("INBOX", range(1, 2001), "big")
		imap.expunge("INBOX", range(2, 2001))
	watch = Held(down=down, others=1)
	with watch.on(world) as man:
		through(world, man, connections=2)
		s = world.sync(env=preload("test/fault/stalled.c",
		    STALL_MS="2000", STALL_ONLY="1",
		    STALL_TELLS=stalled)).summary()
	assert cut.is_set() and s["pulled"]["new"] == 2001, s
	world.port = None
	world.write_conf()
	world.assert_idle()
	assert len(world.maildir.files("big")) == 2000


def test_disk_far_behind(world, preload):
	"""The hands do not run away from it: what waits holds descriptors."""
	fill(world, 100, 9)
	world.keys["connections"] = "4"
	world.write_conf()
	stalled = world.dir + "/stalled"
	world.sync(wrap=["prlimit", "--nofile=600:600"],
	    env=preload("test/fault/stalled.c", STALL_MS="3000",
	    STALL_ONLY="1", STALL_SKIP="2", STALL_TELLS=stalled))
	assert os.path.exists(stalled)
	world.compare()


def test_main_one_is_lost(world):
	"""Then the run begins anew with another one, and goes on."""
	def down(man, line):
		return None if man.number == 1 and b"BODY[]" in line else line

	fill(world, 12, 6)
	with Watch(down=down).on(world) as man:
		through(world, man, connections=3)
		s = world.sync().summary()
		assert man.count > 3
	assert (s["pulled"]["new"], s["pending"], s["held"]) == (72, 0, 0)
	world.port = None
	world.write_conf()
	world.compare()
	world.assert_idle()


def test_disk_fails_while_it_is_helped(world, preload):
	"""The disk stalls, so that connections are paused; then it fails. The
	helper's must not be waited for without end."""
	fill_one(world, 4000, size=10000)
	with Helped().on(world) as man:
		through(world, man, connections=2)
		world.sync(rc=74, limit=40, env=preload("test/fault/stalled.c",
		    STALL_MS="2000"))
	world.port = None
	world.write_conf()
	world.sync()
	all_there(world, 4000)


def test_main_one_is_lost_while_folders_are_made(world, preload):
	"""The other connection makes folders, while what the main one brought
	is still at the disk."""
	cut, stalled = threading.Event(), world.dir + "/stalled"

	def down(man, line):
		if man.number > 1 or b"EXISTS" not in line or \
		    not os.path.exists(stalled):
			return line
		cut.set()
		return None

	class Held(Watch):
		def hold(self, line):
			if self.man.number > 1 and b" CREATE " in line:
				assert cut.wait(60)

	fill(world, 24, 1)
	world.sync()
	fill(world, 24, 2, first=1)
	for i in range(9):
		world.maildir.create("g%d" % i)
	with Held(down=down).on(world) as man:
		through(world, man, connections=2)
		world.sync(env=preload("test/fault/stalled.c",
		    STALL_MS="2000", STALL_ONLY="1", STALL_TELLS=stalled))
	assert cut.is_set()
	world.port = None
	world.write_conf()
	world.compare()
	world.assert_idle()


def test_refusal_comes_first(world):
	"""What the others then got counts as allowed, too."""
	def down(man, line):
		return line if man.number < 4 else None

	class Late(Refused):
		def hold(self, line):
			if self.man.number in (2, 3):
				assert self.known.wait(60)
			if self.man.number == 1 and b" SELECT " in line:
				assert self.there.wait(60)

	fill(world, 9, 2)
	watch = Late(1, down, others=2).on(world)
	with watch as man:
		through(world, man, connections=4)
		watch.sync(world)
		assert man.count == 4
	fill(world, 9, 1, first=2)
	with Watch().on(world) as man:
		through(world, man, connections=4)
		world.sync()
		assert man.count == 3
	world.compare()
