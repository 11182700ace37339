"""Runs the suites of "make check", some at a time, and tells how far they are.

	check.py [--jobs N] [--logs DIR] [--only "NAME ..."]
	    [--without "NAME: REASON; ..."]... NAME=COMMAND...

Each COMMAND is for the shell. At the end of a suite its counts and skips are
printed, at the end of a failed one all that it said; the last lines name what
failed, each with the command that repeats it, and the total. On a terminal one
line is renewed meanwhile, elsewhere one is written from time to time.

A command that ends in "--share" is run by SHARES processes at once, which get a
directory in common behind that (see conftest.py).
"""

import argparse
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
    "lib"))

import progress			# noqa: E402

SHARES = 2
TICK = 0.5		# seconds between two looks
QUIET = 15		# and at most so many between two lines

# What is worth repeating of what a suite says.
COUNTS = re.compile(r"(?:unit|flow): files=|e2e: sample="
    r"|[a-z ]+: (?:points|rounds|runs)=\d"
    r"|SKIPPED|[a-z]+: skipped|.*\d (?:passed|failed|errors?).* in [\d.]+s")
TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAMS = {"MAILTERN": "mailtern", "KILLAT": "test/fault/killat",
    "FAILAT": "test/fault/failat", "NOMEM": "test/fault/nomem.so"}
PYTEST = re.compile(r"(\d+) (passed|failed|skipped|error)")
BROKEN = re.compile(r"(?:FAILED|ERROR) (test/\S+\.py(?:::.*?)?)(?: - .*)?$")
REPEAT = re.compile(r"[a-z ]+: repeat: (.*)")
POINTS = re.compile(r"[a-z ]+: (?:points|rounds|runs)=(\d+) .* seed=(\d+)")
UNIT = re.compile(r"(?:unit|flow): files=\d+ done=\d+ passed=(\d+)")


class Counts:
	def __init__(self):
		self.passed = self.skipped = 0
		self.failed = []		# (what, how to repeat it)

	def add(self, other):
		self.passed += other.passed
		self.skipped += other.skipped
		self.failed += other.failed


def where():
	"""The programs under test, where they are not in build/."""
	return "".join("%s=%s " % (name, shlex.quote(os.environ[name]))
	    for name, path in PROGRAMS.items() if os.environ.get(name) not in
	    (None, os.path.join(TOP, "build", path)))


def repeat_test(test):
	return shlex.join(["/usr/bin/python3", "-B", "-m", "pytest", "-q", "-p",
	    "no:cacheprovider", test])


def counts_of(name, command, text, rc):
	"""What a suite that has ended says of itself."""
	out, points, seed = Counts(), 0, None
	for line in text.splitlines():
		if m := BROKEN.match(line):
			out.failed.append((m[1], repeat_test(m[1])))
		elif m := REPEAT.match(line):
			out.failed.append((name, m[1]))
		elif m := UNIT.match(line):
			out.passed += int(m[1])
		elif m := POINTS.match(line):
			points, seed = points + int(m[1]), m[2]
		elif COUNTS.match(line):
			found = {k: int(n) for n, k in PYTEST.findall(line)}
			out.passed += found.get("passed", 0)
			out.skipped += found.get("skipped", 0)
			out.skipped += bool(re.match("[a-z]+: skipped", line))
	out.passed += max(0, points - len(out.failed))
	if rc != 0 and not out.failed:
		out.failed.append((name, ("SEED=%s " % seed if seed else "")
		    + command))
	if rc == 0 and out.passed + out.skipped == 0:
		out.passed = 1		# one that does not count
	return out


class Suite:
	"""A process at work."""

	def __init__(self, name, number, share, command, logs):
		self.name, self.command = name, command
		self.label = "%s-%d" % (name, number) if number else name
		self.begun = time.monotonic()
		self.log = os.path.join(logs, self.label + ".log")
		self.progress = os.path.join(logs, self.label + ".progress")
		for old in (self.log, self.progress):
			if os.path.exists(old):
				os.unlink(old)
		with open(self.log, "wb") as out:
			self.proc = subprocess.Popen(["sh", "-c", command +
			    share],
			    stdin=subprocess.DEVNULL, stdout=out,
			    stderr=subprocess.STDOUT, start_new_session=True,
			    env=dict(os.environ, PROGRESS=self.progress))

	def ended(self):
		return self.proc.poll() is not None

	def said(self):
		with open(self.log, errors="replace") as f:
			return f.read()

	def stop(self):
		if not self.ended():
			os.killpg(self.proc.pid, signal.SIGTERM)
			self.proc.wait()

	def seconds(self):
		return time.monotonic() - self.begun


