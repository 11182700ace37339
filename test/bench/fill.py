"""Mail for the measurements: the same messages at every run, and fast.

Sizes are those of real mail: many short ones, few that are long. Short ones are
text, long ones carry an attachment in base64, so they deflate as real mail
does.
"""

import base64
import math
import os
import random
import time

from imapclient import Imap, format_date, mutf7_encode, quote, uid_set

POOL = 4 << 20
DATE = 1500000000
WORDS = """a about after again all also always and any are as at be because been before
being but by call can could day did do does done down each end even every
find first for from get give go good great had has have he her here him his
home how if in into is it its just know last like little long look made make
man many may me meeting mail more most much must my never new no not now of
off on one only or order other our out over own page part people place
please report right said same say see send server she should so some still
such take than thank that the their them then there these they thing think
this those time to today together too two under up us use very want was way
we week well went were what when where which while who why will with work
would year you your""".split()


class Mail:
	"""message(n) is always the same for the same n and mean size."""

	def __init__(self, mean):
		self.mean = mean
		rand = random.Random(1)
		lines = []
		for _ in range(POOL // 4 // 68):
			lines.append(" ".join(rand.choices(WORDS, k=12)))
		self.text = "\r\n".join(lines).encode() + b"\r\n"
		self.base64 = base64.encodebytes(rand.randbytes(POOL // 2)
		    ).replace(b"\n", b"\r\n")

	def size(self, rand):
		"""Log-normal, with its median at 0.4 of the mean."""
		spread = math.sqrt(2 * math.log(1 / .4))
		return int(min(max(rand.lognormvariate(math.log(.4 * self.mean),
		    spread), 200), 1 << 20))

	def message(self, n):
		rand = random.Random(n)
		size = self.size(rand)
		head = ("Received: from mx%d.example.org (mx.example.org "
		    "[192.0.2.%d])\r\n\tby mail.example.net with ESMTPS id "
		    "%012x\r\n\tfor <bob@example.net>; %s\r\n"
		    "From: Ann %d <ann%d@example.org>\r\n"
		    "To: Bob <bob@example.net>\r\nSubject: %s\r\nDate: %s\r\n"
		    "Message-ID: <%d.%x@example.org>\r\nX-Tok: b%d\r\n"
		    "MIME-Version: 1.0\r\n" % (n % 7, n % 250,
		    rand.getrandbits(48), self.date(n), n % 500, n % 500,
		    " ".join(rand.choices(WORDS, k=5)), self.date(n), n,
		    rand.getrandbits(64), n)).encode()
		pool, kind = self.text, b"Content-Type: text/plain\r\n\r\n"
		if size > 20000:
			pool = self.base64
			kind = b"Content-Type: application/octet-stream\r\n" \
			    b"Content-Transfer-Encoding: base64\r\n\r\n"
		at = rand.randrange(len(pool) - size) if size < len(pool) // 2 \
		    else 0
		at = pool.rfind(b"\n", 0, at) + 1
		body = pool[at:at + size]
		end = body.rfind(b"\r\n")
		return head + kind + (body[:end] if end > 0 else body) + b"\r\n"

	def date(self, n):
		return time.strftime("%a, %d %b %Y %H:%M:%S +0000",
		    time.gmtime(DATE + 60 * n))


def client(server, user):
	return Imap("127.0.0.1", server.port, user, server.password,
	    limit=600)


def append_many(imap, folder, messages, batch=1000):
	"""MULTIAPPEND with literals that do not wait; messages: (n, data)."""
	box = quote(mutf7_encode(folder)).encode()
	messages = iter(messages)
	while True:
		part = [m for _, m in zip(range(batch), messages)]
		if not part:
			return
		imap.tag += 1
		tag = "j%d" % imap.tag
		out = [tag.encode() + b" APPEND " + box]
		for n, data in part:
			out.append(b" (%s) %s {%d+}\r\n" % (
			    flags_of(n).encode(),
			    format_date(DATE + 60 * n).encode(), len(data)))
			out.append(data)
		imap.sock.sendall(b"".join(out) + b"\r\n")
		imap.finish(tag)


def flags_of(n):
	"""Nothing is flagged: that is what the changes are made of."""
	return ("\\Seen", "\\Seen \\Answered", "\\Seen", "")[n % 4]


def deliver_many(root, folder, messages):
	"""As a delivery agent would, but for the file names' order."""
	base = os.path.join(root, *folder.split("/"))
	for box in ("cur", "new", "tmp"):
		os.makedirs(os.path.join(base, box), 0o700, exist_ok=True)
	for n, data in messages:
		path = os.path.join(base, "cur", "%d.M%dP%dQ%d.bench:2,S" % (
		    DATE + 60 * n, n % 1000000, os.getpid(), n))
		with open(path, "wb") as f:
			f.write(data.replace(b"\r\n", b"\n"))
		os.utime(path, (DATE + 60 * n, DATE + 60 * n))


def search(imap, folder, what):
	"""UIDs, in order."""
	imap.box = None
	imap.open(folder)
	got, _ = imap.command("UID SEARCH " + what)
	return [int(u) for _, word, v in got if word == "SEARCH" for u in v]


def store(imap, folder, uids, how, flags):
	for i in range(0, len(uids), 1000):
		imap.store(folder, uids[i:i + 1000], how, flags)


def expunge(imap, folder, uids):
	store(imap, folder, uids, "+", ["\\Deleted"])
	for i in range(0, len(uids), 1000):
		imap.command("UID EXPUNGE " + uid_set(uids[i:i + 1000]))


def spread(items, n, shift=0):
	"""n of the items, evenly."""
	step = max(1, len(items) // n)
	return items[shift % step::step][:n]
