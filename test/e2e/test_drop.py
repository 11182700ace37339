"""A folder that is deleted on the server: renamed, looked at, then deleted."""

import re
import shutil

import pytest

from between import Between, broken, cut, kill
from middleman import Middleman

HIDDEN = re.compile(rb"x-mailtern-[0-9a-f]{8}")
SEEN = frozenset(["\\Seen"])


def dropped(world, *more):
	"""x was in sync and is deleted on disk. What is left is returned."""
	with world.imap() as imap:
		for name in ("x",) + more:
			imap.create(name)
			world.append(imap, name, name.replace("/", ".") + "0")
		for i in range(4):
			world.append(imap, "INBOX", "in%d" % i)
	world.sync()
	world.maildir.remove_folder("x")
	model = {"INBOX": {"in%d" % i: frozenset() for i in range(4)}}
	for name in more:
		model[name] = {name.replace("/", ".") + "0": frozenset()}
	return model


def folders(world):
	with world.imap() as imap:
		return sorted(imap.folders())


def arrive(world, folder, tok, create=False):
	with world.imap() as imap:
		if create:
			imap.create(folder)
		world.append(imap, folder, tok, ["\\Seen"])


@pytest.mark.sample(4)
@pytest.mark.parametrize("act", [kill, cut])
@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("word", [b" RENAME ", b" DELETE ", b" UNSUBSCRIBE "])
def test_ends_in_the_middle(world, word, late, act):
	model = dropped(world)
	broken(world, word, act, late)
	world.sync()
	world.compare(model)
	assert folders(world) == ["INBOX"]
	world.assert_idle()


@pytest.mark.parametrize("late", [False, True])
def test_ends_in_the_middle_with_mail(world, late):
	"""That came before the folder was renamed."""
	model = dropped(world)
	broken(world, b" RENAME ", kill, late,
	    None if late else lambda: arrive(world, "x", "fresh"))
	if late:
		name, = [n for n in folders(world) if n != "INBOX"]
		arrive(world, name, "fresh")
	r = world.sync()
	assert ("x: mail arrived" in r.err) == late, str(r)
	model["x"] = {"fresh": SEEN}
	world.compare(model)
	world.assert_idle()


def test_mail_arrives_behind_the_look(world):
	model = dropped(world)

	def act(man, line):
		arrive(world, "x", "fresh")

	with Between(world, b" RENAME ", act):
		r = world.sync()
	assert "x: mail arrived" in r.err, str(r)
	assert r.summary()["pushed"]["folders"] == 0
	model["x"] = {"fresh": SEEN}
	world.settle(model)


def test_mail_arrives_under_the_old_name(world):
	"""A delivery makes the folder anew, just before DELETE."""
	model = dropped(world)

	def act(man, line):
		assert HIDDEN.search(line)
		arrive(world, "x", "fresh", create=True)

	with Between(world, b" DELETE ", act):
		r = world.sync()
	assert r.summary()["pushed"]["folders"] == 1
	model["x"] = {"fresh": SEEN}
	world.settle(model)


@pytest.mark.parametrize("ended", [False, True])
def test_old_name_is_taken(world, ended):
	"""Mail was in the folder when it was renamed, and a new one of the old
	name is there when it is to get that back."""
	model = dropped(world)
	hidden = []

	def going(line):
		if b" RENAME " in line and not hidden:
			arrive(world, "x", "fresh0")
			hidden.append(HIDDEN.search(line)[0].decode())
		elif b" RENAME " in line:
			arrive(world, "x", "fresh1", create=True)
			if ended:
				return kill(man, line)
		return line

	with Middleman(world.server.port, up=going) as man:
		world.port = man.port
		world.write_conf()
		man.process = world.popen("sync")
		assert man.process.wait(60) == (-9 if ended else 0)
	world.port = None
	world.write_conf()
	r = world.sync()
	if ended:
		assert "is in " + hidden[0] in r.err, str(r)
	assert "merged" not in r.err, str(r)
	model["x"] = {"fresh1": SEEN}
	model[hidden[0]] = {"fresh0": SEEN}
	world.compare(model)
	world.assert_idle()


