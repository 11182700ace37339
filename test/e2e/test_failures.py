"""Servers that lie, disks that fill, signals, and accounts side by side."""

import itertools
import os
import re
import resource
import signal
import subprocess
import threading
import time

import pytest

from dovecot import Dovecot
from maildirview import token
from middleman import Middleman
from world import DATE, ROOT, Result, message, transfers

SOON = 5		# seconds; whoever waits for the server takes 30
REPORTS = ("Sanitizer", "runtime error", "Assertion", "assertion")


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


def through(world, port):
	world.port = port
	world.write_conf()


def toks(world, folder):
	return sorted(token(f.data()) for f in world.maildir.files(folder))


# -- the server lies --

def one_too_many(line):
	return re.sub(rb"^\* (\d+) EXISTS", lambda m: b"* %d EXISTS"
	    % (int(m[1]) + 1), line)


def test_unsettled_folder_is_named(world):
	"""EXISTS never adds up: nothing is removed, and the user is told. What
	three runs lacked alike is hidden, and no more than a note."""
	fill(world, 5)
	world.sync()
	with world.imap() as imap:
		imap.expunge("INBOX", [2])
		world.append(imap, "INBOX", "fresh")
	with Middleman(world.server.port, down=one_too_many) as man:
		through(world, man.port)
		r = world.run("--json", "sync")
		assert r.rc == 1 and "INBOX" in r.err, str(r)
		# Nobody may have seen it: -q names it, too.
		r = world.run("-q", "sync")
		assert r.rc == 1 and r.err.startswith("mailtern: "), str(r)
		for _ in range(2):
			r = world.run("--json", "sync")
			assert r.rc == 0, str(r)
		r = world.run("-q", "sync")
		assert (r.rc, r.out, r.err) == (0, "", ""), str(r)
		assert {"m1", "fresh"} <= set(toks(world, "INBOX"))
		assert len(world.maildir.files("INBOX")) == 6
	through(world, None)
	world.sync()
	assert toks(world, "INBOX") == ["fresh", "m0", "m2", "m3", "m4"]
	world.compare()
	world.assert_idle()


@pytest.mark.parametrize("first", ["lying", "honest"])
def test_uidvalidity_change_in_an_unsettled_folder(world, first):
	"""Other messages under the same UIDs: no flag, no body of theirs may
	come to the old ones."""
	with Middleman(world.server.port, down=one_too_many) as man:
		if first == "lying":
			through(world, man.port)
		fill(world, 3, "F", "old")
		world.run("sync")
		assert toks(world, "F") == ["old0", "old1", "old2"]
		with world.imap() as imap:
			imap.delete("F")
			imap.create("F")
			for i in range(3):
				world.append(imap, "F", "new%d" % i,
				    ["\\Flagged"])
		through(world, man.port)
		for _ in range(2):
			r = world.run("--json", "sync")
			assert r.rc == 1 and "F: " in r.err, str(r)
			for f in world.maildir.files("F"):
				old = token(f.data()).startswith("old")
				assert ("F" in f.letters) != old, str(r)
	through(world, None)
	world.sync()
	world.sync()
	world.compare({"INBOX": {}, "F": {
	    **{"old%d" % i: frozenset() for i in range(3)},
	    **{"new%d" % i: frozenset(["\\Flagged"]) for i in range(3)}}})
	world.assert_idle()


@pytest.fixture(scope="module")
def old_server():
	"""No UIDPLUS, no CONDSTORE, nothing."""
	with Dovecot(capability="IMAP4rev1 LITERAL+ ENABLE NAMESPACE") as s:
		yield s


class Rewriter:
	"""Alters what is uploaded, as some servers do, and tells no UID."""

	def __init__(self, extra):
		self.extra, self.first = extra, False

	def up(self, line):
		if not self.extra:
			return line.replace(b"about zz", b"ABOUT ZZ")
		if self.first:
			self.first = False
			return self.extra + line
		m = re.search(rb"\{(\d+)(\+?)\}\r\n$", line)
		if not m or b"(" not in line and b'"' not in line:
			return line
		self.first = True
		return line[:m.start()] + b"{%d%s}\r\n" % (
		    int(m[1]) + len(self.extra), m[2])

	@staticmethod
	def down(line):
		return line.replace(b"[APPENDUID", b"[XPPENDUID")


