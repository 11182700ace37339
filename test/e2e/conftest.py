"""One throwaway Dovecot for the whole session; a fresh user for each test."""

import itertools
import os
import random
import subprocess
import sys

import pytest

for name in ("lib", "fault"):
	sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", name))

import modes				# noqa: E402
import progress				# noqa: E402
import schemas				# noqa: E402
import world				# noqa: E402
from dovecot import Dovecot		# noqa: E402
from relay import Relay			# noqa: E402
from world import ROOT, World, program	# noqa: E402

# Whatever a test lets the program print is held against its schema.
world.Result.check = schemas.check

PIECE = 20		# tests that a process takes at a time (--share)

number = itertools.count(1)


def pytest_addoption(parser):
	parser.addoption("--mode", choices=sorted(modes.MODES),
	    default=os.environ.get("MODE") or "qresync", help="what the server "
	    "offers to worlds: " + ", ".join(modes.MODES))
	parser.addoption("--share", metavar="DIR", help="with other processes "
	    "that have the same DIR: each test is run by one of them")


def pytest_configure(config):
	modes.choose(config.getoption("--mode"))
	config.addinivalue_line("markers",
	    "slow: takes long or much room; only with TORTURE=1")
	config.addinivalue_line("markers", "sample(n): many of a kind, of which "
	    "n are enough; all of them with TORTURE=1")
	if not os.access(program(), os.X_OK):
		raise pytest.UsageError("no program: " + program())


def left_out(items):
	"""What is slow, and of each sampled test all but n, drawn by its name:
	the processes that share the tests must draw alike."""
	yield from (i for i in items if i.get_closest_marker("slow"))
	of_many = [i for i in items if i.get_closest_marker("sample")]
	for function, group in itertools.groupby(of_many, lambda i: i.function):
		group = list(group)
		n = group[0].get_closest_marker("sample").args[0]
		kept = random.Random(function.__name__).sample(group, n)
		yield from (i for i in group if i not in kept)


sampled = [0, 0]	# tests: taken, and all that are of a sampled kind


def pytest_collection_modifyitems(config, items):
	if os.environ.get("TORTURE") == "1":
		return
	left = set(left_out(items))
	of_many = [i for i in items if i.get_closest_marker("sample")]
	sampled[:] = [len([i for i in of_many if i not in left]), len(of_many)]
	if left:
		config.hook.pytest_deselected(items=list(left))
		items[:] = [i for i in items if i not in left]


def pytest_terminal_summary(terminalreporter):
	if sampled[0] < sampled[1]:
		terminalreporter.write_line("e2e: sample=%d of=%d tests of "
		    "which there are many alike; TORTURE=1 takes all"
		    % tuple(sampled))


def pieces(items):
	"""Tests of one file, some at a time: what one process takes."""
	for _, group in itertools.groupby(items, lambda i: i.path):
		group = list(group)
		for at in range(0, len(group), PIECE):
			yield group[at:at + PIECE]


def taken(items, dir):
	"""The tests that fall to this process, one after the other."""
	for piece in pieces(items):
		mark = os.path.join(dir, str(items.index(piece[0])))
		try:
			os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
		except FileExistsError:
			continue
		yield from piece


def pytest_runtestloop(session):
	dir = session.config.getoption("--share")
	if dir is None or session.testsfailed or \
	    session.config.option.collectonly:
		return None
	todo = taken(session.items, dir)
	item, done = next(todo, None), 0
	while item and not (session.shouldstop or session.shouldfail):
		after = next(todo, None)	# its fixtures stay
		item.config.hook.pytest_runtest_protocol(item=item,
		    nextitem=after)
		item, done = after, done + 1
		progress.tell(done, len(session.items))
	return True


def pytest_runtest_logreport(report):
	if report.failed:
		progress.failed()


@pytest.fixture(scope="session")
def server():
	"""SCRAM would be a quarter of what a run with nothing to do costs; tests
	of logins have servers of their own."""
	with Dovecot(mechanisms="plain login") as s:
		yield s


@pytest.fixture
def make_world(server):
	"""make_world(**options of World): as many as the test needs."""
	made, relays = [], []

	def make(**options):
		s = options.pop("server", server)
		hides = modes.chosen().hides
		if hides and s is server and not options.get("tls"):
			relays.append(Relay(s.port, hides=hides))
			options.setdefault("port", relays[-1].port)
		w = World(s, options.pop("user", "u%d" % next(number)),
		    **options)
		made.append(w)
		return w

	yield make
	for w in made:
		w.close()
	for relay in relays:
		relay.stop()


@pytest.fixture
def world(make_world):
	return make_world()


@pytest.fixture(scope="session")
def preload(tmp_path_factory):
	"""preload(source, **env): the environment of a program that is run with
	that library (a file in C) within it."""
	path, made = tmp_path_factory.mktemp("preload"), {}

	def build(source, **env):
		lib = made.setdefault(source, str(path / ("%d.so" % len(made))))
		if not os.path.exists(lib):
			subprocess.run([os.environ.get("CC", "cc"), "-std=c11",
			    "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra",
			    "-Werror", "-shared", "-fPIC", "-o", lib,
			    os.path.join(ROOT, source), "-ldl"], check=True)
		asan = ":".join(x for x in (os.environ.get("ASAN_OPTIONS"),
		    "verify_asan_link_order=0") if x)
		return {"LD_PRELOAD": lib, "ASAN_OPTIONS": asan, **env}

	return build


@pytest.fixture(scope="session")
def clock(preload):
	"""The environment of a run whose clock is off by so many seconds."""
	return lambda shift: preload("test/fault/clockat.c",
	    CLOCK_SHIFT=str(shift))
