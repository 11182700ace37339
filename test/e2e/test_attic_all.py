"""attic = all: what is deleted on disk is in the attic before the server loses
it, and comes back from there."""

import os

import pytest

from test_attic import days, fill, kept
from test_history import log, restore

from maildirview import token


@pytest.fixture
def keeping(make_world):
	return make_world(keys={"attic": "all"})


def test_deleted_here_comes_back(keeping):
	"""Byte for byte, with flags, keywords and date, under another name; and
	the log says that it was kept."""
	world = keeping
	with world.imap() as imap:
		world.append(imap, "INBOX", "m1", ["\\Flagged", "todo"],
		    size=300000)
		world.append(imap, "INBOX", "m2", ["\\Seen"])
	world.sync()
	old = world.maildir.find("m1")
	data, name = old.data(), old.name
	world.maildir.unlink(old)
	world.settle()
	(day, folder, file), held = kept(world).popitem()
	assert day in days() and folder == "INBOX" and file == name
	assert held == data
	gone, = [e for e in log(world) if e["what"] == "removed-remote"]
	assert "kept in the attic" in gone["why"]
	told, = restore(world, str(gone["id"]))
	assert told["outcome"] == "restored"
	new = world.maildir.find("m1")
	assert new.data() == data and new.name.endswith(":2,F")
	assert os.stat(new.path).st_mtime == 1500000000
	assert world.sync().summary()["pushed"]["new"] == 1
	world.settle()
	with world.imap() as imap:
		flags = [m.flags for m in imap.messages("INBOX").values()
		    if token(m.data) == "m1"]
	assert flags == [{"\\Flagged", "todo"}]


def test_nothing_is_fetched_for_what_another_file_holds(keeping):
	world = keeping
	fill(world, "m1", "m2")
	fill(world, "m1", "w1", folder="work")
	world.sync()
	world.maildir.unlink(world.maildir.find("m1", "work"))
	before = world.run("--json", "sync", rc=0).summary()["bytes_in"]
	assert [token(v) for v in kept(world).values()] == ["m1"]
	world.maildir.unlink(world.maildir.find("w1", "work"))
	after = world.run("--json", "sync", rc=0).summary()["bytes_in"]
	assert sorted(token(v) for v in kept(world).values()) == ["m1", "w1"]
	assert after > before
	world.settle()


def test_a_folder_deleted_here_comes_back(keeping):
	world = keeping
	fill(world, "m1")
	fill(world, "w1", "w2", folder="work")
	world.sync()
	world.maildir.remove_folder("work")
	world.settle()
	assert sorted(k[1] for k in kept(world)) == ["work", "work"]
	restore(world, "--to", "1h")
	world.settle()
	assert {token(f.data()) for f in world.maildir.files("work")} == {"w1", "w2"}


def test_moved_or_to_the_trash_is_not_kept(make_world):
	world = make_world(keys={"attic": "all", "trash": "Trash"})
	fill(world, "m1", "m2", "m3")
	fill(world, "t1", folder="Trash")
	fill(world, "w1", folder="work")
	world.sync()
	world.maildir.move(world.maildir.find("m1"), "work")
	world.maildir.unlink(world.maildir.find("m2"))
	world.settle()
	assert kept(world) == {}
	world.maildir.unlink(world.maildir.find("t1", "Trash"))
	world.settle()
	assert [token(v) for v in kept(world).values()] == ["t1"]


def test_no_room(keeping):
	"""What can't be kept is not removed."""
	world = keeping
	fill(world, "m1", "m2")
	world.sync()
	attic = world.maildir.root + "/.mailtern/attic"
	os.mkdir(attic)
	with open(attic + "/tmp", "w"):
		pass
	world.maildir.unlink(world.maildir.find("m1"))
	r = world.run("sync")
	assert r.rc in (1, 74) and "attic" in r.err
	with world.imap() as imap:
		assert len(imap.messages("INBOX")) == 2
	os.unlink(attic + "/tmp")
	world.settle()
	assert [token(v) for v in kept(world).values()] == ["m1"]
