"""A loopback relay that counts bytes and cuts a connection after byte n.

	with Relay(server_port) as relay:
		relay.arm("in", 1000, "reset")	# in: server to client
		... run against relay.port ...
		relay.fired, relay.bytes["in"], relay.bytes["out"]
		relay.wait_quiet()		# the server closed them all

Modes: reset (RST to both), fin (the receiver sees the end of the stream, the
sender talks to nobody), silence (nothing moves any more, nothing is closed),
hold (silence until release()).
Relay(port, hides={"UIDPLUS"}) makes the server look as if it lacked that
(hiding.py), and lies=Lies(...) makes it lie (lying.py). Bytes count over all
connections since arm(). After the cut new connections are refused, or pass with
refuse=False, until disarm().
"""

import os
import selectors
import socket
import struct
import sys
import threading
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..",
    "lib"))

from hiding import Hiding		# noqa: E402
from imapclient import ack_at_once	# noqa: E402
from lying import Lying		# noqa: E402

LIMIT = 1 << 18


class Flow:
	"""One direction of one connection."""

	def __init__(self, way, source, sink):
		self.way, self.source, self.sink = way, source, sink
		self.buf = bytearray()
		self.ended = False	# the source has ended
		self.closed = False	# and the sink was told
		self.deaf = False	# what comes is thrown away


class Pair:
	def __init__(self, client, server, talks):
		self.client, self.server = client, server
		self.talks = talks	# who meddles, the client's end first
		self.flows = [Flow("out", client, server),
		    Flow("in", server, client)]
		self.silent = False


