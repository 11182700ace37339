"""Something happens at one command: to either side, or to the program.

	with Between(world, b" RENAME ", act) as man:
		world.sync()
	broken(world, b" COPY ", kill, True)
"""

import contextlib
import socket

from middleman import Middleman


class Between(Middleman):
	"""At the n-th line with word: act(), before the server sees it; or,
	with late, before its answer is seen. self.lines: all commands."""

	def __init__(self, world, word, act, late=False):
		self.word, self.act, self.late = word, act, late
		self.lines, self.tag, self.fired = [], None, False
		self.world = world
		super().__init__(world.server.port, self.going, self.coming)
		world.port = self.port
		world.write_conf()

	def going(self, line):
		self.lines.append(line)
		if self.word in line and not self.fired:
			self.fired = True
			if self.late:
				self.tag = line.split()[0]
			else:
				return self.do(line)
		return line

	def coming(self, line):
		if self.tag and line.startswith(self.tag + b" "):
			self.tag = None
			return self.do(line)
		return line

	def do(self, line):
		out = self.act(self, line)
		return line if out is None else out

	def sent(self, word):
		return [x for x in self.lines if b" " + word + b" " in x]

	def stop(self):
		super().stop()
		self.world.port = None
		self.world.write_conf()


def kill(man, line):
	man.process.kill()
	man.process.wait()
	return b""


def cut(man, line):
	for s in man.open:
		with contextlib.suppress(OSError):	# the other end was first
			s.shutdown(socket.SHUT_RDWR)
	return b""


def broken(world, word, act, late, first=None):
	"""A run that ends there: killed, or with the line down for good."""
	def strike(man, line):
		if first:
			first()
		man.refuse()
		return act(man, line)

	with Between(world, word, strike, late) as man:
		man.process = world.popen("sync")
		rc = man.process.wait(60)
		assert man.fired
	assert rc == (75 if act is cut else -9)
