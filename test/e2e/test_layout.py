"""layout = maildir++ and flat names: the same mail in other directories, taken
over from other programs, and moved from one layout to another without a
transfer."""

import os
import shutil
import subprocess

import pytest

from dovecot import Dovecot
from maildirview import FlatMaildir, Maildir
from rivals import needs
from test_adopt import (FOLDERS as ADOPTED, disk, fill as fill_adopted, is_held,
    is_taken, mbsync, names, offlineimap)
from world import World, transfers

NAMES = ["plain", "a/b/c", "a", "Entw\u00fcrfe/\u53f0\u5317", "dot.s/x.y",
    "per%cent", "per%2Ecent", "cur", "x/new/y", "mailtern", "Mailtern/x",
    "-rf", "tilde~", "INBOX/foo", "foo", "INBOX/a.b", "under_score/a_b"]
LAYOUTS = {
    "fs": ({}, Maildir),
    "maildir++": ({"layout": '"maildir++"'}, FlatMaildir),
    "maildir++ _": ({"layout": '"maildir++"', "separator": '"_"'},
	lambda root: FlatMaildir(root, True, "_")),
    "flat": ({"separator": '"."'}, lambda root: FlatMaildir(root, False)),
}
OTHER = [name for name in LAYOUTS if name != "fs"]


def choose(world, layout):
	keys, view = LAYOUTS[layout]
	for name in ("layout", "separator"):
		world.keys.pop(name, None)
	world.keys.update(keys)
	world.write_conf()
	world.maildir = view(world.maildir.root)


def fill(world, names=NAMES):
	"""Returns the model."""
	model = {"INBOX": {}}
	with world.imap() as imap:
		for n, name in enumerate(names):
			imap.create(name)
			world.append(imap, name, "t%d" % n, ["\\Seen"])
			model[name] = {"t%d" % n: frozenset(["\\Seen"])}
		for i in range(12):
			world.append(imap, "INBOX", "in%d" % i)
			model["INBOX"]["in%d" % i] = frozenset()
	return model


def files(world):
	"""What lies in each folder, wherever that is."""
	return {name: sorted((f.box, f.name, f.inode, f.mtime_ns)
	    for f in found) for name, found in world.maildir.all().items()}


# --- a layout ---


@pytest.mark.parametrize("layout", OTHER)
def test_pull(world, layout):
	choose(world, layout)
	world.settle(fill(world))
	world.run("status", rc=0)
	world.sync("--full")
	world.assert_idle()


@pytest.mark.parametrize("layout", OTHER)
def test_push(world, layout):
	choose(world, layout)
	world.sync()
	model = {"INBOX": {}}
	for n, name in enumerate(NAMES):
		# No server has these two.
		if name not in ("per%cent", "per%2Ecent"):
			world.maildir.create(name)
			world.deliver(name, "t%d" % n, "S")
			model[name] = {"t%d" % n: frozenset(["\\Seen"])}
	world.deliver("INBOX", "in", "F")
	model["INBOX"]["in"] = frozenset(["\\Flagged"])
	world.settle(model)


def test_where_they_lie(world):
	"""As other programs expect it."""
	choose(world, "maildir++")
	with world.imap() as imap:
		imap.create("lists/foo")
		imap.create("INBOX/foo")
		world.append(imap, "INBOX", "seen", ["\\Seen"])
		world.append(imap, "lists/foo", "fresh")
	world.sync()
	root = world.maildir.root
	assert sorted(os.listdir(root)) == [".INBOX.foo", ".lists.foo",
	    ".mailtern", "cur", "new", "tmp"]
	assert len(os.listdir(root + "/cur")) == 1
	assert len(os.listdir(root + "/.lists.foo/new")) == 1


def test_what_mutt_and_others_find(world):
	"""README: the mailboxes of a muttrc."""
	choose(world, "maildir++")
	fill(world, ["Sent", "a/b"])
	world.sync()
	world.maildir.unlink(world.maildir.find("in0"))
	with world.imap() as imap:
		imap.expunge("INBOX", 2)
	world.sync()
	root = world.maildir.root
	found = subprocess.run(["find", root, "-name", "cur", "-printf",
	    "%h\\n"], stdout=subprocess.PIPE, check=True, text=True).stdout
	assert sorted(found.split()) == [root, root + "/.Sent",
	    root + "/.a.b"]


