"""Is this the Maildir, and the account, that the index speaks of?

A look (status, a dry run) must never disarm the check of the run behind it.
"""

import glob
import os
import shutil
import threading

import pytest

from middleman import Middleman
from world import transfers


def fill(world, n, folder="INBOX"):
	with world.imap() as imap:
		if folder != "INBOX":
			imap.create(folder)
		for i in range(n):
			world.append(imap, folder, "%s%d" % (folder[0], i))


def server_counts(world):
	with world.imap() as imap:
		return {name: len(imap.messages(name, False))
		    for name in imap.folders()}


def take_root_away(world, how):
	os.rename(world.maildir.root, world.maildir.root + ".away")
	if how == "emptied":
		os.mkdir(world.maildir.root, 0o700)


def bring_root_back(world):
	if os.path.isdir(world.maildir.root):
		os.rmdir(world.maildir.root)	# nothing was put there
	os.rename(world.maildir.root + ".away", world.maildir.root)


LOOKS = {
	"sync": ("sync",),
	"status": ("status",),
	"dry": ("sync", "-n"),
	"dry adopt": ("sync", "-n", "--adopt"),
	"dry force": ("sync", "-n", "--force-deletes"),
	"dry full adopt": ("sync", "-n", "--full", "--adopt"),
}


@pytest.mark.sample(6)
@pytest.mark.parametrize("how", ["removed", "emptied"])
@pytest.mark.parametrize("n", [6, 30])
@pytest.mark.parametrize("look", LOOKS)
def test_a_look_does_not_disarm(world, how, n, look):
	"""6 and 30: below and above what the guard over removals lets pass."""
	fill(world, n)
	fill(world, 2, "x")
	world.sync()
	before = world.remote_stamp()
	take_root_away(world, how)
	for _ in range(2):
		r = world.run(*LOOKS[look])
		assert r.rc == 1, str(r)
		told = r.out + r.err
		assert world.maildir.root in told or "merge" in told, str(r)
	r = world.run("--json", "sync")
	assert r.rc == 1 and transfers(r.summary()) == 0, str(r)
	assert "--adopt" in r.err, str(r)
	assert world.remote_stamp() == before
	bring_root_back(world)
	r = world.sync()
	assert transfers(r.summary()) == 0, str(r)
	world.compare()
	assert server_counts(world) == {"INBOX": n, "x": 2}


def test_status_of_an_unmounted_root_tells_no_removals(world):
	fill(world, 6)
	fill(world, 2, "x")
	world.sync()
	take_root_away(world, "emptied")
	r = world.run("--json", "status")
	assert not [e for e in r.events if e["event"] == "op"], str(r)


def test_status_tells_of_a_restored_folder(world):
	fill(world, 3)
	world.sync()
	with world.imap() as imap:
		imap.expunge("INBOX", 1)
	world.sync()
	[old] = glob.glob(world.maildir.root +
	    "/.mailtern/attic/tmp/*/INBOX/*")
	os.rename(old, world.maildir.dir("INBOX") + "/cur/" +
	    os.path.basename(old))
	for _ in range(2):
		r = world.run("--json", "status", rc=0)
		assert r.err.count("merges both sides") == 1, str(r)
	assert world.sync().summary()["pushed"]["new"] == 1
	world.settle()
	assert world.run("status", rc=0).err == ""


@pytest.mark.parametrize("look", [(), ("-n",)], ids=["", "dry"])
def test_a_lost_index_is_no_restored_maildir(world, look):
	"""Nor is it when a dry run has begun a new one."""
	fill(world, 3)
	world.sync()
	shutil.rmtree(world.state)
	if look:
		world.run("sync", *look, rc=0)
	r = world.sync()
	assert "the index knows nothing of it" in r.err, str(r)
	assert transfers(r.summary()) == 0, str(r)
	world.settle()


