"""Lint measures: each measure is seen red, for a fault put into a copy of the
tree, and names it. What the faults are made of is compiled, nothing else.
"""

import glob
import os
import re
import shutil
import subprocess
import sys

import pytest

from world import ROOT, program

sys.path.insert(0, os.path.join(ROOT, "test", "lint"))
import layers				# noqa: E402
import measure				# noqa: E402

OBJECTS = os.path.dirname(os.path.abspath(program()))
COPIED = ("src", "include", "man", "test", "README")


class Copy:
	"""The tree, with its objects in build/. What a test does to it is
	undone."""

	def __init__(self, top):
		self.top, self.before = str(top), {}
		for name in COPIED:
			source, to = os.path.join(ROOT, name), self.path(name)
			if os.path.isdir(source):
				shutil.copytree(source, to)
			else:
				shutil.copy(source, to)
		shutil.copytree(OBJECTS + "/src", self.path("build/src"),
		    ignore=shutil.ignore_patterns("*.d"))

	def path(self, name):
		return os.path.join(self.top, name)

	def read(self, name):
		with open(self.path(name), encoding="utf-8") as f:
			return f.read()

	def write(self, name, text):
		path = self.path(name)
		self.before.setdefault(name, self.read(name)
		    if os.path.exists(path) else None)
		os.makedirs(os.path.dirname(path), exist_ok=True)
		with open(path, "w", encoding="utf-8") as f:
			f.write(text)

	def source(self, name, text):
		"""A new file, compiled."""
		self.write(name, "/* A file of a test. */\n" + text)
		to = "build/" + name[:-2] + ".o"
		self.before[to] = None
		os.makedirs(os.path.dirname(self.path(to)), exist_ok=True)
		subprocess.run([os.environ.get("CC", "cc"), "-c", "-o",
		    self.path(to), self.path(name)], check=True)

	def undo(self):
		while self.before:
			name, text = self.before.popitem()
			if text is None:
				os.unlink(self.path(name))
			else:
				with open(self.path(name), "w",
				    encoding="utf-8") as f:
					f.write(text)

	def exported(self, module):
		"""A symbol of that module."""
		sources = glob.glob(self.path("src/%s/*.c" % module))
		out = subprocess.run(["nm", "-P", "-g", "--defined-only"] +
		    sorted(self.path("build/src/%s/%so" % (module,
		    os.path.basename(x)[:-1])) for x in sources), check=True,
		    stdout=subprocess.PIPE, universal_newlines=True).stdout
		return next(x.split()[0] for x in out.splitlines()
		    if len(x.split()) > 1)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
	return Copy(tmp_path_factory.mktemp("lint"))


@pytest.fixture
def copy(tree, capsys):
	"""copy.lint(words): the lines that it prints; none: it is content."""
	def lint(*words):
		rc = measure.main(["--top", tree.top, "--objects",
		    tree.path("build")] + list(words))
		lines = capsys.readouterr().err.splitlines()
		assert rc == (1 if lines else 0), lines
		assert all(x.startswith("lint: ") for x in lines), lines
		return [x[len("lint: "):] for x in lines]

	tree.lint = lint
	yield tree
	tree.undo()


def test_clean(copy):
	assert copy.lint() == []


# -- calls and includes --

@pytest.mark.sample(2)
@pytest.mark.parametrize("upper, lower", [("cmd", "base"), ("net", "loop"),
    ("index", "maildir"), ("ui", "index"), ("imap", "mail")])
def test_call_upwards(copy, upper, lower):
	symbol = copy.exported(upper)
	copy.source("src/%s/zz.c" % lower, "void %s(void);\nvoid zz(void);\n"
	    "void\nzz(void)\n{\n\t%s();\n}\n" % (symbol, symbol))
	said, = copy.lint("calls")
	assert said.startswith("src/%s/zz.c: calls %s of src/%s/" % (lower,
	    symbol, upper))
	assert said.endswith(", which %s may not" % lower)


