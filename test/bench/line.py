"""A line between a program and the server: latency, bandwidth, and counts.

	with Line(server.port) as line:
		line.shape(rtt=.05, mbit=100)	# nothing: as fast as it can
		line.reset()
		... run against line.port ...
		line.count()		# {"bytes_in": ..., "trips": ...}

rtt is seconds for there and back. Setting up a connection costs one of them,
as it does with TCP. The rate is that of the line in each direction, whatever
the number of connections. There is no loss and no slow start: what a program
takes longer than the line is its own doing.

A round trip is counted whenever the client sends after it has received, on each
connection. What comes behind the login (of a connection without TLS) is counted
a second time by itself, with names that end in _after.
"""

import collections
import re
import select
import socket
import threading
import time

CHUNK = 1 << 18
SHAPED_CHUNK = 1 << 14
QUEUE_MAX = 64 << 20		# of a line that has no rate
QUEUE_MIN = 1 << 18
LOGIN_MAX = 1 << 16		# what has more before it has none to be seen

LOGIN = re.compile(rb"^(\S+) (?:LOGIN|AUTHENTICATE) [^\n]*\n", re.M | re.I)
NEXT_COMMAND = re.compile(rb"^\S+ [^\n]*\n", re.M)

COUNTS = ("bytes_in", "bytes_out", "trips", "bytes_in_after",
    "bytes_out_after", "trips_after", "connections")


class Way:
	"""One direction of one connection."""

	def __init__(self, name, source, sink):
		self.name, self.source, self.sink = name, source, sink
		self.queue = collections.deque()	# [due, data]
		self.queued = 0
		self.ended = False	# the source has ended
		self.closed = False	# and the sink was told
		self.blocked = False	# the sink takes no more just now


class Login:
	"""Finds the end of the login in what is said in clear text."""

	def __init__(self):
		self.text = {"in": b"", "out": b""}
		self.tag = None
		self.done = False
		self.pipelined = False

	def more(self, way, data):
		if len(self.text[way]) > LOGIN_MAX:
			return False
		self.text[way] += data
		return True

	def out(self, data):
		"""How many of these bytes are behind the login command."""
		if self.done or self.pipelined:
			return len(data)
		if not self.more("out", data):
			return 0
		text = self.text["out"]
		m = LOGIN.search(text)
		if not m:
			return 0
		self.tag = m[1]
		m = NEXT_COMMAND.search(text, m.end())
		if not m:
			return 0
		self.pipelined = True
		return len(text) - m.start()

	def back(self, data):
		"""How many are behind the answer to it."""
		if self.done:
			return len(data)
		if not self.more("in", data) or self.tag is None:
			return 0
		m = re.search(rb"^%s OK[^\n]*\n" % re.escape(self.tag),
		    self.text["in"], re.M | re.I)
		if not m:
			return 0
		self.done = True
		return len(self.text["in"]) - m.end()


class Pair:
	def __init__(self, client, start):
		self.client, self.server = client, None
		self.start = start	# when the server is connected to
		self.ways = []
		self.last = "in"
		self.login = Login()


