"""Servers that lack something: that they are hidden well, and what is done."""

import os

import pytest

import hiding
import modes
from conftest import number
from hiding import Hiding
from imapclient import Imap, ImapError
from relay import Relay
from world import World

BAD = b" BAD Error in IMAP command: unknown.\r\n"


@pytest.fixture(autouse=True)
def nothing_is_kept():
	before = len(hiding.REJECTED)
	yield
	del hiding.REJECTED[before:]


# What a command must be answered when that is hidden; the rest goes through.
REFUSED = [
    ("QRESYNC", b'SELECT "a (b" (QRESYNC (1 2))'),
    ("QRESYNC", b"ENABLE QRESYNC"),
    ("QRESYNC", b"UID FETCH 1:9 (UID FLAGS) (CHANGEDSINCE 5 VANISHED)"),
    ("CONDSTORE", b"SELECT INBOX (CONDSTORE)"),
    ("CONDSTORE", b"UID FETCH 1:9 (UID FLAGS) (CHANGEDSINCE 5)"),
    ("CONDSTORE", b"UID FETCH 1:9 (UID FLAGS MODSEQ)"),
    ("CONDSTORE", b"UID STORE 1 (UNCHANGEDSINCE 5) +FLAGS.SILENT (x)"),
    ("CONDSTORE", b"UID SEARCH MODSEQ 5"),
    ("CONDSTORE", b"STATUS INBOX (MESSAGES HIGHESTMODSEQ)"),
    ("CONDSTORE", b'LIST "" "*" RETURN (STATUS (HIGHESTMODSEQ))'),
    ("UIDPLUS", b"UID EXPUNGE 1:5"),
    ("MOVE", b"UID MOVE 1 work"),
    ("ESEARCH", b"UID SEARCH RETURN (ALL) DELETED"),
    ("SEARCHRES", b"UID SEARCH RETURN (SAVE ALL COUNT) UID 1:9"),
    ("SEARCHRES", b"UID SEARCH RETURN (ALL COUNT) UID $ SEEN"),
    ("LIST-STATUS", b'LIST "" "*" RETURN (STATUS (MESSAGES))'),
    ("LIST-EXTENDED", b'LIST "" "*" RETURN (CHILDREN)'),
    ("LIST-EXTENDED", b'LIST (SUBSCRIBED) "" "*"'),
    ("SPECIAL-USE", b'LIST "" "*" RETURN (SPECIAL-USE)'),
    ("ENABLE", b"ENABLE CONDSTORE"),
    ("ID", b'ID ("name" "x")'),
    ("NAMESPACE", b"NAMESPACE"),
    ("COMPRESS=DEFLATE", b"COMPRESS DEFLATE"),
    ("SASL-IR", b"AUTHENTICATE PLAIN AHUAcA=="),
    ("UNSELECT", b"UNSELECT"),
    ("IDLE", b"IDLE"),
]
# Understood by each server there is.
OLD = [b"SELECT INBOX", b'SELECT "(QRESYNC"', b'LIST "" "*"', b"EXPUNGE",
    b"UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER])",
    b"STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY)", b"UID SEARCH DELETED",
    b"UID COPY 1 work", b"UID STORE 1 +FLAGS.SILENT (\\Deleted)", b"NOOP",
    b"UID STORE 1 +FLAGS.SILENT ($Forwarded $Junk)",
    b"AUTHENTICATE PLAIN", b"CREATE ENABLE", b"LOGOUT"]


@pytest.mark.parametrize("name,text", REFUSED)
def test_refused(name, text):
	line = b"a1 " + text + b"\r\n"
	assert Hiding([name]).up(line) == (b"", b"a1" + BAD)
	assert Hiding(["*"]).up(line) == (b"", b"a1" + BAD)
	assert Hiding(["X"]).up(line) == (line, b"")
	assert hiding.REJECTED[-1] == (hiding.REJECTED[-1][0], line)


@pytest.mark.parametrize("text", OLD)
def test_passed(text):
	line = b"a1 " + text + b"\r\n"
	assert Hiding(["*"]).up(line) == (line, b"")


