"""What log tells, and what restore brings back, by the program itself."""

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


def removals(world):
	return [e for e in log(world) if e["what"].startswith("removed-")]


def test_letters_of_others_come_back(world):
	"""And those behind a comma, with which it lies in cur/."""
	fill(world, "m1", "m2", "m3")
	world.sync()
	for tok, letters in (("m1", "Sab"), ("m2", "c,x=1")):
		f = world.maildir.find(tok)
		os.rename(f.path, os.path.dirname(f.path) + "/" +
		    f.name.partition(":")[0] + ":2," + letters)
	world.sync()
	expunge(world, 1)
	expunge(world, 2)
	world.sync()
	restore(world, "--to", "1h")
	assert world.maildir.find("m1").name.endswith(":2,Sab")
	assert world.maildir.find("m2").name.endswith(":2,c,x=1")
	assert "/cur/" in world.maildir.find("m2").path
	world.settle()


def test_kept_under_the_name_of_another(world):
	"""One of two is not kept while the other is there. When that has gone
	to the attic, it has both; each with its own flags."""
	fill(world, "m1", "m2")
	with world.imap() as imap:
		imap.create("work")
		world.append(imap, "work", "m1", ["\\Flagged"])
	world.sync()
	expunge(world, 1)
	world.sync()
	assert kept(world) == {}
	expunge(world, 1, "work")
	world.sync()
	assert len(kept(world)) == 1
	told = restore(world, "--to", "1h")
	assert [e["outcome"] for e in told] == ["restored", "restored"]
	assert world.maildir.find("m1", "INBOX").name.endswith(":2,S")
	assert world.maildir.find("m1", "work").name.endswith(":2,F")
	world.settle()


def test_quiet_tells_what_was_asked_for(world):
	fill(world, "m1", "m2")
	world.sync()
	expunge(world, 1)
	world.sync()
	whole = world.run("log", rc=0).out
	assert whole and world.run("-q", "log", rc=0).out == whole
	id = str(removals(world)[0]["id"])
	dry = world.run("restore", "-n", "w", id, rc=0).out.splitlines()
	assert world.run("-q", "restore", "-n", "w", id,
	    rc=0).out.splitlines() == dry[:1]
	r = world.run("-q", "restore", "w", id, rc=0)
	assert r.out == r.err == ""
	assert world.maildir.find("m1")


def test_from_another_folder(world):
	"""What is not in the attic is copied from a file that holds the same,
	with the flags of the one that was removed."""
	fill(world, "m1", "m2")
	with world.imap() as imap:
		imap.create("work")
		world.append(imap, "work", "m1", ["\\Flagged"])
	world.sync()
	expunge(world, 1)
	world.sync()
	assert kept(world) == {}
	gone, = removals(world)
	told, = restore(world, "--to", "1h")
	assert told["outcome"] == "filed"
	told, = restore(world, str(gone["id"]))
	assert told["outcome"] == "restored"
	assert told["source"].startswith("work/cur/")
	new = world.maildir.find("m1", "INBOX")
	assert new.name.endswith(":2,S")
	assert new.data() == world.maildir.find("m1", "work").data()
	world.settle()
