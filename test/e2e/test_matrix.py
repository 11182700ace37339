"""Every pair of (local action x remote action) on a message in sync.

All 64 cells are one account with one message each: one run brings them in
sync, the actions happen, one run follows, one more must do nothing. The
expected outcome is data, matrix.json, written from the rules by hand.
"""

import json
import os

import pytest

import judge
from conftest import number
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


@pytest.fixture(scope="module")
def outcome(server):
	"""Both sides after the one run, and what a second one transfers."""
	with World(server, "matrix%d" % next(number)) as w:
		with w.imap() as imap:
			for folder in FOLDERS:
				imap.create(folder)
			uids = {name(r): w.append(imap, "A", name(r),
			    ["\\Seen"]) for r in MATRIX["rows"]}
		w.sync()
		w.compare()
		with w.imap() as imap:
			for r in MATRIX["rows"]:
				act_local(w.maildir, name(r), r["local"])
				act_remote(imap, uids[name(r)], r["remote"])
		first = w.sync()
		with w.imap() as imap:
			remote = judge.view_remote(imap)
		local = judge.view_local(w.maildir)
		idle = None
		try:
			w.assert_idle()
		except AssertionError as e:
			idle = str(e)
		yield {"local": local, "remote": remote, "first": first,
		    "idle": idle}


def places(view, tok):
	"""[(folder, flags)] of a token, sorted."""
	return sorted((folder, "".join(sorted(s.flags)))
	    for folder, seen in view.items() for s in seen if s.tok == tok)


def test_every_pair_is_there():
	pairs = [(r["local"], r["remote"]) for r in MATRIX["rows"]]
	assert pairs == [(a, b) for a in MATRIX["actions"]
	    for b in MATRIX["actions"]]


@pytest.mark.parametrize("row", MATRIX["rows"], ids=name)
def test_cell(outcome, row):
	remote = sorted((folder, "".join(sorted(NAMES[c] for c in letters)))
	    for folder, letters in row["expect"].items())
	local = sorted((folder, "".join(sorted(letters)))
	    for folder, letters in row["expect"].items())
	assert places(outcome["remote"], name(row)) == remote, "remote"
	assert places(outcome["local"], name(row)) == local, "local"


def test_sides_equal(outcome):
	v = judge.judge(outcome["local"], outcome["remote"])
	assert v.good(), str(v)


def test_second_run_does_nothing(outcome):
	assert outcome["idle"] is None, outcome["idle"]
