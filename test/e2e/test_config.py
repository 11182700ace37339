"""Faulty configuration: one line with file, line and what to do; exit 78."""

import glob
import os
import shutil

import pytest

from world import ROOT

FAULTS = sorted(glob.glob(ROOT + "/test/fixture/syncrc/*.syncrc"))


def test_there_are_enough():
	assert len(FAULTS) >= 15


@pytest.mark.parametrize("path", FAULTS,
    ids=lambda p: os.path.basename(p)[:-7])
def test_fault(world, path):
	shutil.copy(path, world.conf)
	os.chmod(world.conf, 0o600)
	r = world.run("sync")
	with open(path[:-6] + "expected") as f:
		expected = f.read().rstrip("\n")
	assert r.rc == 78, str(r)
	assert len(r.err.splitlines()) == 1, r.err
	assert world.conf + expected in r.err
	assert r.out == ""


def test_unknown_account(world):
	r = world.run("sync", "nosuch")
	assert r.rc in (64, 78) and "nosuch" in r.err
	assert len(r.err.splitlines()) == 1


@pytest.mark.parametrize("args", [(), ("nosuch",), ("sync", "--nosuch"),
    ("--nosuch",)])
def test_usage(world, args):
	r = world.run(*args)
	assert r.rc == 64 and r.err != "", str(r)


def test_no_file(world):
	os.unlink(world.conf)
	r = world.run("sync")
	assert r.rc == 78 and world.conf in r.err, str(r)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o602])
def test_open_to_others(world, mode):
	os.chmod(world.conf, mode)
	r = world.run("sync")
	assert r.rc == 78 and world.conf in r.err, str(r)
	assert world.server.password + "'" not in r.err


def test_found_by_default(world):
	"""$XDG_CONFIG_HOME/mailtern/syncrc, without -c."""
	import subprocess
	from world import program
	at = world.dir + "/home/.config/mailtern"
	os.makedirs(at)
	os.rename(world.conf, at + "/syncrc")
	p = subprocess.run([program(), "sync"], env=world.env(),
	    stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
	assert p.returncode == 0, p.stderr
	assert p.stdout.startswith(b"w: "), p.stdout


def test_nested_roots(world):
	with open(world.conf) as f:
		text = f.read()
	with open(world.conf, "a") as f:
		f.write(text.replace("account w", "account v")
		    .replace(world.maildir.root, world.maildir.root + "/in"))
	r = world.run("sync")
	assert r.rc == 78, str(r)
	assert not os.path.exists(world.maildir.root)


def test_wrong_maildir(make_world):
	"""The marker of another account: exit 78, nothing touched."""
	one, two = make_world(), make_world()
	two.keys["maildir"] = '"%s"' % one.maildir.root
	two.write_conf()
	with one.imap() as imap:
		one.append(imap, "INBOX", "mine")
	one.sync()
	before = one.local_stamp()
	r = two.run("sync")
	assert r.rc == 78, str(r)
	assert one.local_stamp() == before
	with two.imap() as imap:
		assert imap.messages("INBOX") == {}


def test_user_changed(make_world):
	one, two = make_world(), make_world()
	with one.imap() as imap:
		one.append(imap, "INBOX", "mine")
	one.sync()
	one.keys["user"] = '"%s"' % two.user
	one.write_conf()
	r = one.run("sync")
	assert r.rc == 78, str(r)
	with two.imap() as imap:
		assert imap.messages("INBOX") == {}
	assert len(one.maildir.files("INBOX")) == 1