def test_call_into_main(copy):
	copy.source("src/cmd/zz.c", "int main(void);\nvoid zz(void);\n"
	    "void\nzz(void)\n{\n\tmain();\n}\n")
	said, = copy.lint("calls")
	assert said.startswith("src/cmd/zz.c: calls main of src/main.c")


def test_data_of_a_module_above(copy):
	copy.source("src/cmd/zz.c", "int zz = 1;\n")
	copy.source("src/base/zz.c", "extern int zz;\nint *zz_of(void);\n"
	    "int *\nzz_of(void)\n{\n\treturn &zz;\n}\n")
	said, = copy.lint("calls")
	assert said.startswith("src/base/zz.c: calls zz of src/cmd/zz.c")


ROOMS = ["core", "observe", "match", "apply", "run"]	# lowest first
CALL = "void %s(void);\nvoid %s(void);\nvoid\n%s(void)\n{\n\t%s();\n}\n"
END = "void %s(void);\nvoid\n%s(void)\n{\n}\n"


@pytest.mark.sample(2)
@pytest.mark.parametrize("lower, upper", list(zip(ROOMS, ROOMS[1:])) +
    [("core", "run")])
def test_call_upwards_between_rooms(copy, lower, upper):
	copy.source("src/sync/%s/zz_low.c" % lower, END % ("low", "low"))
	copy.source("src/sync/%s/zz_high.c" % upper,
	    CALL % ("low", "high", "high", "low"))
	assert copy.lint("calls") == []		# downwards
	copy.source("src/sync/%s/zz_bad.c" % lower,
	    CALL % ("high", "bad", "bad", "high"))
	assert copy.lint("calls") == ["src/sync/%s/zz_bad.c: calls high of "
	    "src/sync/%s/zz_high.c, which sync/%s may not" % (lower, upper,
	    lower)]


def test_room_of_another_module(copy):
	"""A room counts as its module for all others."""
	copy.source("src/sync/core/zz.c", END % ("zz", "zz"))
	copy.source("src/cmd/zz.c", CALL % ("zz", "cz", "cz", "zz"))
	assert copy.lint("calls") == []
	copy.source("src/imap/zz.c", CALL % ("zz", "iz", "iz", "zz"))
	said, = copy.lint("calls")
	assert said.startswith("src/imap/zz.c: calls zz of src/sync/core/zz.c")


def test_plan_is_below_sync(copy):
	copy.source("src/plan/zz.c", END % ("zz", "zz"))
	copy.source("src/sync/core/zz.c", CALL % ("zz", "sz", "sz", "zz"))
	assert copy.lint("calls", "ladder") == []
	copy.source("src/plan/zz_bad.c", CALL % ("sz", "pz", "pz", "sz"))
	said, = copy.lint("calls")
	assert said.endswith(", which plan may not")


@pytest.mark.parametrize("path, include, there", [
    ("src/base/zz.c", "net/stream.h", "base"),
    ("include/mail/zz.h", "imap/box.h", "mail"),
    ("src/index/zz.c", "maildir/name.h", "index"),
    ("src/sync/core/zz.c", "run/phases.h", "sync/core"),
    ("src/sync/core/zz.h", "apply/pull.h", "sync/core"),
    ("src/imap/zz.c", "core/pass.h", "imap"),
    ("src/base/zz.c", "../net/internal.h", "base"),
])
def test_include_upwards(copy, path, include, there):
	copy.write(path, '#include "%s"\n' % include)
	assert copy.lint("includes") == [
	    "%s: includes %s, which %s may not" % (path, include, there)]


@pytest.mark.parametrize("path, include", [
    ("src/sync/run/zz.c", "core/pass.h"), ("src/sync/run/zz.c", "zz.h"),
    ("src/sync/core/zz.c", "core/pass.h"), ("src/net/zz.c", "loop/uv.h"),
    ("src/sync/core/zz.c", "plan/guard.h")])
def test_include_downwards(copy, path, include):
	copy.write(path, '#include "%s"\n' % include)
	assert copy.lint("includes") == []


