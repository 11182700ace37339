"""What a run asks of the server: little, and no change is missed for it.

Every shortcut has a change here that it could miss. Each way of asking runs
against a Dovecot of which a capability is hidden, and refused, as by a server
without it; or offered all the same, and refused.
"""

import re

import pytest

from imapclient import format_date
from middleman import Middleman, same
from world import DATE, World, message

MANY = 2600		# more than twice the part that is asked row by row
RECENT = 1000		# that part
WORDS = {		# how a command shows that it needs the capability
	"QRESYNC": rb"QRESYNC|VANISHED",
	"CONDSTORE": rb"CONDSTORE|CHANGEDSINCE|MODSEQ",
	"ESEARCH": rb"SEARCH RETURN",
	"SEARCHRES": rb"\(SAVE|UID \$",
	"SAVED": rb"UID \$",
	"LIST-STATUS": rb"^\S+ LIST .* RETURN .*STATUS",
}
MODES = {		# (hidden, refused)
	"qresync": ("", ""),
	"condstore": ("QRESYNC", "QRESYNC"),
	"condstore-old-search": ("QRESYNC ESEARCH",) * 2,
	"qresync-old-search": ("ESEARCH", "ESEARCH"),
	"no-list-status": ("LIST-STATUS", "LIST-STATUS"),
	"plain": ("QRESYNC CONDSTORE",) * 2,
	"plain-old-search": ("QRESYNC CONDSTORE ESEARCH LIST-STATUS",) * 2,
	"false-qresync": ("", "QRESYNC"),
	"false-condstore": ("QRESYNC", "QRESYNC CONDSTORE"),
	"false-search": ("", "ESEARCH"),
	"no-result-kept": ("SEARCHRES", "SEARCHRES"),
	"false-result-kept": ("", "SEARCHRES"),
	"result-dropped": ("", "SAVED"),
	"plain-no-result-kept": ("QRESYNC CONDSTORE SEARCHRES",) * 2,
	"false-list-status": ("", "LIST-STATUS"),
}


class Server(Middleman):
	"""Dovecot without some capabilities. up and down: more hooks."""

	def __init__(self, world, hidden="", refused="", up=same, down=same):
		self.world, self.more = world, (up, down)
		self.hidden = [h.encode() for h in hidden.split()]
		self.refused = [re.compile(WORDS[r]) for r in refused.split()]
		self.lines = []
		super().__init__(world.server.port, self.going, self.coming)
		world.port = self.port
		world.write_conf()

	def going(self, line):
		self.lines.append(line.decode("latin-1").split(" ", 1)[-1]
		    .rstrip("\r\n"))
		if any(r.search(line) for r in self.refused):
			return line.split()[0] + b" XREFUSED\r\n"
		return self.more[0](line)

	def coming(self, line):
		if b"CAPABILITY" in line:
			for word in self.hidden:
				line = re.sub(rb" " + word + rb"(?=[ \]\r])",
				    b"", line)
		if b"CONDSTORE" in self.hidden and b"[HIGHESTMODSEQ" in line:
			return b""
		return self.more[1](line)

	def sent(self, pattern):
		return [x for x in self.lines if re.match(pattern, x)]

	def stop(self):
		super().stop()
		self.world.port = None
		self.world.write_conf()


@pytest.fixture(scope="module")
def full(server):
	"""A user with many messages, to be cloned. UID n has token m-n."""
	w = World(server, "full")
	with w.imap() as imap:
		imap.create("work")
		fill(w, imap, "INBOX", "m", MANY)
		fill(w, imap, "work", "w", 5)
	yield w
	w.close()


def fill(world, imap, folder, name, n):
	"""By MULTIAPPEND."""
	for first in range(1, n + 1, 200):
		parts = ["APPEND " + folder]
		for i in range(first, min(first + 200, n + 1)):
			parts[-1] += " (%s) %s " % ("\\Seen" if i % 2 else "",
			    format_date(DATE))
			parts += [world.note(message("%s-%d" % (name, i)))
			    .replace(b"\n", b"\r\n"), ""]
		imap.command(*parts)