@pytest.mark.parametrize("layout", OTHER)
def test_changes_on_both_sides(world, layout):
	choose(world, layout)
	model = fill(world, ["a", "a/b", "c.d", "INBOX/foo"])
	world.sync()
	world.maildir.flag(world.maildir.find("in0"), "F")
	world.maildir.move(world.maildir.find("in1"), "a/b")
	world.maildir.unlink(world.maildir.find("in2"))
	world.deliver("INBOX", "near", "S")
	world.maildir.create("made/here")
	with world.imap() as imap:
		for uid, m in imap.messages("INBOX").items():
			if b"X-Tok: in3" in m.data:
				imap.move("INBOX", [uid], "INBOX/foo")
		world.append(imap, "INBOX", "far")
		imap.create("made/there.too")
	model["a/b"]["in1"] = model["INBOX"].pop("in1")
	model["INBOX/foo"]["in3"] = model["INBOX"].pop("in3")
	del model["INBOX"]["in2"]
	model["INBOX"].update(in0=frozenset(["\\Flagged"]), far=frozenset(),
	    near=frozenset(["\\Seen"]))
	model["made/here"] = model["made/there.too"] = {}
	world.settle(model)


@pytest.mark.parametrize("layout", OTHER)
def test_renamed_on_the_server(world, layout):
	"""Each directory by itself, with nothing transferred."""
	choose(world, layout)
	model = fill(world, ["p", "p/c", "p/c/d", "pc"])
	world.sync()
	with world.imap() as imap:
		imap.rename("p", "q.r")
	for name in [n for n in model if n.split("/")[0] == "p"]:
		model["q.r" + name[1:]] = model.pop(name)
	before = sorted(f for found in files(world).values() for f in found)
	r = world.settle(model)
	assert r.summary()["pulled"]["new"] == 0, r
	assert before == sorted(f for found in files(world).values()
	    for f in found)


@pytest.mark.parametrize("layout", OTHER)
def test_renamed_on_disk(world, layout):
	choose(world, layout)
	model = fill(world, ["x", "y/z"])
	world.sync()
	world.maildir.rename_folder("y/z", "y/new.name")
	model["y/new.name"] = model.pop("y/z")
	world.settle(model)


@pytest.mark.parametrize("side", ["local", "remote"])
@pytest.mark.parametrize("layout", OTHER)
def test_deleted(world, layout, side):
	"""Those that lie below it by name stay."""
	choose(world, layout)
	model = fill(world, ["p", "p/c", "other"])
	world.sync()
	if side == "local":
		world.maildir.remove_folder("p")
	else:
		with world.imap() as imap:
			imap.delete("p")
	del model["p"]
	world.settle(model)
	assert not os.path.exists(world.maildir.dir("p"))


def test_inbox_gone_is_pulled_again(world):
	"""Its directories are those of the root."""
	choose(world, "maildir++")
	model = fill(world, ["a"])
	world.sync()
	for box in ("cur", "new", "tmp"):
		shutil.rmtree(world.maildir.root + "/" + box)
	world.settle(model)


def test_unread_folder_hides_no_other(world):
	choose(world, "maildir++")
	model = fill(world, ["a", "a/b"])
	world.sync()
	world.maildir.flag(world.maildir.find("t1"), "F")
	model["a/b"]["t1"] |= {"\\Flagged"}
	os.rename(world.maildir.dir("a"), world.dir + "/aside")
	os.symlink(world.dir + "/nowhere", world.maildir.dir("a"))
	r = world.sync(rc=1)
	assert world.maildir.root + "/.a" in r.err or ".a " in r.err, r
	assert r.summary()["pushed"]["flags"] == 1, r
	os.unlink(world.maildir.dir("a"))
	os.rename(world.dir + "/aside", world.maildir.dir("a"))
	world.settle(model)


def test_long_names(world):
	"""All levels have 255 octets together."""
	choose(world, "maildir++")
	with world.imap() as imap:
		for last in ("z", "\u00fc"):
			name = "x" * 90 + "/" + "y" * 90 + "/" + last * 90
			imap.create(name)
			world.append(imap, name, "t" + last)
	world.sync()
	found = [name for name in os.listdir(world.maildir.root)
	    if name.startswith(".x" + "x" * 89)]
	assert len(found) == 2 and all(len(os.fsencode(n)) <= 255
	    for n in found), found
	world.assert_idle()
	shutil.rmtree(world.state)
	os.mkdir(world.state)
	r = world.sync()
	assert transfers(r.summary()) == 0, r
	world.assert_idle()


def test_stray_directories_are_named(world):
	"""With mail in them, where nothing is synced."""
	choose(world, "maildir++")
	model = fill(world, ["a"])
	world.sync()
	plain = Maildir(world.maildir.root)
	plain.create("stray")
	world.deliver("INBOX", "in", "S")
	model["INBOX"]["in"] = frozenset(["\\Seen"])
	shutil.copy(world.maildir.find("in").path,
	    plain.dir("stray") + "/cur/x:2,S")
	r = world.sync(rc=1)
	assert "stray: in layout maildir++" in r.err, r
	world.compare(model)


