"""An independent reader of a Maildir root (layout fs), and what mail readers
do to one: deliver, flag, copy, move, remove.

A folder is a directory with cur, new and tmp; its name is its path with %XX
decoded. Identity is the unique part of a file name, before ":2,".
"""

import hashlib
import os
import re
import shutil

BOXES = ("new", "cur")
TOKEN = re.compile(rb"^X-Tok:[ \t]*(\S+)", re.M | re.I)


def canonical(data):
	"""Line ends as CRLF: what must be equal on both sides."""
	return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


# Fields that a server with mbox files writes into the messages.
WRITTEN = []


def digest(data):
	data = canonical(data)
	if WRITTEN:
		head, end, body = data.partition(b"\r\n\r\n")
		data = b"\r\n".join(line for line in head.split(b"\r\n")
		    if line.partition(b":")[0].decode("latin-1")
		    not in WRITTEN) + end + body
	return hashlib.sha256(data).hexdigest()


def token(data):
	"""The X-Tok of the header; else a digest stands in for it."""
	head = canonical(data).split(b"\r\n\r\n", 1)[0]
	m = TOKEN.search(head.replace(b"\r\n", b"\n"))
	return m[1].decode() if m else "sha:" + digest(data)[:16]


def split_name(name):
	unique, sep, letters = name.partition(":2,")
	return unique, letters if sep else ""


def decode(path):
	def byte(m):
		return bytes([int(m[1], 16)])

	return re.sub(rb"%([0-9A-F]{2})", byte,
	    os.fsencode(path)).decode("utf-8", "surrogateescape")


def encode(folder):
	parts = []
	for part in folder.split("/"):
		part = re.sub("%(?=[0-9A-Fa-f]{2})", "%25", part)
		if part.lower() in ("cur", "new", "tmp"):
			part = "%%%02X" % ord(part[0]) + part[1:]
		elif part.startswith("."):
			part = "%2E" + part[1:]
		parts.append(part)
	return "/".join(parts)


class File:
	"""A message on disk."""

	def __init__(self, dir, folder, box, name):
		self.folder, self.box, self.name = folder, box, name
		self.path = os.path.join(dir, box, name)
		self.unique, self.letters = split_name(name)
		st = os.stat(self.path)
		self.mtime, self.mtime_ns = int(st.st_mtime), st.st_mtime_ns
		self.inode, self.size = st.st_ino, st.st_size

	def data(self):
		with open(self.path, "rb") as f:
			return f.read()

	def stamp(self):
		return (self.folder, self.box, self.name, self.inode,
		    self.mtime_ns, self.size)

	def __repr__(self):
		return "%s/%s/%s" % (self.folder, self.box, self.name)


