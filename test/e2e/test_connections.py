"""Several connections of one account."""

import threading

import pytest

from middleman import Middleman


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


def test_login_refused(world):
	"""No more than the server allows; and not asked again today."""
	def down(man, line):
		if man.number > 1 and b" OK " in line and \
		    b"Logged in" in line:
			tag = line.split()[0]
			return tag + b" NO [LIMIT] too many connections\r\n"
		return line

	fill(world, 9, 2)
	with Watch(down=down).on(world) as man:
		through(world, man, connections=3)
		s = world.sync().summary()
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
	with Watch(down=down).on(world) as man:
		through(world, man, connections=2)
		s = world.sync().summary()
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


def test_main_one_is_lost(world):
	"""Then the run ends, and the next one goes on."""
	def down(man, line):
		return None if man.number == 1 and b"BODY[]" in line else line

	fill(world, 12, 6)
	with Watch(down=down).on(world) as man:
		through(world, man, connections=3)
		world.sync(rc=75)
	world.port = None
	world.write_conf()
	world.sync()
	world.compare()
	world.assert_idle()
