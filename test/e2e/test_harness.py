"""The judge and the injectors themselves: each fault they look for is made
here by hand, and must be found."""

import socket
import sys
import os

import pytest

import judge
from judge import Seen
from imapclient import mutf7_decode, mutf7_encode, parse_date
from maildirview import canonical, decode, encode, token
from world import message

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "fault"))

from game import merge, merge_flags	# noqa: E402
from relay import Relay		# noqa: E402

S = frozenset(["\\Seen"])
SF = frozenset(["\\Seen", "\\Flagged", "work"])
MODEL = {"INBOX": {"a": S, "b": SF}, "x": {}}


def view(side, **change):
	"""Both messages as they should be, but for what change says."""
	def letters(flags):
		return judge.letters_of(flags) if side == "local" else flags

	out = {"INBOX": [Seen("a", letters(S), 1, "A", "a"),
	    Seen("b", letters(SF), 2, "B", "b")], "x": []}
	for key, value in change.items():
		setattr(out["INBOX"][0], key, value)
	return out


def without(v, n):
	del v["INBOX"][n]
	return v


def plus(v, folder, seen):
	v.setdefault(folder, []).append(seen)
	return v


EXTRA = Seen("a", S, 1, "A", "again")
EXTRA_LOCAL = Seen("a", frozenset("S"), 1, "A", "again")
OLD = Seen("old", frozenset(), 1, "O", "old")


@pytest.mark.parametrize("local,remote,kind,n", [
	(view("local"), view("remote"), None, 0),
	(without(view("local"), 0), view("remote"), "lost", 1),
	(view("local"), without(view("remote"), 1), "lost", 1),
	(without(view("local"), 0), without(view("remote"), 0), "lost", 2),
	(plus(view("local"), "INBOX", EXTRA_LOCAL), view("remote"),
	    "duplicated", 1),
	(view("local"), plus(view("remote"), "INBOX", EXTRA), "duplicated", 1),
	(plus(view("local"), "x", OLD), view("remote"), "resurrected", 1),
	(view("local"), plus(view("remote"), "x", OLD), "resurrected", 1),
	(view("local"), plus(view("remote"), "y", OLD), "resurrected", 2),
	(view("local", flags=frozenset()), view("remote"), "wrong", 1),
	(view("local", flags=frozenset("SF")), view("remote"), "wrong", 1),
	(view("local"), view("remote", flags=SF), "wrong", 1),
	(view("local"), view("remote", date=5), "wrong", 1),
	(view("local", sum="Z"), view("remote"), "wrong", 2),
	(view("local", sum="Z"), view("remote", sum="Z"), "wrong", 2),
])
def test_judge(local, remote, kind, n):
	v = judge.judge(local, remote, MODEL, {"a": "A", "b": "B"})
	want = dict.fromkeys(judge.COUNTS, 0)
	if kind:
		want[kind] = n
	assert v.count == want, str(v)


def test_judge_without_model_compares_the_sides():
	assert judge.judge(view("local"), view("remote")).good()
	v = judge.judge(without(view("local"), 0), view("remote"))
	assert v.count["lost"] == 1


@pytest.mark.parametrize("base,local,remote,want", [
	("", "", "", ""), ("", "S", "", "S"), ("", "", "S", "S"),
	("S", "", "S", ""), ("S", "S", "", ""), ("S", "", "", ""),
	("S", "SF", "", "F"), ("SF", "S", "F", ""), ("", "S", "F", "SF"),
	("T", "", "T", ""), ("S", "ST", "SF", "SFT"),
])
def test_model_flags(base, local, remote, want):
	assert merge_flags(set(base), set(local), set(remote)) == set(want)


@pytest.mark.parametrize("base,local,remote,want", [
	({"A": {"t": S}}, {"A": {}}, {"A": {"t": SF}}, {"A": {}}),
	({"A": {}}, {"A": {"t": S}}, {"A": {}}, {"A": {"t": S}}),
	({"A": {"t": S}}, {"A": {"t": S}}, {}, {}),
	({"A": {"t": S}}, {"A": {"t": S, "n": S}}, {}, {"A": {"n": S}}),
	({}, {"A": {}}, {}, {"A": {}}),
])
def test_model_merge(base, local, remote, want):
	assert merge(base, local, remote) == want


def test_token_and_canonical_form():
	assert token(message("q7")) == "q7"
	assert token(b"A: b\n\nX-Tok: no\n").startswith("sha:")
	assert canonical(b"a\nb\r\nc\rd") == b"a\r\nb\r\nc\rd"


def test_names():
	for name in ("Entw\u00fcrfe", "a & b", "\u53f0\u5317", "plain"):
		assert mutf7_decode(mutf7_encode(name)) == name
	assert mutf7_encode("\u53f0\u5317") == "&U,BTFw-"
	assert mutf7_encode("a & b") == "a &- b"
	assert encode("lists/.x/cur") == "lists/%2Ex/%63ur"
	assert decode("lists/%2Ex/%63ur") == "lists/.x/cur"
	assert parse_date("14-Jul-2017 04:40:00 +0200") == 1500000000


@pytest.mark.parametrize("mode", ["reset", "fin", "silence"])
@pytest.mark.parametrize("way", ["in", "out"])
def test_relay_cuts(server, way, mode):
	with Relay(server.port) as relay:
		relay.arm(way, 7, mode)
		# The greeting alone may fire it, before connect() is done.
		try:
			with socket.create_connection(("127.0.0.1",
			    relay.port), .5) as s:
				s.sendall(b"a NOOP\r\nb LOGOUT\r\n")
				while s.recv(1000):
					pass
		except OSError:
			pass
		relay.wait_quiet()
		assert relay.fired and relay.bytes[way] == 7


def test_relay_passes_all(server):
	with Relay(server.port) as relay:
		s = socket.create_connection(("127.0.0.1", relay.port), 5)
		s.sendall(b"a LOGOUT\r\n")
		got = b""
		while data := s.recv(1000):
			got += data
		s.close()
		relay.wait_quiet()
		assert not relay.fired
		assert relay.bytes == {"in": len(got), "out": 10}