@pytest.fixture
def make_big(full, make_world):
	"""Not synced yet. One connection: what comes when is known."""
	def make():
		w = make_world(keys={"connections": "1"})
		w.server.clone(full.user, w.user)
		w.sums.update(full.sums)
		return w

	return make


@pytest.fixture
def big(make_big):
	w = make_big()
	w.sync()
	return w


def store(world, uids, flags, how="+", folder="INBOX"):
	with world.imap() as imap:
		imap.store(folder, uids, how, flags)


def expunge(world, uids, folder="INBOX"):
	with world.imap() as imap:
		imap.expunge(folder, uids)


def append(world, tok, folder="INBOX"):
	with world.imap() as imap:
		world.append(imap, folder, tok)


OLD = range(2, MANY - RECENT - 200, 3)		# more than goes row by row

# What happens on the server; what a run pulls then: new, flags, deleted.
CHANGES = [
    (lambda w: store(w, [MANY - 5], ["\\Flagged"]), (0, 1, 0)),
    (lambda w: store(w, [7, 900], ["\\Answered"]), (0, 2, 0)),
    (lambda w: store(w, OLD, ["\\Flagged"]), (0, len(OLD), 0)),
    (lambda w: store(w, OLD, ["\\Draft", "$Forwarded", "odd"]),
	(0, len(OLD), 0)),
    (lambda w: store(w, OLD, ["\\Flagged", "odd"], "-"), (0, len(OLD), 0)),
    (lambda w: append(w, "n1"), (1, 0, 0)),
    (lambda w: expunge(w, [MANY - 9]), (0, 0, 1)),
    (lambda w: expunge(w, [3]), (0, 0, 1)),
    (lambda w: (expunge(w, [6, 9]), store(w, [20], ["\\Answered"]),
	append(w, "n2")), (1, 1, 2)),
    (lambda w: (expunge(w, [12, MANY - 12]), store(w, OLD[50:], ["odd"])),
	(0, len(OLD[50:]), 2)),
    (lambda w: store(w, [1], ["\\Flagged"], folder="work"), (0, 1, 0)),
]


@pytest.mark.sample(2)
@pytest.mark.parametrize("mode", MODES)
def test_every_change_arrives(make_big, mode):
	world = make_big()
	hidden, refused = MODES[mode]
	with Server(world, hidden, refused) as man:
		world.sync()
		for change, wanted in CHANGES:
			change(world)
			pulled = world.sync().summary()["pulled"]
			assert (pulled["new"], pulled["flags"],
			    pulled["deleted"]) == wanted
		if hidden == refused:	# what is not offered is not sent
			assert not [x for x in man.lines if any(
			    r.search(b"a " + x.encode("latin-1"))
			    for r in man.refused)]
		world.port = None
		world.compare()
		world.port = man.port
		world.assert_idle()


def test_a_recent_change_takes_one_exchange(big):
	big.sync()
	idle = big.sync().summary()
	store(big, [MANY - 5, MANY - 4], ["\\Flagged"])
	with Server(big) as man:
		s = big.sync().summary()
	assert s["pulled"]["flags"] == 2
	assert s["round_trips"] == idle["round_trips"] + 1, s
	assert s["bytes_in"] < idle["bytes_in"] + 4000, s
	assert man.sent(r"SELECT INBOX \(QRESYNC \(\d+ \d+ %d:%d\)\)"
	    % (MANY + 1 - RECENT, MANY))
	assert not man.sent("SELECT work")


def test_many_changes_come_as_sets(big):
	"""Of 1400 messages every second; a row each would be 40 kB."""
	uids = range(2, 1400, 2)
	store(big, uids, ["\\Seen", "\\Flagged"])
	with Server(big) as man:
		s = big.sync().summary()
	assert s["pulled"]["flags"] == len(uids)
	assert s["bytes_in"] < 22000, s
	assert not man.sent(r"UID FETCH .*CHANGEDSINCE")
	big.compare()


def no(pattern):
	"""Lines that the server forgets to send."""
	return lambda line: b"" if re.search(pattern, line) else line


def test_an_old_expunge_is_asked_for(big):
	expunge(big, [5])
	with Server(big) as man:
		s = big.sync().summary()
	assert s["pulled"]["deleted"] == 1
	assert man.sent(r"UID FETCH 1:\d+ .*CHANGEDSINCE \d+ VANISHED")
	assert not man.sent(r"UID FETCH 1:\d+ \(UID FLAGS\)$")
	big.compare()