class Screen:
	"""Lines that stay, and on a terminal one below that is renewed."""

	def __init__(self):
		self.terminal = sys.stdout.isatty()
		self.last = time.monotonic()

	def line(self, text):
		if self.terminal:
			sys.stdout.write("\r\033[K")
		print(text, flush=True)
		self.last = time.monotonic()

	def now(self, text):
		if self.terminal:
			width = shutil.get_terminal_size().columns - 1
			sys.stdout.write("\r\033[K" + text[:width])
			sys.stdout.flush()
		elif time.monotonic() - self.last >= QUIET:
			self.line(text)


class Check:
	def __init__(self, suites, jobs, logs):
		self.todo, self.jobs, self.logs = suites, jobs, logs
		self.total, self.running = len(suites), []
		self.counts, self.screen = Counts(), Screen()
		self.begun = time.monotonic()

	def seconds(self):
		return int(time.monotonic() - self.begun)

	def state(self):
		at, failed = {}, len(self.counts.failed)
		for s in self.running:
			done, total, bad = progress.read(s.progress)
			at[s.name] = (at.get(s.name, (0, 0))[0] + done, total)
			failed += bad
		ended = self.total - len(self.todo) - len(self.running)
		return "check: %d s, %d of %d suites; %s%s" % (self.seconds(),
		    ended, self.total, ", ".join("%s %s" % (name, "%d/%d" % n
		    if n[1] else "...") for name, n in at.items()),
		    "; %d FAILED" % failed if failed else "")

	def end(self, suite):
		text, rc = suite.said(), suite.proc.returncode
		counts = counts_of(suite.name, suite.command, text, rc)
		for line in text.splitlines():
			if counts.failed or COUNTS.match(line):
				self.screen.line(line)
		self.screen.line("check: %s: %s, %d s" % (suite.label,
		    "FAILED" if counts.failed else "good", suite.seconds()))
		self.counts.add(counts)

	def run(self):
		try:
			while self.todo or self.running:
				while self.todo and len(self.running) < self.jobs:
					self.running.append(Suite(
					    *self.todo.pop(0), self.logs))
				time.sleep(TICK)
				for s in [s for s in self.running if s.ended()]:
					self.running.remove(s)
					self.end(s)
				if self.running:
					self.screen.now(self.state())
		finally:
			for s in self.running:
				s.stop()

	def tell(self, without):
		c = self.counts
		for name, reason in without.items():
			self.screen.line("left out: %s: %s" % (name, reason))
		for what, again in c.failed:
			self.screen.line("FAILED: %s\n    %s%s" % (what, where(),
			    again))
		used = os.times()
		self.screen.line("check: %d good, %d failed, %d skipped, %d left "
		    "out; %d s, CPU %d s, load %.1f" % (c.passed,
		    len(c.failed), c.skipped, len(without), self.seconds(),
		    used.children_user + used.children_system,
		    os.getloadavg()[0]))
		return 1 if c.failed else 0


def processes(name, command, scratch):
	"""Those that a suite takes: [(name, number, shared directory, command)]"""
	if not command.endswith(" --share"):
		return [(name, 0, "", command)]
	dir = os.path.join(scratch, name)
	os.mkdir(dir)
	return [(name, i + 1, " --share " + shlex.quote(dir),
	    command[:-len(" --share")]) for i in range(SHARES)]


def options():
	p = argparse.ArgumentParser(prog="check")
	p.add_argument("--jobs", type=int, default=(os.cpu_count() or 1) + 1)
	p.add_argument("--logs", default="build/check")
	p.add_argument("--without", action="append", default=[],
	    metavar="NAME: REASON; ...")
	p.add_argument("--only", metavar="NAMES", help="those that can run here")
	p.add_argument("suite", nargs="+", metavar="NAME=COMMAND")
	o = p.parse_args()
	o.suite = dict(s.split("=", 1) for s in o.suite)
	o.without = dict(re.split(": *", w.strip(), maxsplit=1)
	    for words in o.without for w in words.split(";") if w.strip())
	for name in o.without:
		if name not in o.suite:
			p.error("there is no suite %s" % name)
	if o.only is not None:
		for name in o.suite.keys() - o.only.split():
			o.without.setdefault(name, "what it needs is missing")
	return o


def interrupted(*_):
	raise KeyboardInterrupt


def main():
	o = options()
	signal.signal(signal.SIGTERM, interrupted)
	os.makedirs(o.logs, exist_ok=True)
	with tempfile.TemporaryDirectory(prefix="check-") as scratch:
		suites = [s for name, command in o.suite.items()
		    if name not in o.without
		    for s in processes(name, command, scratch)]
		check = Check(suites, o.jobs, o.logs)
		try:
			check.run()
		except KeyboardInterrupt:
			check.counts.failed.append(("check", "make check"))
		return check.tell(o.without)


if __name__ == "__main__":
	sys.exit(main())
