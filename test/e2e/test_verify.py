"""verify: each kind of damage is told in words, and nothing is changed."""

import collections
import re

import pytest

from damage import CASES, DAMAGE, REMOTE, fill, kinds, stamp, verify, write
from world import ROOT


@pytest.fixture
def fast_clock(preload):
	return preload("test/fault/fastclock.c")


@pytest.mark.parametrize("name", CASES)
def test_told(world, name):
	"""Just that, in words, whoever reads; and nothing is touched."""
	case = CASES[name]
	change, want, words = case[:3]
	cls = case[3] if len(case) > 3 else DAMAGE
	fill(world)
	sound = verify(world, rc=0)
	assert not sound.of("finding"), str(sound)
	change(world)
	before = stamp(world)
	r = verify(world, *case[4:])
	assert stamp(world) == before
	assert kinds(r) == sorted(want), str(r)
	first = [e for e in r.of("finding") if words in e["is"]]
	assert len(first) == 1, str(r)
	assert first[0]["kind"] == name.split(":")[0] or name in ("page "
	    "garbled", "index cut")
	assert first[0]["class"] == cls, str(r)
	assert first[0]["should"] and first[0]["remedy"]
	damaged = [e for e in r.of("finding") if e["class"] == DAMAGE]
	assert r.rc == (1 if damaged else 0), str(r)
	last = r.events[-1]
	assert last["event"] == "verified"
	assert last["damaged"] == len(damaged)
	plain = world.run("verify", "--offline", *case[4:])
	assert words in plain.err + plain.out
	assert plain.rc == r.rc
	quiet = world.run("-q", "verify", "--offline", *case[4:])
	assert quiet.out == "" and (words in quiet.err) == (cls == DAMAGE)


def test_begins_anywhere(world, fast_clock):
	"""Runs that are too short for all meet all the same."""
	with world.imap() as imap:
		for i in range(12):
			world.append(imap, "INBOX", "m%d" % i, ["\\Seen"])
	world.sync()
	for f in world.maildir.files("INBOX"):
		write(lambda f: b"From: y\n\n%s\n" % f.name.encode())(world, f)
	met = set()
	for _ in range(200):
		r = world.run("--json", "verify", "--offline", "--time", "1s",
		    env=fast_clock)
		assert r.events[-1]["stopped"]
		met |= {e["unique"] for e in r.of("finding")}
		if len(met) == 12:
			break
	assert len(met) == 12


def test_kinds_are_many():
	"""All that verify knows, but for a disk that can't be read."""
	met = {k for case in CASES.values() for k in case[1]}
	met |= {name.split(":")[0] for name in REMOTE}
	known = set()
	with open(ROOT + "/src/plan/verify_words.c") as f:
		for line in f:
			if line.startswith("\t[V_"):
				known.add(line.split('"')[1])
	assert known - met == {"attic-unread"}
	assert len(met) >= 75


def test_never_synced(world):
	r = verify(world, rc=0)
	assert r.events == [{"event": "verified", "account": "w",
	    "folders": 0, "messages": 0, "total": None, "online": False, "bodies": 0,
	    "damaged": 0, "repaired": 0, "foreign": 0, "changed": 0, "never": True, "stopped": False}]
	assert "never synced" in world.run("verify", "--offline").out


def test_folders_that_match(world):
	fill(world)
	write(lambda f: b"other")(world, world.maildir.find("m1"))
	write(lambda f: b"other")(world, world.maildir.find("w1"))
	both = verify(world, rc=1)
	assert [e["folder"] for e in both.of("finding")] == ["INBOX", "work"]
	one = verify(world, "w:wo*", rc=1)
	assert [e["folder"] for e in one.of("finding")] == ["work"]
	assert one.events[-1]["messages"] == 1


