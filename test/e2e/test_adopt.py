"""A Maildir that the real mbsync or the real OfflineIMAP has filled.

The first run pairs and does nothing else; when it was agreed to, nothing is
delivered, nothing is uploaded, and the next run is idle. What these do to
messages and names stands in design sections 3 and 5.
"""

import os

import pytest

import judge
from relay import Relay
from rivals import MBSYNC, OFFLINEIMAP, needs, tool

SMALL, LARGE = 600, 200000
FOLDERS = ["Entw\u00fcrfe", "lists/foo", "\u65e5\u672c\u8a9e"]

WHERE = {
    "Verbatim": "Path {mail}/\nInbox {mail}/INBOX\nSubFolders Verbatim",
    "Legacy": "Path {mail}/\nInbox {mail}/INBOX\nSubFolders Legacy",
    "Maildir++": "Inbox {mail}/INBOX\nSubFolders Maildir++",
    "Maildir++ root": "Inbox {mail}\nSubFolders Maildir++",
}


def fill(world):
	"""Some of each kind; returns how many octets the large ones have."""
	with world.imap() as imap:
		for name in FOLDERS:
			imap.create(name)
		for n, name in enumerate(["INBOX"] + FOLDERS):
			for i, flags in enumerate(([], ["\\Seen"],
			    ["\\Seen", "\\Flagged"], ["\\Answered"],
			    ["\\Seen", "\\Draft"], ["todo"])):
				world.append(imap, name, "m%d%d" % (n, i),
				    flags, size=SMALL)
		for i in range(4):
			world.append(imap, "INBOX", "large%d" % i, ["\\Seen"],
			    size=LARGE)
		# These may be each other, by their headers.
		for i in range(2):
			imap.append("INBOX", b"Subject: report\r\n"
			    b"X-Tok: r%d\r\n\r\nreport %d\r\n" % (i, i))
	return 4 * LARGE


def mbsync(world, style, port=None):
	os.makedirs(world.maildir.root, exist_ok=True)
	conf = world.dir + "/mbsyncrc"
	with open(conf, "w") as f:
		f.write(MBSYNC.format(port=port or world.server.port,
		    user=world.user, password=world.server.password,
		    where=WHERE[style].format(mail=world.maildir.root)))
	tool(world, "mbsync", "-q", "-c", conf, "all")


def offlineimap(world, sep, port=None):
	os.makedirs(world.maildir.root, exist_ok=True)
	conf = world.dir + "/offlineimaprc"
	with open(conf, "w") as f:
		f.write(OFFLINEIMAP.format(port=port or world.server.port,
		    user=world.user, password=world.server.password, sep=sep,
		    dir=world.dir, mail=world.maildir.root))
	tool(world, "offlineimap", "-c", conf, "-o", "-u", "quiet")


def disk(world):
	"""Every file and directory but those of mailtern."""
	out = {}
	for at, dirs, files in os.walk(world.maildir.root):
		dirs[:] = [d for d in dirs if d != ".mailtern"]
		for name in dirs + files:
			path = os.path.join(at, name)
			out[path] = os.path.isfile(path) and open(path,
			    "rb").read()
	return out


def names(found):
	"""Unique parts; flags may travel."""
	return sorted(path.partition(":2,")[0] for path, data in found.items()
	    if data is not False and "/tmp/" not in path)


def is_held(world, *words):
	"""Two runs name what they saw, and change nothing."""
	before, there = disk(world), world.remote_stamp()
	for _ in range(2):
		r = world.sync(rc=1)
		for word in words:
			assert word in r.err, r
		assert disk(world) == before, r
		assert world.remote_stamp() == there, r
	return before, there


def is_taken(world, before, there, large):
	"""It was agreed to: both sides have what they had."""
	r = world.sync("--adopt")
	s = r.summary()
	for side in ("pulled", "pushed"):
		assert s[side]["new"] == s[side]["deleted"] == 0, r
	assert s["pushed"].get("folders", 0) == 0, r
	assert names(disk(world)) == names(before), r
	after = world.remote_stamp()
	assert {k: [m[0] for m in v[3]] for k, v in after.items()} == \
	    {k: [m[0] for m in v[3]] for k, v in there.items()}, r
	assert s["bytes_in"] < large / 2, "bodies were fetched: %s" % r
	world.assert_idle()


@needs["mbsync"]
def test_mbsync(world):
	large = fill(world)
	mbsync(world, "Verbatim")
	before, there = is_held(world, "was filled by mbsync", ".mbsyncstate")
	is_taken(world, before, there, large)


@needs["mbsync"]
def test_mbsync_uploaded(world):
	"""What it sent has its X-TUID on the server, or in the file alone."""
	large = fill(world)
	mbsync(world, "Verbatim")
	for i in range(8):
		world.deliver("INBOX", "up%d" % i, "S", size=SMALL)
	world.deliver("INBOX", "uplarge", "S", size=LARGE)
	mbsync(world, "Verbatim")
	before, there = is_held(world, "was filled by mbsync")
	is_taken(world, before, there, large)


@needs["mbsync"]
@pytest.mark.parametrize("style", ["Legacy", "Maildir++"])
def test_mbsync_laid_out_otherwise(world, style):
	fill(world)
	mbsync(world, style)
	is_held(world, "was filled by mbsync", "laid out otherwise")


@needs["mbsync"]
def test_mbsync_root_is_a_maildir(world):
	fill(world)
	mbsync(world, "Maildir++ root")
	before, there = disk(world), world.remote_stamp()
	for args in ((), ("--adopt",)):
		r = world.sync(*args, rc=78)
		assert world.maildir.root in r.err, r
		assert disk(world) == before
		assert world.remote_stamp() == there


@needs["offlineimap"]
@pytest.mark.parametrize("sep", [".", "/"])
def test_offlineimap(world, sep):
	large = fill(world)
	offlineimap(world, sep)
	before, there = is_held(world, "was filled by OfflineIMAP", ",FMD5=",
	    *(["laid out otherwise"] if sep == "." else []))
	is_taken(world, before, there, large)


@needs["offlineimap"]
def test_offlineimap_uploaded(world):
	"""Without UIDPLUS it finds its uploads by a header of its own."""
	large = fill(world)
	with Relay(world.server.port, hides={"UIDPLUS"}) as relay:
		offlineimap(world, "/", relay.port)
		for i in range(8):
			world.deliver("INBOX", "up%d" % i, "S", size=SMALL)
		world.deliver("INBOX", "uplarge", "S", size=LARGE)
		offlineimap(world, "/", relay.port)
		relay.wait_quiet()
	with world.imap() as imap:
		sent = [m.data for m in imap.messages("INBOX").values()
		    if judge.token(m.data).startswith("up")]
	assert len(sent) == 9 and all(b"\r\nX-OfflineIMAP: " in m
	    for m in sent)
	before, there = is_held(world, "was filled by OfflineIMAP")
	is_taken(world, before, there, large)
