"""compress: COMPRESS=DEFLATE, forced, refused, and where it pays."""

import pytest

from dovecot import Dovecot
from farline import ADDRESS, PORT, FarLine, Line, have_namespaces

MAILS = 40
SIZE = 50000			# lines of hex digits: they shrink a lot


def fill(world):
	with world.imap() as imap:
		for i in range(MAILS):
			world.append(imap, "INBOX", "t%d" % i, size=SIZE)


def asked(r):
	return " COMPRESS DEFLATE" in r.err


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("compress", ["auto", "yes", "no"])
def test_compress(make_world, tls, compress):
	"""Both ways; never asked for on a loopback address unless forced."""
	w = make_world(tls=tls, keys={"compress": compress})
	fill(w)
	yes = compress == "yes"
	r = w.run("-v", "-v", "--json", "sync", rc=0)
	assert asked(r) == yes
	assert (r.summary()["bytes_in"] < MAILS * SIZE // 10) == yes
	for i in range(4):
		w.deliver("INBOX", "n%d" % i, "S", size=SIZE)
	r = w.sync()
	assert r.summary()["pushed"]["new"] == 4
	assert (r.summary()["bytes_out"] < 4 * SIZE // 10) == yes
	w.settle()


def test_no_round_trip_of_its_own(make_world):
	w = make_world()
	fill(w)
	w.settle()
	plain = w.sync().summary()["round_trips"]
	w.keys["compress"] = "yes"
	w.write_conf()
	r = w.run("-v", "-v", "--json", "sync", rc=0)
	assert asked(r)
	assert r.summary()["round_trips"] == plain


def test_secrets_are_masked(make_world):
	"""And sent before anything is compressed."""
	w = make_world(keys={"compress": "yes"})
	r = w.run("-v", "-v", "sync", rc=0)
	lines = r.err.splitlines()
	login = [i for i, x in enumerate(lines) if "***" in x]
	compress = [i for i, x in enumerate(lines) if "COMPRESS DEFL" in x]
	assert login and compress and login[-1] < compress[0]
	assert not [x for x in lines if "C: " in x and w.user in x and
	    "***" not in x]


def test_refused(make_world):
	"""Offered, but there is no such command: it goes on in clear."""
	with Dovecot(plugins="", capability="+COMPRESS=DEFLATE") as server:
		w = make_world(server=server, keys={"compress": "yes"})
		fill(w)
		r = w.run("-v", "-v", "--json", "sync", rc=0)
		assert asked(r)
		assert r.summary()["bytes_in"] > MAILS * SIZE
		w.settle()


def test_never_by_itself_on_loopback(make_world):
	"""However slow it is: a tunnel of one's own, say."""
	w = make_world()
	with w.imap() as imap:
		for i in range(120):
			w.append(imap, "INBOX", "t%d" % i, size=SIZE)
	with Line(w.server.port) as line:
		line.shape(mbit=20)
		w.keys["port"] = str(line.port)
		w.write_conf()
		assert not asked(w.run("-v", "-v", "sync", rc=0))


@pytest.mark.parametrize("compress", ["auto", "no"])
def test_slow_line(make_world, compress):
	"""6 MB at 20 Mbit/s: after the first 2 MiB it is known. The second run
	has a little to pull, the third nothing: neither asks for it."""
	if not have_namespaces():
		pytest.skip("no network namespaces here")
	w = make_world(keys={"compress": compress, "host": '"%s"' % ADDRESS,
	    "port": str(PORT), "allow-cleartext-password": "yes"})
	with w.imap() as imap:
		for i in range(120):
			w.append(imap, "INBOX", "t%d" % i, size=SIZE)
	with FarLine(w.server.port) as line:
		line.shape(mbit=20)
		runs = []
		for more in range(3):
			runs.append(w.run("-v", "-v", "--json", "sync",
			    wrap=line.wrap(), rc=0))
			if more == 0:
				with w.imap() as imap:
					w.append(imap, "INBOX", "late",
					    size=SIZE)
	assert [asked(r) for r in runs] == [compress == "auto", False, False]
	plain = 120 * SIZE
	assert (runs[0].summary()["bytes_in"] < plain * .6) == \
	    (compress == "auto")
	w.compare()
