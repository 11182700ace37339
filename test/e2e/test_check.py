"""What "make check" says at its end: test/check.py, with suites that are made
up, and how tests are shared by several processes."""

import os
import re
import subprocess

import pytest

import conftest
from world import ROOT

KILL = "kill: points=10 fired=10 lost=1 duplicated=0 resurrected=0 wrong=0 " \
    "failed=0 mode=qresync seed=7 seconds=2.2"


@pytest.fixture
def check(tmp_path):
	def run(*args, **suites):
		p = subprocess.run(["/usr/bin/python3", "-B",
		    ROOT + "/test/check.py", "--logs", str(tmp_path)] +
		    list(args) + ["%s=%s" % s for s in suites.items()],
		    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
		    stderr=subprocess.STDOUT, text=True, timeout=60,
		    env=dict(os.environ, MAILTERN=ROOT + "/build/mailtern",
		    KILLAT=ROOT + "/build/test/fault/killat",
		    FAILAT=ROOT + "/build/test/fault/failat",
		    NOMEM=ROOT + "/build/test/fault/nomem.so"))
		return p.returncode, p.stdout.splitlines()

	return run


def say(*lines, rc=0):
	return "; ".join("echo '%s'" % line for line in lines) + \
	    "; exit %d" % rc


def end_of(lines):
	"""What failed, with how to repeat it, and the counts."""
	at = next((i for i, line in enumerate(lines)
	    if line.startswith(("FAILED: ", "left out: "))), len(lines) - 1)
	m = re.fullmatch(r"check: (\d+) good, (\d+) failed, (\d+) skipped, "
	    r"(\d+) left out; \d+ s, CPU \d+ s, load [\d.]+", lines[-1])
	return lines[at:-1], tuple(map(int, m.groups()))


def test_all_is_well(check):
	rc, lines = check(
	    unit=say("unit: files=2 done=2 passed=9"),
	    e2e=say("...  [100%]", "12 passed, 3 deselected in 1.55s"),
	    kill=say("kill: run: 900 calls", KILL.replace("st=1", "st=0")),
	    disk=say("disk: skipped: not root"),
	    hardening=say("hardening: PIE: yes"))
	assert rc == 0 and end_of(lines) == ([], (32, 0, 1, 0))
	for line in ("unit: files=2 done=2 passed=9", "disk: skipped: not root",
	    "12 passed, 3 deselected in 1.55s"):
		assert line in lines	# .ci/run counts these
	assert "kill: run: 900 calls" not in lines


def test_what_failed_can_be_repeated(check):
	again = "/usr/bin/python3 -B test/fault/kill.py --points 10 --seed 7 " \
	    "--only 3"
	rc, lines = check(
	    unit=say("unit: repeat: make unit T=x_test",
	    "unit: files=2 done=1 passed=9", rc=1),
	    e2e=say("FAILED test/e2e/test_a.py::test_b[c-d] - assert 1 == 2",
	    "ERROR test/e2e/test_c.py", "1 failed, 2 passed, 1 error in 1.55s",
	    rc=1),
	    kill=say("kill: point 3: x", "kill: repeat: " + again, KILL, rc=1),
	    cut=say("cut: stopped: OSError", KILL.replace("kill", "cut")
	    .replace("s=10", "s=0"), rc=1),
	    disk="kill -9 $$")
	assert rc == 1
	pytest_again = "    /usr/bin/python3 -B -m pytest -q -p " \
	    "no:cacheprovider "
	told, counts = end_of(lines)
	by_name = dict(zip(told[::2], told[1::2]))
	assert "    SEED=7 echo" in by_name.pop("FAILED: cut")[:15]
	assert by_name == {"FAILED: unit": "    make unit T=x_test",
	    "FAILED: test/e2e/test_a.py::test_b[c-d]": pytest_again +
	    "'test/e2e/test_a.py::test_b[c-d]'",
	    "FAILED: test/e2e/test_c.py": pytest_again + "test/e2e/test_c.py",
	    "FAILED: kill": "    " + again, "FAILED: disk": "    kill -9 $$"}
	assert counts == (9 + 2 + 9, 6, 0, 0)
	assert "kill: point 3: x" in lines	# all that it said


def test_left_out(check):
	rc, lines = check("--without", "power: no xfsprogs; "
	    "disk: no mounts: not root", power="false", disk="false",
	    cut="true")
	assert rc == 0
	assert end_of(lines) == (["left out: power: no xfsprogs",
	    "left out: disk: no mounts: not root"], (1, 0, 0, 2))
	rc, lines = check("--without", "", "--only", "power cut", power="true",
	    disk="false", cut="true")
	assert rc == 0
	assert end_of(lines) == (["left out: disk: what it needs is missing"],
	    (2, 0, 0, 1))
	rc, lines = check("--without", "powr: x", power="true")
	assert rc == 2 and "there is no suite powr" in lines[-1]


class Item:
	def __init__(self, path):
		self.path = path


def test_each_test_is_run_once(tmp_path):
	"""Whatever the processes' turns, and whole files at a time if small."""
	items = [Item(p) for p in "abc" for _ in range(45)]
	takers = [conftest.taken(items, str(tmp_path)) for _ in range(2)]
	got, turn = ([], []), 0
	while True:
		item = next(takers[turn % 2], None) or \
		    next(takers[(turn + 1) % 2], None)
		if item is None:
			break
		got[turn % 2].append(item)
		turn += 1
	assert len(got[0]) + len(got[1]) == len(items)
	assert {id(i) for g in got for i in g} == {id(i) for i in items}
	assert all(got)
