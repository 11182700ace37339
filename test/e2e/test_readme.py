"""What the documents show is true: every command in README runs, every example
of a configuration loads, and options, keys and exit statuses are the program's.

README's fenced blocks say in their first line what they hold: sh (a command a
line), syncrc, muttrc, crontab, hook, text (output). The commands run in order
in one home, as a newcomer would type them. What would install packages or run
the tests is looked at, not run: CI runs it. Programs that need not be there
(mutt, notmuch, mandoc) are run where they are.
"""

import json
import os
import re
import shutil
import subprocess

import pytest

from dovecot import free_ports
from world import ROOT, World, program

KINDS = {"sh", "syncrc", "muttrc", "crontab", "hook", "text"}
ELSEWHERE = {"", "deps", "demo", "check", "unit", "e2e", "faults", "torture",
    "lint", "peers", "mutants", "bench", "musl", "flow"}
FIRST = "apt-get update && apt-get install -y make && make deps && make demo"


def read(name):
	with open(ROOT + "/" + name, encoding="utf-8") as f:
		return f.read()


def blocks(kind=None):
	found = re.findall(r"^```(\w*)\n(.*?)^```$", read("README"),
	    re.M | re.S)
	return [b for k, b in found if k == kind] if kind else found


def commands():
	return [line for b in blocks("sh") for line in b.splitlines() if line]


class Home(World):
	"""A newcomer's home: mailtern, pass and an editor are in the PATH."""
	NAME = "work"

	def prepare(self):
		self.home = self.dir + "/home"
		self.bin = self.dir + "/bin"
		self.maildir.root = self.home + "/Mail/work"
		os.mkdir(self.bin)
		os.symlink(os.path.abspath(program()), self.bin + "/mailtern")
		self.script("pass", 'case $1 in\n'
		    'insert) printf "%%s\\n" "%s" >"$HOME/.pass-$$" &&'
		    ' mv "$HOME/.pass-$$" "$HOME/.pass" ;;\n'
		    'show) cat "$HOME/.pass" ;;\nesac\n' % self.server.password)
		self.script("edit", 'cat "%s/edited" >"$1"\n' % self.dir)
		self.edited(self.server.tls_port)

	def script(self, name, text):
		with open(self.bin + "/" + name, "w") as f:
			f.write("#!/bin/sh\n" + text)
		os.chmod(self.bin + "/" + name, 0o755)

	def edited(self, port):
		"""The first example of README, for this server."""
		text, n = re.subn(r"host = .*", 'host = 127.0.0.1\n\tport = %d\n'
		    '\ttls-ca-file = "%s"' % (port, self.server.ca),
		    blocks("syncrc")[0])
		text, m = re.subn(r"user = .*", 'user = "%s"' % self.user, text)
		assert (n, m) == (1, 1), text
		with open(self.dir + "/edited", "w") as f:
			f.write(text)

	def away(self, port):
		self.edited(port)
		self.shell('edit "$HOME/.config/mailtern/syncrc"')

	def shell(self, line, rc=0, cwd=ROOT):
		env = dict(self.env(), EDITOR="edit")
		env["PATH"] = self.bin + ":" + env["PATH"]
		env.pop("XDG_STATE_HOME")
		env.pop("XDG_CONFIG_HOME")
		p = subprocess.run(["sh", "-c", line], env=env, cwd=cwd,
		    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
		    stderr=subprocess.PIPE, timeout=120)
		p.out, p.err = p.stdout.decode(), p.stderr.decode()
		assert p.returncode == rc, "%s: exit %d\n%s%s" % (line,
		    p.returncode, p.out, p.err)
		return p


@pytest.fixture
def home(server):
	with Home(server, "readme") as h:
		h.prepare()
		with h.imap() as imap:
			for folder in ("Sent", "Drafts", "Trash", "lists/foo"):
				imap.create(folder)
			for i in range(12):
				h.append(imap, "INBOX", "m%d" % i,
				    ["\\Seen"] if i % 2 else [])
			h.append(imap, "lists/foo", "l0")
		yield h


@pytest.fixture
def ready(home):
	"""A home at the end of "Set up an account"."""
	home.shell("pass insert mail/work; mkdir -p ~/.config/mailtern; "
	    "edit ~/.config/mailtern/syncrc; "
	    "chmod 600 ~/.config/mailtern/syncrc; mailtern sync")
	return home


# -- commands --