@pytest.mark.parametrize("extra", [b"", b"X-Scanned: yes\r\n"])
@pytest.mark.parametrize("uidplus", [False, True])
def test_altered_uploads_do_not_multiply(make_world, old_server, server,
    extra, uidplus):
	world = make_world(server=server if uidplus else old_server)
	world.sync()
	world.deliver("INBOX", "zz", "S")
	rewriter = Rewriter(extra)
	pushed = 0
	with Middleman(world.server.port, rewriter.up, rewriter.down) as man:
		through(world, man.port)
		for _ in range(4):
			r = world.run("--json", "sync")
			assert r.rc in (0, 1), str(r)
			pushed += r.summary()["pushed"]["new"]
			assert server_counts(world) == {"INBOX": 1}, str(r)
			assert len(world.maildir.files("INBOX")) == 1, str(r)
	assert pushed <= 1
	with world.imap() as imap:
		m, = imap.messages("INBOX").values()
	assert b"ABOUT ZZ" in m.data or extra and extra in m.data
	through(world, None)
	for _ in range(2):
		world.run("--json", "sync")
		assert server_counts(world) == {"INBOX": 1}
		assert len(world.maildir.files("INBOX")) == 1


@pytest.mark.parametrize("answer", ["expunged", "NO"])
def test_bodies_that_do_not_come(world, answer):
	"""Another client was quicker, or the server will not give them: the
	run ends, what else there is syncs."""
	fill(world, 3)

	def up(line):
		if b"BODY.PEEK[]" not in line:
			return line
		if answer == "NO":
			return re.sub(rb"FETCH \S+", b"FETCH x", line)
		with world.imap() as imap:
			imap.expunge("INBOX", sorted(imap.messages("INBOX",
			    False)))
		return line

	with Middleman(world.server.port, up=up) as man:
		through(world, man.port)
		r = world.run("--json", "sync", limit=3)
	assert r.rc in (0, 1, 75), str(r)
	through(world, None)
	world.sync()
	world.compare()
	world.assert_idle()


@pytest.mark.parametrize("meta", [b"", b" MODSEQ (99)", b" RFC822.SIZE 1",
    b' INTERNALDATE "14-Jul-2017 02:40:00 +0000"'])
def test_row_first_seen_without_its_size(world, meta):
	"""A FETCH that nobody asked for tells of a message beyond the UIDNEXT
	that SELECT has just named: the cursor passes it, its size and date
	have to come with the body."""
	fill(world, 3)
	world.sync()
	done = []

	def down(line):
		if b"Select completed" not in line or done:
			return line
		done.append(line)
		with world.imap() as imap:
			world.append(imap, "INBOX", "fresh")
		return (b"* 4 EXISTS\r\n* 4 FETCH (UID 4 FLAGS ()%s)\r\n"
		    % meta + line)

	with world.imap() as imap:	# so that it is selected at all
		imap.store("INBOX", [1], "+", ["\\Seen"])
	with Middleman(world.server.port, down=down) as man:
		through(world, man.port)
		r = world.run("--json", "sync", limit=3)
	assert done and r.rc in (0, 75), str(r)
	through(world, None)
	world.sync()
	assert toks(world, "INBOX") == ["fresh", "m0", "m1", "m2"]
	world.compare()
	world.assert_idle()


# -- the disk --

def small_files_only(limit):
	def apply():
		signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
		resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
	return apply


@pytest.mark.sample(1)
@pytest.mark.parametrize("limit,sizes", [(6, (12, 12, 12)),
    (8, (9, 9, 40)), (10, (12, 30))])