def test_parts_cover_all(world):
	"""Each message is in one of 30 parts, also what is on one side alone, and
	what comes meanwhile moves none."""
	with world.imap() as imap:
		for i in range(60):
			world.append(imap, "INBOX", "m%d" % i, ["\\Seen"])
	world.sync()
	for f in world.maildir.files("INBOX"):
		write(lambda f: b"From: y\n\n%s\n" % f.name.encode())(world, f)
	for i in range(20):
		world.deliver("INBOX", "n%d" % i, "S")
	whole = verify(world)
	assert whole.events[-1]["messages"] == 80
	want = collections.Counter((e["kind"], e["unique"])
	    for e in whole.of("finding"))
	assert len(want) == 80 and set(want.values()) == {1}
	got, messages = collections.Counter(), []
	for n in range(1, 31):
		r = verify(world, "--part", "%d/30" % n)
		got.update((e["kind"], e["unique"]) for e in r.of("finding"))
		messages.append(r.events[-1]["messages"])
		# Its own part, or a later one: none is counted twice.
		world.deliver("INBOX", "later%d" % n, "S")
	new = {k for k in got if k not in want}
	assert {k[0] for k in new} <= {"name-new"}
	assert {k: n for k, n in got.items() if k in want} == want
	assert sum(messages) == 80 + len(new)
	assert max(messages) < 20


def test_time_is_up(world, fast_clock):
	"""The clock goes on a tenth of a second at each look."""
	with world.imap() as imap:
		for i in range(200):
			world.append(imap, "INBOX", "m%d" % i, ["\\Seen"])
	world.sync()
	all_of_it = verify(world, "--time", "1h", rc=0).events[-1]
	assert all_of_it["messages"] == 200 and not all_of_it["stopped"]
	r = world.run("--json", "verify", "--offline", "--time", "2s",
	    env=fast_clock, rc=0)
	last = r.events[-1]
	assert 0 < last["messages"] < 25 and last["stopped"]
	assert last["total"] == 200 and not last["online"]
	last = world.run("--json", "verify", "--time", "40s", env=fast_clock,
	    rc=0).events[-1]
	assert 0 < last["messages"] < 200 and last["stopped"], str(last)
	assert 0 < last["bodies"] < 200 and last["online"], str(last)
	assert "the time was up" in world.run("verify", "--offline", "--time",
	    "2s", env=fast_clock).out


def test_tells_how_far_it_is(world, fast_clock):
	"""Where there is no terminal, a line every ten seconds."""
	with world.imap() as imap:
		for i in range(200):
			world.append(imap, "INBOX", "m%d" % i, ["\\Seen"])
	world.sync()
	err = world.run("verify", env=fast_clock, rc=0).err
	assert re.search(r"w: reading \d+ of 200$", err, re.M), err
	assert re.search(r"w: fetching \d+ of 200$", err, re.M), err
	assert world.run("-q", "verify", env=fast_clock, rc=0).err == ""


def test_while_a_sync_is_at_work(world):
	"""What it changes under the reader's eyes is no damage."""
	fill(world)
	with world.imap() as imap:
		for i in range(100, 400):
			world.append(imap, "INBOX", "m%d" % i)
	sync = world.popen("-q", "sync")
	n = 0
	while sync.poll() is None:
		r = verify(world)
		n += 1
		assert r.rc in (0, 75), str(r)
	assert sync.returncode == 0 and n > 0
	assert not verify(world, rc=0).of("finding")


@pytest.mark.parametrize("args, words", [
    (["--part", "0/3"], "--part wants N/M"),
    (["--part", "4/3"], "--part wants N/M"),
    (["--part", "1"], "--part wants N/M"),
    (["--part", "1/x"], "--part wants N/M"),
    (["--time", "0"], "--time wants"),
    (["--time", "5d"], "--time wants"),
    (["--time", "5m", "--part", "1/2"], "exclude each other"),
])
def test_usage(world, args, words):
	r = world.run("verify", "--offline", *args, rc=64)
	assert words in r.err