def make_command(home, line):
	words = line.split()[1:]
	targets = [w for w in words if re.fullmatch(r"[a-z0-9]+", w)]
	assert len(targets) <= 1, line
	target = targets[0] if targets else ""
	makefile = read("Makefile")
	for name in re.findall(r"\b([A-Z0-9]+)=", line):
		assert re.search(r"\$\(%s\)|^%s\s*\??=" % (name, name),
		    makefile, re.M), "make knows no " + name
	if target != "install":
		assert target in ELSEWHERE, line
		assert not target or re.search("^%s:" % target, makefile, re.M)
		return
	# What was built is there: "-o all" keeps make from looking again.
	stage = "" if "PREFIX=" in line else home.dir + "/stage"
	prefix = home.home + "/.local" if "PREFIX=" in line \
	    else stage + "/usr/local"
	home.shell("unset MAKEFLAGS MFLAGS; %s -o all O='%s' DESTDIR='%s'" % (
	    line, os.path.dirname(os.path.abspath(program())), stage))
	for name in ("bin/mailtern", "share/man/man1/mailtern.1",
	    "share/man/man5/syncrc.5", "share/doc/mailtern/README",
	    "share/doc/mailtern/syncrc.example"):
		assert os.path.isfile(prefix + "/" + name), name
	assert "mailtern" in home.shell(prefix + "/bin/mailtern --version").out


def before_adopt(home):
	"""A disk that is not mounted any more."""
	shutil.rmtree(home.maildir.root)
	assert "--adopt" in home.shell("mailtern sync", rc=1).err


def before_force(home):
	"""All mail unlinked, none of it known to be elsewhere."""
	gone = 0
	for path, _, names in os.walk(home.maildir.root):
		if os.path.basename(path) in ("cur", "new"):
			for name in names:
				os.unlink(path + "/" + name)
				gone += 1
	assert gone == 13
	assert "--force-deletes" in home.shell("mailtern sync", rc=1).err
	with home.imap() as imap:
		assert len(imap.messages("INBOX", False)) == 12


def before_undo(home):
	"""All mail unlinked that has come since, and by mistake."""
	with home.imap() as imap:
		for i in range(12):
			home.append(imap, "INBOX", "later%d" % i)
	home.shell("mailtern sync")
	for f in home.maildir.files("INBOX"):
		home.maildir.unlink(f)
	assert "--undo-deletes" in home.shell("mailtern sync", rc=1).err


def mailtern_command(home, line):
	if "--adopt" in line:
		before_adopt(home)
	if "--force-deletes" in line:
		before_force(home)
	if "--undo-deletes" in line:
		before_undo(home)
	p = home.shell(line)
	assert p.err == "" or "--adopt" in line or "--undo-" in line, p.err
	if "--adopt" in line:
		assert p.err.count("nothing is deleted") == 1, p.err
	if " sync" in line and "-n" not in line.split():
		assert re.match(r"work: (nothing to do|pulled|pushed).*; "
		    r"\d+ round trips, .* s$", p.out.splitlines()[-1]), p.out
		home.compare()
	if "--force-deletes" in line:
		with home.imap() as imap:
			assert not imap.messages("INBOX", False)
	if "--undo-deletes" in line:
		assert "12 removals undone: " in p.err, p.err
		assert len(home.maildir.files("INBOX")) == 12


def run_command(home, line):
	first = line.split()[0]
	if first == "apt-get":
		assert line == FIRST
	elif first == "make":
		make_command(home, line)
	elif first == "mailtern":
		mailtern_command(home, line)
	elif first == "man":
		if shutil.which("mandoc"):
			assert home.shell("mandoc -T utf8 " +
			    line.split()[1]).out
	elif first == "notmuch":
		assert line.split()[1] in ("setup", "config", "new"), line
		if line == "notmuch setup":	# name, address, more, top
			line = "printf 'A\\na@example.org\\n\\n%s/Mail" \
			    "\\n\\n\\n' \"$HOME\" | notmuch setup"
		if shutil.which("notmuch"):
			home.shell(line)
	elif first == "${EDITOR:-vi}" or first in ("pass", "mkdir", "cp",
	    "chmod"):
		home.shell(line)
	else:
		raise AssertionError("how is this tested? " + line)


def test_blocks_are_known():
	assert read("README").count("\n```") == 2 * len(blocks())
	for kind, text in blocks():
		assert kind in KINDS, "%r: %s" % (kind, text)
	assert len(commands()) >= 20