# --- what other programs filled ---


@needs["mbsync"]
def test_mbsync(world):
	large = fill_adopted(world)
	mbsync(world, "Maildir++ root")
	choose(world, "maildir++")
	before, there = is_held(world, "was filled by mbsync", ".mbsyncstate")
	is_taken(world, before, there, large)


@needs["mbsync"]
def test_mbsync_without_its_state(world):
	"""The Maildir alone: recognised, and all of it paired at once."""
	large = fill_adopted(world)
	mbsync(world, "Maildir++ root")
	for at, _, found in os.walk(world.maildir.root):
		for name in found:
			if name.startswith((".mbsyncstate", ".uidvalidity")):
				os.unlink(os.path.join(at, name))
	for name in os.listdir(world.maildir.root):	# UTF-7, as mbsync has it
		if name not in (".INBOX", ".lists.foo") and name[0] == ".":
			os.rename(world.maildir.root + "/" + name,
			    world.maildir.root + "/" + utf8(name))
	world.keys["verify-bytes"] = "0K"
	choose(world, "maildir++")
	before = disk(world)
	r = world.sync()
	s = r.summary()
	for side in ("pulled", "pushed"):
		assert s[side]["new"] == s[side]["deleted"] == 0, r
	assert names(disk(world)) == names(before), r
	assert s["bytes_in"] < large / 2, r
	world.assert_idle()


def utf8(name):
	"""Out of modified UTF-7."""
	text, _, rest = name.partition("&")
	while rest:
		code, _, plain = rest.partition("-")
		text += ("+" + code.replace(",", "/") + "-").encode().decode(
		    "utf-7")
		plain, _, rest = plain.partition("&")
		text += plain
	return text


@needs["mbsync"]
def test_otherwise_than_set(world):
	"""Folders without a dot are none in maildir++."""
	fill_adopted(world)
	mbsync(world, "Verbatim")
	choose(world, "maildir++")
	is_held(world, "was filled by mbsync", "laid out otherwise")


@needs["offlineimap"]
def test_offlineimap(world):
	"""sep = . is a layout of its own."""
	large = fill_adopted(world)
	offlineimap(world, ".")
	choose(world, "flat")
	before, there = is_held(world, "was filled by OfflineIMAP")
	is_taken(world, before, there, large)


def test_dovecots_own():
	"""The Maildir that a Dovecot served: copied, and taken over."""
	with Dovecot(location="maildir:~/Maildir") as server, \
	    World(server, "u1") as world:
		choose(world, "maildir++")
		large = fill_adopted(world)
		with world.imap() as imap:
			imap.create("INBOX/foo")
			world.append(imap, "INBOX/foo", "below")
		shutil.copytree(server.mail("u1") + "/Maildir",
		    world.maildir.root)
		before, there = is_held(world, "laid out otherwise")
		is_taken(world, before, there, large)


def test_personal_prefix():
	"""As Courier has it: all folders are below INBOX, and none is here."""
	with Dovecot(location="maildir:~/Maildir", prefix="INBOX.",
	    separator=".") as server, World(server, "u1") as world:
		choose(world, "maildir++")
		model = fill(world, ["foo", "a/b", "a"])
		world.settle(model)
		assert sorted(n for n in os.listdir(world.maildir.root)
		    if n[0] == ".") == [".a", ".a.b", ".foo", ".mailtern"]


# --- from one layout to another ---


@pytest.mark.parametrize("old", LAYOUTS)
@pytest.mark.parametrize("new", LAYOUTS)
def test_changed(world, old, new):
	if old == new:
		return
	choose(world, old)
	model = fill(world)
	world.sync()
	world.compare(model)
	before = files(world)
	world.maildir.flag(world.maildir.find("t0"), "F")
	model["plain"]["t0"] |= {"\\Flagged"}
	at = before["plain"]
	choose(world, new)
	r = world.run("--json", "sync", "-n", rc=0)
	assert "would first move" in r.err and r.summary()["pushed"]["flags"] \
	    == 1, r
	r = world.sync()
	s = r.summary()
	assert transfers(s) == s["pushed"]["flags"] == 1, r
	assert "layout was changed: %d folders" % len(model) in r.err, r
	after = files(world)
	assert after.pop("plain")[0][2:] == at[0][2:]
	before.pop("plain")
	assert after == before
	world.compare(model)
	world.assert_idle()


def test_too_long_for_the_new_one(world):
	"""One that has its directory holds the change back."""
	model = fill(world, ["a", "x" * 150 + "/" + "y" * 150])
	world.sync()
	choose(world, "maildir++")
	before = disk(world)
	r = world.sync(rc=1)
	assert "its name is too long" in r.err, r
	assert disk(world) == before
	choose(world, "fs")
	world.settle(model)


