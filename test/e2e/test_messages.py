"""Odd messages keep their bytes and dates, both ways, without a header added.

What a plain client gets back after appending the same bytes is what the server
makes of them; the program must do neither better nor worse.
"""

import os
import re
import time
from collections import Counter

import pytest

from imapclient import parse_date
from maildirview import canonical, digest
from middleman import Middleman
from uploads import Uploads

HEAD = b"From: a@example.org\nDate: Fri, 14 Jul 2017 02:40:00 +0000\n"

ODD = {
	"eight bit header": HEAD + b"Subject: caf\xe9 \xff\xfe\n\nbody\n",
	"utf8 header": HEAD + "Subject: Gr\u00fc\u00dfe\n\n\u00e4\n".encode(),
	"bare LF": HEAD.replace(b"\n", b"\r\n") + b"\r\none\ntwo\r\n",
	"bare CR": HEAD + b"Subject: cr\n\none\rtwo\nthree\r",
	"CR CR LF": HEAD + b"Subject: crcrlf\n\none\r\r\ntwo\n",
	"no final newline": HEAD + b"Subject: open end\n\nno end",
	"200 kB line": HEAD + b"Subject: long\n\n" + b"x" * 200000 + b"\n",
	"empty body": HEAD + b"Subject: empty\n\n",
	"header only": HEAD + b"Subject: header only\n",
	"no header": b"\nThe header is empty, this is the body.\n",
	"no header, no blank": b"neither header nor anything: else\n",
	"folded": HEAD + b"Subject: a\n" + b" " * 60 + b"b\n\tc\nReferences:"
	    + b"\n <0123456789abcdef@example.org>" * 400 + b"\n\nbody\n",
	"same Message-ID 1": HEAD + b"Message-ID: <same@x>\n\none\n",
	"same Message-ID 2": HEAD + b"Message-ID: <same@x>\n\ntwo\n",
	"same Message-ID, body": HEAD + b"Message-ID: <same@x>\nX: y\n\ntwo\n",
	"no Message-ID, no Date": b"Subject: bare\n\nbody\n",
	"From line": b"From me Fri Jul 14 02:40:00 2017\n" + HEAD + b"\nx\n",
	"dots and dashes": HEAD + b"\n.\n..\n.x\n- -\nFrom here\n>From\n",
	"cut MIME": HEAD + b"MIME-Version: 1.0\nContent-Type: multipart/mixed;"
	    b" boundary=b\n\n--b\nContent-Type: text/plain\n\nx\n--b\n",
	"status headers": HEAD + b"Status: RO\nX-Status: A\nLines: 1\n"
	    b"Content-Length: 2\n\nx\n",
	"one byte": b"x",
	"one newline": b"\n",
}
# Dovecot itself drops a CR before CR LF and one at the very end.
ALTERED = ("bare CR", "CR CR LF")
DATES = [1, 86399, 951782400, 1078012799, 1500000000, 1509239000, 4102444800]


def date(i):
	return DATES[i % len(DATES)] + i


def wire(data):
	return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def server_view(world, folder="INBOX"):
	with world.imap() as imap:
		return [(digest(m.data), m.date, len(m.data))
		    for m in imap.messages(folder).values()]


def local_view(world, folder="INBOX"):
	return [(digest(f.data()), f.mtime, len(canonical(f.data())))
	    for f in world.maildir.files(folder)]


def test_pull(world):
	with world.imap() as imap:
		for i, data in enumerate(ODD.values()):
			imap.append("INBOX", wire(data), [], date(i))
	world.sync()
	there = server_view(world)
	assert Counter(local_view(world)) == Counter(there)
	assert len(there) == len(ODD)
	world.assert_idle()


@pytest.mark.parametrize("name", [n for n in ODD if n not in ALTERED])
def test_pull_bytes(pulled_odd, name):
	"""Against what was put in, not what the server says it has."""
	assert digest(wire(ODD[name])) in pulled_odd


@pytest.fixture(scope="module")
def pulled_odd(server):
	from world import World
	with World(server, "odd") as w:
		with w.imap() as imap:
			for data in ODD.values():
				imap.append("INBOX", wire(data))
		w.sync()
		yield {digest(f.data()) for f in w.maildir.files("INBOX")}