def test_commands_as_a_newcomer_types_them(home):
	for line in commands():
		run_command(home, line)
	assert os.stat(home.home + "/.config/mailtern/syncrc").st_mode \
	    & 0o777 == 0o600
	if shutil.which("notmuch"):
		said = home.shell("notmuch new")
		assert ".mailtern" not in said.out + said.err, said.out
		assert home.shell("notmuch count '*'").out == "12\n"


def test_two_commands_are_there():
	text = read("README")
	assert FIRST in text
	assert "make check" in commands()


def test_other_commands_of_the_manual(ready):
	"""The one-line displays of mailtern(1) that show a command."""
	lines = re.findall(r"^\.Dl \$ (.*)$", read("man/mailtern.1"), re.M)
	assert len(lines) >= 2
	for line in lines:
		if "--ignore" in line or "restore" in line:
			p = ready.shell(line, rc=64)
			assert re.search("there is no (item 3|entry 712)",
			    p.err), p.err
			continue
		p = ready.shell(line)
		assert p.err == "", p.err


def cron_lines():
	lines = [s for b in blocks("crontab") for s in b.splitlines()]
	lines += re.findall(r"^\.Dl (\*/.*)$", read("man/mailtern.1"), re.M)
	assert len(lines) >= 2
	return lines


def test_cron_stays_silent(ready):
	shut = free_ports(1)[0]
	for line in cron_lines():
		when, command = re.match(r"((?:\S+ ){5})(.*)", line).groups()
		assert re.fullmatch(r"[0-9*/, -]+", when), line
		command = command.replace("/usr/local/bin/", "")
		ready.away(ready.server.tls_port)
		p = ready.shell(command)
		assert p.out == p.err == ""
		ready.away(shut)
		p = ready.shell(command, rc=75)
		assert p.out == p.err == ""


def test_hook_lets_notmuch_go_on(ready):
	for text in blocks("hook"):
		assert text.startswith("#!/bin/sh\n")
		ready.shell(text)
		ready.away(free_ports(1)[0])
		ready.shell(text)


def test_mutt_lines(ready):
	for text in blocks("muttrc"):
		for inner in re.findall(r"`(.*?)`", text):
			boxes = re.findall(r'"(.*?)"', ready.shell(inner).out)
			assert sorted(boxes) == sorted(ready.maildir.root + "/"
			    + s for s in ("Drafts", "INBOX", "Sent", "Trash",
			    "lists/foo"))
		assert re.fullmatch(r"(set \w+ += \S+\n|mailboxes .*\n)+", text)
		with open(ready.dir + "/muttrc", "w") as f:
			f.write(text)
		for mutt in filter(shutil.which, ("mutt", "neomutt")):
			p = ready.shell(mutt + " -n -F %s/muttrc -Q folder -Q "
			    "spoolfile -Q record -Q trash" % ready.dir)
			assert "Mail/work" in p.out and p.err == "", p.err


def test_all_comes_back_if_both_are_put_aside(ready):
	"""What README says to do when held removals were not meant."""
	before_force(ready)
	ready.shell("cd && mv Mail/work away && "
	    "mv .local/state/mailtern/work.db away.db && mailtern sync")
	ready.compare()
	with ready.imap() as imap:
		assert len(imap.messages("INBOX", False)) == 12


@pytest.mark.parametrize("what", ["Mail/work",
    ".local/state/mailtern/work.db"])
def test_old_copy_put_back(ready, what):
	"""README: a Maildir or an index from before is noticed and merged."""
	ready.shell("cd && cp -a %s old" % what)
	with ready.imap() as imap:
		ready.append(imap, "INBOX", "later")
	ready.shell("mailtern sync")
	ready.shell("cd && rm -rf %s && mv old %s" % (what, what))
	p = ready.shell("mailtern sync")
	assert "nothing is deleted" in p.err + p.out
	ready.compare()
	with ready.imap() as imap:
		assert len(imap.messages("INBOX", False)) == 13


# -- examples of a configuration --

def unroff(text):
	text = re.sub(r"^\.(Bd|Ed).*(\n|\Z)", "", text, flags=re.M)
	return text.replace(r"\(dq", '"').replace(r"\(aq", "'") \
	    .replace(r"\e", "\\").replace(r"\&", "")


def manual_examples():
	text = read("man/syncrc.5")
	found = re.findall(r"^\.Bd -literal.*?^\.Ed", text, re.M | re.S)
	found += re.findall(r"^\.Dl (\S+ = .*)$", text, re.M)
	return [unroff(e) for e in found]


