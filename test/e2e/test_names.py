"""Files whose names are known: second ones, and edited ones (rule 9)."""

import os
import shutil

import pytest

from world import DATE, message, transfers

OLD = 1400000000


def fill(world, n):
	with world.imap() as imap:
		uids = [world.append(imap, "INBOX", "m%d" % i, ["\\Seen"])
		    for i in range(n)]
	world.sync()
	return uids


def quiet(world):
	"""The folder was looked at, long after it changed last."""
	for box in ("new", "cur"):
		os.utime(os.path.join(world.maildir.dir("INBOX"), box),
		    (OLD, OLD))
	for _ in range(2):
		assert transfers(world.sync().summary()) == 0


def tokens(world):
	"""What the server holds: (token, has \\Flagged)."""
	with world.imap() as imap:
		return sorted((m.data.split(b"X-Tok: ")[1].split(b"\r")[0]
		    .decode(), "\\Flagged" in m.flags)
		    for m in imap.messages("INBOX").values())


def edited(world, tok):
	"""m0, but otherwise."""
	return world.note(world.maildir.find("m0").data().replace(b"X-Tok: m0", b"X-Tok: " +
	    tok.encode()).replace(b"This is", b"This was once"))


def replace_file(path, data, to=None):
	"""As editors save: the name gets another inode."""
	with open(path + ".new", "wb") as out:
		out.write(data)
	if to not in (None, path):
		os.unlink(path)
	os.rename(path + ".new", to or path)


@pytest.mark.parametrize("still", [False, True])
def test_replaced(world, still):
	"""Also where no scan was due: the directory tells."""
	fill(world, 3)
	if still:
		quiet(world)
	f = world.maildir.find("m0")
	replace_file(f.path, edited(world, "edited"))
	world.settle()
	assert tokens(world) == [("edited", False), ("m0", False),
	    ("m1", False), ("m2", False)]
	assert world.maildir.find("edited").name == f.name
	assert world.maildir.find("m0").unique != f.unique


def test_replaced_and_flagged(world):
	fill(world, 3)
	f = world.maildir.find("m0")
	replace_file(f.path, edited(world, "edited"),
	    os.path.join(os.path.dirname(f.path), f.unique + ":2,FS"))
	world.settle()
	assert tokens(world) == [("edited", True), ("m0", False),
	    ("m1", False), ("m2", False)]


@pytest.mark.parametrize("how", ["dry", "status"])
def test_only_looking_changes_no_file(world, how):
	fill(world, 2)
	f = world.maildir.find("m0")
	twin = os.path.join(world.maildir.dir("INBOX"), "new", f.unique)
	with open(twin, "wb") as out:
		out.write(world.note(message("m9")))
	replace_file(world.maildir.find("m1").path,
	    world.note(message("edited")))
	local, remote = world.local_stamp(), world.remote_stamp()
	world.run(*(("sync", "-n") if how == "dry" else ("status",)))
	assert world.local_stamp() == local
	assert world.remote_stamp() == remote
	world.settle()
	assert [t for t, _ in tokens(world)] == ["edited", "m0", "m1", "m9"]


def test_in_place(world):
	"""What moves no directory is found with --full."""
	fill(world, 3)
	f = world.maildir.find("m0")
	data = edited(world, "edited")
	quiet(world)
	with open(f.path, "wb") as out:
		out.write(data)
	assert transfers(world.sync().summary()) == 0
	world.sync("--full")
	world.compare()
	assert [t for t, _ in tokens(world)] == ["edited", "m0", "m1", "m2"]
	world.assert_idle()


def test_in_place_with_another_change(world):
	"""... or when the folder changes otherwise."""
	fill(world, 3)
	f = world.maildir.find("m0")
	data = edited(world, "edited")
	quiet(world)
	with open(f.path, "wb") as out:
		out.write(data)
	world.maildir.flag(world.maildir.find("m1"), "F")
	world.settle()
	assert tokens(world) == [("edited", False), ("m0", False),
	    ("m1", True), ("m2", False)]


def test_in_place_too_soon_to_tell(world):
	"""A directory that has just changed proves nothing: look again."""
	fill(world, 3)
	f = world.maildir.find("m0")
	data = edited(world, "edited")
	for box in ("new", "cur"):
		os.utime(os.path.join(world.maildir.dir("INBOX"), box),
		    (4000000000, 4000000000))
	for _ in range(2):
		assert transfers(world.sync().summary()) == 0
	with open(f.path, "wb") as out:
		out.write(data)
	world.sync()
	world.compare()
	assert [t for t, _ in tokens(world)] == ["edited", "m0", "m1", "m2"]


def test_in_place_and_deletion_waits(world):
	"""What a known deletion is about to remove is looked at first."""
	uids = fill(world, 3)
	f = world.maildir.find("m0")
	data = edited(world, "edited")
	quiet(world)
	with open(f.path, "wb") as out:
		out.write(data)
	with world.imap() as imap:
		imap.expunge("INBOX", uids[:1])
	world.run("sync", "-n", rc=0)
	world.settle()
	assert [t for t, _ in tokens(world)] == ["edited", "m1", "m2"]


