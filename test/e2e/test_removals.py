"""What is removed, when, and what keeps a message alive meanwhile."""

import re
import sqlite3
from collections import Counter

import pytest

from middleman import Middleman
from world import transfers

KEY = frozenset(["mykey", "\\Flagged"])
# Dovecot refuses to make it: sdbox keeps a folder's own files there.
REFUSED = "dbox-Mails"


def fill(world, n, folder="INBOX", prefix="m", flags=()):
	with world.imap() as imap:
		if folder != "INBOX":
			imap.create(folder)
		for i in range(n):
			world.append(imap, folder, "%s%d" % (prefix, i), flags)


def server_counts(world):
	with world.imap() as imap:
		return {name: len(imap.messages(name, False))
		    for name in imap.folders()}


def local_counts(world):
	return {name: len(files) for name, files in world.maildir.all().items()}


def through(world, port):
	world.port = port
	world.write_conf()


# -- somebody is still at it --

def test_removals_that_grow_wait(world):
	"""60 files are gone at the first look, 20 more at the second: under the
	guard's limits, but it is not over yet."""
	fill(world, 400)
	world.sync()
	files = world.maildir.files("INBOX")
	for f in files[:60]:
		world.maildir.unlink(f)
	with world.imap() as imap:	# so that the folder is selected
		imap.store("INBOX", 400, "+", ["\\Flagged"])
	left = files[60:80]

	def up(line):
		while b" SELECT " in line and left:
			world.maildir.unlink(left.pop())
		return line

	with Middleman(world.server.port, up=up) as man:
		through(world, man.port)
		r = world.run("--json", "sync")
	assert not left
	assert r.rc == 1 and "still disappearing" in r.err, str(r)
	assert r.summary()["pushed"]["deleted"] == 0
	assert server_counts(world)["INBOX"] == 400
	through(world, None)
	r = world.sync()
	assert r.summary()["pushed"]["deleted"] == 80, str(r)
	world.compare()
	world.assert_idle()


# -- the guard counts content, wherever it lies --

@pytest.mark.parametrize("n", [10, 300])
@pytest.mark.parametrize("side", ["local", "remote"])
def test_duplicates_do_not_hide_a_disaster(world, n, side):
	"""Each message has a second copy, in All; both copies go at once."""
	fill(world, n)
	with world.imap() as imap:
		imap.create("All")
		imap.copy("INBOX", range(1, n + 1), "All")
	world.sync()
	for folder in ("INBOX", "All"):
		if side == "local":
			for f in world.maildir.files(folder):
				world.maildir.unlink(f)
		else:
			with world.imap() as imap:
				imap.expunge(folder, range(1, n + 1))
	for _ in range(2):
		r = world.run("--json", "sync")
		assert r.rc == 1 and "--force-deletes" in r.err, str(r)
		assert r.summary()["held"] == 2 * n, str(r)
		assert transfers(r.summary()) == 0, str(r)
	left = server_counts(world) if side == "local" else local_counts(world)
	assert left == {"INBOX": n, "All": n}
	world.sync("--force-deletes")
	world.compare({"INBOX": {}, "All": {}})


def test_one_of_two_copies_is_no_disaster(world):
	fill(world, 60)
	with world.imap() as imap:
		imap.create("All")
		imap.copy("INBOX", range(1, 61), "All")
	world.sync()
	for f in world.maildir.files("INBOX"):
		world.maildir.unlink(f)
	world.sync()
	assert server_counts(world) == {"INBOX": 0, "All": 60}
	world.assert_idle()


