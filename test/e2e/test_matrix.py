"""Every pair of (local action x remote action) on a message in sync.

All 64 cells are one account with one message each: one run brings them in
sync, the actions happen, one run follows, one more must do nothing. The
expected outcome is data, matrix.json, written from the rules by hand.

In every mode (modes.py). Where removals may have to wait because others
have marked messages in the folder, once with these rows and once without.
"""

import json
import os

import pytest

import judge
import modes
from conftest import number
from relay import Relay
from world import World

with open(os.path.join(os.path.dirname(__file__), "matrix.json")) as f:
	MATRIX = json.load(f)
NAMES = {"S": "\\Seen", "F": "\\Flagged", "T": "\\Deleted"}
FOLDERS = ("A", "CL", "CR", "ML", "MR")


def name(row):
	return "%s_x_%s" % (row["local"], row["remote"])


def act_local(maildir, tok, action):
	if action == "none":
		return
	file = maildir.find(tok, "A")
	if action in ("flag", "flag+gone"):
		file = maildir.flag(file, "F")
	if action in ("gone", "flag+gone"):
		maildir.unlink(file)
	elif action == "unflag":
		maildir.unflag(file, "S")
	elif action == "marked":
		maildir.flag(file, "T")
	elif action == "copied":
		maildir.copy(file, "CL")
	elif action == "moved":
		maildir.move(file, "ML")


def act_remote(imap, uid, action):
	if action in ("flag", "flag+gone"):
		imap.store("A", uid, "+", ["\\Flagged"])
	if action in ("gone", "flag+gone"):
		imap.expunge("A", uid)
	elif action == "unflag":
		imap.store("A", uid, "-", ["\\Seen"])
	elif action == "marked":
		imap.store("A", uid, "+", ["\\Deleted"])
	elif action == "copied":
		imap.copy("A", uid, "CR")
	elif action == "moved":
		imap.move("A", uid, "MR")


def runs():
	"""(mode, with rows that mark messages as deleted)"""
	for name, mode in modes.MODES.items():
		yield pytest.param((name, True), id=name)
		if mode.waits:
			yield pytest.param((name, False), id=name + "-unmarked")


@pytest.fixture(scope="module", params=runs())
def outcome(request, server):
	"""Both sides after the one run, and what a second one transfers."""
	before, (mode, marked) = modes.name(), request.param
	modes.choose(mode)
	waits = modes.chosen().waits and marked
	with Relay(server.port, hides=modes.chosen().hides) as relay:
		for out in one_run(server, relay.port, [r for r in
		    MATRIX["rows"] if marked or "marked" not in
		    (r["local"], r["remote"])]):
			yield dict(out, waits=waits)
	modes.choose(before)


def one_run(server, port, rows, user=None):
	with World(server, user or "matrix%d" % next(number), port=port) as w:
		with w.imap() as imap:
			for folder in FOLDERS:
				imap.create(folder)
			for r in rows:
				w.append(imap, "A", name(r), ["\\Seen"])
		w.sync()
		w.compare()
		with w.imap() as imap:
			uids = {judge.token(m.data): uid for uid, m in
			    imap.messages("A").items()}
			for r in rows:
				act_local(w.maildir, name(r), r["local"])
				act_remote(imap, uids[name(r)], r["remote"])
		told = w.run("--json", "sync", "-n")
		first = w.sync()
		local, remote = w.views()
		idle = None
		try:
			w.assert_idle()
		except AssertionError as e:
			idle = str(e)
		yield {"local": local, "remote": remote, "first": first,
		    "idle": idle, "rows": rows, "told": told}


def places(view, tok):
	"""[(folder, flags)] of a token, sorted."""
	return sorted((folder, "".join(sorted(s.flags)))
	    for folder, seen in view.items() for s in seen if s.tok == tok)


def test_every_pair_is_there():
	pairs = [(r["local"], r["remote"]) for r in MATRIX["rows"]]
	assert pairs == [(a, b) for a in MATRIX["actions"]
	    for b in MATRIX["actions"]]


def expected(row, server):
	"""{folder: letters}"""
	how = "lineage" if server.lineage else "expect" \
	    if "COPY" not in server.drops else "bare"
	return row.get(how, row["expect"])


@pytest.mark.parametrize("row", MATRIX["rows"], ids=name)
def test_cell(outcome, row, server):
	if row not in outcome["rows"]:
		return
	expect = expected(row, server).items()
	remote = sorted((folder, "".join(sorted(NAMES[c] for c in letters)))
	    for folder, letters in expect)
	local = sorted((folder, "".join(sorted(letters)))
	    for folder, letters in expect)
	assert places(outcome["remote"], name(row)) == remote, "remote"
	assert places(outcome["local"], name(row)) == local, "local"


def test_sides_equal(outcome):
	v = judge.judge(outcome["local"], outcome["remote"])
	assert v.good(), str(v)


def test_second_run_does_nothing(outcome):
	assert outcome["idle"] is None, outcome["idle"]


def operations(result):
	"""What was told, by what both runs know of a message."""
	return sorted(((e["op"], e["folder"], e["uid"] if e["op"] == "pull"
	    else e["unique"], e["detail"]) for e in result.of("op")), key=str)


def test_dry_run_tells_what_the_run_does(outcome):
	"""Whether removals wait for the marks of others, only the server can
	tell, when it is asked to remove."""
	told, done = operations(outcome["told"]), operations(outcome["first"])
	# What another client moved is known when it is there.
	done = [("push", *o[1:3], "") if o[0] == "copy-remote" and
	    o[3] == "from MR" else o for o in done if o[:2] !=
	    ("flag-remote", "MR")]
	if outcome["waits"]:
		told = [o for o in told if o[0] != "remove-remote"]
	assert [o for o in told if o not in done] == []
	assert [o for o in done if o not in told] == []
	assert len(told) == len(done) > len(outcome["rows"]) / 2
