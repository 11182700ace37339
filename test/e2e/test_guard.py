"""First runs, roots, and removals that are held."""

import os
import shutil

import pytest

from world import transfers


def fill(world, n, folder="INBOX", prefix="m"):
	with world.imap() as imap:
		if folder != "INBOX":
			imap.create(folder)
		return [world.append(imap, folder, "%s%d" % (prefix, i),
		    ["\\Seen"]) for i in range(n)]


def test_adopts_the_same_mail(world):
	"""A Maildir filled by another tool and the server: nothing doubled."""
	fill(world, 60)
	fill(world, 5, "x", "x")
	world.maildir.create("INBOX")
	world.maildir.create("x")
	for i in range(60):
		world.deliver("INBOX", "m%d" % i, "S", subject=None)
	for i in range(5):
		world.deliver("x", "x%d" % i, "S")
	files = world.local_stamp()
	r = world.sync()
	assert r.summary()["pulled"]["new"] == 0
	assert r.summary()["pushed"]["new"] == 0
	world.compare()
	assert world.local_stamp() == files
	world.assert_idle()


def test_adopts_and_completes(world):
	"""Some on both sides, some on one only; flags are united."""
	uids = fill(world, 20)
	with world.imap() as imap:
		imap.store("INBOX", uids[0], "+", ["\\Flagged"])
	world.maildir.create("INBOX")
	for i in range(10):
		world.deliver("INBOX", "m%d" % i, "R" if i == 0 else "S")
	for i in range(5):
		world.deliver("INBOX", "mine%d" % i, "S")
	world.sync()
	seen = frozenset(["\\Seen"])
	model = {"m%d" % i: seen for i in range(20)}
	model.update({"mine%d" % i: seen for i in range(5)})
	model["m0"] = frozenset(["\\Seen", "\\Flagged", "\\Answered"])
	world.compare({"INBOX": model})
	world.assert_idle()


def test_many_unpaired_files_wait_for_adopt(world):
	fill(world, 3)
	world.maildir.create("INBOX")
	for i in range(80):
		world.deliver("INBOX", "mine%d" % i, "S")
	r = world.run("--json", "sync")
	assert r.rc == 1, str(r)
	assert r.summary()["held"] > 0 and "--adopt" in r.err
	with world.imap() as imap:
		assert len(imap.messages("INBOX", False)) == 3
	assert len(world.maildir.files("INBOX")) == 80	# nothing is pulled
	assert world.run("sync").rc == 1		# and it does not forget
	world.sync("--adopt")
	world.compare()
	world.assert_idle()


def test_few_unpaired_files_do_not_wait(world):
	world.maildir.create("INBOX")
	for i in range(40):
		world.deliver("INBOX", "mine%d" % i, "S")
	world.settle()


def test_all_unlinked_is_held(world):
	"""All of 10 or more: held, named, exit 1, until --force-deletes."""
	fill(world, 12)
	world.sync()
	for f in world.maildir.files("INBOX"):
		world.maildir.unlink(f)
	r = world.run("--json", "sync")
	assert r.rc == 1, str(r)
	assert r.summary()["held"] == 12
	assert r.summary()["pushed"]["deleted"] == 0
	assert "--force-deletes" in r.err, r.err
	with world.imap() as imap:
		assert len(imap.messages("INBOX", False)) == 12
	assert world.maildir.files("INBOX") == []
	again = world.run("--json", "sync")
	assert again.rc == 1 and again.summary()["held"] == 12
	assert world.run("status").rc in (0, 1)
	r = world.sync("--force-deletes")
	assert r.summary()["pushed"]["deleted"] == 12
	world.compare({"INBOX": {}})
	world.assert_idle()


def test_all_expunged_is_held(world):
	uids = fill(world, 12)
	world.sync()
	with world.imap() as imap:
		imap.expunge("INBOX", uids)
	r = world.run("--json", "sync")
	assert r.rc == 1, str(r)
	assert len(world.maildir.files("INBOX")) == 12
	world.sync("--force-deletes")
	world.compare({"INBOX": {}})
	world.assert_idle()