@pytest.mark.parametrize("when", [1, 2])
def test_what_goes_during_the_run_is_judged(world, when):
	"""246 of 250 are expunged behind LIST: before the SELECT that looks,
	or before the one that precedes the removal of something else."""
	fill(world, 250, "B")
	with world.imap() as imap:
		imap.create("C")
	world.sync()
	world.maildir.unlink(world.maildir.files("B")[0])
	with world.imap() as imap:	# so that B, C and B are selected
		world.append(imap, "C", "c")
		imap.store("B", [3], "+", ["\\Flagged"])
	seen = []

	def up(line):
		if re.search(rb' SELECT "?B"?[ \r]', line):
			seen.append(line)
			if len(seen) == when:
				with world.imap() as imap:
					imap.expunge("B", range(5, 251))
		return line

	with Middleman(world.server.port, up=up) as man:
		through(world, man.port)
		r = world.run("--json", "sync")
	assert len(seen) >= when
	assert r.rc == 1 and "--force-deletes" in r.err, str(r)
	assert r.summary()["pulled"]["deleted"] == 0, str(r)
	assert local_counts(world)["B"] == 249
	through(world, None)
	r = world.run("--json", "sync")
	assert r.rc == 1 and r.summary()["held"] >= 245, str(r)
	assert local_counts(world)["B"] == 249
	world.sync("--force-deletes")
	world.compare()
	assert server_counts(world)["B"] in (3, 4)
	world.assert_idle()


# -- a move is an addition first --

def refusing(world, what):
	"""A middleman behind whom the server refuses to take m0 in B."""
	def up(line):
		if what == "APPEND":
			return re.sub(rb'( APPEND | COPY \S+ )"?B"?( |\r)',
			    rb'\1"no/such"\2', line)
		return re.sub(rb'( CREATE )"?B"?\r', b'\\1"%s"\r'
		    % REFUSED.encode(), line)

	return Middleman(world.server.port, up=up)


@pytest.mark.parametrize("keep_name", [True, False])
@pytest.mark.parametrize("what", ["CREATE", "APPEND"])
def test_refused_at_its_new_place(world, what, keep_name):
	"""INBOX keeps its copy until the other folder has taken it."""
	fill(world, 2, flags=KEY)
	if what == "APPEND":
		with world.imap() as imap:
			imap.create("B")
	world.sync()
	if what == "CREATE":
		world.maildir.create("B")
	world.maildir.move(world.maildir.find("m0"), "B", keep_name)
	with refusing(world, what) as man:
		through(world, man.port)
		for _ in range(3):
			r = world.run("--json", "sync")
			assert r.rc == 1 and "B" in r.err, str(r)
			assert r.summary()["pushed"]["deleted"] == 0, str(r)
			assert server_counts(world)["INBOX"] == 2
			assert world.maildir.find("m0").folder == "B"
	through(world, None)
	world.sync()
	world.compare({"INBOX": {"m1": KEY}, "B": {"m0": KEY}})
	world.assert_idle()


def test_folder_that_the_server_refuses(world):
	"""The same without anybody in between."""
	fill(world, 2)
	world.sync()
	world.maildir.create(REFUSED)
	world.maildir.move(world.maildir.find("m0"), REFUSED)
	for _ in range(2):
		r = world.run("--json", "sync")
		assert r.rc == 1 and REFUSED in r.err, str(r)
		assert server_counts(world) == {"INBOX": 2}
	world.maildir.rename_folder(REFUSED, "C")
	world.sync()
	world.compare({"INBOX": {"m1": frozenset()}, "C": {"m0": frozenset()}})


@pytest.mark.parametrize("keep_name", [True, False])
def test_partial_run_over_the_source_of_a_move(world, keep_name):
	fill(world, 3, flags=KEY)
	with world.imap() as imap:
		imap.create("B")
	world.sync()
	world.maildir.move(world.maildir.find("m1"), "B", keep_name)
	for _ in range(2):
		r = world.run("--json", "sync", "w:INBOX")
		assert r.rc in (0, 75), str(r)
		assert server_counts(world) == {"INBOX": 3, "B": 0}
	world.sync()
	world.compare({"INBOX": {"m0": KEY, "m2": KEY}, "B": {"m1": KEY}})
	world.assert_idle()


def operations(result):
	return Counter((e["op"], e.get("folder")) for e in result.events
	    if "op" in e)