def feed(hides, script, size):
	"""What each end hears of a script [(way, bytes)], in pieces."""
	h, server, client = Hiding(hides), b"", b""
	for way, data in script:
		for at in range(0, len(data), size):
			piece = data[at:at + size]
			if way == "up":
				to_server, to_client = h.up(piece)
				server += to_server
				client += to_client
			else:
				client += h.down(piece)
	return server, client


# hides, [(way, bytes)], what the server hears, what the client hears
TALKS = {
    "answers-in-order": (["MOVE"],
	[("up", b"a NOOP\r\nb UID MOVE 1 x\r\nc NOOP\r\n"),
	    ("down", b"a OK\r\nc OK\r\n")],
	b"a NOOP\r\nc NOOP\r\n", b"a OK\r\nb" + BAD + b"c OK\r\n"),
    "name-in-a-literal": (["QRESYNC"],
	[("up", b"a SELECT {8+}\r\n(QRESYNC\r\n")],
	b"a SELECT {8+}\r\n(QRESYNC\r\n", b""),
    "behind-a-literal": (["QRESYNC"],
	[("up", b"a SELECT {1+}\r\nx (QRESYNC (1 2))\r\nb NOOP\r\n")],
	b"b NOOP\r\n", b"a" + BAD),
    "literal-that-waits": (["LITERAL+", "LITERAL-"],
	[("up", b"a SELECT {1}\r\n"), ("up", b"x\r\n")],
	b"a SELECT {1+}\r\nx\r\n", b"+ go on\r\n"),
    "literal-that-does-not": (["LITERAL+", "LITERAL-"],
	[("up", b"a SELECT {1+}\r\nx\r\nb NOOP\r\n")],
	b"b NOOP\r\n", b"a" + BAD),
    "small-literals": (["LITERAL+"],
	[("up", b"a SELECT {1+}\r\nx\r\nb APPEND x {4097+}\r\n"
	    + b"y" * 4097 + b"\r\nc NOOP\r\n"), ("down", b"a OK\r\n")],
	b"a SELECT {1+}\r\nx\r\nc NOOP\r\n", b"a OK\r\nb" + BAD),
    "append": (["*"],
	[("up", b"a APPEND x () {10}\r\n"), ("down", b"+ OK\r\n"),
	    ("up", b"b MOVE 1 x\r\r\nc NOOP\r\n"),
	    ("down", b"a OK [APPENDUID 1 2] Done.\r\n")],
	b"a APPEND x () {10}\r\nb MOVE 1 x\r\r\nc NOOP\r\n",
	b"+ OK\r\na OK Done.\r\n"),
    "append-refused": (["*"],
	[("up", b"a APPEND x () {10}\r\n"),
	    ("down", b"a NO [OVERQUOTA] Full.\r\n"), ("up", b"b NOOP\r\n")],
	b"a APPEND x () {10}\r\nb NOOP\r\n", b"a NO Full.\r\n"),
    "two-appended": (["MULTIAPPEND"],
	[("up", b"a APPEND x {1+}\r\ny () {1+}\r\nz\r\nb NOOP\r\n"),
	    ("down", b"a BAD no\r\n")],
	b"a APPEND x {1+}\r\ny )\r\nb NOOP\r\n", b"a BAD no\r\n"),
    "base64": (["SASL-IR"],
	[("up", b"a AUTHENTICATE PLAIN\r\n"), ("down", b"+ \r\n"),
	    ("up", b"AHUAcA==\r\nb NOOP\r\n"),
	    ("down", b"a OK [CAPABILITY IMAP4rev1 SASL-IR ID] in\r\n")],
	b"a AUTHENTICATE PLAIN\r\nAHUAcA==\r\nb NOOP\r\n",
	b"+ \r\na OK [CAPABILITY IMAP4rev1 ID] in\r\n"),
    "idle": (["MOVE"],
	[("up", b"a IDLE\r\n"), ("down", b"+ idling\r\n* 1 EXISTS\r\n"),
	    ("up", b"DONE\r\nb UID MOVE 1 x\r\n"), ("down", b"a OK\r\n")],
	b"a IDLE\r\nDONE\r\n",
	b"+ idling\r\n* 1 EXISTS\r\na OK\r\nb" + BAD),
    "codes": (["*"],
	[("down", b"* OK [CAPABILITY IMAP4rev1 ID AUTH=PLAIN] hi\r\n"
	    b"* CAPABILITY IMAP4rev1 QRESYNC STARTTLS\r\n"
	    b"* OK [HIGHESTMODSEQ 5] Highest\r\n* OK [CLOSED] Closed.\r\n"
	    b"* OK [UIDNEXT 5] Next\r\n* NO [ALERT] Fire\r\n"
	    b"* 1 FETCH (BODY[] {28}\r\n* OK [HIGHESTMODSEQ 5] High\r\n"
	    b" UID 7)\r\n* ENABLED QRESYNC\r\n")],
	b"", b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\r\n"
	b"* CAPABILITY IMAP4rev1 STARTTLS\r\n* OK [UIDNEXT 5] Next\r\n"
	b"* NO [ALERT] Fire\r\n* 1 FETCH (BODY[] {28}\r\n"
	b"* OK [HIGHESTMODSEQ 5] High\r\n UID 7)\r\n* ENABLED\r\n"),
}