def test_rename_is_refused(world):
	model = dropped(world)

	def act(man, line):
		return line.split()[0] + b" RENAME x INBOX\r\n"

	with Between(world, b" RENAME ", act) as man:
		world.sync()
	assert man.sent(b"DELETE") and not HIDDEN.search(
	    man.sent(b"DELETE")[0])
	world.settle(model)


def test_delete_is_refused(world):
	"""It gets its name back, and the next run tries again."""
	model = dropped(world)

	def act(man, line):
		return line.split()[0] + b" DELETE INBOX\r\n"

	with Between(world, b" DELETE ", act):
		r = world.run("--json", "sync")
	assert r.rc == 1 and "does not delete the folder" in r.err, str(r)
	assert folders(world) == ["INBOX", "x"]
	world.settle(model)


def test_children(world):
	"""What lies below is not renamed: the folder goes as it is."""
	model = dropped(world, "x/c")
	with Between(world, b" RENAME ", lambda man, line: None) as man:
		world.sync()
	assert not man.sent(b"RENAME") and man.sent(b"DELETE")
	world.settle(model)


def test_children_outside(make_world):
	"""The same for one that is not synchronised."""
	world = make_world(keys={"folders": '{"*", "!x/*"}'})
	dropped(world, "x/c")
	with Between(world, b" RENAME ", lambda man, line: None) as man:
		world.sync()
	assert not man.sent(b"RENAME") and man.sent(b"DELETE")
	assert "x/c" in folders(world)
	world.assert_idle()


def test_child_comes_meanwhile(world):
	model = dropped(world)

	def act(man, line):
		arrive(world, "x/c", "fresh", create=True)

	with Between(world, b" RENAME ", act) as man:
		world.sync()
	assert len(man.sent(b"RENAME")) == 2 and not man.sent(b"DELETE")
	model["x/c"] = {"fresh": SEEN}
	world.settle(model)


def test_name_is_too_long(world):
	"""For a longer one: it goes as it is."""
	name = "x" * 250
	with world.imap() as imap:
		imap.create(name)
	world.sync()
	world.maildir.remove_folder(name)
	world.sync()
	assert folders(world) == ["INBOX"]
	world.assert_idle()


def test_index_lost_meanwhile(world):
	"""Without the note it is a folder as any other."""
	model = dropped(world)
	broken(world, b" RENAME ", kill, True)
	name, = [n for n in folders(world) if n != "INBOX"]
	arrive(world, name, "fresh")
	shutil.rmtree(world.state)
	world.sync()
	model[name] = {"fresh": SEEN}
	world.compare(model)
	world.assert_idle()


def test_dry_run_meanwhile(world):
	"""It neither goes on nor takes the folder for somebody's."""
	model = dropped(world)
	broken(world, b" RENAME ", kill, True)
	before = world.remote_stamp(), world.local_stamp()
	r = world.sync("--dry-run")
	assert not HIDDEN.search(r.out.encode()), str(r)
	assert (world.remote_stamp(), world.local_stamp()) == before
	r = world.sync()
	assert r.summary()["pushed"]["folders"] == 1
	world.compare(model)
	world.assert_idle()


def test_subscription(world):
	"""Of our name none is left, whoever made it."""
	model = dropped(world)

	def act(man, line):
		name = HIDDEN.search(line)[0].decode()
		with world.imap() as imap:
			imap.command("SUBSCRIBE " + name)

	with Between(world, b" DELETE ", act):
		world.sync()
	with world.imap() as imap:
		assert "mailtern" not in str(imap.command('LSUB "" "*"'))
	world.settle(model)


def test_name_in_another_alphabet(world):
	name = "Entw\u00fcrfe/\u53f0\u5317 & co"
	with world.imap() as imap:
		imap.create(name)
		world.append(imap, name, "t")
	world.sync()
	world.maildir.remove_folder(name)
	with Between(world, b" RENAME ", lambda man, line: None) as man:
		world.sync()
	assert len(man.sent(b"RENAME")) == 1
	assert name not in folders(world)
	world.assert_idle()
