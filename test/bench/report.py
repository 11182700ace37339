"""Collects what was measured, and writes the table, the plots, the JSON."""

import datetime
import json
import os
import shutil
import statistics
import subprocess
import sys

import plot

COLUMNS = (	# heading, metric, factor, digits
	("CPU s", "cpu", 1, 2), ("peak MiB", "peak_mib", 1, 1),
	("fsyncs", "fsyncs", 1, 0), ("kB in", "bytes_in", 1e-3, 1),
	("kB out", "bytes_out", 1e-3, 1), ("round trips", "trips", 1, 0),
)
PLOTS = {
	"messages": ("Nothing changed, one folder", "messages in the folder"),
	"folders": ("Nothing changed, many folders", "folders"),
	"changes": ("Flags changed on the server", "flags changed"),
	"latency": ("Nothing changed, by latency", "round trip in ms"),
}


class Cost:
	"""What one program took for one case."""

	def __init__(self):
		self.runs = []		# measured
		self.counts = {}	# of the run that was only counted
		self.error = None
		self.once = False	# too slow to be repeated

	def values(self, metric):
		v = [r[metric] for r in self.runs if metric in r]
		if not v and metric in self.counts:
			v = [self.counts[metric]]
		return v

	def median(self, metric):
		v = self.values(metric)
		return statistics.median(v) if v else None


