"""sync --undo-deletes: what would be removed, or is held, is restored."""

from collections import Counter

import pytest

from world import transfers

KEY = frozenset(["\\Seen", "mykey"])
UNDO = "--undo-deletes"


def fill(world, n, folder="INBOX", prefix="m", flags=KEY):
	with world.imap() as imap:
		if folder != "INBOX":
			imap.create(folder)
		for i in range(n):
			world.append(imap, folder, "%s%d" % (prefix, i), flags)


def model(n, prefix="m", flags=KEY):
	return {"%s%d" % (prefix, i): flags for i in range(n)}


def expunge(world, folder, *uids):
	with world.imap() as imap:
		imap.expunge(folder, list(uids))


def unlink(world, *toks):
	for tok in toks:
		world.maildir.unlink(world.maildir.find(tok))


def notes(result):
	return [e["message"] for e in result.of("note")]


def operations(result):
	return Counter((e["op"], e["folder"]) for e in result.of("op"))


def test_few_are_undone(world):
	"""Also those that no guard would hold; flags, keywords, date kept."""
	fill(world, 6)
	world.sync()
	unlink(world, "m0", "m1")
	expunge(world, "INBOX", 3)
	r = world.sync(UNDO)
	assert notes(r) == ["3 removals undone: 2 messages pulled again, "
	    "1 message uploaded again"], str(r)
	s = r.summary()
	assert s["pulled"]["new"] == 2 and s["pushed"]["new"] == 1, str(r)
	assert s["pulled"]["deleted"] == s["pushed"]["deleted"] == 0, str(r)
	assert s["pending"] == s["held"] == 0, str(r)
	world.compare({"INBOX": model(6)})
	world.assert_idle()


def test_what_both_deleted_stays_deleted(world):
	fill(world, 4)
	world.sync()
	unlink(world, "m0", "m1")
	expunge(world, "INBOX", 1)
	r = world.sync(UNDO)
	assert r.summary()["pulled"]["new"] == 1, str(r)
	left = model(4)
	del left["m0"]
	world.compare({"INBOX": left})
	world.assert_idle()


def test_what_was_carried_out_stays(world):
	fill(world, 4)
	world.sync()
	unlink(world, "m0")
	world.sync()
	r = world.sync(UNDO)
	assert notes(r) == ["there is no removal to undo"], str(r)
	assert transfers(r.summary()) == 0, str(r)
	left = model(4)
	del left["m0"]
	world.compare({"INBOX": left})
	world.assert_idle()


@pytest.mark.parametrize("side", ["local", "remote"])
def test_held_before(world, side):
	"""The guard names both ways out, and so does status."""
	fill(world, 12)
	world.sync()
	if side == "local":
		unlink(world, *model(12))
	else:
		expunge(world, "INBOX", *range(1, 13))
	r = world.run("--json", "sync")
	assert r.rc == 1 and r.summary()["held"] == 12, str(r)
	for said in (r.err, world.run("status").err):
		assert "--force-deletes" in said and UNDO in said, said
	r = world.sync(UNDO)
	assert "12 removals undone" in notes(r)[0], str(r)
	world.compare({"INBOX": model(12)})
	world.assert_idle()
	assert world.run("status").rc == 0


@pytest.mark.parametrize("side", ["local", "remote"])
def test_folders_are_made_again(world, side):
	fill(world, 2)
	fill(world, 3, "A", "a")
	fill(world, 2, "A/B", "b")
	with world.imap() as imap:
		imap.create("empty")
	world.sync()
	for name in ("A/B", "A", "empty"):
		if side == "local":
			world.maildir.remove_folder(name)
		else:
			with world.imap() as imap:
				imap.delete(name)
	r = world.sync(UNDO)
	assert "8 removals undone: 3 folders made again, 5 messages " \
	    in notes(r)[0], str(r)
	world.compare({"INBOX": model(2), "A": model(3, "a"),
	    "A/B": model(2, "b"), "empty": {}})
	world.assert_idle()


def test_folder_with_new_mail_comes_back_whole(world):
	fill(world, 1)
	fill(world, 3, "A", "a")
	world.sync()
	world.maildir.remove_folder("A")
	with world.imap() as imap:
		world.append(imap, "A", "fresh", KEY)
	world.sync(UNDO)
	world.compare({"INBOX": model(1), "A": dict(model(3, "a"),
	    fresh=KEY)})
	world.assert_idle()


def test_moved_is_in_both_then(world):
	"""In its old folder it is gone, and that is undone."""
	fill(world, 2)
	with world.imap() as imap:
		imap.create("B")
	world.sync()
	world.maildir.move(world.maildir.find("m0"), "B")
	world.sync(UNDO)
	world.compare({"INBOX": model(2), "B": model(1)})
	world.assert_idle()


