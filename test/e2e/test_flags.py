"""Flags and keywords: three-way, each by itself; what a side can't hold stays."""

import os

import pytest

import judge
from maildirview import token


def start(world, *flags, tok="m"):
	with world.imap() as imap:
		uid = world.append(imap, "INBOX", tok, flags)
	world.sync()
	return uid


def letters(world, tok="m"):
	return world.maildir.find(tok).letters


def flags(world, uid):
	with world.imap() as imap:
		return set(imap.messages("INBOX", False)[uid].flags)


PAIRS = sorted(judge.LETTER.items())


@pytest.mark.sample(2)
@pytest.mark.parametrize("flag,letter", PAIRS)
def test_each_flag_both_ways(world, flag, letter):
	uid = start(world)
	with world.imap() as imap:
		imap.store("INBOX", uid, "+", [flag])
	world.settle()
	assert letters(world) == letter
	world.maildir.unflag(world.maildir.find("m"), letter)
	world.settle()
	assert flags(world, uid) == set()
	world.maildir.flag(world.maildir.find("m"), letter)
	world.settle()
	assert flags(world, uid) == {flag}
	with world.imap() as imap:
		imap.store("INBOX", uid, "-", [flag])
	world.settle()
	assert letters(world) == ""


def test_all_at_once_and_in_order(world):
	uid = start(world, *[f for f, _ in PAIRS])
	assert letters(world) == "DFPRST"
	assert world.maildir.find("m").box == "cur"
	assert flags(world, uid) == {f for f, _ in PAIRS}


def test_unseen_lands_in_new(world):
	start(world)
	f = world.maildir.find("m")
	assert (f.box, f.letters) == ("new", "")


def test_foreign_letters_survive(world):
	uid = start(world, "\\Seen")
	f = world.maildir.find("m")
	world.maildir.set_letters(f, "Sabz")
	world.settle()
	assert letters(world) == "Sabz"
	with world.imap() as imap:
		imap.store("INBOX", uid, "", ["\\Flagged"])
	world.settle()
	assert letters(world) == "Fabz"
	world.maildir.set_letters(world.maildir.find("m"), "FRabz")
	world.settle()
	assert flags(world, uid) == {"\\Flagged", "\\Answered"}


def test_keywords_survive(world):
	uid = start(world, "\\Seen", "work", "$Label1")
	world.maildir.flag(world.maildir.find("m"), "F")
	world.settle()
	assert flags(world, uid) == {"\\Seen", "\\Flagged", "work", "$Label1"}
	with world.imap() as imap:
		imap.store("INBOX", uid, "-", ["work"])
		imap.store("INBOX", uid, "+", ["todo"])
	world.settle()
	world.maildir.unflag(world.maildir.find("m"), "FS")
	world.settle()
	assert flags(world, uid) == {"$Label1", "todo"}


def test_many_keywords(world):
	words = ["k%02d" % i for i in range(40)]
	uid = start(world, *words)
	world.maildir.flag(world.maildir.find("m"), "S")
	world.settle()
	assert flags(world, uid) == set(words) | {"\\Seen"}


def test_more_than_are_taken_at_once(world):
	n = 2600
	with world.imap() as imap:
		for i in range(n):
			world.append(imap, "INBOX", "m%d" % i, ["\\Seen"])
	world.sync()
	with world.imap() as imap:
		imap.store("INBOX", range(1, n + 1, 2), "+", ["\\Flagged"])
	odd = {"m%d" % i for i in range(1, n, 2)}
	for f in world.maildir.files("INBOX"):
		if token(f.data()) in odd:
			world.maildir.unflag(f, "S")
	s = world.sync().summary()
	assert s["pulled"]["flags"] == s["pushed"]["flags"] == n // 2, s
	world.compare({"INBOX": {"m%d" % i: frozenset() if i % 2 else
	    frozenset(["\\Seen", "\\Flagged"]) for i in range(n)}})
	world.assert_idle()


def test_both_sides_same_message(world):
	uid = start(world, "\\Seen", "\\Draft", "work")
	world.maildir.set_letters(world.maildir.find("m"), "FS")
	with world.imap() as imap:
		imap.store("INBOX", uid, "-", ["\\Seen", "work"])
		imap.store("INBOX", uid, "+", ["\\Answered"])
	world.settle({"INBOX": {"m": frozenset(["\\Flagged", "\\Answered"])}})


def test_renamed_by_a_reader_is_no_change(world):
	"""new/ to cur/ without a flag, and back."""
	start(world)
	f = world.maildir.find("m")
	f = world.maildir.set_letters(f, "")
	r = world.sync()
	assert r.summary()["pushed"]["flags"] == 0
	os.rename(f.path, os.path.join(world.maildir.dir("INBOX"), "new",
	    f.unique))
	world.assert_idle()


def test_deleted_is_a_flag(world):
	uid = start(world, "\\Deleted")
	assert letters(world) == "T"
	world.assert_idle()
	assert flags(world, uid) == {"\\Deleted"}


@pytest.mark.parametrize("side", ["local", "remote"])
def test_expunge_yes_removes(make_world, side):
	world = make_world(keys={"expunge": "yes"})
	uid = start(world)
	start(world, tok="other")
	if side == "local":
		world.maildir.flag(world.maildir.find("m"), "T")
	else:
		with world.imap() as imap:
			imap.store("INBOX", uid, "+", ["\\Deleted"])
	world.settle({"INBOX": {"other": frozenset()}})


def test_others_deleted_stay(world):
	"""Removing ours does not expunge what others have marked."""
	start(world, "\\Deleted", tok="theirs")
	start(world, tok="ours")
	world.maildir.unlink(world.maildir.find("ours"))
	world.settle({"INBOX": {"theirs": frozenset(["\\Deleted"])}})


def test_trash(make_world):
	world = make_world(keys={"trash": "Trash"})
	with world.imap() as imap:
		imap.create("Trash")
	start(world, "\\Seen")
	world.maildir.unlink(world.maildir.find("m"))
	world.sync()
	world.sync()
	world.compare({"INBOX": {}, "Trash": {"m": frozenset(["\\Seen"])}})
	world.assert_idle()
