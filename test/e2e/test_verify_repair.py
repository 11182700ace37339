"""verify --repair: what loses nothing is put right, and all else is left."""

import fcntl
import os
import shutil
import subprocess

import pytest

import spoil
from damage import (CASES, REMOTE, fill, kinds, on_file, refused, rot, swap,
    through, verify, write)
from middleman import Middleman
from test_attic import kept
from world import ROOT


def repair(world, *args, rc=0):
	return world.run("--json", "verify", "--repair", *args, rc=rc)


def done(result):
	return sorted(e["kind"] for e in result.of("repaired"))


def inbox(*toks):
	return {t: frozenset(["\\Seen"]) for t in toks}


MODEL = {"INBOX": inbox("m0", "m1", "m2", "m3"), "work": {"w1": frozenset()}}


@pytest.mark.parametrize("name, spoil_it", [("file-rotten", rot),
    ("file-empty", write(lambda f: b""))])
def test_file_comes_back(world, name, spoil_it):
	"""The server has it whole: the file goes to the attic, the message is
	pulled; nothing else moves."""
	fill(world)
	old = world.maildir.find("m1")
	spoil_it(world, old)
	spoiled = old.data()
	remote = world.remote_stamp()
	r = repair(world)
	assert done(r) == [name] and kinds(r) == [name], str(r)
	assert r.events[-1]["repaired"] == r.events[-1]["damaged"] == 1
	assert spoiled in kept(world).values()
	assert not os.path.exists(old.path)
	assert [e["what"] for e in world.run("--json", "log").of("log")][-1] \
	    == "repaired"
	assert world.sync().summary()["pulled"]["new"] == 1
	assert world.remote_stamp() == remote
	world.known_damage.add("attic-empty")
	world.settle(MODEL)
	new = world.maildir.find("m1")
	assert new.unique != old.unique and new.letters == "S"


def stays(world, *args, rc=1, kind="file-rotten"):
	"""It is told, and nothing is done."""
	local = world.local_stamp()
	r = repair(world, *args, rc=rc)
	assert not r.of("repaired") and kind in kinds(r), str(r)
	assert world.local_stamp() == local


def test_not_without_the_server(world):
	fill(world)
	on_file(rot)(world)
	stays(world, "--offline")


def test_not_where_the_server_has_it_not(world):
	fill(world)
	on_file(rot)(world)
	with Middleman(world.server.port, down=swap(b"This is m1.",
	    b"This is mX.")) as man:
		through(world, man)
		stays(world)
	with Middleman(world.server.port, up=refused) as man:
		through(world, man)
		stays(world)


@pytest.mark.parametrize("seen", [False, True])
def test_not_while_flags_wait(world, seen):
	"""They would go with the file; whether the index has seen them or not."""
	fill(world)
	f = world.maildir.flag(world.maildir.find("m1"), "F")
	if seen:
		world.run("status", rc=0)
	rot(world, f)
	stays(world)
	world.sync()
	f = world.maildir.find("m1")
	assert done(repair(world)) == ["file-rotten"]
	model = {k: dict(v) for k, v in MODEL.items()}
	model["INBOX"]["m1"] = frozenset(["\\Seen", "\\Flagged"])
	world.settle(model)


@pytest.mark.parametrize("keys", [{"attic-days": "0"}, {"attic": "none"}],
    ids=["no days", "none"])
def test_not_without_an_attic(make_world, keys):
	world = make_world(keys=keys)
	fill(world)
	on_file(rot)(world)
	stays(world)


def test_attic_takes_it_not(world):
	"""The row has its file again, and a sync deletes nothing."""
	fill(world)
	at = world.maildir.root + "/.mailtern/attic/tmp"
	shutil.rmtree(at)
	on_file(rot)(world)
	with open(at, "w"):
		pass
	stays(world)
	os.unlink(at)
	assert world.sync().summary()["pushed"]["deleted"] == 0
	assert done(repair(world)) == ["file-rotten"]
	world.settle(MODEL)