class Line:
	def __init__(self, target):
		self.target = target
		self.listener = socket.create_server(("127.0.0.1", 0),
		    backlog=64)
		self.listener.setblocking(False)
		self.port = self.listener.getsockname()[1]
		self.wake_r, self.wake_w = socket.socketpair()
		self.lock = threading.Condition()
		self.pairs = []
		self.stopping = False
		self.rtt, self.rate = 0.0, 0.0
		self.reset()
		self.thread = threading.Thread(target=self.loop, daemon=True)
		self.thread.start()

	def __enter__(self):
		return self

	def __exit__(self, *exc):
		self.stop()

	# -- from other threads --

	def shape(self, target=None, rtt=0.0, mbit=0):
		with self.lock:
			self.target = target or self.target
			self.rtt = rtt
			self.rate = mbit * 1e6 / 8
			self.limit = QUEUE_MAX
			if self.rate:
				self.limit = int(self.rate * rtt) + QUEUE_MIN

	limit = QUEUE_MAX

	def reset(self):
		with self.lock:
			self.counts = dict.fromkeys(COUNTS, 0)
			self.arrivals = []	# (time, bytes in so far)
			self.free = {"in": 0.0, "out": 0.0}

	def count(self):
		"""Counts since reset(), once every connection is closed."""
		with self.lock:
			self.lock.wait_for(lambda: not self.pairs, 20)
			out = dict(self.counts)
			if self.rate:
				out["line_share"] = self.share()
			return out

	def share(self):
		"""How full the line was while the middle 90 % came in."""
		total = self.counts["bytes_in"]
		middle = [(t, n) for t, n in self.arrivals
		    if .05 * total <= n <= .95 * total]
		if len(middle) < 2 or middle[-1][0] <= middle[0][0]:
			return 0.0
		return (middle[-1][1] - middle[0][1]) / self.rate \
		    / (middle[-1][0] - middle[0][0])

	def stop(self):
		with self.lock:
			self.stopping = True
		try:
			self.wake_w.send(b"x")
		except OSError:
			pass		# it has just ended by itself
		self.thread.join()

	# -- the thread --

	def loop(self):
		while not self.stopping:
			reads, writes, wait = self.wanted(time.monotonic())
			got, can, _ = select.select(reads, writes, [], wait)
			with self.lock:
				self.step(set(got), set(can))
				if not self.pairs:
					self.lock.notify_all()
		for p in list(self.pairs):
			self.close(p)
		for s in (self.listener, self.wake_r, self.wake_w):
			s.close()

	def wanted(self, now):
		"""What to wait for, and for how long at most."""
		reads, writes = [self.listener, self.wake_r], []
		next_due = []
		for p in self.pairs:
			if p.server is None:
				next_due.append(p.start)
				continue
			for w in p.ways:
				if not w.ended and w.queued < self.limit:
					reads.append(w.source)
				if w.blocked:
					writes.append(w.sink)
				elif w.queue:
					next_due.append(w.queue[0][0])
		if not next_due:
			return reads, writes, None
		return reads, writes, max(0.0, min(next_due) - now)

	def step(self, got, can):
		if self.listener in got:
			self.accept()
		if self.wake_r in got:
			self.wake_r.recv(64)
		for p in list(self.pairs):
			now = time.monotonic()
			if p.server is None:
				if p.start <= now:
					self.connect(p)
				continue
			for w in p.ways:
				if w.source in got:
					self.read(p, w)
			for w in p.ways:
				if not w.blocked or w.sink in can:
					self.write(w)
			if all(w.closed for w in p.ways):
				self.close(p)

	def accept(self):
		try:
			client, _ = self.listener.accept()
		except OSError:
			return
		self.counts["connections"] += 1
		# SYN there, its answer back, and the first byte there.
		p = Pair(client, time.monotonic() + 1.5 * self.rtt)
		self.pairs.append(p)
		if not self.rtt:
			self.connect(p)

	def connect(self, p):
		try:
			p.server = socket.create_connection(("127.0.0.1",
			    self.target))
		except OSError:
			p.client.close()
			self.pairs.remove(p)
			return
		for s in (p.client, p.server):
			s.setblocking(False)
			s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
		p.ways = [Way("out", p.client, p.server),
		    Way("in", p.server, p.client)]

	def read(self, p, w):
		try:
			data = w.source.recv(SHAPED_CHUNK if self.rate
			    else CHUNK)
		except BlockingIOError:
			return
		except OSError:
			data = b""
		now = time.monotonic()
		if not data:
			w.ended = True
			w.queue.append([now + self.rtt / 2, b""])
			return
		self.note(p, w.name, data)
		due = now
		if self.rate:
			due = max(now, self.free[w.name]) \
			    + len(data) / self.rate
			self.free[w.name] = due
		if self.rate and w.name == "in":
			self.arrivals.append((due, self.counts["bytes_in"]))
		w.queue.append([due + self.rtt / 2, memoryview(data)])
		w.queued += len(data)

	def note(self, p, way, data):
		c = self.counts
		c["bytes_" + way] += len(data)
		if way == "out" and p.last == "in":
			c["trips"] += 1
			c["trips_after"] += p.login.done
		p.last = way
		after = p.login.out(data) if way == "out" \
		    else p.login.back(data)
		c["bytes_%s_after" % way] += after

	def write(self, w):
		w.blocked = False
		while w.queue and w.queue[0][0] <= time.monotonic():
			data = w.queue[0][1]
			if not data:
				w.queue.popleft()
				self.end(w)
				return
			try:
				n = w.sink.send(data)
			except BlockingIOError:
				w.blocked = True
				return
			except OSError:		# nobody reads any more
				w.queue.clear()
				w.queued = 0
				w.ended = True
				self.end(w)
				return
			w.queued -= n
			if n == len(data):
				w.queue.popleft()
			else:
				w.queue[0][1] = data[n:]

	def end(self, w):
		w.closed = True
		try:
			w.sink.shutdown(socket.SHUT_WR)
		except OSError:
			pass		# it is gone already

	def close(self, p):
		p.client.close()
		if p.server:
			p.server.close()
		self.pairs.remove(p)