@pytest.mark.sample(1)
@pytest.mark.parametrize("hidden", ["QRESYNC", ""])
def test_expunges_that_nobody_tells(big, hidden):
	"""CONDSTORE alone, or a server that forgets to: a set of the UIDs that
	are left, to a bound that is named, and no listing."""
	with Server(big, hidden, hidden, down=no(rb"VANISHED")) as man:
		big.sync()
		expunge(big, [5, MANY - 5])
		s = big.sync().summary()
	assert s["pulled"]["deleted"] == 2, s
	assert man.sent(r"UID SEARCH RETURN \(ALL COUNT\) UID 1:%d$" % MANY)
	assert not man.sent(r"UID FETCH 1:%d \(UID FLAGS\)$" % MANY)
	big.compare()


class Frozen(Server):
	"""The HIGHESTMODSEQ of each folder stays what it was first, and nobody
	tells what changed or vanished since."""

	def __init__(self, world):
		self.first, self.folder = {}, None
		super().__init__(world, up=self.freeze_up, down=self.freeze)

	def freeze_up(self, line):
		m = re.search(rb" SELECT (\w+)", line)
		self.folder = m[1] if m else self.folder
		return line

	def freeze(self, line):
		if re.search(rb"VANISHED|^\* \d+ FETCH .*MODSEQ", line):
			return b""
		m = re.match(rb"\* STATUS (\w+)", line)
		folder = m[1] if m else self.folder
		return re.sub(rb"(HIGHESTMODSEQ )(\d+)", lambda m: m[1]
		    + self.first.setdefault(folder, m[2]), line)


def test_expunges_that_do_not_count(big):
	"""HIGHESTMODSEQ stays; MESSAGES does not."""
	with Frozen(big):
		big.sync()
		expunge(big, [5, MANY - 5])
		s = big.sync().summary()
	assert s["pulled"]["deleted"] == 2, s


def test_vanished_that_are_there(big):
	"""A false VANISHED (iCloud) deletes nothing."""
	def down(line):
		if b"HIGHESTMODSEQ" in line and b"STATUS" not in line:
			return line + b"* VANISHED (EARLIER) %d:%d\r\n" % (
			    MANY - 20, MANY - 10)
		return line

	store(big, [MANY], ["\\Flagged"])
	with Server(big, down=down):
		s = big.sync().summary()
	assert s["pulled"]["deleted"] == 0 and s["pulled"]["flags"] == 1, s
	big.compare()


@pytest.mark.sample(1)
@pytest.mark.parametrize("lie", ["count", "keyword", "kept"])
def test_sets_that_lack_something(big, lie):
	"""A flag that SEARCH does not find; a keyword that FLAGS does not tell:
	rows are fetched beside the sets, and show it. Less is kept than was
	found: the search for the kept ones shows it."""
	def up(line):
		if lie == "kept":
			return line.replace(b" UID $", b" UID $ NOT UID %d"
			    % OLD[1])
		if lie == "count" and line.endswith(b" FLAGGED\r\n"):
			return line.replace(b" FLAGGED", b" FLAGGED DELETED")
		return line

	def down(line):
		if lie == "keyword" and line.startswith(b"* FLAGS"):
			return line.replace(b" odd", b"")
		return line

	store(big, [MANY], ["odd"])	# the folder knows it
	big.sync()
	store(big, OLD, ["\\Flagged", "odd"])
	with Server(big, up=up, down=down) as man:
		s = big.sync().summary()
	assert s["pulled"]["flags"] == len(OLD), s
	assert man.sent(r"UID FETCH 1:\d+ .*CHANGEDSINCE")
	big.compare()
	store(big, OLD, ["odd"], "-")	# it was known, so this is a change
	assert big.sync().summary()["pulled"]["flags"] == len(OLD)