@pytest.mark.parametrize("keep_name", [True, False])
def test_dry_run_of_a_move_of_everything(world, keep_name):
	"""12 of 12 leave INBOX: no disaster, they are in B."""
	fill(world, 12)
	with world.imap() as imap:
		imap.create("B")
	world.sync()
	for f in world.maildir.files("INBOX"):
		world.maildir.move(f, "B", keep_name)
	remote, local = world.remote_stamp(), world.local_stamp()
	dry = [world.sync("-n") for _ in range(2)]
	assert world.remote_stamp() == remote
	assert world.local_stamp() == local
	real = world.sync()
	assert operations(real), str(real)
	for d in dry:
		assert operations(d) == operations(real)
	assert server_counts(world) == {"INBOX": 0, "B": 12}
	world.compare()
	world.assert_idle()


def test_dry_run_of_a_disaster(world):
	"""What would be held is held in the dry run, too."""
	fill(world, 12)
	world.sync()
	for f in world.maildir.files("INBOX"):
		world.maildir.unlink(f)
	for args in (("-n",), (), ("-n",)):
		r = world.run("--json", "sync", *args)
		assert r.rc == 1 and r.summary()["held"] == 12, str(r)
		assert not operations(r), str(r)
	assert server_counts(world) == {"INBOX": 12}


# -- folders --

def test_two_folders_deleted_one_got_mail(world):
	"""One run for the one; the other comes back with what is new."""
	fill(world, 12)
	for name in ("AA", "ZZ"):
		fill(world, 2, name, name)
	world.sync()
	for name in ("AA", "ZZ"):
		world.maildir.remove_folder(name)
	with world.imap() as imap:
		world.append(imap, "ZZ", "fresh")
	world.sync()
	assert "AA" not in server_counts(world)
	assert "AA" not in world.maildir.folders()
	world.sync()
	inbox = {"m%d" % i: frozenset() for i in range(12)}
	world.compare({"INBOX": inbox, "ZZ": {"fresh": frozenset()}})
	world.assert_idle()


def test_dirty_rows_outside_of_folders(world):
	"""What is not judged is not pending."""
	fill(world, 2)
	fill(world, 2, "J", "j")
	world.sync()
	world.deliver("J", "mine", "S")
	world.maildir.unlink(world.maildir.find("j0"))
	assert world.run("status").rc in (0, 1)	# it records what it sees
	world.keys["folders"] = '{"*", "!J"}'
	world.write_conf()
	for _ in range(2):
		r = world.sync()
		assert r.summary()["pending"] == 0, str(r)
	assert server_counts(world) == {"INBOX": 2, "J": 2}
	del world.keys["folders"]
	world.write_conf()
	world.sync()
	world.compare()
	assert server_counts(world) == {"INBOX": 2, "J": 2}


def test_uidvalidity_change_downloads_nothing_again(world):
	n, size = 20, 20000
	with world.imap() as imap:
		imap.create("F")
		for i in range(n):
			world.append(imap, "F", "m%d" % i, size=size)
	world.sync()
	files = world.local_stamp()
	with world.imap() as imap:
		imap.rename("F", "G")
		imap.create("F")
		imap.copy("G", range(1, n + 1), "F")
		imap.delete("G")
	r = world.sync()
	s = r.summary()
	assert s["bytes_in"] < n * size // 4, str(r)
	assert s["pulled"]["new"] == s["pushed"]["new"] == 0, str(r)
	assert world.local_stamp() == files
	world.compare()
	world.assert_idle()


# -- expunge = yes: both sides or none --

def test_marked_file_stays_while_the_server_is_held(make_world):
	world = make_world(keys={"expunge": "yes"})
	fill(world, 60)
	fill(world, 80, "LL", "l")
	world.sync()
	for f in world.maildir.files("LL"):
		world.maildir.unlink(f)
	world.maildir.flag(world.maildir.find("m50"), "T")
	for _ in range(2):
		r = world.run("--json", "sync")
		assert r.rc == 1 and "--force-deletes" in r.err, str(r)
		assert server_counts(world) == {"INBOX": 60, "LL": 80}
		assert world.maildir.find("m50").letters == "T"
	world.sync("--force-deletes")
	assert server_counts(world) == {"INBOX": 59, "LL": 0}
	world.compare()
	world.assert_idle()