@pytest.mark.parametrize("name", TALKS)
@pytest.mark.parametrize("size", [1, 7, 1000000])
def test_talk(name, size):
	hides, script, server, client = TALKS[name]
	assert feed(hides, script, size) == (server, client)


@pytest.fixture
def behind(server):
	"""behind(hides): a client of the server as it then looks."""
	made = []

	def make(*hides):
		relay = Relay(server.port, hides=hides)
		imap = Imap("127.0.0.1", relay.port, "u%d" % next(number),
		    server.password)
		made.append((relay, imap))
		return imap

	yield make
	for relay, imap in made:
		imap.close()
		relay.stop()


def refused(imap, *command):
	with pytest.raises(ImapError, match="BAD"):
		imap.command(*command)


def test_server_looks_bare(behind):
	imap = behind("*")
	got, _ = imap.command("CAPABILITY")
	words = next(v for _, word, v in got if word == "CAPABILITY")
	assert "IMAP4rev1" in words and all(w == "IMAP4rev1" or
	    w.startswith("AUTH=") or w == "STARTTLS" for w in words), words
	refused(imap, "ENABLE CONDSTORE")
	imap.command("SELECT INBOX")
	refused(imap, "UID EXPUNGE 1")
	refused(imap, "APPEND INBOX ", b"a: b\r\n\r\n")


def test_two_appended_are_none(behind):
	"""MULTIAPPEND hidden: nothing of such a command is kept."""
	imap = behind("MULTIAPPEND")
	refused(imap, "APPEND INBOX ", b"a: 1\r\n\r\n", " ", b"a: 2\r\n\r\n")
	assert imap.append("INBOX", b"a: 3\r\n\r\n") == 1
	assert len(imap.messages("INBOX")) == 1


# -- what the program does there --

# One change on the server, the only one in its folder: what no shortcut of any
# mode may miss. m1 to m3 are there, with UIDs 1 to 3 and \\Seen.
def swap(w, imap, folder):
	imap.expunge(folder, [2])
	w.append(imap, folder, folder + "-new", ["\\Seen"])


def newest_went(w, imap, folder):
	w.append(imap, folder, folder + "-brief")
	imap.expunge(folder, [4])
	imap.store(folder, [1], "+", ["\\Flagged"])


ALONE = {
    "flag": lambda w, imap, f: imap.store(f, [1], "+", ["\\Flagged"]),
    "unflag": lambda w, imap, f: imap.store(f, [3], "-", ["\\Seen"]),
    "keyword": lambda w, imap, f: imap.store(f, [2], "+", ["todo"]),
    "first": lambda w, imap, f: imap.expunge(f, [1]),
    "last": lambda w, imap, f: imap.expunge(f, [3]),
    "new": lambda w, imap, f: w.append(imap, f, f + "-new"),
    "swap": swap,
    "newest-went": newest_went,
    "to-and-fro": lambda w, imap, f: (imap.store(f, [1], "-", ["\\Seen"]),
	imap.store(f, [1], "+", ["\\Seen"])),
}