def test_nine_of_nine_are_not_held(world):
	fill(world, 9)
	world.sync()
	for f in world.maildir.files("INBOX"):
		world.maildir.unlink(f)
	world.settle({"INBOX": {}})


def test_more_than_a_third_is_held(world):
	fill(world, 150)
	world.sync()
	for f in world.maildir.files("INBOX")[:60]:
		world.maildir.unlink(f)
	r = world.run("--json", "sync")
	assert r.rc == 1 and r.summary()["held"] == 60, str(r)
	world.sync("--force-deletes")
	world.compare()


def test_fifty_are_not_held(world):
	fill(world, 60)
	world.sync()
	for f in world.maildir.files("INBOX")[:50]:
		world.maildir.unlink(f)
	world.sync()
	world.compare()
	assert len(world.maildir.files("INBOX")) == 10
	world.assert_idle()


def test_all_else_goes_on(world):
	uids = fill(world, 12)
	world.sync()
	for f in world.maildir.files("INBOX"):
		world.maildir.unlink(f)
	world.deliver("INBOX", "fresh", "S")
	with world.imap() as imap:
		world.append(imap, "INBOX", "far", ["\\Seen"])
	r = world.run("--json", "sync")
	# 12 of 13: no longer all, and fewer than 50: carried out, or held.
	assert r.rc in (0, 1), str(r)
	with world.imap() as imap:
		held = imap.messages("INBOX")
		toks = {m.data.split(b"X-Tok: ")[1].split(b"\r")[0]
		    for m in held.values()}
	assert {b"fresh", b"far"} <= toks
	assert len(uids) == 12


def test_moved_is_not_counted(world):
	"""Content that is still there somewhere is no removal."""
	fill(world, 70)
	fill(world, 1, "archive", "a")
	world.sync()
	for f in world.maildir.files("INBOX"):
		world.maildir.move(f, "archive")
	world.sync()
	world.compare()
	with world.imap() as imap:
		assert len(imap.messages("archive", False)) == 71
		assert len(imap.messages("INBOX", False)) == 0
	world.assert_idle()


@pytest.mark.parametrize("how", ["removed", "emptied"])
def test_root_gone(world, how):
	"""An unmounted disk: touch nothing, exit 1; only --adopt goes on."""
	fill(world, 5)
	world.sync()
	shutil.rmtree(world.maildir.root)
	if how == "emptied":
		os.mkdir(world.maildir.root)
	for args in ((), ("--force-deletes",)):
		r = world.run("sync", *args)
		assert r.rc == 1, str(r)
		with world.imap() as imap:
			assert len(imap.messages("INBOX", False)) == 5
		assert not os.path.isdir(world.maildir.root + "/INBOX")
	world.sync("--adopt")
	world.compare()
	assert len(world.maildir.files("INBOX")) == 5


def test_index_lost(world):
	"""Paired again by content: nothing doubled, nothing deleted."""
	fill(world, 30)
	world.sync()
	shutil.rmtree(world.state)
	os.mkdir(world.state)
	world.run("sync", "--adopt")
	world.compare()
	assert len(world.maildir.files("INBOX")) == 30


def test_second_file_with_the_name(world):
	"""Same inode: a leftover of a delivery; other content: a message."""
	fill(world, 1)
	world.sync()
	f = world.maildir.find("m0")
	twin = os.path.join(world.maildir.dir("INBOX"), "new", f.unique)
	with open(twin, "wb") as out:
		out.write(f.data().replace(b"m0", b"m9"))
	world.sync()
	world.compare()
	assert transfers(world.sync().summary()) == 0
	with world.imap() as imap:
		assert len(imap.messages("INBOX", False)) == 2


