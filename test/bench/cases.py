"""What is measured: the work, the sizes, and what is wanted of the figures."""

import os
import re

import fill

# As wanted, for "make bench QUICK=1", and with FULL=1 (which adds).
SIZES = {
	"normal": {"runs": 5, "inbox": 100000, "few": 1000, "new": 1000,
	    "folders": 500, "rtt": .05, "mbit": 100, "pull": 100000,
	    "pull-folders": 500, "pull-each": 100, "push": 10000,
	    "big": 300 << 20, "rest": 3.2,
	    "messages": (1000, 10000, 50000), "some-folders": (10, 100),
	    "changes": (10, 100, 10000), "dirty": 10000,
	    "latency": (0, .01, .1, .2), "latency-folders": 50, "million": 0,
	    "filed": 10000},
	"quick": {"runs": 3, "inbox": 2000, "few": 20, "new": 100,
	    "folders": 20, "rtt": .02, "mbit": 100, "pull": 300,
	    "pull-folders": 20, "pull-each": 10, "push": 200,
	    "big": 20 << 20, "rest": 1.1, "messages": (200,),
	    "some-folders": (5,), "changes": (200,), "dirty": 100,
	    "latency": (0,), "latency-folders": 20, "million": 0,
	    "filed": 100},
}
SIZES["full"] = dict(SIZES["normal"], big=2000 << 20, million=1000000,
    messages=(1000, 10000, 50000, 500000))

SMALL, REAL = 1200, 11300	# bytes of a message, on average


class Group:
	"""Mail that several cases work on, one after the other.

	pulled: the accounts begin in sync. Without, every run begins with
	nothing, and all use one user. solo: one program after the other, and
	what it had is gone before the next begins.
	"""

	def __init__(self, name, folders, mean=SMALL, pulled=True, solo=False,
	    fsync="never", big=0):
		self.name, self.folders, self.mean = name, folders, mean
		self.pulled, self.solo, self.fsync = pulled, solo, fsync
		self.big = big


class Case:
	def __init__(self, name, title, group, before=None, **more):
		self.name, self.title, self.group = name, title, group
		self.before = before
		self.rtt = more.pop("rtt", 0.0)
		self.mbit = more.pop("mbit", 0)
		self.wants = more.pop("wants", [])
		self.plots = more.pop("plots", [])	# (series, x)
		self.raw = more.pop("raw", False)
		self.reset = more.pop("reset", None)
		assert not more, more


# -- what happens before a run: act(account, number of the run) --

def flags_remote(n):
	def act(a, i):
		with a.client() as imap:
			uids = fill.search(imap, "INBOX", "UNFLAGGED")
			fill.store(imap, "INBOX", fill.spread(uids, n, i), "+",
			    ["\\Flagged"])
	return act


def flags_local(n):
	def act(a, i):
		plain = [(at, name) for at, name in sorted(
		    a.program.files("INBOX"), key=lambda f: f[1])
		    if "F" not in name.partition(":2,")[2]]
		for at, name in fill.spread(plain, n, i):
			base, _, letters = name.partition(":2,")
			os.rename(at + "/" + name, "%s/cur/%s:2,%s" % (
			    os.path.dirname(at), base,
			    "".join(sorted(letters + "F"))))
	return act


def new_remote(n, start=10000000):
	def act(a, i):
		first = start + i * n
		with a.client() as imap:
			fill.append_many(imap, "INBOX", ((k, a.real.message(k))
			    for k in range(first, first + n)))
	return act


def new_local(n, start=20000000):
	def act(a, i):
		first = start + i * n
		fill.deliver_many(a.program.mail, "INBOX",
		    ((k, a.real.message(k)) for k in range(first, first + n)))
	return act


def delete_remote(n):
	def act(a, i):
		with a.client() as imap:
			uids = fill.search(imap, "INBOX", "ALL")
			fill.expunge(imap, "INBOX", fill.spread(uids, n, i))
	return act


def delete_local(n):
	def act(a, i):
		files = sorted(a.program.files("INBOX"), key=lambda f: f[1])
		for at, name in fill.spread(files, n, i):
			os.unlink(at + "/" + name)
	return act


# mbsync and offlineimap keep something behind this in the names of files, which
# other programs take away when they file a message.
THEIRS = re.compile(r",(U|FMD5)=[^,:]*")


def back_and_forth(a, b, i):
	return (a, b) if i % 2 == 0 else (b, a)


def file_local(n):
	"""They lie in Work or, the next time, in INBOX again."""
	def act(a, i):
		was, to = back_and_forth("INBOX", "Work", i)
		for at, name in sorted(a.program.files(was))[:n]:
			os.rename(at + "/" + name, "%s/%s/cur/%s" % (
			    a.program.mail, to, THEIRS.sub("", name)))
	return act


def file_remote(n):
	def act(a, i):
		was, to = back_and_forth("INBOX", "Work", i)
		with a.client() as imap:
			uids = fill.search(imap, was, "ALL")[:n]
			imap.open(was)
			imap.move(was, uids, to)
	return act