def asked_for(uploads):
	"""The dates of all that was sent."""
	return Counter(parse_date(d.decode()) for u in uploads.all
	    for d in re.findall(rb'\) "([^"]+)" \{', bytes(u.octets)))


def not_after(then, view):
	"""Dovecot takes what is yet to come for now, whichever second it is."""
	return Counter((sum, min(date, then), size)
	    for sum, date, size in view)


def test_push(world, make_world):
	world.sync()
	for i, data in enumerate(ODD.values()):
		world.maildir.deliver("INBOX", data, "S", date(i))
	before, then = Counter(local_view(world)), int(time.time())
	uploads = Uploads()
	with Middleman(world.server.port, uploads.up, uploads.down) as man:
		world.port = man.port
		world.write_conf()
		world.sync()
	world.port = None
	world.write_conf()
	assert asked_for(uploads) == Counter(date(i) for i in range(len(ODD)))
	plain = make_world()
	with plain.imap() as imap:
		for i, data in enumerate(ODD.values()):
			imap.append("INBOX", data.replace(b"\r\n", b"\n")
			    .replace(b"\n", b"\r\n"), ["\\Seen"], date(i))
	assert not_after(then, server_view(world)) == \
	    not_after(then, server_view(plain))
	assert Counter(local_view(world)) == before
	world.assert_idle()


def test_there_and_back(world, make_world):
	"""Pulled by one, pushed by another: the same bytes on two servers."""
	other = make_world()
	other.sync()
	with world.imap() as imap:
		for i, data in enumerate(ODD.values()):
			imap.append("INBOX", wire(data), [], date(i))
	world.sync()
	for f in world.maildir.files("INBOX"):
		other.maildir.deliver("INBOX", f.data(), "", f.mtime)
	other.sync()
	assert Counter(server_view(other)) == Counter(server_view(world))


def test_equal_messages_stay_two(world):
	with world.imap() as imap:
		for _ in range(2):
			world.append(imap, "INBOX", "twin", ["\\Seen"])
	world.sync()
	world.maildir.create("Twins")
	for _ in range(3):
		world.deliver("Twins", "drilling", "S")
	world.sync()
	assert len(local_view(world)) == len(server_view(world)) == 2
	assert len(local_view(world, "Twins")) == 3
	assert len(server_view(world, "Twins")) == 3
	world.assert_idle()


def test_empty_file_is_never_uploaded(world):
	world.sync()
	file = world.maildir.deliver("INBOX", b"", "S")
	r = world.run("--json", "sync")
	assert r.rc in (0, 1)
	assert server_view(world) == []
	assert world.maildir.files("INBOX")[0].name == file.name


def test_partial_is_never_uploaded(world):
	world.sync()
	world.maildir.deliver("INBOX", b"X-Mailtern-Partial: yes\n" + HEAD
	    + b"\nstub\n", "S")
	world.deliver("INBOX", "whole", "S")
	world.run("--json", "sync")
	assert len(server_view(world)) == 1
	assert len(local_view(world)) == 2


def test_altered_upload_is_sent_once(world):
	"""The server tells no UID, and shows what it took under another
	Message-ID: the file is named, and never sent again."""
	def down(line):
		line = line.replace(b" UIDPLUS", b"")
		line = re.sub(rb"\[APPENDUID [^]]*\] ", b"", line)
		return line.replace(b"ID: <m0@", b"ID: <x9@")

	world.sync()
	with Middleman(world.server.port, down=down) as man:
		world.port = man.port
		world.write_conf()
		path = world.deliver("INBOX", "m0", "S").path
		assert world.sync(rc=75).summary()["pushed"]["new"] == 1
		for _ in range(3):
			r = world.sync(rc=1)
			item, = r.of("item")
			assert "is not sent again" in item["message"]
		assert len(server_view(world)) == 1
		os.unlink(path)
		world.sync()
	world.port = None
	world.write_conf()
	assert world.run("status", rc=0)
	assert len(server_view(world)) == len(local_view(world)) == 1
