"""One throwaway Dovecot for the whole session; a fresh user for each test."""

import itertools
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))

from dovecot import Dovecot		# noqa: E402
from world import World, program	# noqa: E402

number = itertools.count(1)


def pytest_configure(config):
	config.addinivalue_line("markers",
	    "slow: takes long or much room; only with TORTURE=1")
	if not os.access(program(), os.X_OK):
		raise pytest.UsageError("no program: " + program())


def pytest_collection_modifyitems(config, items):
	if os.environ.get("TORTURE") == "1":
		return
	slow = [i for i in items if i.get_closest_marker("slow")]
	if slow:
		config.hook.pytest_deselected(items=slow)
		items[:] = [i for i in items if i not in slow]


@pytest.fixture(scope="session")
def server():
	with Dovecot() as s:
		yield s


@pytest.fixture
def make_world(server):
	"""make_world(**options of World): as many as the test needs."""
	made = []

	def make(**options):
		w = World(options.pop("server", server),
		    options.pop("user", "u%d" % next(number)), **options)
		made.append(w)
		return w

	yield make
	for w in made:
		w.close()


@pytest.fixture
def world(make_world):
	return make_world()