def test_write_error_while_the_next_batch_arrives(world, limit, sizes):
	"""The first batch can't be written (8 MB fill one), a second one is on
	the line: 74 within seconds, and the next run completes."""
	world.sync()
	with world.imap() as imap:
		for i, size in enumerate(sizes):
			imap.append("INBOX", message("big%d" % i, size=size
			    << 20).replace(b"\n", b"\r\n"), (), DATE)
	with world.popen("--json", "sync", stdout=subprocess.PIPE,
	    stderr=subprocess.PIPE,
	    preexec_fn=small_files_only(limit << 20)) as p:
		try:
			out, err = p.communicate(timeout=SOON * 2)
		except subprocess.TimeoutExpired:
			p.kill()
			raise
	assert p.returncode == 74, out.decode() + err.decode()
	assert b"summary" in out and err
	assert not any(s.encode() in err for s in REPORTS), err.decode()
	world.sync()
	assert len(world.maildir.files("INBOX")) == len(sizes)
	assert world.maildir.left_in_tmp() == []
	world.assert_idle()


# -- signals --

class Scene:
	"""An account in which both sides change before every run."""

	def __init__(self, world):
		self.world, self.count = world, itertools.count()
		# Enough to expunge two a run for as long as nothing is pushed.
		fill(world, 120, flags=["\\Seen"])
		fill(world, 10, "B", "b")
		world.sync()

	def change(self):
		w, n = self.world, next(self.count)
		inbox = w.maildir.files("INBOX")
		for f in inbox[:6]:
			w.maildir.set_letters(f, "S" if "F" in f.letters
			    else "FS")
		w.maildir.unlink(inbox[-1])
		for i in range(3):	# as many as go, in all
			w.deliver("INBOX", "near%d.%d" % (n, i), "S")
		w.deliver("B", "bnear%d" % n)
		with w.imap() as imap:
			uids = sorted(imap.messages("INBOX", False))
			imap.store("INBOX", uids[8:10], "+", ["kw%d" % n])
			imap.expunge("INBOX", uids[12:14])
			for i in range(9):	# wants syncfs
				w.append(imap, "B", "far%d.%d" % (n, i))


def check_stopped(world, r, rcs):
	assert not any(s in r.err for s in REPORTS), str(r)
	assert r.rc in rcs, str(r)


@pytest.mark.sample(1)
@pytest.mark.parametrize("first, sign", [(1, signal.SIGTERM),
    (2, signal.SIGINT)])
def test_signal_at_each_line(world, first, sign):
	"""Between any two lines that the client sends: 75, nothing lost. Each
	signal at every other one, as a run waits for what was cut off; without
	TORTURE at some."""
	scene = Scene(world)
	step = 2 if os.environ.get("TORTURE") == "1" else 8
	state = {}

	def up(line):
		state["line"] += 1
		if state["line"] == state["at"]:
			state["bye"] = b"LOGOUT" in line
			state["ready"].wait(30)
			state["run"].send_signal(sign)
		return line

	with Middleman(world.server.port, up=up) as man:
		for at in range(first, 200, step):
			scene.change()
			state.update(line=0, at=at, bye=None,
			    ready=threading.Event())
			through(world, man.port)
			p = world.popen("sync", stdout=subprocess.PIPE,
			    stderr=subprocess.PIPE)
			state["run"] = p
			state["ready"].set()
			out, err = p.communicate(timeout=30)
			r = Result(("sync",), p.returncode, out.decode(),
			    err.decode())
			if state["bye"] is None:
				break		# the run has fewer lines
			check_stopped(world, r, (0, 75) if state["bye"]
			    else (75,))
	assert at > 10 and r.rc == 0, str(r)
	through(world, None)
	world.sync()
	world.compare()
	world.assert_idle()