@pytest.mark.sample(1)
@pytest.mark.parametrize("mode", ["qresync", "condstore", "plain"])
def test_keyword_that_is_not_told(big, mode):
	"""FLAGS names the system flags "at a minimum" (RFC 3501). One message of
	many has a keyword: no sample shows it, and it is not gone."""
	def down(line):
		if line.startswith(b"* FLAGS"):
			return re.sub(rb" (odd|\$Forwarded)", b"", line)
		return line

	store(big, [OLD[100]], ["odd"])
	store(big, [OLD[101]], ["$Forwarded"])
	with Server(big, *MODES[mode], down=down) as man:
		big.sync("--full")
		store(big, OLD, ["\\Flagged"])
		s = big.sync().summary()
		assert s["pulled"]["flags"] == len(OLD), s
		assert man.sent("UID SEARCH RETURN .* SEEN")
		assert not any(big.sync("--full").summary()["pulled"].values())
	store(big, [OLD[100]], ["odd"], "-")	# this is known: a change
	assert big.sync().summary()["pulled"]["flags"] == 1


@pytest.mark.sample(1)
@pytest.mark.parametrize("hidden", ["", "QRESYNC"])
def test_rows_of_the_folder_before(big, hidden):
	"""SELECT is BAD and the folder before stays open: what was sent behind it
	tells of that one."""
	with big.imap() as imap:
		imap.create("zz")
		fill(big, imap, "zz", "another", 5)
	with Server(big, hidden, hidden):
		big.sync()
	for folder in ("work", "zz"):
		store(big, [2], ["\\Answered"], folder=folder)
	store(big, [3, 4], ["\\Flagged"], folder="work")
	refused = []

	def up(line):
		if re.search(rb" SELECT zz \(", line):
			refused.append(line)
			return line.split()[0] + b" XREFUSED\r\n"
		return line

	append(big, "z-new", "zz")
	with Server(big, hidden, hidden, up=up) as man:
		r = big.sync()
	pulled = r.summary()["pulled"]
	assert refused and man.sent("SELECT zz$")
	assert (pulled["new"], pulled["flags"]) == (1, 4), pulled
	assert "merged" not in r.out + r.err, str(r)
	big.compare()


def test_a_change_that_no_number_tells(big, clock):
	"""Found when the folder is due to be compared in full, and not before."""
	with Frozen(big) as man:
		big.sync()
		store(big, [5], ["\\Flagged"])
		assert big.sync().summary()["pulled"]["flags"] == 0
		r = big.run("--json", "sync", rc=0, env=clock(4 * 24 * 3600))
		assert r.summary()["pulled"]["flags"] == 0, str(r)
		assert not man.sent(r"UID FETCH 1:\d+ \(UID FLAGS\)$")
		r = big.run("--json", "sync", rc=0, env=clock(7 * 24 * 3600))
		assert r.summary()["pulled"]["flags"] == 1, str(r)
		assert man.sent(r"UID FETCH 1:%d \(UID FLAGS\)$" % MANY)
		assert man.sent("SELECT work")
		del man.lines[:]
		big.run("--json", "sync", rc=0, env=clock(7 * 24 * 3600))
		assert not man.sent("SELECT")


def test_folders_come_due_one_after_the_other(make_world, clock):
	world = make_world(keys={"connections": "1", "verify-interval": "2w"})
	with world.imap() as imap:
		for i in range(9):
			imap.create("f%d" % i)
			world.append(imap, "f%d" % i, "m%d" % i)
	world.sync()
	due = []
	for hours in (220, 330, 336):
		with Server(world) as man:
			world.run("--json", "sync", rc=0,
			    env=clock(hours * 3600))
		due.append(len(man.sent("SELECT")))
	assert due[0] == 0 and 0 < due[1] < 10 and due[1] + due[2] == 10, due


def test_gone_with_its_mod_sequences(big):
	"""HIGHESTMODSEQ below what it was: everything is listed."""
	store(big, [5], ["\\Flagged"])
	expunge(big, [7])

	def down(line):
		return re.sub(rb"(HIGHESTMODSEQ )\d+", rb"\g<1>1", line)

	with Server(big, down=down) as man:
		s = big.sync().summary()
	assert (s["pulled"]["flags"], s["pulled"]["deleted"]) == (1, 1), s
	assert man.sent(r"UID FETCH 1:%d \(UID FLAGS\)$" % MANY)
	big.compare()