def test_unknown_places(copy):
	copy.write("src/zz/zz.c", "")
	copy.write("src/sync/zz/zz.c", "")
	copy.write("src/net/core/zz.c", "")
	assert copy.lint("ladder") == ["test/lint/layers.py: %s is no module "
	    "or room of layers.py" % x for x in ("net/core", "sync/zz", "zz")]


def test_ladder_without_circles(copy, monkeypatch):
	monkeypatch.setitem(layers.LADDER, "base", ["loop"])
	assert copy.lint("ladder") == [
	    "test/lint/layers.py: base may use loop, which stands behind it"]


def test_beside_the_rooms(copy):
	copy.write("src/sync/core/zz.c", "")
	copy.write("src/sync/zz.c", "")
	assert "src/sync/zz.c: stands beside the rooms of its module" in \
	    copy.lint("roomless")


def test_not_built(copy):
	copy.write("src/base/zz.c", "")
	assert copy.lint("calls") == ["src/base/zz.c: is not built"]


def test_unused_export(copy):
	copy.source("src/base/zz.c", END % ("zz", "zz") +
	    "static void own(void) { zz(); }\nvoid (*zz_own)(void) = own;\n")
	assert copy.lint("exports") == ["src/base/zz.c: exports %s, which no "
	    "other file of the program uses" % x for x in ("zz", "zz_own")]


def test_exception_that_is_none(copy):
	copy.source("src/cmd/zz.c", "void imap_noop_start(void);\n"
	    "void imap_noop_start(void) { }\n")
	assert "test/lint/measure.py: imap_noop_start is no exception any " \
	    "more" not in copy.lint("exports")
	copy.source("src/cmd/zy.c", CALL % ("imap_noop_start", "zy", "zy",
	    "imap_noop_start"))
	assert "test/lint/measure.py: imap_noop_start is no exception any " \
	    "more" in copy.lint("exports")


# -- what is counted in the sources --

def branches(n):
	"""A function with a complexity of n."""
	return "int\nzz(int a)\n{\n%s\treturn a;\n}\n" % (
	    "\tif (a)\n\t\ta--;\n" * (n - 1))


def function(n):
	"""One of n lines."""
	return "int\nzz(void)\n{\n%s\treturn 0;\n}\n" % ("\n" * (n - 4))


MEASURED = [
    ("parameters", "int\nzz(int a, int b, int (*c)(int, int), int d, ...)\n"
	"{\n}\n", None),
    ("parameters", "int\nzz(int a, int b, int c, int d,\n    int e, int f)\n"
	"{\n}\n", "2: zz has 6 parameters"),
    ("columns", "/*%s*/\n" % ("x" * 76), None),
    ("columns", "\n/*%s*/\n" % ("x" * 77), "2: 81 columns"),
    ("columns", "\t\t\t/*%s*/\n" % ("x" * 53), "1: 81 columns"),
    ("lines", "\n" * 699, None),
    ("lines", "\n" * 700, " 700 lines"),
    ("length", function(60), None),
    ("length", "\n" + function(61), "3: zz has 61 lines"),
    ("complexity", branches(15), None),
    ("complexity", branches(16), "2: zz has a complexity of 16"),
    ("complexity", "/*\n * What it does.\n * Complexity: one flat list.\n */\n"
	+ branches(16), None),
    ("complexity", "/* Complexity: far away. */\n\n" + branches(16),
	"4: zz has a complexity of 16"),
    ("complexity", "/* Complexity: */\n" + branches(16),
	"3: zz has a complexity of 16"),
    ("complexity", "int\nzz(int a)\n{\n\tswitch (a) {\n%s\t}\n\treturn a && "
	"a || a ? 1 : 0;\n}\n" % ("\tcase 1:\n" * 40), None),
    ("comments", "/* It\n * has one (a.b). And more. */\nint x;\n", None),
    ("comments", "int x; /* Too late. */\n",
	"1: does not begin with a comment"),
    ("comments", "/* No end\n *\n * of it. */\n",
	"1: its first sentence has no full stop"),
    ("comments", "/* %s. */\n" % ("x" * 158), None),
    ("comments", "/* %s. */\n" % ("x" * 159),
	"1: its first sentence is long: 160 characters"),
]


