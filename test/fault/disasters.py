"""Whole sides that are gone, old, foreign, damaged or full.

Each case of disaster_cases.py strikes an account that was in sync, of 12 and
of 300 messages (FULL=1: 2,000), and says what each run behind it must say, with
which status it must end, and what must lie on both sides after at most a run,
the documented remedy and a run. Meanwhile every message is on one side at
least. Cases in EXPECTED_LATER run too; one that passes is an error, so that
the list shrinks.

--only NAME (or a prefix) repeats some of them, and says what happens. Mounts
need root; without it such a case is skipped, with a line that says so.
"""

import argparse
import collections
import os
import random
import re
import shutil
import subprocess
import sys
import time
import traceback

import suite
import judge
import modes
from world import transfers

Run = collections.namedtuple("Run", "rc says args untouched",
    defaults=(0, None, (), False))
Run.__doc__ = """One run of sync: the exit status (or a set of them), a regular
expression for what it says (or one for each status), options; untouched:
neither side may change."""


class Skip(Exception):
	pass


class Bad(Exception):
	"""The program does not do what the case wants."""


class Case:
	"""strike(s) on a Stage, then steps: Runs, and functions of the Stage
	in between (remedies). small: the steps of 12 messages, where they
	differ. kind: of server. points: how often, each time elsewhere."""

	def __init__(self, name, strike, steps, small=None, kind="sdbox",
	    points=1, full=None, root=False):
		self.name, self.strike = name, strike
		self.steps, self.small = steps, small
		self.kind, self.root = kind, root
		self.points, self.full = points, full or points

	def steps_for(self, n):
		return self.small if n == 12 and self.small else self.steps


PLUGINS = "zlib imap_zlib %s\n  plugin {\n    %s\n  }"
KINDS = {
	"sdbox": lambda n: {},
	"maildir": lambda n: {"location": "maildir:~/Maildir"},
	"acl": lambda n: {"plugins": PLUGINS % ("acl imap_acl",
	    "acl = vfile")},
	"plain": lambda n: {"capability":
	    "IMAP4rev1 LITERAL+ ENABLE NAMESPACE UIDPLUS"},
	"quota": lambda n: {"plugins": PLUGINS % ("quota imap_quota",
	    "quota = count:User quota\n    quota_vsizes = yes\n"
	    "    quota_rule = *:messages=%d\n    quota_grace = 0" % (n + 3))},
}