def test_too_long_and_only_looked_at(world):
	"""One that has none yet gets another path."""
	fill(world, ["a", "x" * 150 + "/" + "y" * 150])
	world.sync("-n")
	choose(world, "maildir++")
	r = world.sync()
	assert r.summary()["pulled"]["new"] == 14, r
	assert [n for n in os.listdir(world.maildir.root)
	    if n.startswith(".x" + "x" * 149)], r
	world.assert_idle()


def test_changed_offline_and_back(world):
	"""status knows what is pending under the layout that there is; and no
	directory of the old one stays."""
	choose(world, "fs")
	fill(world)
	world.sync()
	entries = sorted(os.listdir(world.maildir.root))
	world.maildir.unlink(world.maildir.find("in0"))
	choose(world, "maildir++")
	r = world.run("--json", "status", rc=0)
	choose(world, "fs")
	assert r.out == world.run("--json", "status", rc=0).out
	choose(world, "maildir++")
	world.sync()
	assert sorted(n for n in os.listdir(world.maildir.root)
	    if n[0] != ".") == ["cur", "new", "tmp"]
	choose(world, "fs")
	world.sync()
	assert sorted(os.listdir(world.maildir.root)) == entries
	world.assert_idle()


def test_something_in_the_way(world):
	model = fill(world, ["a", "a/b"])
	world.sync()
	os.mkdir(world.maildir.root + "/.a.b")
	before, there = disk(world), world.remote_stamp()
	choose(world, "maildir++")
	for _ in range(2):
		r = world.sync(rc=1)
		assert ".a.b is in the way" in r.err, r
		assert disk(world) == before
		assert world.remote_stamp() == there
	os.rmdir(world.maildir.root + "/.a.b")
	r = world.sync()
	assert transfers(r.summary()) == 0, r
	world.compare(model)


@pytest.mark.parametrize("then", ["fs", "maildir++", "flat"])
def test_stopped_in_between(world, then):
	"""As a run leaves it that was killed: nothing is told or done before a
	sync has gone on with it, whatever layout is set by then."""
	model = fill(world, ["a", "a/b", "x.y"])
	world.sync()
	root = world.maildir.root
	os.mkdir(root + "/.mailtern/moving")
	os.rename(root + "/a/b", root + "/.mailtern/moving/a%2Fb=")
	os.rename(root + "/x.y", root + "/.mailtern/moving/x.y=")
	choose(world, then)
	for command in (["status"], ["sync", "-n"],
	    ["restore", "w", "1"]):
		r = world.run("--json", *command)
		assert r.rc == 1 and "on their way to another layout" in \
		    r.err, r
	r = world.sync()
	assert transfers(r.summary()) == 0, r
	world.compare(model)
	assert not os.path.exists(root + "/.mailtern/moving")
	world.assert_idle()


def test_the_index_is_lost_as_well(world):
	"""How the folders lie is recorded beside the marker."""
	model = fill(world)
	world.sync()
	shutil.rmtree(world.state)
	os.mkdir(world.state)
	choose(world, "maildir++")
	r = world.sync()
	assert transfers(r.summary()) == 0, r
	world.compare(model)
	world.assert_idle()


def test_restored_from_another_layout(world):
	"""The attic knows folders by their names."""
	model = fill(world, ["a/b"])
	world.sync()
	with world.imap() as imap:
		uid = next(iter(imap.messages("a/b")))
		imap.expunge("a/b", uid)
	world.sync()
	choose(world, "maildir++")
	world.sync()
	removed = [e["id"] for e in world.run("--json", "log").of("log")
	    if e["folder"] == "a/b" and "removed" in e["what"]]
	world.run("restore", "w", str(removed[-1]), rc=0)
	world.settle(model)


@needs["offlineimap"]
def test_directories_of_offlineimap(world):
	"""They were taken over with their dots, which stand for levels now."""
	fill_adopted(world)
	offlineimap(world, ".")
	world.sync("--adopt")
	root = world.maildir.root
	there = sorted(os.listdir(root + "/lists.foo/cur"))
	choose(world, "maildir++")
	r = world.sync()
	assert transfers(r.summary()) == 0, r
	assert sorted(os.listdir(root + "/.lists.foo/cur")) == there
	assert sorted(world.maildir.folders()) == sorted(["INBOX"] +
	    ADOPTED), r
	world.assert_idle()


def test_separators(world):
	"""Nothing that a name could be taken for."""
	for separator in ("/", "%", "a", "7", ":", "~", "..", " "):
		world.keys["separator"] = '"%s"' % separator
		world.write_conf()
		r = world.run("sync", rc=78)
		assert "separator" in r.err, r