@pytest.mark.parametrize("key", ["user", "host"])
def test_dry_adoption_of_another_server(world, key):
	"""It would merge; a dry run may not make the index forget."""
	fill(world, 8)
	world.sync()
	gone = world.maildir.files("INBOX")[0]
	world.maildir.unlink(gone)
	world.keys[key] = '"127.0.0.2"' if key == "host" else '"other"'
	world.write_conf()
	assert world.run("sync").rc == 78
	r = world.run("--json", "sync", "-n", "--adopt")
	assert r.rc not in (0, 75), str(r)
	assert world.run("sync").rc == 78
	assert world.run("status").rc in (0, 1, 78)
	del world.keys[key]
	world.write_conf()
	r = world.sync()
	assert r.summary()["pulled"]["new"] == 0, str(r)
	assert r.summary()["pushed"]["deleted"] == 1, str(r)
	world.compare()
	assert server_counts(world) == {"INBOX": 7}


def test_root_of_another_account(world):
	"""78, also when dry, until a real --adopt."""
	fill(world, 5)
	world.sync()
	before, files = world.remote_stamp(), world.local_stamp()
	world.NAME = "second"
	world.write_conf()
	for args in ((), ("-n",), ("--force-deletes",)):
		r = world.run("sync", *args)
		assert r.rc == 78 and "--adopt" in r.err, str(r)
	world.run("sync", "-n", "--adopt")
	assert world.run("sync").rc == 78
	assert world.remote_stamp() == before
	assert world.local_stamp() == files
	r = world.sync("--adopt")
	assert transfers(r.summary()) == 0, str(r)
	world.compare()


# -- two at once --

class Stuck:
	"""A run that waits for the answer to its first SELECT."""

	def __init__(self, world):
		self.world = world
		self.there, self.go = threading.Event(), threading.Event()
		self.man = Middleman(world.server.port, up=self.up)

	def up(self, line):
		if b" SELECT " in line and not self.go.is_set():
			self.there.set()
			assert self.go.wait(60)
		return line

	def __enter__(self):
		port = self.world.port
		self.world.port = self.man.port
		self.world.write_conf()
		self.run = self.world.popen("sync")
		assert self.there.wait(30)
		self.world.port = port
		self.world.write_conf()
		return self

	def __exit__(self, *exc):
		self.go.set()
		self.rc = self.run.wait(60)
		self.man.stop()


def test_two_runs_of_one_account(world):
	"""The second: not now, silent with -q, nothing done, nothing broken."""
	fill(world, 5)
	world.sync()
	world.deliver("INBOX", "mine", "S")
	with Stuck(world) as first:
		for args in (("sync",), ("-q", "sync"), ("sync", "--adopt")):
			r = world.run(*args)
			assert r.rc == 75, str(r)
		assert r.err or r.out
		r = world.run("-q", "sync")
		assert r.out + r.err == ""
		assert world.run("status").rc in (0, 1)
		assert server_counts(world) == {"INBOX": 5}
	assert first.rc == 0
	world.compare()
	assert server_counts(world) == {"INBOX": 6}
	world.assert_idle()


@pytest.mark.parametrize("adopt", [(), ("--adopt",)])
def test_two_states_one_root(world, adopt):
	"""The Maildir is locked too: another index may not join in."""
	fill(world, 5)
	world.sync()
	world.deliver("INBOX", "mine", "S")
	other = world.dir + "/other"
	os.mkdir(other)
	env = {"XDG_STATE_HOME": other}
	with Stuck(world) as first:
		r = world.run("sync", *adopt, env=env)
		assert r.rc == 75, str(r)
		assert server_counts(world) == {"INBOX": 5}
	assert first.rc == 0
	world.compare()
	assert server_counts(world) == {"INBOX": 6}
	world.assert_idle()


def test_two_accounts_one_root(world):
	"""Equal or nested roots: a mistake in the configuration."""
	fill(world, 2)
	world.sync()
	before, files = world.remote_stamp(), world.local_stamp()
	for root in (world.maildir.root, world.maildir.root + "/sub"):
		world.defaults = ('account twin { host = "127.0.0.1"\n port = '
		    '%d\n tls = none\n user = "twin"\n password = \'%s\'\n '
		    'maildir = "%s"\n}\n' % (world.server.port,
		    world.server.password, root))
		world.write_conf()
		r = world.run("sync")
		assert r.rc == 78, str(r)
	assert world.remote_stamp() == before
	assert world.local_stamp() == files
