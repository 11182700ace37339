"""A line to a server that lies at an address which is no loopback one.

	with FarLine(server.port) as line:
		line.shape(mbit=20)		# all of test/bench/line.py
		world.run("sync", wrap=line.wrap())

The program runs in a network namespace of its own, whose loopback device has
192.0.2.1 as well. What connects to port 4143 there goes on through a Unix
socket, for those do not care about namespaces. have_namespaces() tells whether
that can be had here.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "bench"))

from line import Line			# noqa: E402

ADDRESS, PORT = "192.0.2.1", 4143


def have_namespaces():
	return subprocess.run(["unshare", "-rn", "ip", "link", "set", "lo",
	    "up"], stderr=subprocess.DEVNULL).returncode == 0


def pump(source, sink):
	try:
		while True:
			data = source.recv(1 << 16)
			if not data:
				break
			sink.sendall(data)
		sink.shutdown(socket.SHUT_WR)
	except OSError:
		pass			# one of them hung up


def carry(listener, connect):
	"""What connects to the listener is connected on, for ever."""
	while True:
		try:
			near, _ = listener.accept()
			far = connect()
		except OSError:
			return
		for a, b in ((near, far), (far, near)):
			threading.Thread(target=pump, args=(a, b),
			    daemon=True).start()


def connect_unix(path):
	s = socket.socket(socket.AF_UNIX)
	s.connect(path)
	return s


class FarLine(Line):
	def __init__(self, target):
		super().__init__(target)
		self.dir = tempfile.mkdtemp(prefix="far-")
		self.path = self.dir + "/socket"
		self.crossing = socket.socket(socket.AF_UNIX)
		self.crossing.bind(self.path)
		self.crossing.listen()
		threading.Thread(target=carry, daemon=True, args=(
		    self.crossing, lambda: socket.create_connection(
		    ("127.0.0.1", self.port)))).start()

	def wrap(self):
		return ["unshare", "-rn", "--", sys.executable, "-B",
		    os.path.abspath(__file__), self.path]

	def stop(self):
		self.crossing.close()
		super().stop()
		shutil.rmtree(self.dir, ignore_errors=True)


def main():
	"""SOCKET COMMAND..., within the namespace."""
	for command in ("ip link set lo up",
	    "ip addr add %s/32 dev lo" % ADDRESS):
		subprocess.run(command.split(), check=True)
	listener = socket.create_server((ADDRESS, PORT))
	threading.Thread(target=carry, daemon=True, args=(listener,
	    lambda: connect_unix(sys.argv[1]))).start()
	sys.exit(subprocess.run(sys.argv[2:]).returncode)


if __name__ == "__main__":
	main()