class Results:
	def __init__(self, mode, kinds, dir):
		self.mode = mode
		self.names = [k.name for k in kinds]
		self.head = {"date": datetime.datetime.now().astimezone()
		    .isoformat(timespec="minutes"), "mode": mode,
		    "machine": machine(dir), "versions": [k.version()
		    for k in kinds] + [dovecot_version()]}
		self.cases = {}		# name: case
		self.costs = {}		# (case name, program name): Cost

	# -- collecting --

	def begin(self, case):
		self.cases[case.name] = case

	def cost(self, case, name):
		key = (getattr(case, "name", case), name)
		return self.costs.setdefault(key, Cost())

	def add(self, case, name, run):
		self.cost(case, name).runs.append(run)

	def counted(self, case, name, counts):
		self.cost(case, name).counts = counts

	def fail(self, case, name, error):
		self.begin(case)
		self.cost(case, name).error = str(error)
		print("bench: %s: %s: %s" % (case.name, name, error),
		    file=sys.stderr, flush=True)

	def wanted(self, case, name, slow):
		"""Is another run wanted?"""
		c = self.cost(case, name)
		if name not in ("mailtern", "mbsync") and c.runs \
		    and c.runs[-1]["wall"] > slow:
			c.once = True
		return c.error is None and not c.once

	def failures(self):
		return sum(c.error is not None for c in self.costs.values())

	def median(self, case, name, metric):
		key = (getattr(case, "name", case), name)
		c = self.costs.get(key)
		return c.median(metric) if c and c.error is None else None

	# -- writing --

	def write(self, out):
		text = self.table()
		with open(out + "/table.md", "w") as f:
			f.write(text)
		with open(out + "/results.json", "w") as f:
			json.dump(self.as_json(), f, indent=1)
			f.write("\n")
		with open(out + "/summary.md", "w") as f:
			f.write(self.summary())
		for series, (title, axis) in PLOTS.items():
			lines = self.series(series)
			if lines:
				with open("%s/plot-%s.svg" % (out, series),
				    "w") as f:
					f.write(plot.svg(title, axis,
					    "seconds", lines, self.note()))
		sys.stdout.write(text)

	def note(self):
		m = self.head["machine"]
		return "%s, %s cores, Dovecot on the same machine, %s" % (
		    m["cpu"], m["cores"], self.head["date"][:10])

	def series(self, which):
		"""{program: [(x, median, least, most)]}"""
		out = {}
		for case in self.cases.values():
			for series, x in case.plots:
				if series != which:
					continue
				for name in self.names:
					c = self.cost(case, name)
					v = c.values("wall")
					if v and c.error is None:
						out.setdefault(name, []).append(
						    (x, statistics.median(v),
						    min(v), max(v)))
		return {k: sorted(v) for k, v in out.items()
		    if len({p[0] for p in v}) > 1}

	def table(self):
		m = self.head["machine"]
		out = ["# What a sync costs", "",
		    "%s; %s; %d cores; %.1f GiB of memory; %s; Linux %s" % (
		    self.head["date"], m["cpu"], m["cores"], m["memory_gib"],
		    m["disk"], m["kernel"]),
		    "", "; ".join(self.head["versions"]), "",
		    "Medians, with the spread in brackets. Programs took "
		    "turns. All deliver durably. No TLS."]
		if self.mode == "quick":
			out += ["", "QUICK: sizes are small, and what is wanted"
			    " is wanted of the full ones."]
		for case in self.cases.values():
			out += [""] + self.section(case)
		met, all = self.met()
		out += ["", "%d of %d wishes met, %d failures" % (met, all,
		    self.failures())]
		return "\n".join(out) + "\n"

	def summary(self):
		"""A line each: seconds, and what that is beside mailtern's."""
		m = self.head["machine"]
		out = ["%s, %s with %d cores, %s. %s." % (self.head["date"]
		    [:10], m["cpu"], m["cores"], m["disk"].split(" ")[0],
		    ", ".join(self.head["versions"])), "",
		    "| | " + " | ".join(self.names) + " |",
		    "| --- |" + " ---: |" * len(self.names)]
		for case in self.cases.values():
			cells = [self.seconds(case, n) for n in self.names]
			out.append("| %s | %s |" % (case.title,
			    " | ".join(cells)))
		return "\n".join(out) + "\n"

	def seconds(self, case, name):
		v = self.median(case, name, "wall")
		ours = self.median(case, "mailtern", "wall")
		if v is None:
			return "-"
		text = "%.2f s" % v if v < 10 else "%.0f s" % v
		return text if name == "mailtern" or not ours else \
		    "%s (%.*f)" % (text, v / ours < 10, v / ours)

	def rows(self, case):
		names = [n for c, n in self.costs if c == case.name]
		order = self.names + ["raw fetch", "raw create"]
		return sorted(set(names), key=order.index)

	def section(self, case):
		out = ["## %s: %s" % (case.name, case.title), ""]
		cells = [["", "runs", "wall s", "ratio"] + [h for h, *_ in
		    COLUMNS]]
		for name in self.rows(case):
			cells.append(self.row(case, name))
		wide = [max(len(r[i]) for r in cells)
		    for i in range(len(cells[0]))]
		for i, r in enumerate(cells):
			out.append("| " + " | ".join(c.ljust(w) if k == 0 else
			    c.rjust(w) for k, (c, w) in enumerate(zip(r, wide)))
			    + " |")
			if i == 0:
				out.append("|" + "|".join("-" * (w + 1)
				    + (":" if k else "-")
				    for k, w in enumerate(wide)) + "|")
		for name in self.rows(case):
			error = self.cost(case, name).error
			if error:
				out += ["", "* %s FAILED: %s" % (name,
				    " ".join(error.split())[:300])]
		wishes = self.wishes(case)
		if wishes:
			out.append("")
		for text, value, good in wishes:
			out.append("* wanted: %s; measured: %s; %s" % (text,
			    value, good))
		return out

	def row(self, case, name):
		c = self.cost(case, name)
		v = c.values("wall")
		if not v:
			return [name, "0"] + ["-"] * (len(COLUMNS) + 2)
		ours = self.median(case, "mailtern", "wall")
		out = [name, str(len(v)), "%.3f (%.3f..%.3f)" % (
		    statistics.median(v), min(v), max(v)), "%.2f" % (
		    statistics.median(v) / ours) if ours else "-"]
		for _, metric, factor, digits in COLUMNS:
			x = c.median(metric)
			out.append("-" if x is None else "%.*f" % (digits,
			    x * factor))
		return out

	def wishes(self, case):
		out = []
		for want in case.wants:
			got = want.judge(case, self)
			if got is None:
				out.append((want.text, "nothing",
				    "not measured"))
			else:
				out.append((want.text, got[0],
				    "met" if got[1] else "NOT MET"))
		return out

	def met(self):
		all = [good for c in self.cases.values()
		    for _, _, good in self.wishes(c)]
		return all.count("met"), len(all)

	def as_json(self):
		cases = {}
		for name, case in self.cases.items():
			cases[name] = {"title": case.title, "rtt": case.rtt,
			    "mbit": case.mbit, "programs": {n: {
			    "runs": self.cost(case, n).runs,
			    "counted": self.cost(case, n).counts,
			    "error": self.cost(case, n).error}
			    for n in self.rows(case)},
			    "wanted": [dict(zip(("text", "measured", "result"),
			    w)) for w in self.wishes(case)]}
		return dict(self.head, cases=cases)


# -- where it was measured --

def machine(dir):
	cpu, memory = "unknown processor", 0
	with open("/proc/cpuinfo") as f:
		for line in f:
			if line.startswith("model name"):
				cpu = line.partition(":")[2].strip()
	with open("/proc/meminfo") as f:
		memory = int(f.readline().split()[1]) / (1 << 20)
	return {"cpu": cpu, "cores": len(os.sched_getaffinity(0)),
	    "memory_gib": memory, "disk": disk(dir),
	    "kernel": os.uname().release}


def disk(dir):
	"""Type of the file system, and on what it lies."""
	best = ("", "unknown", "")
	with open("/proc/self/mounts") as f:
		for line in f:
			dev, at, kind = line.split()[:3]
			inside = at == "/" or (dir + "/").startswith(at + "/")
			if inside and len(at) >= len(best[0]):
				best = (at, kind, dev)
	return "%s on %s" % best[1:]


def dovecot_version():
	p = subprocess.run([shutil.which("dovecot", path=os.environ["PATH"]
	    + ":/usr/sbin"), "--version"], stdout=subprocess.PIPE, text=True)
	return "Dovecot " + p.stdout.split(" ")[0].strip()
