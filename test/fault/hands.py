"""Do to files and to a server what a Game has decided.

do(act) does one action; begin() looks at what is there, end() lets go.
"""

import os

import judge
import modes
from judge import family
from maildirview import File


def play(game, hands, rng, times):
	"""Thinks of so many actions and does those within the rules. What was
	done, in words."""
	said = []
	for hand in hands.values():
		hand.begin()
	if modes.chosen().waits or "QRESYNC" in modes.chosen().hides:
		game.kept = hands["remote"].oldest()
	for _ in range(times):
		act = game.think(rng)
		if act:
			said.append(repr(act))
			hands[act[0]].do(act)
	for hand in hands.values():
		hand.end()
	return said


class Hand:
	"""at: {(folder, family): [file or UID]}, more than one for twins."""

	def __init__(self, world):
		self.world = world

	def end(self):
		pass

	def do(self, act):
		getattr(self, act[1])(*act[2:])

	def find(self, folder, tok):
		return self.at[folder, family(tok)][-1]

	def take(self, folder, tok):
		return self.at[folder, family(tok)].pop()

	def put(self, folder, tok, what):
		self.at.setdefault((folder, family(tok)), []).append(what)

	def change(self, folder, tok, what):
		self.take(folder, tok)
		self.put(folder, tok, what)


class Local(Hand):
	def begin(self):
		self.maildir = self.world.maildir
		self.at = {}
		if os.path.isdir(self.maildir.root):
			for files in self.maildir.all().values():
				for f in files:
					self.put(f.folder, judge.token(
					    f.data()), f)

	def deliver(self, folder, tok, flags, date, size, new):
		letters = "".join(judge.letters_of(flags))
		self.put(folder, tok, self.world.deliver(folder, tok,
		    letters or (None if new else ""), date, size=size))

	def flag(self, folder, tok, flag):
		self.change(folder, tok, self.maildir.flag(self.find(folder,
		    tok), judge.LETTER[flag]))

	def unflag(self, folder, tok, flag):
		self.change(folder, tok, self.maildir.unflag(self.find(folder,
		    tok), judge.LETTER[flag]))

	def look(self, folder, tok):
		f = self.find(folder, tok)
		self.change(folder, tok, self.maildir.set_letters(f,
		    f.letters))

	def remove(self, folder, tok):
		self.maildir.unlink(self.take(folder, tok))

	def move(self, folder, tok, to, keep_name):
		self.put(to, tok, self.maildir.move(self.take(folder, tok),
		    to, keep_name))

	def refile(self, folder, tok):
		self.change(folder, tok, self.maildir.move(self.find(folder,
		    tok), folder, False))

	def copy(self, folder, tok, to, link):
		self.put(to, tok, self.maildir.copy(self.find(folder, tok),
		    to, link))

	def twin(self, folder, tok, twin):
		self.copy(folder, tok, folder, False)

	def edit(self, folder, tok, new):
		"""As editors save: the name gets another inode."""
		f = self.take(folder, tok)
		data = f.data().replace(b"\nX-Tok: %s\n" % family(
		    tok).encode(), b"\nX-Tok: %s\n" % new.encode())
		with open(f.path + "~", "wb") as out:
			out.write(self.world.note(data))
		os.utime(f.path + "~", (f.mtime + 60, f.mtime + 60))
		os.rename(f.path + "~", f.path)
		self.put(folder, new, File(self.maildir.dir(folder), folder,
		    f.box, f.name))

	def draft(self, folder, tok, new):
		self.edit(folder, tok, new)

	def make(self, name):
		self.maildir.create(name)

	def drop(self, name):
		self.maildir.remove_folder(name)

	def rename(self, name, to):
		os.makedirs(os.path.dirname(self.maildir.dir(to)), 0o700,
		    exist_ok=True)
		self.maildir.rename_folder(name, to)
		for folder, tok in [k for k in self.at if k[0] == name]:
			for f in self.at.pop((folder, tok)):
				self.put(to, tok, File(self.maildir.dir(to),
				    to, f.box, f.name))


class Remote(Hand):
	def begin(self):
		self.imap = self.world.imap()
		self.at = {}
		for folder in self.imap.folders():
			self.learn(folder)

	def end(self):
		self.imap.close()

	def oldest(self):
		"""Where nobody tells what vanished, a server whose folder lost
		its oldest message and got another may show the newest alone
		(design, section 5): that waits for another look."""
		lowest = {}
		for (folder, name), uids in self.at.items():
			lowest[folder] = min(lowest.get(folder, (min(uids), name)),
			    (min(uids), name))
		return {name for _, name in lowest.values()}

	def learn(self, folder):
		for key in [k for k in self.at if k[0] == folder]:
			del self.at[key]
		for uid, m in self.imap.messages(folder).items():
			self.put(folder, judge.token(m.data), uid)

	def deliver(self, folder, tok, flags, date, size, new):
		uid = self.world.append(self.imap, folder, tok, flags, date,
		    size=size)
		if uid is None:
			self.learn(folder)
		else:
			self.put(folder, tok, uid)

	def flag(self, folder, tok, flag):
		self.imap.store(folder, self.find(folder, tok), "+", [flag])

	def unflag(self, folder, tok, flag):
		self.imap.store(folder, self.find(folder, tok), "-", [flag])

	def remove(self, folder, tok):
		self.imap.expunge(folder, self.take(folder, tok))

	def move(self, folder, tok, to, how):
		self.imap.move(folder, self.take(folder, tok), to)
		self.learn(to)

	def copy(self, folder, tok, to, how):
		self.imap.copy(folder, self.find(folder, tok), to)
		self.learn(to)

	def twin(self, folder, tok, twin):
		self.copy(folder, tok, folder, False)

	def make(self, name):
		self.imap.create(name)

	def drop(self, name):
		self.imap.delete(name)

	def rename(self, name, to):
		self.imap.rename(name, to)
		self.learn(to)