def test_edited_file(world):
	"""The old message stays on the server, the file is new."""
	fill(world, 1)
	world.sync()
	f = world.maildir.find("m0")
	data = f.data().replace(b"X-Tok: m0", b"X-Tok: edited")
	with open(f.path + ".new", "wb") as out:
		out.write(data)
	os.rename(f.path + ".new", f.path)
	os.utime(f.path, (1500000500, 1500000500))
	for _ in range(3):
		r = world.run("sync")
	assert r.rc == 0, str(r)
	with world.imap() as imap:
		toks = [m.data.split(b"X-Tok: ")[1].split(b"\r")[0]
		    for m in imap.messages("INBOX").values()]
	assert sorted(toks) == [b"edited", b"m0"]
	world.compare()


@pytest.mark.parametrize("side", ["local", "remote"])
def test_deleted_folder_is_counted(world, side):
	"""All there is goes with its folder: the folder is held, too."""
	fill(world, 12, "A", "a")
	with world.imap() as imap:
		imap.create("B")
	world.sync()
	if side == "local":
		world.maildir.remove_folder("A")
	else:
		with world.imap() as imap:
			imap.delete("A")
	for _ in range(2):
		r = world.run("--json", "sync")
		assert r.rc == 1 and "--force-deletes" in r.err, str(r)
		assert r.summary()["held"] == 12, str(r)
		assert transfers(r.summary()) == 0, str(r)
	if side == "local":
		with world.imap() as imap:
			assert len(imap.messages("A", False)) == 12
	else:
		assert len(world.maildir.files("A")) == 12
	r = world.run("status")
	assert r.rc == 1 and "12 of 12 messages" in r.err, str(r)
	world.sync("--force-deletes")
	world.compare({"INBOX": {}, "B": {}})
	assert "A" not in world.maildir.folders()
	world.assert_idle()


@pytest.mark.parametrize("side", ["local", "remote"])
def test_trash_is_emptied(make_world, side):
	"""As often as anybody likes."""
	world = make_world(keys={"trash": "Trash"})
	fill(world, 5)
	fill(world, 250, "Trash", "t")
	world.sync()
	if side == "local":
		for f in world.maildir.files("Trash"):
			world.maildir.unlink(f)
	else:
		with world.imap() as imap:
			imap.expunge("Trash", range(1, 251))
	world.sync()
	world.compare({"INBOX": {"m%d" % i: frozenset(["\\Seen"])
	    for i in range(5)}, "Trash": {}})
	world.assert_idle()


def test_disaster_beside_an_emptied_trash(make_world):
	"""What lies in Trash makes the rest of the account no larger."""
	world = make_world(keys={"trash": "Trash"})
	fill(world, 12)
	fill(world, 250, "Trash", "t")
	world.sync()
	for f in world.maildir.files("INBOX"):
		world.maildir.unlink(f)
	r = world.run("--json", "sync")
	assert r.rc == 1 and r.summary()["held"] == 12, str(r)
	assert "12 of 12 messages" in r.err, str(r)


def test_both_sides_are_named(world):
	"""What is held on the server, and what on disk."""
	fill(world, 250)
	fill(world, 250, "A", "a")
	world.sync()
	for f in world.maildir.files("INBOX")[:200]:
		world.maildir.unlink(f)
	with world.imap() as imap:
		imap.expunge("A", range(1, 202))
	r = world.run("--json", "sync")
	assert r.rc == 1 and r.summary()["held"] == 401, str(r)
	for said in (r.err, world.run("status").err):
		lines = said.splitlines()
		for words in ("200 of 299 messages of the account (200 of them "
		    "in INBOX) are gone from the Maildir; all 200 removals on "
		    "the server are held", "201 of 300 messages of the account "
		    "(201 of them in A) are gone from the server; all 201 "
		    "removals on disk are held"):
			assert len([l for l in lines if words in l]) == 1, said
		assert len(lines) == 2, said