def test_signal_while_logout_is_unanswered(world):
	"""All is done; the server takes its time to say goodbye."""
	fill(world, 3)
	run, ready = [], threading.Event()

	def up(line):
		if b"LOGOUT" not in line:
			return line
		ready.wait(30)
		run[0].send_signal(signal.SIGTERM)
		return b""

	with Middleman(world.server.port, up=up) as man:
		through(world, man.port)
		p = world.popen("sync", stdout=subprocess.PIPE,
		    stderr=subprocess.PIPE)
		run.append(p)
		ready.set()
		try:
			out, err = p.communicate(timeout=SOON)
		except subprocess.TimeoutExpired:
			p.kill()
			raise
	check_stopped(world, Result(("sync",), p.returncode, out.decode(),
	    err.decode()), (0, 75))
	through(world, None)
	world.sync()
	world.compare()
	world.assert_idle()


@pytest.fixture(scope="module")
def termat(tmp_path_factory):
	"""The library that sends SIGTERM from within a job."""
	lib = str(tmp_path_factory.mktemp("termat") / "termat.so")
	subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE",
	    "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", lib,
	    ROOT + "/test/fault/termat.c", "-ldl"], check=True)
	return lib


POINTS = {
	"sqlite3_step": (1, 5, 12, 25, 45, 70, 100, 140, 190, 250, 320, 400),
	"fsync": (1, 2, 3, 4, 6, 8),
	"syncfs": (1,),
	"renameat2": (1, 2, 4, 8, 16),
	"unlinkat": (1, 2),
}


@pytest.mark.sample(2)
@pytest.mark.parametrize("call", POINTS)
def test_signal_within_a_job(world, termat, call):
	"""While a job of the index or of the disk is at work: it is waited
	for, and what it works on stays until then."""
	if call == "unlinkat":
		world.keys["attic-days"] = "0"
		world.write_conf()
	scene = Scene(world)
	asan = ":".join(x for x in (os.environ.get("ASAN_OPTIONS"),
	    "verify_asan_link_order=0") if x)
	stopped = 0
	for n in POINTS[call]:
		scene.change()
		r = world.run("sync", limit=30, env={"LD_PRELOAD": termat,
		    "TERM_AT": "%s:%d" % (call, n), "ASAN_OPTIONS": asan})
		check_stopped(world, r, (0, 75))
		stopped += r.rc == 75
	assert stopped > 0
	world.sync()
	world.compare()
	world.assert_idle()