@pytest.mark.parametrize("mode", modes.MODES)
def test_change_alone(server, mode):
	before = modes.name()
	modes.choose(mode)
	try:
		with Relay(server.port, hides=modes.chosen().hides) as relay, \
		    World(server, "u%d" % next(number),
		    port=relay.port) as w:
			one_change_each(w)
	finally:
		modes.choose(before)


def one_change_each(w):
	with w.imap() as imap:
		for name in ALONE:
			imap.create(name)
			for i in range(3):
				w.append(imap, name, "%s%d" % (name, i + 1),
				    ["\\Seen"])
	w.sync()
	w.compare()
	with w.imap() as imap:
		for name, change in ALONE.items():
			change(w, imap, name)
	w.settle()


def test_pushed_without_uidplus(server):
	"""Its own messages show themselves by their headers."""
	with Relay(server.port, hides=["UIDPLUS"]) as relay, World(server,
	    "u%d" % next(number), port=relay.port) as w:
		w.sync()
		for i in range(20):
			w.deliver("INBOX", "m%d" % i, "S", size=20000)
		r = w.sync("--adopt")
		assert r.summary()["pushed"]["new"] == 20
		assert r.summary()["pulled"]["new"] == 0
		assert r.summary()["bytes_in"] < 40000, str(r)
		w.compare()
		w.assert_idle()


def test_plain_expunge_takes_ours_alone(server):
	"""Marked by another client between our look and EXPUNGE's."""
	with Relay(server.port, hides=["*"]) as relay, World(server,
	    "u%d" % next(number), port=relay.port) as w:
		with w.imap() as imap:
			for i in range(12):
				w.append(imap, "INBOX", "m%d" % i)
		w.sync()
		w.maildir.unlink(w.maildir.find("m3"))
		with w.imap() as imap:
			imap.store("INBOX", [7], "+", ["\\Deleted"])
		r = w.run("--json", "sync")
		assert r.rc == 75 and r.summary()["pending"] == 1, str(r)
		with w.imap() as imap:
			assert len(imap.messages("INBOX")) == 12
			imap.store("INBOX", [7], "-", ["\\Deleted"])
		w.sync()
		w.compare({"INBOX": {"m%d" % i: frozenset()
		    for i in range(12) if i != 3}})


@pytest.mark.parametrize("mark", ["", "T"])
def test_own_mark_is_no_wish(server, mark):
	"""What waits with a mark of ours, and is put back, loses it: unless
	the file has it now."""
	with Relay(server.port, hides=["UIDPLUS"]) as relay, World(server,
	    "u%d" % next(number), port=relay.port) as w:
		with w.imap() as imap:
			for i in range(12):
				w.append(imap, "INBOX", "m%d" % i, ["\\Seen"])
		w.sync()
		old = w.maildir.find("m3").path
		kept = w.dir + "/kept"
		os.rename(old, kept)
		with w.imap() as imap:
			imap.store("INBOX", [7], "+", ["\\Deleted"])
		r = w.run("--json", "sync")
		assert r.rc == 75 and r.summary()["pending"] == 1, str(r)
		back = old.rpartition(":2,")[0] + ":2,S" + mark
		os.rename(kept, back)
		w.sync()
		marked = {6, 3} if mark else {6}
		w.compare({"INBOX": {"m%d" % i: frozenset(["\\Seen"] +
		    ["\\Deleted"] * (i in marked)) for i in range(12)}})
		w.assert_idle()


def test_nested_without_namespace(server):
	"""The delimiter is known from LIST, which one connection of the four
	has asked for."""
	with Relay(server.port, hides=["NAMESPACE"]) as relay, World(server,
	    "u%d" % next(number), port=relay.port) as w:
		w.sync()
		names = ["a%d/b/c" % i for i in range(40)]
		for name in names:
			w.maildir.create(name)
			w.deliver(name, name, "S")
		w.sync("--adopt")
		w.compare()
		with w.imap() as imap:
			assert set(names) <= set(imap.folders())
