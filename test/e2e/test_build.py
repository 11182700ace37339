"""What a packager does with the tree: install and uninstall into any
directories, build with flags and tools of their own, make a tar file."""

import os
import re
import shutil
import stat
import subprocess

import pytest

from schemas import SCHEMAS
from world import ROOT, program

BUILT = os.path.dirname(os.path.abspath(program()))


def make(*args, rc=0, **env):
	"""Without what a make around us tells; "-o all": it is built."""
	base = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS",
	    "MFLAGS", "MAKELEVEL", "O", "CFLAGS", "CPPFLAGS", "LDFLAGS",
	    "DESTDIR", "PREFIX", "prefix")}
	p = subprocess.run(("make", "--no-print-directory", "-C", ROOT,
	    "-o", "all") + args,
	    env=dict(base, **env), stdout=subprocess.PIPE,
	    stderr=subprocess.PIPE, text=True, timeout=300)
	assert (p.returncode == 0) == (rc == 0), p.stdout + p.stderr
	return p


def files(top):
	return sorted(os.path.relpath(os.path.join(d, name), top)
	    for d, _, names in os.walk(top) for name in names)


def read(name):
	with open(ROOT + "/" + name, encoding="utf-8") as f:
		return f.read()


# -- installing --

USUAL = ["bin/mailtern", "share/doc/mailtern/COPYING",
    "share/doc/mailtern/README", "share/doc/mailtern/syncrc.example",
    "share/man/man1/mailtern.1", "share/man/man5/syncrc.5"] + [
    "share/mailtern/schemas/%s.json" % event for event in SCHEMAS]


@pytest.mark.parametrize("given, prefix", [
    ((), "usr/local/"), (("PREFIX=/opt/m",), "opt/m/"),
    (("prefix=/usr",), "usr/")])
def test_install_and_uninstall(tmp_path, given, prefix):
	top = str(tmp_path)
	args = ("O=" + BUILT, "DESTDIR=" + top) + given
	make("install", *args)
	assert files(top) == sorted(prefix + name for name in USUAL)
	mode = {name: stat.S_IMODE(os.stat(top + "/" + prefix + name).st_mode)
	    for name in USUAL}
	assert mode.pop("bin/mailtern") == 0o755
	assert set(mode.values()) == {0o644}, mode
	own = top + "/" + prefix + "share/man/man1/other.1"
	open(own, "w").close()
	make("uninstall", *args)
	assert files(top) == [prefix + "share/man/man1/other.1"]
	for name in ("doc/mailtern", "mailtern"):
		assert not os.path.exists(top + "/" + prefix + "share/" + name)
	make("uninstall", *args)	# nothing is there: no error


def test_directories_of_others(tmp_path):
	top = str(tmp_path)
	args = ("O=" + BUILT, "DESTDIR=" + top, "bindir=/b", "mandir=/m",
	    "docdir=/d", "schemadir=/s")
	make("install", *args)
	assert files(top) == ["b/mailtern", "d/COPYING", "d/README",
	    "d/syncrc.example", "m/man1/mailtern.1", "m/man5/syncrc.5"] + [
	    "s/%s.json" % event for event in SCHEMAS]
	make("uninstall", *args)
	assert files(top) == []


# -- building --

ALL = ["libconfuse-dev", "libgsasl-dev", "libjansson-dev", "libsqlite3-dev",
    "libssl-dev", "libuv1-dev", "uthash-dev", "zlib1g-dev"]


def test_missing_libraries_are_named(tmp_path):
	"""No directory to look in: no header is there."""
	p = make("O=%s/o" % tmp_path, "CPPFLAGS=-nostdinc -I%s" % tmp_path,
	    "%s/o/src/base/os.o" % tmp_path, rc=2)
	said = re.findall(r"^(\S+) not found: install (\S+)$", p.stderr, re.M)
	assert sorted(package for _, package in said) == ALL
	assert ("uv.h", "libuv1-dev") in said
	assert "CC" not in p.stdout, p.stdout


def wrapped(tmp_path, body):
	"""A pkg-config that writes down how it was called."""
	path = str(tmp_path / "pkg-config")
	with open(path, "w") as f:
		f.write('#!/bin/sh\necho "$*" >>%s.log\n%s\n' % (path, body))
	os.chmod(path, 0o755)
	return path


def test_missing_pc_file_is_named(tmp_path):
	tool = wrapped(tmp_path, "case $* in *--exists*libuv*) exit 1;; esac")
	p = make("O=%s/o" % tmp_path, "PKG_CONFIG=" + tool,
	    "%s/o/src/base/os.o" % tmp_path, rc=2)
	assert "libuv.pc not found: install libuv1-dev\n" in p.stderr
	p = make("O=%s/o" % tmp_path, "PKG_CONFIG=/nowhere/pkg-config",
	    "%s/o/src/base/os.o" % tmp_path, rc=2)
	assert "/nowhere/pkg-config not found: install pkg-config\n" \
	    in p.stderr