@pytest.mark.parametrize("how", ["touch", "copy", "status"])
def test_equal_content_is_no_change(world, how):
	"""Touched, restored from a backup, headers of a mail reader added."""
	fill(world, 3)
	f = world.maildir.find("m0")
	data = f.data()
	if how == "status":
		data = data.replace(b"\n\n", b"\nStatus: RO\n\n", 1)
		world.note(data)
	if how == "touch":
		os.utime(f.path, (OLD, OLD))
		world.maildir.flag(world.maildir.find("m1"), "F")
	else:
		replace_file(f.path, data)
	r = world.sync()
	assert r.summary()["pushed"]["new"] == 0
	assert r.summary()["pulled"]["new"] == 0
	assert len(world.maildir.files("INBOX")) == 3
	assert len(tokens(world)) == 3
	world.assert_idle()


def test_edited_here_deleted_there(world):
	"""The edited file is nobody's but ours: it stays."""
	uids = fill(world, 3)
	f = world.maildir.find("m0")
	replace_file(f.path, edited(world, "edited"))
	with world.imap() as imap:
		imap.expunge("INBOX", uids[:1])
	world.settle()
	assert [t for t, _ in tokens(world)] == ["edited", "m1", "m2"]


def test_deleted_and_name_used_again(world):
	"""Deleted stays deleted, whatever gets the name later."""
	uids = fill(world, 12)
	files = world.maildir.files("INBOX")
	kept = world.maildir.find("m0")
	for f in files:
		world.maildir.unlink(f)
	assert world.run("sync").rc == 1		# held
	with open(kept.path, "wb") as out:
		out.write(world.note(message("other")))
	world.sync("--force-deletes")
	world.compare()
	assert [t for t, _ in tokens(world)] == ["other"]
	assert len(uids) == 12
	world.assert_idle()


@pytest.mark.parametrize("box, info", [("new", ""), ("cur", ":2,FS")])
def test_second_file_same_inode(world, box, info):
	"""What a delivery or a rename left over is no message."""
	fill(world, 2)
	f = world.maildir.find("m0")
	left = os.path.join(world.maildir.dir("INBOX"), box, f.unique + info)
	os.link(f.path, left)
	files = world.local_stamp()
	for _ in range(2):
		assert transfers(world.sync().summary()) == 0
	assert len(tokens(world)) == 2
	assert world.local_stamp() == files
	os.unlink(f.path)		# now it is the message, by another name
	world.settle()
	assert tokens(world) == [("m0", "F" in info), ("m1", False)]


def test_rename_by_link(world):
	"""new/ to cur/, half way: the name in cur/ is the one to follow."""
	with world.imap() as imap:
		world.append(imap, "INBOX", "m1")
	world.sync()
	f = world.maildir.find("m1")
	assert f.box == "new"
	to = os.path.join(world.maildir.dir("INBOX"), "cur", f.unique + ":2,F")
	os.link(f.path, to)
	world.sync()
	assert tokens(world) == [("m1", True)]
	os.unlink(f.path)
	world.settle()
	assert tokens(world) == [("m1", True)]


@pytest.mark.parametrize("box, info", [("new", ""), ("cur", ":2,FS"),
    ("cur", ":2,")])
@pytest.mark.parametrize("same", [False, True])
def test_second_file_other_inode(world, box, info, same):
	"""A message of its own, even where its content is the same."""
	fill(world, 2)
	f = world.maildir.find("m0")
	twin = os.path.join(world.maildir.dir("INBOX"), box, f.unique + info)
	if same:
		shutil.copyfile(f.path, twin)
		os.utime(twin, (DATE, DATE))
	else:
		with open(twin, "wb") as out:
			out.write(world.note(message("m9")))
	r = world.sync()
	assert r.summary()["pushed"]["new"] == 1
	assert len(world.maildir.files("INBOX")) == 3
	assert len(set(x.unique for x in world.maildir.files("INBOX"))) == 3
	assert world.maildir.files("INBOX")[-1].data()
	assert [t for t, _ in tokens(world)] == (["m0", "m0", "m1"] if same
	    else ["m0", "m1", "m9"])
	assert os.path.exists(f.path)
	world.assert_idle()


def test_twins_from_the_start(world):
	"""Two with one name, that no run has seen before."""
	world.maildir.create("INBOX")
	for box, info, tok in (("new", "", "a"), ("cur", ":2,S", "b"),
	    ("cur", ":2,FS", "c")):
		path = os.path.join(world.maildir.dir("INBOX"), box,
		    "1600000000.M1P1Q1.test" + info)
		with open(path, "wb") as out:
			out.write(world.note(message(tok)))
	world.settle()
	assert [t for t, _ in tokens(world)] == ["a", "b", "c"]


def test_names_swapped(world):
	"""The content of each went to the other's name."""
	fill(world, 2)
	a, b = world.maildir.find("m0"), world.maildir.find("m1")
	os.rename(a.path, a.path + ".x")
	os.rename(b.path, a.path)
	os.rename(a.path + ".x", b.path)
	world.sync()
	assert [t for t, _ in tokens(world)] == ["m0", "m1"]
	world.compare()
	world.assert_idle()