REST = {"host": "h.example.org", "user": "u", "password-command": "echo pw",
    "maildir": "~/Mail/other"}


def completed(example):
	"""A file that can be read: what an example leaves out, put in."""
	if re.search(r"^account ", example, re.M):
		return example
	inside = "" if example.lstrip().startswith("defaults") else example
	have = set(re.findall(r"^\s*([a-z-]+) =", inside, re.M))
	rest = "".join('\t%s = "%s"\n' % (k, v) for k, v in REST.items()
	    if k not in have and not (k == "host" and "tunnel" in have))
	return "%s\naccount other {\n%s\n%s}\n" % (
	    "" if inside else example, inside, rest)


def uncommented():
	"""syncrc.example as it is, then with each commented key in use."""
	text = read("syncrc.example")
	yield text
	for m in re.finditer(r"^(\t)#([a-z-]+ = .*)$", text, re.M):
		new = text[:m.start()] + "\t" + m[2] + text[m.end():]
		if m[2].startswith("password ="):
			new = re.sub(r"^\tpassword-command.*\n", "", new,
			    flags=re.M)
		yield new.replace("ab:cd:...", ":".join(["ab"] * 32))
	for m in re.finditer(r"^#(account|defaults) .*?^#}$", text,
	    re.M | re.S):
		yield text[:m.start()] + re.sub("^#", "", m[0], flags=re.M) \
		    + text[m.end():]


EXAMPLES = [("README", e) for e in blocks("syncrc")] \
    + [("syncrc.5", e) for e in manual_examples()] \
    + [("syncrc.example", e) for e in uncommented()]


def test_there_are_examples():
	for name, least in (("README", 2), ("syncrc.5", 5),
	    ("syncrc.example", 10)):
		assert len([e for n, e in EXAMPLES if n == name]) >= least


@pytest.mark.parametrize("name,example", EXAMPLES,
    ids=["%s-%d" % (n, i) for i, (n, e) in enumerate(EXAMPLES)])
def test_example_loads(home, name, example):
	text = completed(example)
	with open(home.conf, "w") as f:
		f.write(text)
	os.chmod(home.conf, 0o600)
	p = home.shell("mailtern -c '%s' status" % home.conf)
	names = re.findall(r"^account (\S+)", text, re.M)
	assert p.err == "", p.err
	assert p.out.count("never in sync") == len(names), p.out


# -- options, keys, exit statuses --

def help_text():
	return subprocess.run([program(), "--help"], check=True,
	    stdout=subprocess.PIPE).stdout.decode()


def help_options():
	found = set()
	for line in help_text().splitlines():
		m = re.match(r"\s+((?:-\w(?: [A-Z]+)?)?(?:, )?(?:--[\w-]+(?: [A-Z/]+)?)?)"
		    r"\s\s+", line)
		if m:
			found |= set(re.findall(r"--?[\w-]+", m[1]))
	return found


def manual_options():
	found = set()
	for line in re.findall(r"^\.It Fl (.*)$", read("man/mailtern.1"), re.M):
		for word in re.split(r" *, *", line):
			found.add("-" + word.split()[0])
	return found


def test_options_agree():
	options = help_options()
	assert {"-c", "-q", "-v", "-n", "--dry-run", "--adopt", "--full",
	    "--force-deletes", "--json", "--help", "-h"} <= options
	assert manual_options() == options
	said = re.findall(r"\.Fl ([^.\n]*)", read("man/mailtern.1"))
	for word in re.findall(r"(?<!\S)-?[a-z][\w-]*", " ".join(said)):
		if word.startswith("-"):
			assert "-" + word in options, word


def test_readme_options_are_known():
	"""But for those that it names as not there."""
	there, missing = read("README").split("## What is not there yet")
	missing, after = missing.split("## The source tree")
	options = help_options()
	for word in re.findall(r"`(--[\w-]+)`", there + after):
		assert word in options, word
	for word in re.findall(r"`(--[\w-]+)`", missing):
		assert word not in options, word
	for line in commands() + [c.split(" ", 5)[5] for c in cron_lines()]:
		if "mailtern " in line and not line.startswith("make"):
			for word in re.findall(r" (--?\w[\w-]*)", line):
				assert word in options, line


def test_commands_agree():
	shown = set(re.findall(r"^  ([a-z]+)\b", help_text(), re.M))
	in_manual = set(re.findall(r"^\.It Cm ([a-z]+)", read(
	    "man/mailtern.1"), re.M))
	assert shown == in_manual and {"sync", "status"} <= shown