def test_mark_is_refused(world):
	"""UID EXPUNGE was sent with it, and took nothing: the message is there
	and stays to be removed."""
	fill(world, 12)
	world.sync()
	world.maildir.unlink(world.maildir.find("m3"))
	world.maildir.unlink(world.maildir.find("m4"))

	def up(line):
		return line.replace(b"SILENT (\\Deleted)", b"SILENT (\\No")

	with Middleman(world.server.port, up=up) as man:
		through(world, man.port)
		for _ in range(2):
			r = world.run("--json", "sync")
			assert r.rc == 1 and "refused to remove" in r.err
			assert r.summary()["pushed"]["deleted"] == 0, str(r)
			assert server_counts(world)["INBOX"] == 12
	through(world, None)
	assert world.sync().summary()["pushed"]["deleted"] == 2
	world.settle()


def test_many_removals_in_few_round_trips(world):
	"""Scattered ones, in one flight: FETCH, then STORE and EXPUNGE."""
	fill(world, 150)
	world.sync()
	idle = world.sync().summary()
	for i in range(0, 100, 3):
		world.maildir.unlink(world.maildir.find("m%d" % i))
	s = world.sync().summary()
	assert s["pushed"]["deleted"] == 34
	assert s["round_trips"] <= idle["round_trips"] + 4, (s, idle)
	world.settle()


# -- why it was believed --

def log(world):
	"""{what: [(folder, evidence)]}, read past the program."""
	db = sqlite3.connect("file:%s/mailtern/w.db?mode=ro&immutable=1"
	    % world.state, uri=True)
	out = {}
	for what, folder, why in db.execute(
	    "SELECT what, folder, evidence FROM log ORDER BY id"):
		out.setdefault(what, []).append((folder, why))
	db.close()
	return out


def test_evidence(world):
	"""A line for each thing that goes, with what was seen."""
	fill(world, 5)
	fill(world, 2, "work", "w")
	fill(world, 2, "old", "o")
	world.sync()
	m = world.maildir
	with world.imap() as imap:
		imap.expunge("INBOX", [1, 3])
		imap.delete("old")
	m.unlink(m.find("m1"))
	m.unlink(m.find("m2"))
	m.remove_folder("work")
	world.sync()
	found = log(world)
	(folder, why), = [x for x in found["removed-local"]
	    if x[0] == "INBOX"]
	assert re.search("told 2 as gone.*EXISTS 3, UIDVALIDITY [0-9]+$",
	    why), why
	assert [w for f, w in found["removed-local"] if f == "old"] == [
	    "the folder is gone from the server: two lists lacked it"] * 2
	why, = [w for f, w in found["removed-remote"] if f == "INBOX"]
	assert re.search("complete scans at ([0-9]+) and ([0-9]+); marker "
	    "[0-9a-f]{32}; the server had size [0-9]+ and date [0-9]+ as "
	    "recorded$", why), why
	assert [w for f, w in found["removed-remote"] if f == "work"][0] \
	    .startswith("the directory is gone from an intact parent; marker")
	assert [f for f, _ in found["forgotten"]] == ["INBOX"]
	assert [f for f, _ in found["dropped-local"]] == ["old"]
	assert [f for f, _ in found["dropped-remote"]] == ["work"]
	world.assert_idle()
	assert log(world) == found


def test_evidence_of_trash_and_force(make_world):
	world = make_world(keys={"trash": "Trash"})
	with world.imap() as imap:
		imap.create("Trash")
	fill(world, 12)
	world.sync()
	for f in world.maildir.files("INBOX"):
		world.maildir.unlink(f)
	world.run("--json", "sync", rc=1)
	assert set(log(world)) == {"made-local", "pulled"}
	world.sync("--force-deletes")
	lines = log(world)["trashed"]
	assert len(lines) == 12
	assert all("earlier run" in why and why.endswith(
	    "moved to Trash; --force-deletes") for _, why in lines), lines[0]
