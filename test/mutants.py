"""Mutants: the program with one thing broken; a test must turn red at each.

What is broken stands in mutants_table, with the cheapest command that has to
see it. The tree is copied and built once; then, one after the other: patch,
build what depends on it, run the command, put the old text back. A text that
is not found exactly once, a mutant that does not compile, and a command that
is red without any mutant are faults of the table, and end it at once.

A mutant that survives is a missing test. --only NAME[,NAME...] (or prefixes) takes
some, and shows what their commands said. --check only looks whether each text is found,
and builds nothing.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from mutants_table import MUTANTS

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
COPIED = ("Makefile", "README", "syncrc.example", "src", "include", "man",
    "share", "test", ".ci")
LIMIT = 120		# seconds for a command; whoever hangs is red
BINARIES = ("unit", "flow")
NO_TESTS = (2, 3, 4, 5)	# of pytest: not a test that failed


class Fault(Exception):
	"""The table or the tree is wrong, no mutant."""


class Mutant:
	"""edits: (old, new), or a list of such pairs; of another file than
	path: (file, old, new)."""

	def __init__(self, name, path, command, edits):
		command = " ".join(command.split())
		self.name, self.path, self.command = name, path, command
		edits = [edits] if isinstance(edits, tuple) else edits
		self.edits = [e if len(e) == 3 else (path,) + e for e in edits]

	def patched(self, read):
		"""{path: text}"""
		out = {path: read(path) for path, _, _ in self.edits}
		for path, old, new in self.edits:
			if out[path].count(old) != 1:
				raise Fault("%s: %d times in %s, not once:\n%s"
				    % (self.name, out[path].count(old), path,
				    old))
			out[path] = out[path].replace(old, new)
		return out


class Tree:
	"""A copy of the sources, built."""

	def __init__(self):
		self.dir = tempfile.mkdtemp(prefix="mailtern-mutants-")
		for name in COPIED:
			source = os.path.join(TOP, name)
			target = os.path.join(self.dir, name)
			if os.path.isdir(source):
				shutil.copytree(source, target, symlinks=True,
				    ignore=shutil.ignore_patterns(
				    "__pycache__"))
			else:
				shutil.copy2(source, target)
		self.env = {k: v for k, v in os.environ.items()
		    if not k.startswith("MAKE") and k not in
		    ("MFLAGS", "O", "T", "POINTS", "SEED", "JOBS")}
		self.env["MAILTERN"] = self.dir + "/build/mailtern"
		self.env["KILLAT"] = self.dir + "/build/test/fault/killat"
		self.env["FAILAT"] = self.dir + "/build/test/fault/failat"
		self.env["NOMEM"] = self.dir + "/build/test/fault/nomem.so"
		self.said = ""

	def close(self):
		shutil.rmtree(self.dir, ignore_errors=True)

	def read(self, path):
		with open(os.path.join(self.dir, path)) as f:
			return f.read()

	def write(self, texts):
		for path, text in texts.items():
			with open(os.path.join(self.dir, path), "w") as f:
				f.write(text)

	def run(self, args, limit=None):
		"""The exit status; None: it took longer than limit."""
		p = subprocess.Popen(args, cwd=self.dir, env=self.env,
		    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
		    stderr=subprocess.STDOUT, start_new_session=True)
		try:
			self.said = p.communicate(timeout=limit)[0]
			rc = p.returncode
		except subprocess.TimeoutExpired:
			os.killpg(p.pid, signal.SIGKILL)
			self.said = p.communicate()[0]
			rc = None
		self.said = self.said.decode(errors="replace")
		return rc

	def build(self, command, what):
		"""What the command runs: an error here is none of its own."""
		kind, rest = command.split(None, 1)
		if kind in BINARIES:
			targets = ["build/test/%s/%s" % (kind, name)
			    for name in rest.split()]
		else:
			targets = ["all", "fault-tools"]
		jobs = "-j%d" % (os.cpu_count() or 1)
		if self.run(["make", "--no-print-directory", jobs,
		    "O=build"] + targets) != 0:
			raise Fault("%s: does not build:\n%s" % (what,
			    self.said))

	def is_red(self, command, what):
		kind, rest = command.split(None, 1)
		python = [sys.executable, "-B"]
		if kind in BINARIES:
			return any(self.run(["build/test/%s/%s" % (kind,
			    name)], LIMIT) != 0 for name in rest.split())
		if kind == "fault":
			script, *args = rest.split()
			return self.run(python + ["test/fault/" + script] +
			    args, LIMIT) != 0
		path, _, expression = rest.partition(" -k ")
		rc = self.run(python + ["-m", "pytest", "-x", "-q",
		    "-p", "no:cacheprovider", "test/e2e/" + path] +
		    (["-k", expression] if expression else []), LIMIT)
		if rc in NO_TESTS or rc == 1 and " failed" not in self.said \
		    and " error" not in self.said:
			raise Fault("%s: %s: no test ran:\n%s" % (what,
			    command, self.said))
		return rc != 0


class Run:
	def __init__(self, tree, loud):
		self.tree, self.loud = tree, loud
		self.green = set()
		self.red = 0
		self.survived = []

	def check_green(self, command):
		if command in self.green:
			return
		self.tree.build(command, "no mutant")
		if self.tree.is_red(command, "no mutant"):
			raise Fault("red without any mutant: %s\n%s" % (command,
			    self.tree.said))
		self.green.add(command)

	def judge(self, m):
		self.check_green(m.command)
		begun = time.monotonic()
		texts = m.patched(self.tree.read)
		was = {path: self.tree.read(path) for path in texts}
		try:
			self.tree.write(texts)
			self.tree.build(m.command, m.name)
			red = self.tree.is_red(m.command, m.name)
		finally:
			self.tree.write(was)
		if red:
			self.red += 1
		else:
			self.survived.append(m.name)
		print("mutants: %-8s %5.1f s  %-28s %s" % ("red" if red else
		    "SURVIVED", time.monotonic() - begun, m.name, m.command),
		    flush=True)
		if self.loud:
			print(self.tree.said, flush=True)


def chosen(only):
	mutants = [Mutant(*m) for m in MUTANTS]
	names = [m.name for m in mutants]
	if len(set(names)) != len(names):
		raise Fault("two mutants of one name")
	if only is None:
		return mutants
	found = []
	for name in only.split(","):
		some = [m for m in mutants if m.name == name] or \
		    [m for m in mutants if m.name.startswith(name)]
		if not some:
			raise Fault("no mutant %s; there are %s" % (name,
			    ", ".join(names)))
		found += some
	return found


def check():
	"""Say each text that is not found exactly once: 0, or 1."""
	faults = 0
	for m in chosen(None):
		try:
			m.patched(read_source)
		except (Fault, OSError) as e:
			faults += 1
			print("mutants: %s" % e)
	return 1 if faults else 0


def read_source(path):
	with open(os.path.join(TOP, path)) as f:
		return f.read()


def main():
	p = argparse.ArgumentParser(prog="mutants")
	p.add_argument("--only", metavar="NAME[,...]",
	    help="these, or those whose names begin so")
	p.add_argument("--min", type=int, default=0,
	    help="fail with fewer mutants, unless --only is given")
	p.add_argument("--check", action="store_true",
	    help="only look for the texts")
	opts = p.parse_args()
	if opts.check:
		return check()
	begun = time.monotonic()
	fault = None
	mutants = []
	tree = Tree()
	run = Run(tree, opts.only is not None)
	try:
		mutants = chosen(opts.only)
		for m in mutants:		# all, before the first takes time
			m.patched(tree.read)
		for m in mutants:
			run.judge(m)
	except Fault as e:
		fault = e
		print("mutants: %s" % e)
	finally:
		tree.close()
	for name in run.survived:
		print("mutants: %s survived: no test sees it" % name)
	print("mutants: total=%d red=%d survived=%d seconds=%.0f" % (
	    len(mutants), run.red, len(run.survived),
	    time.monotonic() - begun), flush=True)
	return 1 if fault or run.red != len(mutants) or \
	    len(mutants) < (1 if opts.only else max(1, opts.min)) else 0


if __name__ == "__main__":
	sys.exit(main())