def test_marks_of_expunge(make_world):
	"""Whoever set them, they go on both sides, and nothing else does."""
	world = make_world(keys={"expunge": "yes"})
	fill(world, 4)
	world.sync()
	for tok in ("m0", "m1"):
		world.maildir.flag(world.maildir.find(tok), "FT")
	with world.imap() as imap:
		imap.store("INBOX", [2, 3], "+", ["\\Deleted", "\\Answered"])
	r = world.sync(UNDO)
	assert notes(r) == ["3 removals undone: 3 messages no longer marked as "
	    "deleted"], str(r)
	left = model(4)
	left["m0"] |= {"\\Flagged"}
	left["m1"] |= {"\\Flagged", "\\Answered"}
	left["m2"] |= {"\\Answered"}
	world.compare({"INBOX": left})
	world.assert_idle()


@pytest.mark.parametrize("expunge_key", ["no", "yes"])
def test_marks_do_not_come_back(make_world, expunge_key):
	"""Else the next who touches the message, or any client's EXPUNGE, would
	remove it after all."""
	world = make_world(keys={"expunge": expunge_key})
	fill(world, 4)
	world.sync()
	world.maildir.flag(world.maildir.find("m1"), "T")
	with world.imap() as imap:
		imap.store("INBOX", [1], "+", ["\\Deleted"])
	if expunge_key == "no":
		world.sync()
	else:
		world.maildir.flag(world.maildir.find("m2"), "T")
		with world.imap() as imap:
			imap.store("INBOX", [3], "+", ["\\Deleted"])
	unlink(world, "m0")
	expunge(world, "INBOX", 2)
	dry = world.sync("-n", UNDO)
	real = world.sync(UNDO)
	assert operations(dry) == operations(real), "%s%s" % (dry, real)
	world.compare({"INBOX": model(4)})
	world.assert_idle()
	for tok in model(4):
		world.maildir.flag(world.maildir.find(tok), "F")
	world.settle({"INBOX": model(4, flags=KEY | {"\\Flagged"})})


def test_flag_that_only_the_lost_file_had(world):
	"""status saw it, and saw the file go; the server never got it."""
	fill(world, 3)
	world.sync()
	world.maildir.flag(world.maildir.find("m1"), "F")
	world.run("status")
	unlink(world, "m1")
	world.run("status")
	world.sync(UNDO)
	left = model(3)
	left["m1"] |= {"\\Flagged"}
	world.compare({"INBOX": left})
	world.assert_idle()


def test_dry_run_tells_the_same(make_world):
	world = make_world(keys={"expunge": "yes"})
	fill(world, 15)
	fill(world, 2, "A", "a")
	world.sync()
	unlink(world, *("m%d" % i for i in range(12)))
	expunge(world, "INBOX", 13)
	world.maildir.flag(world.maildir.find("m13"), "T")
	world.maildir.remove_folder("A")
	local, remote = world.local_stamp(), world.remote_stamp()
	dry = [world.sync("-n", UNDO) for _ in range(2)]
	assert world.local_stamp() == local
	assert world.remote_stamp() == remote
	for d in dry:
		assert "17 removals would be undone: 1 folder made again, " \
		    in notes(d)[0], str(d)
	real = world.sync(UNDO)
	assert "17 removals undone: 1 folder made again, " in notes(real)[0]
	assert operations(real), str(real)
	assert operations(dry[0]) == operations(dry[1]) == operations(real)
	world.compare({"INBOX": model(15), "A": model(2, "a")})
	world.assert_idle()


def test_chosen_folders_only(world):
	"""The other folder's removals stay what they are."""
	fill(world, 20)
	fill(world, 3, "A", "a")
	world.sync()
	unlink(world, "m0", "a0")
	r = world.run("--json", "sync", UNDO, "w:A")
	assert r.rc == 0, str(r)
	with world.imap() as imap:
		assert len(imap.messages("INBOX", False)) == 20
	world.sync()
	left = model(20)
	del left["m0"]
	world.compare({"INBOX": left, "A": model(3, "a")})
	world.assert_idle()


def test_all_else_goes_on(world):
	fill(world, 12)
	world.sync()
	unlink(world, *model(12))
	world.deliver("INBOX", "near", "S")
	with world.imap() as imap:
		world.append(imap, "INBOX", "far", ["\\Flagged"])
	r = world.sync(UNDO)
	assert r.summary()["pushed"]["new"] == 1, str(r)
	assert r.summary()["pulled"]["new"] == 13, str(r)
	world.compare({"INBOX": dict(model(12), near=frozenset(["\\Seen"]),
	    far=frozenset(["\\Flagged"]))})
	world.assert_idle()


def test_with_force_deletes(world):
	r = world.run("sync", UNDO, "--force-deletes")
	assert r.rc == 64 and "exclude each other" in r.err, str(r)