def test_exit_statuses_agree():
	readme = re.findall(r"^\| (\d+) \|", read("README"), re.M)
	manual = re.search(r"^\.Sh EXIT STATUS(.*?)^\.Sh", read(
	    "man/mailtern.1"), re.M | re.S)[1]
	assert readme == re.findall(r"^\.It (\d+)", manual, re.M)
	summary = re.search(r"Exit status: (.*?)\.\n", help_text(), re.S)[1]
	assert readme == re.findall(r"\b(\d+) ", summary)
	order = r"first of [\d, ]*(?:and \d+)?"
	assert re.findall(r"\d+", re.search(order, read("README"))[0]) \
	    == re.findall(r"\d+", re.search(order, manual)[0])


def keys(event):
	return {k: sorted(v) if isinstance(v, dict) else None
	    for k, v in event.items()}


def manual_events():
	"""The objects that mailtern(1) shows, by their "event"."""
	found = {}
	for text in re.findall(r"^\.Bd -literal.*?^\.Ed", read(
	    "man/mailtern.1"), re.M | re.S):
		for one in re.findall(r"^\{\"event.*?\}$", text,
		    re.M | re.S):
			event = json.loads(one)
			found[event["event"]] = keys(event)
	return found


def test_json_is_as_the_manual_shows(ready):
	shown = manual_events()
	del shown["syncrc"], shown["imported"]	# test_import.py
	assert set(shown) == {"summary", "problem", "note", "item", "op",
	    "status", "log", "restore", "finding", "verified",
	    "repaired"}
	seen = {}
	with ready.imap() as imap:
		ready.append(imap, "INBOX", "soon gone")
	ready.shell("mailtern sync")
	with ready.imap() as imap:
		imap.expunge("INBOX", [max(imap.messages("INBOX"))])
	ready.shell("mailtern sync")
	for event in map(json.loads, ready.shell(
	    "mailtern --json log --removed").out.splitlines()):
		seen[event["event"]] = keys(event)
	for event in map(json.loads, ready.shell("mailtern --json restore %s %d"
	    % (event["account"], event["id"])).out.splitlines()):
		seen[event["event"]] = keys(event)
	with ready.imap() as imap:
		ready.append(imap, "INBOX", "later")
	shut = free_ports(1)[0]
	os.rmdir(ready.maildir.root + "/INBOX/tmp")
	for line, port, rc in (("verify --offline --repair", 0, 0),
	    ("sync -n", 0, 0), ("sync", shut, 75),
	    ("sync", 0, 0), ("status", 0, 0), ("sync --adopt", 0, 0),
	    ("sync", 0, 1), ("verify --offline", 0, 1)):
		ready.away(port or ready.server.tls_port)
		if rc == 1 and line == "sync":
			os.rename(ready.maildir.root + "/INBOX/cur",
			    ready.maildir.root + "/INBOX/was")
		if "--adopt" in line:
			shutil.rmtree(ready.maildir.root)
		p = ready.shell("mailtern --json " + line, rc=rc)
		for event in map(json.loads, p.out.splitlines()):
			seen.setdefault(event["event"], keys(event))
	assert seen == shown


def known_keys():
	"""As the table of the program has them."""
	text = read("src/conf/account.c")
	found = set(re.findall(r'(?:KEY_[A-Z]+\(|\.name = )"([a-z-]+)"', text))
	assert len(found) >= 10
	return found


def test_keys_agree():
	manual = set(re.findall(r"^\.It Ic ([a-z-]+) No =", read(
	    "man/syncrc.5"), re.M))
	assert manual == known_keys()


def test_each_key_is_known_to_the_program(home):
	"""A bad value is another error than an unknown key."""
	for key in sorted(known_keys()) + ["nosuchkey"]:
		with open(home.conf, "w") as f:
			f.write("account x {\n\t%s = 'x'\n}\n" % key)
		os.chmod(home.conf, 0o600)
		p = home.shell("mailtern -c '%s' status" % home.conf, rc=78)
		assert ("there is no key" in p.err) == (key == "nosuchkey"), \
		    p.err


def test_width():
	for name in ("README", "test/README", "syncrc.example"):
		for n, line in enumerate(read(name).splitlines(), 1):
			assert len(line.expandtabs(8)) <= 80, "%s:%d" % (name,
			    n)
