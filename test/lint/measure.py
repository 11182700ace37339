"""What can be counted about the sources, each against its limit. All measures by
default.
"""

import argparse
import collections
import functools
import glob
import os
import sys

import layers
import tour
from csource import Source
from symbols import Symbols

COLUMNS = 80		# tabs are 8
LINES = 700		# a file has fewer
TEST_LINES = 800
LENGTH = 60		# of a function, from its name to the closing brace
PARAMETERS = 5
COMPLEXITY = 15		# or the comment above says "Complexity: reason"

# Exported, though no other file of the program uses it: why.
EXPORTS = {
    "imap_compress_pays": "a rule without a session, which a table tests",
    "imap_noop_start": "for the long-running mode",
    "job_wait": "for jobs that are posted otherwise, as tests of flows do",
    "progress_new_at": "tests say what time it is",
    "progress_update_at": "tests say what time it is",
}


source_of = functools.lru_cache(maxsize=None)(Source)


def parse(top, *patterns):
	"""{path: Source}"""
	out = {}
	for pattern in patterns:
		for path in sorted(glob.glob(os.path.join(top, pattern),
		    recursive=True)):
			with open(path, encoding="utf-8") as f:
				name = os.path.relpath(path, top)
				out[name] = source_of(name, f.read())
	return out


class Tree:
	def __init__(self, top, objects):
		self.top, self.objects = top, objects
		self.sources = parse(top, "src/**/*.[ch]", "include/**/*.h")
		self.tests = parse(top, "test/**/*.[ch]")
		self.symbols = None

	def functions(self):
		return [(s, f) for s in self.sources.values()
		    for f in s.functions]

	def nm(self):
		if self.symbols is None:
			self.symbols = Symbols([p for p in self.sources
			    if p.endswith(".c")], self.objects)
		return self.symbols


# Each measure yields (path, line or None, what is wrong).

def ladder(tree):
	for fault in layers.faults(tree.sources):
		yield "test/lint/layers.py", None, fault


def roomless(tree):
	for path in layers.roomless(tree.sources):
		yield path, None, "stands beside the rooms of its module"


def includes(tree):
	for path, source in tree.sources.items():
		here = layers.place(path)
		for include in source.includes:
			there = layers.included(path, include)
			if not layers.may_use(here, there):
				yield path, None, "includes %s, which %s may " \
				    "not" % (include, layers.name(here))


def calls(tree):
	symbols = tree.nm()
	for path in symbols.missing:
		yield path, None, "is not built"
	for caller, symbol, callee in symbols.upward():
		yield caller, None, "calls %s of %s, which %s may not" % (
		    symbol, callee, layers.name(layers.place(caller)))


def exports(tree):
	unused = dict(tree.nm().unused())
	for symbol, path in unused.items():
		if symbol not in EXPORTS:
			yield path, None, "exports %s, which no other file " \
			    "of the program uses" % symbol
	for symbol in EXPORTS:
		if symbol not in unused:
			yield "test/lint/measure.py", None, \
			    "%s is no exception any more" % symbol


def statics(tree):
	"""grep ^NAME finds one: no static shares its name with another, or
	with what its module exports."""
	places = collections.defaultdict(dict)
	for path, source in tree.sources.items():
		module = layers.place(path)[0]
		if not path.startswith("src/"):
			continue
		for name, line in source.statics:
			places[module, name].setdefault(path, line)
		for f in source.functions:
			places[module, f.name].setdefault(path, f.line)
	for (_, name), where in sorted(places.items()):
		for path, line in list(where.items())[1:]:
			yield path, line, "%s stands in %s, too" % (name,
			    next(iter(where)))


def parameters(tree):
	for s, f in tree.functions():
		if f.parameters > PARAMETERS:
			yield s.path, f.line, "%s has %d parameters" % (f.name,
			    f.parameters)


def columns(tree):
	for path, source in tree.sources.items():
		for i, line in enumerate(source.lines):
			width = len(line.expandtabs(8))
			if width > COLUMNS:
				yield path, i + 1, "%d columns" % width


def lines(tree):
	for files, limit in ((tree.sources, LINES), (tree.tests, TEST_LINES)):
		for path, source in files.items():
			if len(source.lines) >= limit:
				yield path, None, "%d lines" % len(
				    source.lines)


def length(tree):
	for s, f in tree.functions():
		if f.length > LENGTH:
			yield s.path, f.line, "%s has %d lines" % (f.name,
			    f.length)


def complexity(tree):
	for s, f in tree.functions():
		if f.complexity > COMPLEXITY and \
		    not explained(s.comment_above(f.first)):
			yield s.path, f.line, "%s has a complexity of %d" % (
			    f.name, f.complexity)


def explained(comment):
	return any(line.startswith("Complexity: ") and
	    line[len("Complexity: "):].strip()
	    for line in comment.splitlines())


def comments(tree):
	"""Each file says what it is for, and README which rooms there are."""
	with open(os.path.join(tree.top, "README"), encoding="utf-8") as f:
		yield from tour.faults({p: s for p, s in tree.sources.items()
		    if p.startswith("src/")}, f.read())


MEASURES = {m.__name__: m for m in (ladder, roomless, includes, calls, exports,
    statics, parameters, columns, lines, length, complexity, comments)}


def main(words=None):
	here = os.path.dirname(os.path.abspath(__file__))
	top = os.path.dirname(os.path.dirname(here))
	parser = argparse.ArgumentParser(description=__doc__)
	parser.add_argument("--top", default=top)
	parser.add_argument("--objects", help="where objects go (O in make)",
	    default=os.path.join(top, "build"))
	parser.add_argument("measure", nargs="*", metavar="MEASURE",
	    help=", ".join(MEASURES))
	args = parser.parse_args(words)
	unknown = set(args.measure) - set(MEASURES)
	if unknown:
		parser.error("no measure: " + ", ".join(sorted(unknown)))
	tree, bad = Tree(args.top, args.objects), 0
	for name in args.measure or MEASURES:
		for path, line, what in MEASURES[name](tree):
			bad += 1
			print("lint: %s: %s" % (path if line is None else
			    "%s:%d" % (path, line), what), file=sys.stderr)
	return int(bad != 0)


if __name__ == "__main__":
	sys.exit(main())