def test_flags_of_others_are_used(tmp_path):
	"""pkg-config is asked once for all objects; its flags and those of the
	command line come to the compiler, the command line's last."""
	tool = wrapped(tmp_path, "case $1 in --cflags) echo -DFROM_PC;; esac")
	p = make("O=%s/o" % tmp_path, "PKG_CONFIG=" + tool, "V=1",
	    "CPPFLAGS=-DFROM_CPP -D_FORTIFY_SOURCE=1", "CFLAGS=-O1 -DFROM_C",
	    "%s/o/libbase.a" % tmp_path)
	with open(tool + ".log") as f:
		asked = [line.split()[0] for line in f]
	assert asked.count("--cflags") == 1 and len(asked) <= 2, asked
	lines = [line for line in p.stdout.splitlines() if " -c " in line]
	assert len(lines) >= 8
	for line in lines:
		words = line.split()
		order = [words.index(w) for w in ("-Iinclude", "-DFROM_PC",
		    "-DFROM_CPP", "-O1", "-DFROM_C")]
		assert order == sorted(order), line
		assert "-O2" not in words
		assert "-D_FORTIFY_SOURCE=3" not in words


def test_hand_made_libraries(tmp_path):
	"""No pkg-config at all, where LIB_LIBS says what it would."""
	make("O=%s/o" % tmp_path, "PKG_CONFIG=/nowhere/pkg-config",
	    "LIB_CFLAGS=", "LIB_LIBS=-lz", "%s/o/src/base/os.o" % tmp_path)


def test_suites_are_left_out_by_name(tmp_path):
	"""Nothing is installed; who lacks a package is told its name."""
	def suites(**env):
		p = subprocess.run([ROOT + "/.ci/deps", "-s", "unit", "e2e",
		    "rounds", "hardening"], env=dict(os.environ, **env),
		    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
		    check=True)
		return p.stdout.split(), p.stderr.splitlines()

	assert "e2e" in suites()[0]		# it is what runs here
	assert suites(CPPFLAGS="-nostdinc -I%s" % tmp_path) == (["e2e",
	    "rounds", "hardening"],
	    ["unit: skipped: not installed: libcmocka-dev"])
	assert suites(PYTHON="/nowhere/python3") == (["unit", "hardening"],
	    ["e2e: skipped: not installed: python3 python3-pytest "
	    "python3-jsonschema",
	    "rounds: skipped: not installed: python3"])
	assert "apt-get" not in make("-n", "check", "O=" + BUILT).stdout


# -- versions and tar files --

def version():
	return re.search(r"^VERSION\s*= (\S+)$", read("Makefile"), re.M)[1]


def test_one_version():
	said = subprocess.run([program(), "--version"], text=True,
	    stdout=subprocess.PIPE, check=True).stdout
	assert said == "mailtern %s\n" % version()
	assert "This is version %s." % version() in read("README")
	for page in ("man/mailtern.1", "man/syncrc.5"):
		assert "\n.Os mailtern %s\n" % version() in read(page)


def test_tar_file_is_the_same_again(tmp_path):
	"""One commit, one sequence of bytes, whoever makes it."""
	if not os.path.exists(ROOT + "/.git") or not shutil.which("git"):
		pytest.skip("no git checkout here")
	home = tmp_path / "home"
	home.mkdir()
	(home / ".gitconfig").write_text("[tar]\n\tumask = 077\n"
	    "[safe]\n\tdirectory = *\n")
	made = []
	for name, env in (("a", {"TZ": "UTC", "LC_ALL": "C"}), ("b", {
	    "TZ": "Asia/Tokyo", "HOME": str(home), "GZIP": "-1"})):
		top = str(tmp_path / name)
		p = make("dist", "O=" + top, **env)
		tar = "%s/mailtern-%s.tar.gz" % (top, version())
		assert p.stdout.splitlines()[-1] == tar
		with open(tar, "rb") as f:
			made.append(f.read())
	assert made[0] == made[1]
	assert made[0][4:8] == bytes(4)		# gzip: no date
	names = subprocess.run(["tar", "tzf", tar], stdout=subprocess.PIPE,
	    text=True, check=True).stdout.splitlines()
	top = "mailtern-%s/" % version()
	assert all(n.startswith(top) for n in names)
	for name in ("Makefile", "README", "COPYING", "src/base/os.c"):
		assert top + name in names