class Relay:
	def __init__(self, target, host="127.0.0.1", hides=(), lies=None):
		self.target, self.hides = (host, target), hides
		self.lies = lies
		self.listener = socket.create_server(("127.0.0.1", 0),
		    backlog=64)
		self.listener.setblocking(False)
		self.port = self.listener.getsockname()[1]
		self.lock = threading.Condition()
		self.pairs = []
		self.selector = selectors.DefaultSelector()
		self.selector.register(self.listener, selectors.EVENT_READ)
		self.wake_r, self.wake_w = socket.socketpair()
		self.wake_r.setblocking(False)
		self.selector.register(self.wake_r, selectors.EVENT_READ)
		self.stopping = False
		self.disarm()
		self.thread = threading.Thread(target=self.loop, daemon=True)
		self.thread.start()

	def __enter__(self):
		return self

	def __exit__(self, *exc):
		self.stop()

	# -- from other threads --

	def disarm(self):
		"""Counts from 0, cuts nothing, lets everybody in."""
		with self.lock:
			self.bytes = {"in": 0, "out": 0}
			self.connections = 0
			self.cut = None
			self.fired = False
			self.refuse = False

	def arm(self, way, n, mode, refuse=True):
		self.disarm()
		with self.lock:
			self.cut = (way, n, mode)
			self.refuse_after = refuse

	def drop_silent(self):
		"""Ends what a cut in mode silence has left open."""
		with self.lock:
			self.dropping = True
		self.wake()

	def wait_fired(self, alive, limit=20):
		"""Until it was cut, or alive() is false. Whether it was."""
		end = time.monotonic() + limit
		with self.lock:
			while not self.fired and alive():
				if time.monotonic() > end:
					break
				self.lock.wait(0.01)
			return self.fired

	def release(self):
		"""What was held goes on."""
		with self.lock:
			self.cut = None
			self.releasing = True
		self.wake()

	def wait_quiet(self, limit=20):
		"""Until no connection is open on either side."""
		self.drop_silent()
		end = time.monotonic() + limit
		with self.lock:
			while self.pairs:
				left = end - time.monotonic()
				if left <= 0:
					raise TimeoutError("connections are "
					    "still open")
				self.lock.wait(left)

	def wake(self):
		try:
			self.wake_w.send(b"x")
		except OSError:
			pass		# it was told to stop, and has

	def stop(self):
		with self.lock:
			self.stopping = True
		self.wake()
		self.thread.join()

	# -- the thread --

	dropping = releasing = False

	def loop(self):
		while True:
			events = self.selector.select()
			with self.lock:
				if self.stopping:
					break
				for key, mask in events:
					self.on_event(key, mask)
				if self.releasing:
					self.releasing = False
					self.go_on_all()
				if self.dropping:
					self.dropping = False
					for p in [p for p in self.pairs
					    if p.silent]:
						self.hang_up(p)
				self.lock.notify_all()
		for p in list(self.pairs):
			self.close(p)
		for s in (self.listener, self.wake_r, self.wake_w):
			s.close()
		self.selector.close()

	def on_event(self, key, mask):
		if key.fileobj is self.listener:
			self.accept()
		elif key.fileobj is self.wake_r:
			self.wake_r.recv(64)
		elif key.data in self.pairs and not key.data.silent:
			self.move(key.data)

	def accept(self):
		try:
			client, _ = self.listener.accept()
		except OSError:
			return
		if self.fired and self.refuse:
			return self.reset(client)
		self.connections += 1
		server = socket.create_connection(self.target)
		for s in (client, server):
			s.setblocking(False)
			s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
		pair = Pair(client, server, self.talks())
		self.pairs.append(pair)
		if self.due("in") or self.due("out"):
			return self.strike(pair)
		self.watch(pair)

	def talks(self):
		"""Who meddles with a new connection."""
		return ([Hiding(self.hides)] if self.hides else []) + \
		    ([Lying(self.lies)] if self.lies else [])

	def go_on_all(self):
		for p in [p for p in self.pairs if p.silent]:
			p.silent = False
			self.move(p)

	def watch(self, pair):
		"""Registers what each socket waits for."""
		for s in (pair.client, pair.server):
			if s.fileno() < 0:
				continue
			want = 0
			for f in pair.flows:
				if f.source is s and not f.ended \
				    and len(f.buf) < LIMIT:
					want |= selectors.EVENT_READ
				if f.sink is s and f.buf:
					want |= selectors.EVENT_WRITE
			known = s in self.selector.get_map()
			if want and known:
				self.selector.modify(s, want, pair)
			elif want:
				self.selector.register(s, want, pair)
			elif known:
				self.selector.unregister(s)

	def move(self, pair):
		for f in pair.flows:
			self.read(pair, f)
		for f in pair.flows:
			self.write(f)
			if self.due(f.way):
				return self.strike(pair)
		self.go_on(pair)

	def go_on(self, pair):
		"""A pair is over when both ends have said so themselves."""
		if all(f.ended and f.closed for f in pair.flows):
			self.close(pair)
		else:
			self.watch(pair)

	def read(self, pair, f):
		while not f.ended and len(f.buf) < LIMIT:
			try:
				data = f.source.recv(65536)
			except BlockingIOError:
				return
			except OSError:
				data = b""
			if not data:
				f.ended = True
			elif f.way == "in":
				ack_at_once(f.source)
			if not f.deaf:
				self.take(pair, f, data)

	def take(self, pair, f, data):
		"""What goes on of it. A last line without an end has no effect
		on a server."""
		if f.way == "out":
			back = b""
			for talk in pair.talks:
				data, more = talk.up(data)
				back += more
			f.buf += data
			if not pair.flows[1].deaf:
				pair.flows[1].buf += back
			return
		ended = not data
		for talk in reversed(pair.talks):
			data = talk.down(data) if data else b""
			if ended:
				data += talk.ended()
		f.buf += data

	def write(self, f):
		while f.buf:
			n = len(f.buf)
			if self.cut and not self.fired and self.cut[0] == f.way:
				n = min(n, self.cut[1] - self.bytes[f.way])
			if n <= 0:
				return
			try:
				n = f.sink.send(f.buf[:n])
			except BlockingIOError:
				return
			except OSError:		# nobody reads any more
				f.deaf = True
				f.buf.clear()
				break
			del f.buf[:n]
			self.bytes[f.way] += n
		if f.ended:
			self.end(f)

	def end(self, f):
		"""Tells the sink that nothing more will come."""
		if not f.closed:
			f.closed = True
			try:
				f.sink.shutdown(socket.SHUT_WR)
			except OSError:
				pass	# it is gone already

	def due(self, way):
		return self.cut is not None and not self.fired \
		    and self.cut[0] == way and self.bytes[way] >= self.cut[1]

	def strike(self, pair):
		way, _, mode = self.cut
		self.fired = True
		self.refuse = self.refuse_after
		if mode in ("silence", "hold"):
			pair.silent = True
			return self.unwatch(pair)
		if mode == "reset":
			return self.hang_up(pair)
		for f in pair.flows:
			if f.way == way:
				f.deaf = True
				f.buf.clear()
				self.end(f)
		self.go_on(pair)

	def hang_up(self, pair):
		"""RST for the client. The server is told that it is the end,
		and heard out, so that wait_quiet() knows when it is done."""
		out, back = pair.flows
		self.unwatch(pair)
		self.reset(pair.client)
		pair.silent = False
		out.ended = back.deaf = back.closed = True
		out.buf.clear()
		back.buf.clear()
		self.end(out)
		self.go_on(pair)

	def unwatch(self, pair):
		for s in (pair.client, pair.server):
			if s.fileno() >= 0 and s in self.selector.get_map():
				self.selector.unregister(s)

	def reset(self, s):
		s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
		    struct.pack("ii", 1, 0))
		s.close()

	def close(self, pair):
		self.unwatch(pair)
		pair.client.close()
		pair.server.close()
		self.pairs.remove(pair)
