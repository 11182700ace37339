"""In which order things are made durable: a library within the program writes
down each sync, rename and unlink and what is sent. test/fault/power.py asks the
same by cutting the power, where it may."""

import os
import re
import subprocess

import pytest

from world import ROOT

WAL = r"sync .*/w\.db-wal$"


@pytest.fixture(scope="module")
def recorder(tmp_path_factory):
	lib = str(tmp_path_factory.mktemp("recorder") / "recorder.so")
	subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE",
	    "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o",
	    lib, ROOT + "/test/fault/recorder.c", "-ldl"], check=True)
	return lib


class Record:
	def __init__(self, world, lib):
		self.world, self.lib = world, lib
		self.path = world.dir + "/calls"
		self.lines = []

	def run(self, kill=None, rc=0):
		if os.path.exists(self.path):
			os.unlink(self.path)
		asan = ":".join(x for x in (os.environ.get("ASAN_OPTIONS"),
		    "verify_asan_link_order=0") if x)
		env = {"LD_PRELOAD": self.lib, "RECORD_TO": self.path,
		    "ASAN_OPTIONS": asan}
		if kill:
			env["RECORD_KILL"] = kill
		r = self.world.run("--json", "sync", env=env, rc=rc)
		with open(self.path) as f:
			self.lines = f.read().splitlines()
		return r

	def all(self, pattern):
		return [i for i, line in enumerate(self.lines)
		    if re.search(pattern, line)]

	def one(self, pattern):
		"""Where the first such line is; there has to be one."""
		found = self.all(pattern)
		assert found, "no %s in\n%s" % (pattern, self)
		return found[0]

	def between(self, pattern, first, last):
		"""Such a line comes between those two."""
		assert any(first < i < last for i in self.all(pattern)), \
		    "no %s between line %d and %d of\n%s" % (pattern, first,
		    last, self)

	def next(self, pattern, behind):
		found = [i for i in self.all(pattern) if i > behind]
		assert found, "no %s behind line %d of\n%s" % (pattern,
		    behind, self)
		return found[0]

	def __str__(self):
		return "\n".join("%d %s" % x for x in enumerate(self.lines))


@pytest.fixture
def record(world, recorder):
	return Record(world, recorder)


def fill(world, *toks):
	with world.imap() as imap:
		for tok in toks:
			world.append(imap, "INBOX", tok, ["\\Seen"])


@pytest.mark.parametrize("n", [1, 20])
def test_delivered(world, record, n):
	"""Bytes, then the name, then the index. 20: by one syncfs."""
	world.sync()
	fill(world, *("m%d" % i for i in range(n)))
	record.run()
	renamed = record.all(r"rename .*/INBOX/cur/")
	assert len(renamed) == n, str(record)
	written = record.all(r"sync .*/INBOX/tmp/" if n == 1 else
	    r"syncfs .*/INBOX/tmp$")
	assert written and written[0] < renamed[0], str(record)
	record.between(r"sync .*/INBOX/cur$", renamed[-1],
	    record.next(WAL, renamed[-1]))
	world.compare()


def test_killed_before_the_name(world, record):
	"""The index does not speak of a file that has no name yet."""
	world.sync()
	fill(world, "m1", "m2")
	r = record.run(kill="/INBOX/cur/", rc=-9)
	assert record.one(r"rename .*/INBOX/cur/") == len(record.lines) - 1, \
	    str(r)
	world.sync()
	world.compare({"INBOX": {t: frozenset(["\\Seen"])
	    for t in ("m1", "m2")}})
	world.assert_idle()


def test_observed_before_it_is_sent(world, record):
	"""What a mail reader renamed without a sync is made durable before the
	index speaks of it, and before the server is told."""
	fill(world, "m1")
	world.sync()
	world.maildir.flag(world.maildir.find("m1"), "F")
	record.run()
	synced = record.one(r"sync .*/INBOX/cur$")
	stored = record.one(r"send .* STORE ")
	assert synced < stored, str(record)
	record.between(WAL, synced, stored)


MANY = r"syncfs .*/INBOX/cur$"


def test_uploaded_is_durable(world, record):
	"""The file, its content in the index; the file, for it may have been
	edited since, the intent in the index, then APPEND."""
	world.sync()
	f = world.deliver("INBOX", "m1", "S")
	record.run()
	appended = record.one(r"send .* APPEND ")
	synced = record.all(r"sync .*/INBOX/cur/%s$" % re.escape(f.name))
	assert len(synced) == 2 and synced[1] < appended, str(record)
	record.between(WAL, synced[0], synced[1])
	record.between(WAL, synced[1], appended)