class Maildir:
	def __init__(self, root):
		self.root = root
		self.count = 0

	def dir(self, folder):
		return os.path.join(self.root, encode(folder))

	# -- looking --

	def folders(self):
		out = []
		for at, dirs, _ in os.walk(os.fsencode(self.root)):
			names = set(dirs)
			dirs[:] = [d for d in dirs if not d.startswith(b".")
			    and d not in (b"cur", b"new", b"tmp")]
			if {b"cur", b"new", b"tmp"} <= names:
				rel = os.path.relpath(at,
				    os.fsencode(self.root))
				if rel != b".":
					out.append(decode(os.fsdecode(rel)))
		return sorted(out)

	def files(self, folder):
		out = []
		for box in BOXES:
			at = os.path.join(self.dir(folder), box)
			for name in sorted(os.listdir(at)):
				if not name.startswith("."):
					out.append(File(self.dir(folder),
					    folder, box, name))
		return out

	def all(self):
		return {f: self.files(f) for f in self.folders()}

	def left_in_tmp(self):
		return [os.path.join(f, n) for f in self.folders()
		    for n in os.listdir(os.path.join(self.dir(f), "tmp"))]

	def find(self, tok, folder=None):
		"""The one file with this token."""
		found = [f for name in ([folder] if folder else self.folders())
		    for f in self.files(name) if token(f.data()) == tok]
		if len(found) != 1:
			raise LookupError("%s: %d files" % (tok, len(found)))
		return found[0]

	# -- acting, as mail readers do --

	def unique(self):
		self.count += 1
		return "%d.M%dP%dQ%d.test" % (1600000000 + self.count,
		    self.count * 7919 % 1000000, os.getpid(), self.count)

	def create(self, folder):
		for box in ("cur", "new", "tmp"):
			os.makedirs(os.path.join(self.dir(folder), box), 0o700)

	def remove_folder(self, folder):
		for box in ("cur", "new", "tmp"):
			shutil.rmtree(os.path.join(self.dir(folder), box))
		try:
			os.rmdir(self.dir(folder))
		except OSError:
			pass		# has subfolders

	def rename_folder(self, folder, target):
		os.rename(self.dir(folder), self.dir(target))

	def deliver(self, folder, data, letters=None, date=None, unique=None):
		"""letters None: into new/, as delivery agents do."""
		unique = unique or self.unique()
		tmp = os.path.join(self.dir(folder), "tmp", unique)
		with open(tmp, "wb") as f:
			f.write(data)
		if date is not None:
			os.utime(tmp, (date, date))
		box, name = "new", unique
		if letters is not None:
			box = "cur"
			name += ":2," + "".join(sorted(letters))
		os.rename(tmp, os.path.join(self.dir(folder), box, name))
		return File(self.dir(folder), folder, box, name)

	def set_letters(self, file, letters):
		name = file.unique + ":2," + "".join(sorted(set(letters)))
		os.rename(file.path, os.path.join(self.dir(file.folder), "cur",
		    name))
		return File(self.dir(file.folder), file.folder, "cur", name)

	def flag(self, file, letters):
		return self.set_letters(file, file.letters + letters)

	def unflag(self, file, letters):
		return self.set_letters(file, set(file.letters) - set(letters))

	def unlink(self, file):
		os.unlink(file.path)

	def copy(self, file, target, link=False):
		"""A new file in target/cur with the flags and the date."""
		unique = self.unique()
		to = os.path.join(self.dir(target), "tmp", unique)
		if link:
			os.link(file.path, to)
		else:
			shutil.copyfile(file.path, to)
			os.utime(to, ns=(file.mtime_ns, file.mtime_ns))
		name = unique + ":2," + file.letters
		os.rename(to, os.path.join(self.dir(target), "cur", name))
		return File(self.dir(target), target, "cur", name)

	def move(self, file, target, keep_name=True):
		"""A rename; some readers keep the unique part, some do not."""
		unique = file.unique if keep_name else self.unique()
		name = unique + ":2," + file.letters
		os.rename(file.path, os.path.join(self.dir(target), "cur",
		    name))
		return File(self.dir(target), target, "cur", name)


class FlatMaildir(Maildir):
	"""All folders beside each other: Maildir++, or flat names."""

	def __init__(self, root, dotted=True, separator="."):
		super().__init__(root)
		self.dot = "." if dotted else ""
		self.separator = separator

	def dir(self, folder):
		if self.dot and folder.upper() == "INBOX":
			return self.root
		parts = [encode(part).replace(self.separator, "%%%02X" %
		    ord(self.separator)) for part in folder.split("/")]
		name = self.dot + self.separator.join(parts)
		if name.lower() == ".mailtern":
			name = ".%%%02X%s" % (ord(name[1]), name[2:])
		return os.path.join(self.root, name)

	def name_of(self, dir):
		return "/".join(decode(part) for part in
		    dir[len(self.dot):].split(self.separator))

	def folders(self):
		out = []
		for name in [""] * bool(self.dot) + os.listdir(self.root):
			at = os.path.join(self.root, name)
			if name == ".mailtern" or name and \
			    name.startswith(".") != bool(self.dot):
				continue
			if all(os.path.isdir(os.path.join(at, box))
			    for box in ("cur", "new", "tmp")):
				out.append(self.name_of(name) if name
				    else "INBOX")
		return sorted(out)