def test_not_what_somebody_wrote(world):
	"""The next sync takes it for a message of its own."""
	fill(world)
	on_file(write(lambda f: b"From: y\n\nother\n"))(world)
	stays(world, kind="file-content")


def test_not_in_another_maildir(world):
	fill(world)
	on_file(rot)(world)
	CASES["root-older"][0](world)
	stays(world)


@pytest.mark.parametrize("name", ["row-seen", "folder-tally", "folder-clock",
    "folder-tally: none"])
def test_index_is_put_right(world, name):
	fill(world)
	CASES[name][0](world)
	if name.endswith("none"):
		# No row to be set right; the next index has one.
		assert kinds(repair(world, "--offline", rc=0)) == [
		    "folder-tally"]
		return
	r = repair(world, "--offline")
	assert done(r) == kinds(r) == [name]
	assert not verify(world, rc=0).of("finding")
	world.settle(MODEL)


@pytest.mark.parametrize("folder_, sub, made", [
    ("work", "tmp", True), ("work", "cur", True), ("work", "new", False),
    ("INBOX", "tmp", True), ("INBOX", "new", True), ("INBOX", "cur", False)])
def test_directory_is_made_again(world, folder_, sub, made):
	"""But not where it would say that its messages were deleted: INBOX has
	them in cur, work in new."""
	fill(world)
	at = world.maildir.dir(folder_)
	os.rename(at + "/" + sub, at + ".was")
	r = repair(world, "--offline", rc=0 if made else 1)
	assert os.path.isdir(at + "/" + sub) == made, str(r)
	assert (done(r) == ["dir-part"]) == made
	if not made:
		os.rename(at + ".was", at + "/" + sub)
	else:
		shutil.rmtree(at + ".was")
	world.settle(MODEL)


def test_unknown_message_is_found(world):
	fill(world)
	REMOTE["remote-unknown"]["change"](world)
	assert done(repair(world)) == ["remote-unknown"]
	world.settle(MODEL)


def test_not_beside_a_sync(world):
	fill(world)
	with open(spoil.path(world) + ".lock") as lock:
		fcntl.flock(lock, fcntl.LOCK_EX)
		assert "at work" in repair(world, rc=75).err
	repair(world, rc=0)


@pytest.fixture(scope="module")
def killat(tmp_path_factory):
	at = str(tmp_path_factory.mktemp("kill") / "killat")
	subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE",
	    "-O1", "-Wall", "-Wextra", "-Werror", "-o", at, ROOT +
	    "/test/fault/killat.c"], check=True)
	return at


def bodies(world):
	"""What lies in INBOX: on disk, and on the server, with LF."""
	with world.imap() as imap:
		return ([f.data() for f in world.maildir.files("INBOX")],
		    [m.data.replace(b"\r\n", b"\n")
		    for m in imap.messages("INBOX").values()])


@pytest.mark.parametrize("n", range(1, 61))
@pytest.mark.sample(10)
def test_killed_at_any_call(world, killat, n):
	"""By what changes something. No message is lost, and none deleted; at worst
	a file of garbled octets is one message more."""
	fill(world)
	whole = sorted(bodies(world)[0])
	rot(world, world.maildir.find("m1"))
	r = world.run("--json", "verify", "--repair", wrap=[killat, "-w", str(n),
	    "enter" if n % 2 else "exit", "--"])
	assert "fired=1" in r.out, str(r)
	world.sync()
	assert [m for m in sorted(bodies(world)[1]) if m in whole] == whole
	repair(world)
	world.sync()
	for side in bodies(world):
		side = sorted(side)
		assert [m for m in side if m in whole] == whole, str(r)
		assert len(side) - len(whole) <= 1
	assert not world.sync().summary()["pending"]
	assert not verify(world, rc=0).of("finding")