def rename_local(a, i):
	os.rename(a.program.mail + "/Lists", a.program.mail + "/Talk")


def rename_remote(a, i):
	with a.client() as imap:
		imap.rename("Lists", "Talk")


def mixed(n):
	"""n rows of the index that wait at once, for different things: flags
	of either side, and what is new on either."""
	acts = [flags_remote(n * 4 // 10), flags_local(n * 2 // 10),
	    new_remote(n * 2 // 10, 30000000),
	    new_local(n * 2 // 10, 40000000)]

	def act(a, i):
		for one in acts:
			one(a, i)
	return act


# -- what is wanted: each gives (what was measured, is it met) --

class Want:
	def __init__(self, text, judge):
		self.text, self.judge = text, judge


def at_most(metric, limit, text, unit=""):
	def judge(case, results):
		v = results.median(case, "mailtern", metric)
		return None if v is None else ("%.4g%s" % (v, unit),
		    v <= limit)
	return Want(text, judge)


def faster(k, text=None):
	def judge(case, results):
		ours = results.median(case, "mailtern", "wall")
		theirs = results.median(case, "mbsync", "wall")
		if ours is None or theirs is None:
			return None
		return "%.3g times" % (theirs / ours), theirs / ours >= k
	return Want(text or "at least %g times faster than mbsync" % k, judge)


def traffic(case, results, name):
	both = [results.median(case, name, m)
	    for m in ("bytes_in", "bytes_out")]
	return None if None in both else sum(both)


def fewer_bytes(k):
	def judge(case, results):
		ours = traffic(case, results, "mailtern")
		theirs = traffic(case, results, "mbsync")
		if ours is None or theirs is None:
			return None
		return "1/%.3g" % (theirs / ours), theirs >= k * ours
	return Want("bytes at most 1/%d of mbsync's" % k, judge)


def line_share(least):
	def judge(case, results):
		v = results.median(case, "mailtern", "line_share")
		return None if v is None else ("%.0f %%" % (100 * v),
		    v >= least)
	return Want("at least %.0f %% of the line while the middle 90 %% of "
	    "the bytes come in" % (100 * least), judge)


def near_raw(k):
	def judge(case, results):
		raw = [results.median(case, n, "wall")
		    for n in ("raw fetch", "raw create")]
		ours = results.median(case, "mailtern", "wall")
		if ours is None or None in raw:
			return None
		return "%.3g times" % (ours / max(raw)), ours <= k * max(raw)
	return Want("at most %g times the larger of raw fetch and raw create"
	    % k, judge)


def no_growth(small):
	def judge(case, results):
		a = results.median(small, "mailtern", "wall")
		b = results.median(case, "mailtern", "wall")
		if a is None or b is None:
			return None
		return "%.3g times" % (b / a), b <= 1.25 * a + .005
	return Want("as long as %s (within a quarter)" % small, judge)


MIB64 = at_most("peak_mib", 64, "peak of memory under 64 MiB", " MiB")
IDLE = [at_most("bytes_in_after", 1000, "at most 1 kB in after login", " B"),
    at_most("bytes_out_after", 1000, "at most 1 kB out after login", " B"),
    at_most("trips_after", 2, "at most 2 round trips after login")]


def folders(n, each):
	out = {"INBOX": each}
	for i in range(1, n):
		out["lists/f%d" % i] = each
	return out


def number(n):
	return "{:,}".format(n)


def inbox_cases(s):
	g = Group("inbox", {"INBOX": s["inbox"]})
	n, few, new = number(s["inbox"]), s["few"], s["new"]
	ms = "%d ms" % (1000 * s["rtt"])
	yield Case("noop", "nothing changed, %s messages in one folder" % n, g,
	    wants=IDLE + [faster(3)] + [no_growth("noop-%d" % k)
	    for k in s["messages"][2:3]],
	    plots=[("messages", s["inbox"])])
	yield Case("flags-remote", "%s flags changed on the server, %s messages"
	    % (number(few), n), g, flags_remote(few),
	    wants=[faster(3), fewer_bytes(10)], plots=[("changes", few)])
	yield Case("flags-local", "%s flags changed locally, %s messages"
	    % (number(few), n), g, flags_local(few),
	    wants=[faster(3), fewer_bytes(10)])
	for k in s["changes"]:
		yield Case("flags-%d" % k, "%s flags changed on the server"
		    % number(k), g, flags_remote(k), plots=[("changes", k)])
	yield Case("dirty-%d" % s["dirty"], "%s changes at once: flags and "
	    "new, on both sides" % number(s["dirty"]), g, mixed(s["dirty"]))
	yield Case("new", "%s new messages on the server onto %s" % (
	    number(new), n), g, new_remote(new), wants=[faster(4)])
	yield Case("new-line", "the same behind %s and %d Mbit/s" % (ms,
	    s["mbit"]), g, new_remote(new), rtt=s["rtt"], mbit=s["mbit"],
	    wants=[line_share(.9)])
	yield Case("delete-remote", "%s messages deleted on the server"
	    % number(new), g, delete_remote(new), wants=[faster(1)])
	yield Case("delete-local", "%s messages deleted locally" % number(new),
	    g, delete_local(new), wants=[faster(1)])


def filing_cases(s):
	"""What is moved travels in a few octets."""
	few, n, rtt = s["few"], s["filed"], s["rtt"]
	ms = "%d ms" % (1000 * rtt)
	g = Group("filing", {"INBOX": n, "Work": 10}, 20000)
	yield Case("file-local", "%s messages of 20 kB filed locally behind %s"
	    % (number(few), ms), g, file_local(few), rtt=rtt, wants=[
	    at_most("bytes_in", 300 * few, "at most 300 B in a message", " B"),
	    fewer_bytes(20)])
	yield Case("file-remote", "%s messages of 20 kB filed on the server "
	    "behind %s" % (number(n), ms), g, file_remote(n), rtt=rtt, wants=[
	    at_most("bytes_in", 300 * n, "at most 300 B in a message", " B"),
	    fewer_bytes(20)])
	lists = {"INBOX": 10, "Lists": n}
	wants = [at_most("bytes_in", 5000, "at most 5 kB in", " B"),
	    at_most("wall", 1, "at most 1 s", " s")]
	yield Case("rename-local", "a folder of %s messages renamed locally "
	    "behind %s" % (number(n), ms), Group("rename-local", lists),
	    rename_local, reset="restore", rtt=rtt, wants=wants)
	yield Case("rename-remote", "a folder of %s messages renamed on the "
	    "server behind %s" % (number(n), ms), Group("rename-remote",
	    lists), rename_remote, reset="restore", rtt=rtt, wants=wants)


def growth_cases(s):
	for n in s["messages"]:
		wants = [no_growth("noop-50000")] if n == 500000 else []
		yield Case("noop-%d" % n, "nothing changed, %s messages"
		    % number(n), Group("messages-%d" % n, {"INBOX": n}),
		    wants=wants, plots=[("messages", n)])
	for n in s["some-folders"]:
		yield Case("folders-%d" % n, "nothing changed, %d folders "
		    "behind %d ms" % (n, 1000 * s["rtt"]),
		    Group("folders-%d" % n, folders(n, 2)), rtt=s["rtt"],
		    plots=[("folders", n)])
	n = s["latency-folders"]
	g = Group("latency", folders(n, 2))
	for rtt in sorted(set(s["latency"]) | {s["rtt"]}):
		yield Case("latency-%d" % (1000 * rtt), "nothing changed, %d "
		    "folders behind %d ms" % (n, 1000 * rtt), g, rtt=rtt,
		    plots=[("latency", 1000 * rtt)])


def folder_cases(s):
	n = s["folders"]
	yield Case("noop-folders", "nothing changed, %d folders behind %d ms"
	    % (n, 1000 * s["rtt"]), Group("folders", folders(n, 2)),
	    rtt=s["rtt"], plots=[("folders", n)], wants=[at_most("wall", .8,
	    "at most 0.8 s", " s"), faster(80)])


def transfer_cases(s):
	ms = "%d ms" % (1000 * s["rtt"])
	yield Case("pull", "first pull of %s messages" % number(s["pull"]),
	    Group("pull", {"INBOX": s["pull"]}, REAL, pulled=False), raw=True,
	    reset="wipe", wants=[faster(6), near_raw(1.5)])
	n, each = s["pull-folders"], s["pull-each"]
	yield Case("pull-folders", "first pull of %s messages in %d folders"
	    % (number(n * each), n), Group("pull-folders", folders(n, each),
	    REAL, pulled=False), raw=True, reset="wipe",
	    wants=[faster(6), near_raw(1.5)])
	push = number(s["push"])
	g = Group("push", {"INBOX": 0})
	yield Case("push", "push of %s messages" % push, g,
	    new_local(s["push"]), reset="restore",
	    wants=[faster(1, "never slower than mbsync")])
	yield Case("push-line", "push of %s messages behind %s" % (push, ms), g,
	    new_local(s["push"]), reset="restore", rtt=s["rtt"],
	    wants=[faster(1, "never slower than mbsync")])
	yield Case("push-durable", "push of %s messages, mail_fsync as "
	    "by default" % push, Group("push-durable", {"INBOX": 0},
	    fsync="optimized"), new_local(s["push"]), reset="restore",
	    wants=[faster(2)])


def memory_cases(s):
	yield Case("big", "first pull of one message of %d MB"
	    % (s["big"] >> 20), Group("big", {"INBOX": 1}, pulled=False,
	    solo=True, big=s["big"]), reset="wipe", wants=[MIB64])
	n = s["million"]
	if not n:
		return
	g = Group("million", {"INBOX": n}, 400, pulled=False, solo=True)
	yield Case("pull-million", "first pull of %s small messages"
	    % number(n), g, reset="wipe", wants=[MIB64])
	yield Case("noop-million", "nothing changed, %s messages" % number(n),
	    g, wants=[MIB64])


def all_cases(mode):
	s = SIZES[mode]
	return [c for part in (folder_cases, inbox_cases, filing_cases,
	    growth_cases, transfer_cases, memory_cases) for c in part(s)]