class Stage(suite.Scene):
	"""An account of n messages, in sync, and means to strike at it."""

	def __init__(self, server, user, n):
		self.n, self.undo = n, []
		self.rng = None		# of the job at hand
		super().__init__(server, user)

	def begin(self):
		w, n = self.world, self.n
		sizes = (("INBOX", n // 2), ("work", n // 3),
		    ("lists/foo", n - n // 2 - n // 3))
		with w.imap() as imap:
			for folder, count in sizes:
				if folder != "INBOX":
					imap.create(folder)
				for i in range(count):
					tok = "%s%d" % (folder[0], i)
					flags = [[], ["\\Seen"], ["\\Seen",
					    "\\Answered"], ["\\Seen", "todo"],
					    ][i % 4]
					w.append(imap, folder, tok, flags,
					    size=300 << i % 4)
					self.put(folder, tok, *flags)
		w.sync()
		w.compare(self.model)

	def change(self):
		w = self.world
		self.pristine = {f: dict(v) for f, v in self.model.items()}
		self.sums = dict(w.sums)
		self.settings = (w.NAME, w.port, dict(w.keys), w.state)

	def back(self):
		"""Puts back both sides, the index and the settings."""
		self.restore()
		w = self.world
		w.NAME, w.port, keys, w.state = self.settings
		w.keys, w.defaults = dict(keys), ""
		w.sums = dict(self.sums)
		super().back()
		w.write_conf()
		self.model = {f: dict(v) for f, v in self.pristine.items()}
		for name in os.listdir(self.dir):
			if name not in ("now", "then", "server"):
				self.remove(self.path(name))

	def restore(self):
		"""Undoes mounts and listeners, the last first."""
		while self.undo:
			self.undo.pop()()

	def close(self):
		if not self.closed:
			self.restore()
		super().close()

	# -- places --

	def path(self, name):
		return self.dir + "/" + name

	@staticmethod
	def remove(path):
		if os.path.isdir(path) and not os.path.islink(path):
			shutil.rmtree(path)
		elif os.path.lexists(path):
			os.unlink(path)

	def save(self, path, name):
		suite.copy_tree(path, self.path(name))

	def bring(self, name, path):
		self.remove(path)
		suite.copy_tree(self.path(name), path)

	def mailbox(self):
		"""Where the server keeps the account."""
		return os.path.realpath(self.server.mail(self.user))

	def box(self, folder):
		"""The server's directory of a folder."""
		if self.server.options["location"].startswith("maildir"):
			sub = "" if folder == "INBOX" \
			    else "/." + folder.replace("/", ".")
			return self.mailbox() + "/Maildir" + sub
		return self.mailbox() + "/sdbox/mailboxes/" + folder \
		    + "/dbox-Mails"

	def index(self):
		return "%s/mailtern/%s.db" % (self.world.state,
		    self.world.NAME)

	# -- what people and disks do --

	def uid(self, imap, folder, tok):
		for u, m in imap.messages(folder).items():
			if judge.token(m.data) == tok:
				return u
		raise LookupError(tok)

	def arrive(self, folder, tok, *flags, size=0):
		with self.world.imap() as imap:
			self.world.append(imap, folder, tok, list(flags),
			    size=size)
		self.put(folder, tok, *flags)

	def write(self, folder, tok, letters="S", size=0):
		self.world.deliver(folder, tok, letters, size=size)
		self.put(folder, tok, *[f for f, x in judge.LETTER.items()
		    if x in letters])

	def expunge(self, folder, tok):
		with self.world.imap() as imap:
			imap.expunge(folder, self.uid(imap, folder, tok))
		del self.model[folder][tok]

	def unlink(self, folder, tok):
		m = self.world.maildir
		m.unlink(m.find(tok, folder))
		del self.model[folder][tok]

	def flag(self, folder, tok, letter, flag):
		m = self.world.maildir
		m.flag(m.find(tok, folder), letter)
		self.model[folder][tok] |= {flag}

	def mount(self, *args, at):
		if os.getuid() != 0:
			raise Skip("needs root to mount")
		p = subprocess.run(["mount", *args, at],
		    stderr=subprocess.PIPE)
		if p.returncode != 0:
			raise Skip("mount: " + p.stderr.decode().strip())
		self.undo.append(lambda: subprocess.run(["umount", "-l", at],
		    check=True))

	# -- running --

	def union(self):
		"""Every message of the model is somewhere."""
		have = collections.Counter()
		m = self.world.maildir
		if os.path.isdir(m.root):
			for files in m.all().values():
				for f in files:
					have[judge.token(f.data())] += 1
		with self.world.imap() as imap:
			for seen in judge.view_remote(imap).values():
				for s in seen:
					have[s.tok] += 1
		return sorted(t for v in self.model.values() for t in v
		    if not have[t])

	def stamp(self):
		m = self.world.maildir
		return (self.world.remote_stamp(), self.world.local_stamp()
		    if os.path.isdir(m.root) else None)

	def sync(self, step):
		"""One run, judged by itself."""
		before = self.stamp() if step.untouched else None
		r = self.world.run("--json", "sync", *step.args)
		want = step.rc if isinstance(step.rc, set) else {step.rc}
		if r.rc not in want:
			raise Bad("exit %s wanted: %s" % (sorted(want), r))
		says = step.says
		if isinstance(says, dict):
			says = says[r.rc]
		if says and not re.search(says, r.out + r.err, re.S | re.I):
			raise Bad("%r not said: %s" % (says, r))
		if step.untouched and self.stamp() != before:
			raise Bad("something was touched: %s" % r)
		if step.untouched and any(transfers(e)
		    for e in r.of("summary")):
			raise Bad("operations are told: %s" % r)
		return r

	def idle(self):
		try:
			self.world.assert_idle()
		except AssertionError as e:
			raise Bad(str(e))


class Tally(suite.Tally):
	def __init__(self, opts):
		super().__init__("disasters", opts)
		self.good = self.later = self.skipped = 0

	def say(self, text, *args):
		print("disasters: " + text % args, flush=True)

	def case(self, job, verdict, trouble, later):
		with self.lock:
			self.points += 1
			ok = not trouble and (verdict is None
			    or verdict.good())
			if ok and later:
				self.failed += 1
				self.say("%s: passes now: take it off "
				    "EXPECTED_LATER (%s)", job, later)
			elif ok:
				self.good += 1
			elif later:
				self.later += 1
			else:
				self.blame(verdict, trouble)
			if not ok and (not later or self.opts.only):
				self.say("%s: %s\n%s", job, trouble or "",
				    verdict or "")
			elif self.opts.only:
				self.say("%s: good", job)

	def blame(self, verdict, trouble):
		self.failed += bool(trouble)
		for k, v in (verdict.count if verdict else {}).items():
			self.count[k] += v

	def skip(self, job, why):
		with self.lock:
			self.points += 1
			self.skipped += 1
			print("SKIPPED disasters: %s: %s" % (job, why),
			    flush=True)

	def finish(self):
		c = self.count
		self.say("cases=%d good=%d lost=%d duplicated=%d "
		    "resurrected=%d wrong=%d failed=%d later=%d skipped=%d "
		    "mode=%s seed=%d seconds=%.1f", self.points, self.good, c["lost"],
		    c["duplicated"], c["resurrected"], c["wrong"], self.failed,
		    self.later, self.skipped, modes.name(), self.opts.seed,
		    time.monotonic() - self.start)
		whole = self.good + self.later + self.skipped == self.points
		return 0 if whole and not self.failed \
		    and not suite.sent_unasked() \
		    and self.points >= max(1, self.opts.min) else 1


class Job:
	"""A case, on an account of n messages, at one point of it."""

	def __init__(self, case, n, point, points):
		self.case, self.n = case, n
		self.point, self.points = point, points

	def __str__(self):
		at = " %d of %d" % (self.point + 1, self.points) \
		    if self.points > 1 else ""
		return "%s, %d messages%s" % (self.case.name, self.n, at)


class Stages:
	"""One worker's: a stage for each kind of server and size."""

	def __init__(self, servers, number):
		self.servers, self.number, self.made = servers, number, {}

	def get(self, kind, n):
		if (kind, n) not in self.made:
			self.made[kind, n] = Stage(self.servers.get(kind, n),
			    "d%d-%d" % (self.number, n), n)
		return self.made[kind, n]

	def close(self):
		for stage in self.made.values():
			stage.close()


class Servers:
	"""Started by the main thread: a server ends with its parent, which
	for the kernel is the thread that started it."""

	def __init__(self, jobs):
		self.made = {}
		for job in jobs:
			kind, n = job.case.kind, job.n
			if self.key(kind, n) not in self.made:
				self.made[self.key(kind, n)] = suite.Dovecot(
				    **KINDS[kind](n))

	@staticmethod
	def key(kind, n):
		return kind, n if kind == "quota" else 0

	def get(self, kind, n):
		return self.made[self.key(kind, n)]

	def close(self):
		for server in self.made.values():
			server.stop()


def play(s, job, verdict):
	"""Strikes, runs, judges. Raises Bad, else verdict tells."""
	s.point, s.points = job.point, job.points
	job.case.strike(s)
	for step in job.case.steps_for(job.n):
		if callable(step):
			step(s)
			continue
		s.sync(step)
		for tok in s.union():
			verdict.add("lost", "%s is on neither side", tok)
	end = s.world.verdict(s.model)
	verdict.lines += end.lines
	for k, v in end.count.items():
		verdict.count[k] += v
	left = s.world.maildir.left_in_tmp()
	if left:
		raise Bad("left in tmp: %s" % left)
	if verdict.good():
		s.idle()


class Worker:
	def __init__(self, stages, tally, later):
		self.stages, self.tally, self.later = stages, tally, later

	def do(self, number, job):
		case, s = job.case, None
		verdict, trouble, later = judge.Verdict(), None, \
		    self.later.get((case.name, job.n)) \
		    or self.later.get(case.name)
		if case.root and os.getuid() != 0:
			return self.tally.skip(job, "needs root")
		try:
			s = self.stages.get(case.kind, job.n)
			s.rng = random.Random("%d %s" % (self.tally.opts.seed,
			    job))
			play(s, job, verdict)
		except Skip as e:
			return self.tally.skip(job, e)
		except (Bad, subprocess.TimeoutExpired) as e:
			trouble = str(e)
		except Exception:	# the test's own: never excused
			trouble, later = traceback.format_exc(), None
		finally:
			if s is not None:
				s.relay.disarm()
				s.relay.wait_quiet()
				s.back()
		self.tally.case(job, verdict, trouble, later)

	def close(self):
		self.stages.close()


def options():
	env = os.environ
	p = argparse.ArgumentParser(prog="disasters")
	p.add_argument("--only", metavar="NAME",
	    help="only the cases whose name begins so")
	p.add_argument("--full", action="store_true",
	    default=bool(env.get("FULL")))
	p.add_argument("--sizes", metavar="N,N", help="messages")
	p.add_argument("--min", type=int, default=0,
	    help="fail with fewer cases")
	p.add_argument("--seed", type=int, default=int(env.get("SEED") or
	    random.SystemRandom().randrange(1 << 31)))
	p.add_argument("--jobs", type=int,
	    default=int(env.get("JOBS") or os.cpu_count() or 1))
	modes.add_option(p)
	o = p.parse_args()
	modes.choose(o.mode)
	o.sizes = [int(n) for n in o.sizes.split(",")] if o.sizes \
	    else [12, 2000 if o.full else 300]
	if not os.access(suite.program(), os.X_OK):
		sys.exit("disasters: no program: " + suite.program())
	return o


def jobs_of(opts, cases):
	jobs = []
	for n in sorted(opts.sizes, reverse=True):
		for case in cases:
			if opts.only and not case.name.startswith(opts.only):
				continue
			points = case.full if opts.full else case.points
			jobs += [Job(case, n, i, points)
			    for i in range(points)]
	return jobs


def run(opts, tally):
	import disaster_cases as data

	names = [c.name for c in data.CASES]
	wrong = [k for k in data.EXPECTED_LATER
	    if (k if isinstance(k, str) else k[0]) not in names]
	if wrong or len(set(names)) != len(names):
		raise ValueError("names: %s" % (wrong or names))
	jobs = jobs_of(opts, data.CASES)
	servers = Servers(jobs)
	plain = argparse.Namespace(only=None, jobs=opts.jobs)
	try:
		suite.work_off(plain, jobs, lambda i:
		    Worker(Stages(servers, i), tally, data.EXPECTED_LATER))
	finally:
		servers.close()


def main():
	opts = options()
	tally = Tally(opts)
	return suite.conclude(tally, lambda: run(opts, tally))


if __name__ == "__main__":
	sys.modules["disasters"] = sys.modules["__main__"]
	sys.exit(main())