def test_many_uploaded_are_durable(world, record):
	"""By one syncfs for all of them, each time."""
	world.sync()
	for i in range(20):
		world.deliver("INBOX", "m%d" % i, "S")
	record.run()
	appended = record.one(r"send .* APPEND ")
	synced = record.all(MANY)
	assert len(synced) == 2 and synced[1] < appended, str(record)
	record.between(WAL, synced[0], synced[1])
	record.between(WAL, synced[1], appended)
	assert not record.all(r"sync .*/INBOX/cur/"), str(record)


@pytest.mark.parametrize("n", [1, 20])
def test_adopted_is_durable(world, record, n):
	"""What another program wrote, before it is the other half of a message
	on the server. Its content alone makes it that."""
	fill(world, *("m%d" % i for i in range(n)))
	world.maildir.create("INBOX")
	for i in range(n):
		f = world.deliver("INBOX", "m%d" % i, "S")
	r = record.run()
	assert r.summary()["pulled"]["new"] == 0, str(r)
	synced = record.one(MANY if n > 1 else
	    r"sync .*/INBOX/cur/%s$" % re.escape(f.name))
	headers = record.one(r"send .* FETCH .*BODY\.PEEK")
	record.between(WAL, synced, headers)
	world.compare()


def test_folder_of_others_is_durable(world, record):
	"""Made by somebody else, with those above it: before it is base."""
	world.sync()
	world.maildir.create("a/b")
	record.run()
	created = record.one(r"send .* CREATE ")
	synced = [record.one(r"sync .*/mail/%s$" % x) for x in ("a/b", "a")]
	synced += [record.next(r"sync .*/mail$", synced[1])]
	assert created < synced[0] < synced[1] < synced[2], str(record)
	assert len(record.all(WAL)) > 0 and record.all(WAL)[-1] > synced[2]


def test_folder_that_is_made_is_durable(world, record):
	world.sync()
	with world.imap() as imap:
		imap.create("a/b")
	record.run()
	made = record.one(r"rename .*/mail/a/b$")
	record.between(r"sync .*/mail/a$", made, record.next(WAL, made))


def test_pulled_flag_is_durable(world, record):
	fill(world, "m1")
	world.sync()
	with world.imap() as imap:
		imap.store("INBOX", [1], "+", ["\\Flagged"])
	record.run()
	renamed = record.one(r"rename .*/INBOX/cur/.*:2,FS$")
	record.between(r"sync .*/INBOX/cur$", renamed,
	    record.next(WAL, renamed))


def test_unlinked_is_durable(make_world, recorder):
	world = make_world(keys={"attic-days": "0"})
	record = Record(world, recorder)
	fill(world, "m1", "m2")
	world.sync()
	with world.imap() as imap:
		imap.expunge("INBOX", [1])
	record.run()
	gone = record.one(r"unlink .*/INBOX/cur/")
	record.between(r"sync .*/INBOX/cur$", gone, record.next(WAL, gone))


def test_put_away_is_durable(world, record):
	"""The attic first, then the folder, then the index."""
	fill(world, "m1", "m2")
	world.sync()
	with world.imap() as imap:
		imap.expunge("INBOX", [1])
	record.run()
	gone = record.one(r"rename .*/attic/tmp/.*/INBOX/")
	assert not record.all(r"unlink .*/INBOX/cur/")
	kept = record.next(r"sync .*/attic/tmp/[^/]*/INBOX$", gone)
	record.between(r"sync .*/INBOX/cur$", kept, record.next(WAL, gone))
	for above in ("/.mailtern", "/attic", "/attic/tmp"):
		assert record.one(r"sync .*%s$" % above) < gone


def test_index_is_durable_before_the_server_changes(world, record):
	"""The token of this run before the marker gets it, and that it has it
	before a message is removed. (Its own first page is no proof.)"""
	fill(world, "m1", "m2")
	world.sync()
	world.maildir.unlink(world.maildir.find("m1"))
	record.run()
	marked = record.one(r"rename .*/\.mailtern/")
	seen = record.one(r"sync .*/INBOX/cur$")
	record.between(WAL, seen, marked)
	record.between(WAL, marked, record.one(r"send .* EXPUNGE"))


def test_kept_is_durable(make_world, recorder):
	"""attic = all: the bytes, the name, and then the server loses it."""
	world = make_world(keys={"attic": "all"})
	record = Record(world, recorder)
	fill(world, "m1", "m2")
	world.sync()
	world.maildir.unlink(world.maildir.find("m1"))
	record.run()
	written = record.one(r"sync .*/attic/tmp/part/")
	renamed = record.one(r"rename .*/attic/tmp/[0-9-]+/INBOX/")
	stored = record.one(r"send .* STORE ")
	assert written < renamed < stored, str(record)
	record.between(r"sync .*/attic/tmp/[0-9-]+/INBOX$", renamed, stored)
	record.between(r"sync .*/attic/tmp/[0-9-]+$", -1, stored)
	record.between(r"sync .*/attic/tmp$", -1, stored)
