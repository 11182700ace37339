"""Folders: made, renamed and deleted on one side become so on the other."""

import os

import pytest

NAMES = ["plain", "a/b/c", "Entw\u00fcrfe", "\u53f0\u5317", "with space",
    "a & b", "per%cent", "per%41cent", "cur", "x/new/y", "-rf",
    "tilde~", "dot.s", "q\"uote", "a" * 120, "[Gmail]/All Mail", "a+b#c"]


def test_names_from_the_server(world):
	with world.imap() as imap:
		for name in NAMES:
			imap.create(name)
			world.append(imap, name, "t" + str(NAMES.index(name)))
	world.settle()
	assert set(world.maildir.folders()) == set(NAMES) | {"INBOX"}


def test_names_from_disk(world):
	world.sync()
	for name in NAMES:
		if name not in ("per%cent", "per%41cent"):
			world.maildir.create(name)
			world.deliver(name, "t" + str(NAMES.index(name)))
	world.settle()


def test_refused_by_the_server(world):
	"""Named until it is settled; everything else goes on."""
	world.sync()
	for name in ("~root", "fine"):
		world.maildir.create(name)
		world.deliver(name, "t" + name[0])
	for _ in range(2):
		r = world.run("--json", "sync")
		assert r.rc == 1 and "~root" in r.err, str(r)
	with world.imap() as imap:
		assert imap.folders() == ["INBOX", "fine"]
		assert len(imap.messages("fine")) == 1
	assert len(world.maildir.files("~root")) == 1


def test_empty_ones_travel(world):
	world.sync()
	world.maildir.create("near")
	with world.imap() as imap:
		imap.create("far/off")
	world.settle({"INBOX": {}, "near": {}, "far/off": {}})


def in_sync(world, *folders, n=2):
	with world.imap() as imap:
		for name in folders:
			imap.create(name)
			for i in range(n):
				world.append(imap, name, "%s.%d" % (name, i))
		for i in range(12):
			world.append(imap, "INBOX", "in%d" % i)
	world.sync()
	world.compare()
	return {"in%d" % i: frozenset() for i in range(12)}


def test_deleted_on_the_server(world):
	inbox = in_sync(world, "x")
	with world.imap() as imap:
		imap.delete("x")
	world.settle({"INBOX": inbox})
	assert not os.path.exists(world.maildir.dir("x"))


def test_deleted_on_disk(world):
	inbox = in_sync(world, "x")
	world.maildir.remove_folder("x")
	world.settle({"INBOX": inbox})


def test_child_stays_when_parent_goes(world):
	inbox = in_sync(world, "p", "p/c")
	world.maildir.remove_folder("p")
	world.settle({"INBOX": inbox,
	    "p/c": {"p/c.0": frozenset(), "p/c.1": frozenset()}})


@pytest.mark.parametrize("side", ["local", "remote"])
def test_comes_back_with_what_is_new(world, side):
	"""Deleted here, while something new arrived there."""
	inbox = in_sync(world, "x")
	with world.imap() as imap:
		if side == "local":
			world.maildir.remove_folder("x")
			world.append(imap, "x", "fresh", ["\\Seen"])
		else:
			imap.delete("x")
			world.deliver("x", "fresh", "S")
	world.sync()
	world.sync()
	world.compare({"INBOX": inbox, "x": {"fresh": frozenset(["\\Seen"])}})
	world.assert_idle()


def test_renamed_on_the_server(world):
	inbox = in_sync(world, "x")
	with world.imap() as imap:
		imap.rename("x", "y/z")
	world.settle({"INBOX": inbox,
	    "y/z": {"x.0": frozenset(), "x.1": frozenset()}})


def test_renamed_on_disk(world):
	inbox = in_sync(world, "x")
	world.maildir.rename_folder("x", "z")
	for _ in range(2):	# what it has seen does not spoil it
		told = world.run("--json", "status", rc=0)
		op, = told.of("op")
		assert (op["op"], op["folder"], op["detail"]) == (
		    "rename-remote", "z", "x")
		assert told.of("status")[0]["outgoing"] == 1, told
	s = world.sync().summary()
	assert s["pushed"] == dict.fromkeys(s["pushed"], 0) | {"folders": 1}
	world.settle({"INBOX": inbox,
	    "z": {"x.0": frozenset(), "x.1": frozenset()}})


