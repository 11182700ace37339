"""make bench: mailtern and its peers at the same work, in alternation.

	bench.py [--quick | --full] [--only NAME]... [--list] [--runs N]
	    [--peers NAME,NAME] [--out DIR] [--tools DIR]

Scratch files go to $MAILTERN_BENCH_DIR, else /var/tmp: a disk, because what is
made durable in memory costs nothing. They are removed at the end. DIR gets
table.md, results.json and plot-*.svg. The exit status is not 0 when a program
failed at its work; a ratio that is not met is only told.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

import fill			# noqa: E402
import programs			# noqa: E402
import report			# noqa: E402
from cases import REAL, SIZES, all_cases	# noqa: E402
from dovecot import Dovecot	# noqa: E402
from line import Line		# noqa: E402

SLOW = 60.0	# a peer other than mbsync that takes longer runs once


def say(text):
	print("bench: " + text, file=sys.stderr, flush=True)


class Account:
	"""A program, its user on the server, and how they come into sync."""

	def __init__(self, bench, group, kind):
		self.server = bench.server(group.fsync)
		self.group, self.real = group, bench.mail(REAL)
		self.fixture = "fx-" + group.name
		self.user = self.fixture
		if group.pulled:
			self.user = "%s-%s" % (group.name, kind.name)
			self.server.clone(self.fixture, self.user)
		self.program = kind("%s/%s-%s" % (bench.dir, group.name,
		    kind.name), self.user, self.server.password, bench.tools)
		if group.pulled:
			self.program.run(self.server.port, durable=False)
			self.check()

	def client(self):
		return fill.client(self.server, self.user)

	def sync(self):
		self.program.run(self.server.port)

	def age(self):
		"""Seconds since a directory of messages changed."""
		newest = 0
		for f in self.group.folders:
			for box in ("cur", "new"):
				try:
					newest = max(newest, os.stat(os.path
					    .join(self.program.mail, f,
					    box)).st_mtime)
				except FileNotFoundError:
					pass
		return time.time() - newest

	def save(self):
		self.program.save()
		self.server.remove(self.user + "-saved")
		self.server.clone(self.user, self.user + "-saved")

	def restore(self):
		self.program.restore()
		self.server.remove(self.user)
		self.server.clone(self.user + "-saved", self.user)

	def check(self):
		"""A fast run that did not do its work is worth nothing."""
		with self.client() as imap:
			for f in imap.folders():
				have = len(self.program.files(f))
				want = imap.status(f)["MESSAGES"]
				if have != want:
					raise programs.Failed("%s has %d "
					    "messages of %d" % (f, have, want))
			if self.group.big:
				return
			want = len(fill.search(imap, "INBOX", "FLAGGED"))
		have = sum("F" in name.partition(":2,")[2]
		    for _, name in self.program.files("INBOX"))
		if have != want:
			raise programs.Failed("%d messages are flagged, of %d"
			    % (have, want))

	def drop(self):
		self.program.remove()
		if self.user != self.fixture:
			self.server.remove(self.user)
			self.server.remove(self.user + "-saved")


class Bench:
	def __init__(self, args, dir):
		self.args, self.dir = args, dir
		self.tools = args.tools
		self.sizes = dict(SIZES[args.mode])
		if args.runs:
			self.sizes["runs"] = args.runs
		self.servers, self.mails = {}, {}
		self.kinds = [k for k in programs.installed()
		    if k.name == "mailtern" or k.name in args.peers]
		self.results = report.Results(args.mode, self.kinds, dir)
		self.line = Line(0)

	def close(self):
		self.line.stop()
		for s in self.servers.values():
			s.stop()

	def server(self, fsync):
		if fsync not in self.servers:
			base = "%s/dovecot-%s" % (self.dir, fsync)
			os.mkdir(base)
			self.servers[fsync] = Dovecot(base=base, fsync=fsync,
			    location="mdbox:~/mdbox")
		return self.servers[fsync]

	def mail(self, mean):
		if mean not in self.mails:
			self.mails[mean] = fill.Mail(mean)
		return self.mails[mean]

	def fixture(self, group):
		"""Mail on the server that all programs begin with."""
		start = time.monotonic()
		server, user = self.server(group.fsync), "fx-" + group.name
		mail, n = self.mail(group.mean), 0
		self.raw_sizes = []
		server.home(user)
		with fill.client(server, user) as imap:
			for f, count in group.folders.items():
				if f != "INBOX":
					imap.create(f)
				if group.big:
					self.append_big(imap, group.big)
				elif count:
					fill.append_many(imap, f, self.noted(
					    mail, range(n, n + count)))
				n += count
		say("%s: %d messages on the server, %.1f s" % (group.name, n,
		    time.monotonic() - start))

	def noted(self, mail, numbers):
		for k in numbers:
			data = mail.message(k)
			self.raw_sizes.append(len(data))
			yield k, data

	def append_big(self, imap, size):
		part = self.mail(REAL).base64
		head = b"From: a@example.org\r\nMessage-ID: <big@example.org>" \
		    b"\r\nX-Tok: big\r\n\r\n"
		times = size // len(part)
		imap.sock.sendall(b"j0 APPEND INBOX {%d+}\r\n" % (len(head)
		    + times * len(part)) + head)
		for _ in range(times):
			imap.sock.sendall(part)
		imap.sock.sendall(b"\r\n")
		imap.finish("j0")

	# -- running --

	def group(self, group, cases):
		self.fixture(group)
		try:
			if group.solo:
				for kind in self.kinds:
					self.accounts(group, [kind], cases, 1)
			else:
				self.accounts(group, self.kinds, cases,
				    self.sizes["runs"])
		finally:
			self.server(group.fsync).remove("fx-" + group.name)

	def accounts(self, group, kinds, cases, runs):
		accounts = []
		try:
			for kind in kinds:
				try:
					accounts.append(Account(self, group,
					    kind))
				except programs.Failed as e:
					for case in cases:
						self.results.fail(case,
						    kind.name, e)
			for case in cases:
				self.case(case, accounts, runs)
		finally:
			for a in accounts:
				a.drop()

	def case(self, case, accounts, runs):
		start = time.monotonic()
		self.results.begin(case)
		if case.reset == "restore":
			for a in accounts:
				a.save()
		elif case.before or not case.reset:
			self.settle(case, accounts)
		for i in range(runs):
			self.round(case, accounts, i, self.measure)
			if case.raw:
				self.raw(case)
		self.round(case, accounts, runs, self.count)
		say("%s: %.1f s" % (case.name, time.monotonic() - start))

	def round(self, case, accounts, i, run):
		turn = accounts if i % 2 == 0 else accounts[::-1]
		if case.before and not case.reset and i > 0:
			self.settle(case, accounts)
		self.each(case, turn, lambda a: self.before(case, a, i))
		if case.before:
			self.rest(turn, self.sizes["rest"])
		self.each(case, turn, lambda a: self.once(case, a, run))

	def each(self, case, accounts, act):
		"""What fails at a case is left out of the rest of it."""
		for a in accounts:
			name = a.program.name
			if not self.results.wanted(case, name, SLOW):
				continue
			try:
				act(a)
			except programs.Failed as e:
				self.results.fail(case, name, e)

	def settle(self, case, accounts):
		"""Nothing is new, and known not to be, as between two runs
		from cron: the directories were older than the grain of their
		dates when they were read last."""
		self.each(case, accounts, lambda a: a.sync())
		if self.args.mode != "quick":
			self.rest(accounts, self.sizes["rest"])
			self.each(case, accounts, lambda a: a.sync())

	def rest(self, accounts, age):
		"""Until the directories have not changed for so long. A
		program that waits for that by itself would be measured so."""
		youngest = min((a.age() for a in accounts), default=age)
		time.sleep(max(0, age - max(0, youngest)))

	def before(self, case, a, i):
		if case.reset == "wipe":
			a.program.wipe()
		elif case.reset == "restore":
			a.restore()
		if case.before:
			case.before(a, i)

	def once(self, case, a, run):
		os.sync()	# nobody pays for what others have written
		run(case, a)
		a.check()

	def shape(self, case, a, shaped):
		self.line.shape(a.server.port, case.rtt if shaped else 0,
		    case.mbit if shaped else 0)
		self.line.reset()
		return self.line.port

	def measure(self, case, a):
		"""On loopback without the line, which costs CPU itself."""
		shaped = case.rtt > 0 or case.mbit > 0
		port = self.shape(case, a, True) if shaped else a.server.port
		cost = a.program.run(port)
		cost["peak_mib"] = cost["peak_kib"] / 1024
		if shaped:
			cost.update(self.line.count())
		self.results.add(case, a.program.name, cost)

	def count(self, case, a):
		"""An unmeasured run for what can be counted."""
		fsyncs = a.program.count_fsyncs(self.shape(case, a, False))
		counts = self.line.count()
		if fsyncs is not None:
			counts["fsyncs"] = fsyncs
		self.results.counted(case, a.program.name, counts)

	def raw(self, case):
		group = case.group
		fetch = programs.RawFetch(group.folders)
		self.results.add(case, fetch.name, fetch.run(
		    self.server(group.fsync), "fx-" + group.name))
		create = programs.RawCreate(self.tools, self.dir,
		    self.raw_sizes)
		self.results.add(case, create.name, create.run())

	def all(self):
		chosen = [c for c in all_cases(self.args.mode)
		    if not self.args.only or c.name in self.args.only]
		groups = {}
		for c in chosen:
			groups.setdefault(c.group.name, []).append(c)
		for cases in groups.values():
			self.group(cases[0].group, cases)
		return chosen


def arguments():
	p = argparse.ArgumentParser(prog="bench.py")
	p.set_defaults(mode="normal")
	p.add_argument("--quick", dest="mode", action="store_const",
	    const="quick")
	p.add_argument("--full", dest="mode", action="store_const",
	    const="full")
	p.add_argument("--only", action="append", metavar="NAME")
	p.add_argument("--list", action="store_true")
	p.add_argument("--runs", type=int)
	p.add_argument("--peers", metavar="NAME,NAME")
	p.add_argument("--out", default="build/bench")
	p.add_argument("--tools", default="build/test/bench")
	args = p.parse_args()
	args.tools = os.path.abspath(args.tools)
	if args.peers is None:	# offlineimap alone takes minutes
		args.peers = "mbsync" if args.mode == "quick" \
		    else "mbsync,offlineimap"
	args.peers = args.peers.split(",")
	names = [c.name for c in all_cases(args.mode)]
	for name in args.only or []:
		if name not in names:
			p.error("there is no case %s; there are %s" % (name,
			    " ".join(names)))
	return args


def main():
	args = arguments()
	if args.list:
		for c in all_cases(args.mode):
			print("%-16s %s" % (c.name, c.title))
		return 0
	signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
	os.makedirs(args.out, exist_ok=True)
	dir = tempfile.mkdtemp(prefix="mailtern-bench-",
	    dir=os.environ.get("MAILTERN_BENCH_DIR", "/var/tmp"))
	os.chmod(dir, 0o755)
	programs.spread(dir)
	bench = None
	try:
		room = os.statvfs(dir)
		need = 1 if args.mode == "quick" else 9
		if room.f_bavail * room.f_frsize < need << 30:
			sys.exit("bench: %s has less than %d GB free" % (dir,
			    need))
		bench = Bench(args, dir)
		bench.all()
		bench.results.write(args.out)
	finally:
		if bench:
			bench.close()
		shutil.rmtree(dir, ignore_errors=True)
	return bench.results.failures() > 0


if __name__ == "__main__":
	sys.exit(main())
