"""What log tells, and what restore brings back, by the program itself."""

import json
import os

from test_attic import expunge, fill, kept


def log(world, *args):
	return world.run("--json", "log", *args, rc=0).of("log")


def restore(world, *args, rc=0):
	return world.run("--json", "restore", "w", *args, rc=rc).of("restore")


def test_a_message_comes_back(world):
	"""Byte for byte, with its flags, under another name; the server has it
	once more then, and nothing else moves."""
	fill(world, "m1", "m2")
	world.sync()
	old = world.maildir.find("m1")
	data, name = old.data(), old.name
	expunge(world, 1)
	world.sync()
	gone, = [e for e in log(world) if e["what"] == "removed-local"]
	assert gone["uid"] == 1 and gone["folder"] == "INBOX"
	assert gone["message_id"] == "<m1@example.org>"
	assert gone["flags"] == "\\Seen"
	assert (gone["subject"], gone["from"]) == ("about m1", "Ann")
	assert "EXISTS 1" in gone["why"]
	assert len(world.maildir.files("INBOX")) == 1
	told, = restore(world, "-n", str(gone["id"]))
	assert told["outcome"] == "restored" and told["dry_run"]
	assert len(world.maildir.files("INBOX")) == 1
	told, = restore(world, str(gone["id"]))
	assert told["outcome"] == "restored"
	new = world.maildir.find("m1")
	assert new.data() == data and new.name == told["file"]
	assert new.name != name and new.name.endswith(":2,S")
	assert os.stat(new.path).st_mtime == 1500000000
	told, = restore(world, str(gone["id"]))
	assert told["outcome"] == "there"
	summary = world.sync().summary()
	assert summary["pushed"]["new"] == 1
	assert summary["pulled"]["deleted"] == 0
	world.settle()
	assert [e["what"] for e in log(world, "w:INBOX", "--since", "1")] == ["pulled", "pulled", "removed-local", "restored",
	    "pushed"]


def test_what_would_be_done_names_the_message(world):
	"""Dry run and status tell subject and sender, as far as known."""
	fill(world, "m1", "m2")
	world.sync()
	expunge(world, 1)
	world.maildir.unlink(world.maildir.find("m2"))
	told = {e["op"]: e for e in world.run("--json", "sync", "-n",
	    rc=0).of("op")}
	assert told["remove-local"]["subject"] == "about m1"
	assert told["remove-local"]["from"] == "Ann"
	assert told["remove-remote"]["subject"] == "about m2"
	out = world.run("status", rc=0).out
	assert 'remove-remote UID 2, "about m2", from Ann' in out