@pytest.mark.sample(1)
@pytest.mark.parametrize("then", ["flows", "stalls"])
def test_interrupt_during_a_long_pull(world, then):
	"""75 within a second, with what was pulled kept for the next run."""
	n = 1500
	with world.imap() as imap:
		imap.create("src")
		for i in range(50):
			world.append(imap, "src", "m%d" % i, size=20000)
		for i in range(n // 50):
			imap.copy("src", range(1, 51), "INBOX")
	run, ready, at = [], threading.Event(), []
	bodies = itertools.count(1)

	def down(line):
		if b"BODY[] {" in line and next(bodies) == 700:
			ready.wait(30)
			run[0].send_signal(signal.SIGINT)
			at.append(time.monotonic())
		return b"" if at and then == "stalls" else line

	with Middleman(world.server.port, down=down) as man:
		through(world, man.port)
		p = world.popen("--json", "sync", stdout=subprocess.PIPE,
		    stderr=subprocess.PIPE)
		run.append(p)
		ready.set()
		try:
			out, err = p.communicate(timeout=30)
		finally:
			p.kill()
		took = time.monotonic() - at[0]
	r = Result(("sync",), p.returncode, out.decode(), err.decode())
	check_stopped(world, r, (75,))
	assert took < 2, "%.1f s" % took	# one, and a busy machine
	got = len(world.maildir.files("INBOX"))
	assert got < n
	assert r.summary()["pulled"]["new"] <= got
	through(world, None)
	s = world.sync().summary()
	assert s["pulled"]["new"] == n + 50 - got
	assert len(world.maildir.files("INBOX")) == n
	assert world.maildir.left_in_tmp() == []
	world.assert_idle()


# -- several accounts, and parts of one --

def second_account(world, password, root):
	return ('account other {\n host = "127.0.0.1"\n port = %d\n '
	    'tls = none\n user = "%s"\n password = \'%s\'\n maildir = "%s"\n'
	    '}\n' % (world.server.port, world.user + "b", password, root))


def test_one_of_two_accounts_fails(world):
	"""Side by side: the one syncs, the other may not in; 77."""
	fill(world, 4)
	world.defaults = second_account(world, "wrong", world.dir + "/mail2")
	world.write_conf()
	for _ in range(2):
		r = world.run("--json", "sync")
		assert r.rc == 77, str(r)
		assert r.summary("other")["exit"] == 77
		assert r.summary("w")["exit"] == 0
		assert "other" in r.err
	assert len(world.maildir.files("INBOX")) == 4
	assert not os.path.isdir(world.dir + "/mail2/INBOX")
	r = world.sync("w")
	assert transfers(r.summary()) == 0
	world.defaults = ""
	world.write_conf()
	world.compare()
	world.assert_idle()


def test_two_accounts_sync_side_by_side(world):
	fill(world, 4)
	world.defaults = second_account(world, world.server.password,
	    world.dir + "/mail2")
	world.write_conf()
	r = world.sync()
	assert {e["account"] for e in r.of("summary")} == {"w", "other"}
	world.deliver("INBOX", "mine", "S")
	world.sync("other")
	assert server_counts(world) == {"INBOX": 4}
	world.sync()
	assert server_counts(world) == {"INBOX": 5}
	world.server.remove(world.user + "b")


def test_partial_run_touches_nothing_outside(world):
	"""Whatever waits outside the glob, on either side, stays as it is."""
	for name in ("in/a", "out/a", "out/gone", "out/away"):
		fill(world, 3, name, name.replace("/", "."))
	fill(world, 12)
	world.sync()
	for name in ("in/a", "out/a"):
		tok = name.replace("/", ".")
		world.deliver(name, tok + ".near", "S")
		world.maildir.unlink(world.maildir.find(tok + "0"))
		world.maildir.flag(world.maildir.find(tok + "1"), "F")
		with world.imap() as imap:
			world.append(imap, name, tok + ".far")
			imap.store(name, [2], "+", ["kw"])
			imap.expunge(name, [3])
	world.maildir.remove_folder("out/gone")
	world.maildir.create("out/new")
	world.deliver("out/new", "made", "S")
	with world.imap() as imap:
		imap.delete("out/away")
		imap.create("out/far")
	remote, local = world.remote_stamp(), world.local_stamp()
	for _ in range(2):
		r = world.run("--json", "sync", "w:in/*")
		assert r.rc == 0, str(r)
		assert {e["folder"] for e in r.events if "op" in e} <= {"in/a"}
	now_remote, now_local = world.remote_stamp(), world.local_stamp()
	assert now_remote.pop("in/a") != remote.pop("in/a")
	assert now_local.pop("in/a") != local.pop("in/a")
	assert now_remote == remote
	assert now_local == local
	assert toks(world, "in/a") == ["in.a.far", "in.a.near", "in.a1"]
	world.sync()
	world.sync()
	world.compare()
	assert toks(world, "out/a") == ["out.a.far", "out.a.near", "out.a1"]
	assert world.maildir.folders() == ["INBOX", "in/a", "out/a", "out/far",
	    "out/new"]
	world.assert_idle()


@pytest.mark.parametrize("many", [1, 40])
def test_no_descriptor_left_is_no_unreadable_file(make_world, preload, many):
	"""What could not be opened is not delivered beside itself."""
	world = make_world()
	toks = ["m%d" % i for i in range(many)]
	world.maildir.create("INBOX")
	with world.imap() as imap:
		for tok in toks:
			world.append(imap, "INBOX", tok, ["\\Seen"])
	for tok in toks:
		world.deliver("INBOX", tok, "S")
	name = os.path.basename(world.maildir.find("m0").path)
	for skip in range(4):
		r = world.run("--json", "sync", env=preload(
		    "test/fault/failing.c", NOFILE=name, NOFILE_SKIP=str(skip)))
		if skip == 0:
			assert r.rc == 74 and "Too many open files" in r.err
	world.settle({"INBOX": {tok: frozenset(["\\Seen"]) for tok in toks}})
