"""Spoils an index row by row, with checksums as mailtern writes them, so that
only what is meant is wrong."""

import glob
import os
import sqlite3
import struct

M = (1 << 64) - 1
START = 0x9e3779b97f4a7c15
COLUMNS = ("id folder uid unique_part file in_new missing base"
    " base_local_flags base_local_keywords base_remote_flags"
    " base_remote_keywords local local_flags local_keywords remote"
    " remote_flags remote_keywords content size date fetched inode file_size"
    " mtime has_date likely unconfirmed expected expected_flags"
    " expected_keywords lineage").split()


def word(s, w):
	s = ((s ^ (w & M)) * 0xff51afd7ed558ccd) & M
	return s ^ s >> 32


def octets(s, data):
	whole = len(data) // 8 * 8
	for i in range(0, whole, 8):
		s = word(s, struct.unpack("<Q", data[i:i + 8])[0])
	s = word(s, int.from_bytes(data[whole:], "little"))
	return word(s, len(data))


def text(s, t):
	s = word(s, t is not None)
	return s if t is None else octets(s, t.encode())


def state(s, present, flags, keywords):
	return text(word(word(s, present), flags), keywords)


def row_sum(r):
	s = START
	for k in ("id", "folder"):
		s = word(s, r[k])
	s = word(s, r["uid"] or 0)
	s = text(text(s, r["unique_part"]), r["file"])
	s = word(word(s, r["in_new"]), r["missing"])
	s = state(s, r["base"], r["base_local_flags"],
	    r["base_local_keywords"])
	s = state(s, r["base"], r["base_remote_flags"],
	    r["base_remote_keywords"])
	s = state(s, r["local"], r["local_flags"], r["local_keywords"])
	s = state(s, r["remote"], r["remote_flags"], r["remote_keywords"])
	for k in ("content", "size", "date", "fetched", "inode", "file_size",
	    "mtime"):
		s = word(s, r[k] or 0)
	bits = (r["has_date"] != (r["date"] != 0)) | r["likely"] << 1 \
	    | r["unconfirmed"] << 2 | r["expected"] << 3
	if bits or r["lineage"]:
		s = state(word(s, bits), r["expected"], r["expected_flags"],
		    r["expected_keywords"])
		if r["lineage"]:
			s = word(s, r["lineage"])
	return s


def seen(r):
	if not r["local"] or r["missing"] or r["file"] is None \
	    or not r["inode"] or (r["base"] and not r["remote"]):
		return 0
	s = word(word(START, r["in_new"]), r["inode"])
	return octets(s, r["file"].encode()) or 1


def signed(n):
	return n - (1 << 64) if n >> 63 else n


def path(world):
	return glob.glob(world.state + "/mailtern/*.db")[0]


class Spoiler:
	"""An index, open to be spoiled; nothing of mailtern may be at work."""

	def __init__(self, world):
		self.path = path(world)
		self.db = sqlite3.connect(self.path, isolation_level=None)
		self.db.row_factory = sqlite3.Row
		self.db.execute("PRAGMA foreign_keys = OFF")

	def __enter__(self):
		return self

	def __exit__(self, *exc):
		"""A page without a sum of its own is taken as it is."""
		self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
		self.db.close()
		with open(self.path, "r+b") as f:
			for end in range(4096, os.path.getsize(self.path) + 1,
			    4096):
				f.seek(end - 8)
				f.write(bytes(8))

	def sql(self, *statements):
		for one in statements:
			self.db.execute(one)

	def loose(self, tree, on):
		"""A tree of that name which keeps nothing unique."""
		self.sql("DROP INDEX " + tree,
		    "CREATE INDEX %s ON %s" % (tree, on))

	def row(self, where, **values):
		"""Changes one row; its sum and its stamp are right again."""
		found = self.db.execute("SELECT * FROM place WHERE " +
		    where).fetchall()
		assert len(found) == 1, "%s: %d rows" % (where, len(found))
		r = {k: found[0][k] for k in COLUMNS}
		assert signed(row_sum(r)) == found[0]["sum"], "wrong before"
		r.update(values)
		self.db.execute("UPDATE place SET %s, sum = ?, seen = ?"
		    " WHERE id = ?" % ", ".join(k + " = ?" for k in values),
		    (*values.values(), signed(row_sum(r)), signed(seen(r)),
		    r["id"]))