@pytest.mark.parametrize("name, text, want", MEASURED)
def test_measure(copy, name, text, want):
	copy.write("src/base/zz.c", text)
	assert copy.lint(name) == ([] if want is None else
	    ["src/base/zz.c:" + want])


def test_every_measure_is_seen_red():
	with open(__file__, encoding="utf-8") as f:
		text = f.read()
	for name in measure.MEASURES:
		assert '"%s"' % name in text, name


def test_lines_of_tests(copy):
	copy.write("test/unit/zz_test.c", "\n" * 799)
	assert copy.lint("lines") == []
	copy.write("test/unit/zz_test.c", "\n" * 800)
	assert copy.lint("lines") == ["test/unit/zz_test.c: 800 lines"]


TWICE = "static int\nzz(void)\n{\n\treturn 0;\n}\n"


@pytest.mark.parametrize("first, second", [
    ("base/zy.c", "base/zz.c"), ("sync/core/zz.c", "sync/run/zz.c")])
def test_static_twice(copy, first, second):
	copy.write("src/" + first, TWICE)
	copy.write("src/" + second, TWICE)
	assert copy.lint("statics") == [
	    "src/%s:2: zz stands in src/%s, too" % (second, first)]


@pytest.mark.parametrize("first, second, line", [
    (TWICE, "int zz;\n" + TWICE.replace("static ", ""), 3),
    (TWICE, "static const struct { int a; } x, zz[] = { { 1 } };\n", 1),
    ("static void (*zz)(int);\n", TWICE, 2)])
def test_static_and_another(copy, first, second, line):
	copy.write("src/base/zy.c", first)
	copy.write("src/base/zz.c", second)
	assert copy.lint("statics") == [
	    "src/base/zz.c:%d: zz stands in src/base/zy.c, too" % line]


def test_static_in_another_module(copy):
	copy.write("src/base/zz.c", TWICE)
	copy.write("src/net/zz.c", TWICE)
	assert copy.lint("statics") == []


# -- the tour --

def test_tour_lacks_a_room(copy):
	text = copy.read("README")
	assert text.count("| `plan` |") == 1
	copy.write("README", re.sub(r"\n\| `plan` \|.*", "", text))
	assert copy.lint("comments") == ["README: the tour has no room plan"]


def test_tour_has_a_room_too_many(copy):
	text = copy.read("README")
	assert text.count("| `net` |") == 1
	copy.write("README", text.replace("| `net` |", "| `nets` |"))
	assert copy.lint("comments") == ["README: the tour has no room net",
	    "README: the tour has a room that is not there: nets"]


def test_tour_shows_every_file():
	out = subprocess.run([sys.executable, "-B", ROOT +
	    "/test/lint/tour.py"], stdout=subprocess.PIPE, check=True,
	    universal_newlines=True).stdout
	room, shown = None, {}
	for line in out.splitlines():
		if not line.startswith("\t"):
			room = line
			continue
		name, said = line.split(None, 1)
		shown[name if room == "main" else room + "/" + name] = said
	there = {os.path.relpath(os.path.join(where, x), ROOT + "/src")
	    for where, _, names in os.walk(ROOT + "/src") for x in names}
	assert set(shown) == there
	assert shown["base/hash.c"] == "FNV-1a, a hash for tables and names."


# -- all of lint --

def test_lint_runs_the_measures(copy):
	copy.source("src/base/zz.c", CALL % ("report_line", "zz", "zz",
	    "report_line"))
	p = subprocess.run(["sh", copy.path("test/lint.sh")],
	    env=dict(os.environ, CC="true", O="build",
	    PYTHON=sys.executable), stdout=subprocess.PIPE,
	    stderr=subprocess.STDOUT, universal_newlines=True)
	assert p.returncode == 1
	assert p.stdout == "lint: src/base/zz.c: calls report_line of " \
	    "src/ui/report.c, which base may not\nlint: src/base/zz.c: " \
	    "exports zz, which no other file of the program uses\n"
