"""Stands between the program and the server, and meddles line by line.

	with Middleman(server.port, up=..., down=...) as man:
		world.through(man.port)

up(line) sees what the client sends, down(line) what the server sends, one
line with its CRLF at a time (of literals, too), and returns what is passed on
instead: the line, another one, more than one, or b"" for nothing. A hook runs
before its line goes on, so what it does to the mailbox has happened when the
line arrives: no test needs to wait. COMPRESS is hidden, lines stay readable.
None hangs that connection up. man.number tells a hook which one it is, from 1.
One hook runs at a time; hold(line), which sees what the client sends before up
does, may wait for another connection.
"""

import contextlib
import socket
import threading


def same(line):
	return line


class Middleman:
	def __init__(self, port, up=same, down=same, hold=same):
		self.hooks = {"up": up, "down": down}
		self.hold = hold
		self.target = port
		self.lock = threading.Lock()	# one hook at a time
		self.open = []
		self.faults = []		# what a hook raised
		self.count = 0			# connections so far
		self.thread = threading.local()
		self.listener = socket.create_server(("127.0.0.1", 0))
		self.port = self.listener.getsockname()[1]
		self.spawn(self.accept)

	def __enter__(self):
		return self

	def __exit__(self, *exc):
		self.stop()
		if exc == (None, None, None) and self.faults:
			raise self.faults[0]

	def spawn(self, work, *args):
		threading.Thread(target=work, args=args, daemon=True).start()

	def accept(self):
		while True:
			try:
				client, _ = self.listener.accept()
				server = socket.create_connection(
				    ("127.0.0.1", self.target))
			except OSError:
				return
			for s in (client, server):
				s.setsockopt(socket.IPPROTO_TCP,
				    socket.TCP_NODELAY, 1)
			self.open += [client, server]
			self.count += 1
			self.spawn(self.pump, client, server, "up", self.count)
			self.spawn(self.pump, server, client, "down",
			    self.count)

	@property
	def number(self):
		return self.thread.number

	def meddle(self, way, line):
		if way == "down":
			line = line.replace(b" COMPRESS=DEFLATE", b"")
		if way == "up":
			self.hold(line)
		with self.lock:
			try:
				return self.hooks[way](line)
			except Exception as e:
				self.faults.append(e)
				raise

	def pump(self, source, sink, way, number):
		rest = b""
		self.thread.number = number
		try:
			while True:
				data = source.recv(1 << 18)
				if not data:
					break
				*lines, rest = (rest + data).split(b"\n")
				lines = [self.meddle(way, x + b"\n")
				    for x in lines]
				if None in lines:
					raise ConnectionAbortedError
				sink.sendall(b"".join(lines))
			sink.sendall(rest)
			sink.shutdown(socket.SHUT_WR)
		except OSError:		# one of them hung up
			self.hang_up(source, sink)
		except Exception:	# a hook: told by __exit__
			self.hang_up(source, sink)

	def hang_up(self, *ends):
		for s in ends:
			try:
				s.shutdown(socket.SHUT_RDWR)
			except OSError:
				pass
			s.close()

	def refuse(self):
		"""Nobody gets a connection any more."""
		with contextlib.suppress(OSError):
			self.listener.shutdown(socket.SHUT_RDWR)

	def stop(self):
		self.listener.close()
		for s in self.open:
			s.close()