def test_missing_cur_alone_is_held(world):
	in_sync(world, "x")
	os.rename(world.maildir.dir("x") + "/cur", world.dir + "/away")
	r = world.run("--json", "sync")
	assert r.rc == 1, str(r)
	with world.imap() as imap:
		assert len(imap.messages("x", False)) == 2
	os.rename(world.dir + "/away", world.maildir.dir("x") + "/cur")
	world.settle()


def test_dangling_link_is_held(world):
	in_sync(world, "x")
	os.rename(world.maildir.dir("x"), world.dir + "/away")
	os.symlink(world.dir + "/nowhere", world.maildir.dir("x"))
	r = world.run("--json", "sync")
	assert r.rc == 1, str(r)
	with world.imap() as imap:
		assert len(imap.messages("x", False)) == 2


LOOKS = [[], ["status"], ["sync", "-n"], ["sync", "w:x"]]


@pytest.mark.parametrize("look", LOOKS, ids=lambda l: "-".join(l) or "none")
def test_inbox_is_remade(world, look):
	"""Whatever has seen before that it is gone."""
	inbox = in_sync(world, "x", n=30)
	world.maildir.remove_folder("INBOX")
	if look:
		r = world.run("--json", *look, rc=0)
		assert "remove-remote" not in r.out, str(r)
	world.sync()
	world.sync()
	with world.imap() as imap:
		assert len(imap.messages("INBOX", False)) == len(inbox)
	world.compare()


def test_folders_key(make_world):
	"""What is outside is not judged; taking one out is no deletion."""
	world = make_world(keys={"folders": '{"*", "!skip*"}'})
	in_sync(world, "x")
	with world.imap() as imap:
		imap.create("skip")
		world.append(imap, "skip", "s")
	world.sync()
	assert "skip" not in world.maildir.folders()
	world.keys["folders"] = '{"INBOX"}'
	world.write_conf()
	world.sync()
	with world.imap() as imap:
		assert sorted(imap.folders()) == ["INBOX", "skip", "x"]
	assert world.maildir.folders() == ["INBOX", "x"]


def test_glob(world):
	in_sync(world, "x", "y")
	with world.imap() as imap:
		world.append(imap, "x", "x-new")
		world.append(imap, "y", "y-new")
	world.sync("w:x")
	assert len(world.maildir.files("x")) == 3
	assert len(world.maildir.files("y")) == 2
	world.settle()


def test_not_ours_is_left_alone(world):
	in_sync(world, "x")
	root = world.maildir.root
	for name in (".notmuch", "x/.hidden", "x/cur/.dot", "INBOX/notes"):
		with open(os.path.join(root, name), "w") as f:
			f.write("mine\n")
	world.assert_idle()
	with world.imap() as imap:
		imap.delete("x")
	world.run("sync")
	for name in (".notmuch", "x/.hidden", "x/cur/.dot", "INBOX/notes"):
		assert os.path.exists(os.path.join(root, name)), name


@pytest.mark.parametrize("side", ["local", "remote"])
def test_removed_with_what_lies_in_it(world, side):
	with world.imap() as imap:
		for name in ("A", "A/B", "A/B/C", "D"):
			imap.create(name)
			world.append(imap, name, name.replace("/", ""))
	world.sync()
	for name in ("A/B/C", "A/B", "A"):
		if side == "local":
			world.maildir.remove_folder(name)
		else:
			with world.imap() as imap:
				imap.delete(name)
	if side == "local":
		assert not os.path.exists(world.maildir.dir("A"))
	world.settle({"INBOX": {}, "D": {"D": frozenset()}})


def test_folder_above_is_a_link_to_nowhere(world):
	"""A disk that is not mounted: nobody removed what lies there."""
	with world.imap() as imap:
		for name in ("A", "A/B"):
			imap.create(name)
			world.append(imap, name, name.replace("/", ""))
	world.sync()
	away = world.dir + "/away"
	os.rename(world.maildir.dir("A"), away)
	os.symlink(world.dir + "/nowhere", world.maildir.dir("A"))
	r = world.run("sync", "--force-deletes")
	assert r.rc == 1 and "A/B" in r.err, str(r)
	os.unlink(world.maildir.dir("A"))
	os.rename(away, world.maildir.dir("A"))
	world.settle({"INBOX": {}, "A": {"A": frozenset()},
	    "A/B": {"AB": frozenset()}})
