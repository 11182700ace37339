#!/bin/sh
# musl.sh: everything is compiled with musl (musl-gcc), where warnings are
# errors. What needs no library, which are all built for glibc, is linked, and
# its unit tests run, with as much of cmocka as they use (test/musl/cmocka.h).
# The headers of the libraries are linked into a place of their own: where they
# lie, those of glibc lie, too. The tests are optimised, which drops what they
# don't call: it would need those libraries.
set -eu
cd "$(dirname "$0")/.."
if ! command -v musl-gcc >/dev/null; then
	echo 'musl: skipped: there is no musl-gcc (package musl-tools)'
	exit 0
fi

headers='openssl sqlite3.h uv uv.h confuse.h gsasl.h gsasl-mech.h
	gsasl-version.h jansson.h jansson_config.h zlib.h zconf.h utlist.h uthash.h
	linux asm asm-generic'
units='base_fs_test base_os_test base_portable_test base_text_test
	conf_pattern_test imap_reader_test imap_text_test imap_torture_test
	mail_flags_test mail_state_test mail_uidset_test maildir_folder_test
	maildir_name_test maildir_portable_test maildir_scan_test
	plan_folder_test plan_guard_test plan_message_test plan_worlds_test
	ui_progress_test'

out=build-musl
seen=
for from in /usr/include "/usr/include/$(cc -print-multiarch)"; do
	to=$out/include$(echo "$from" | tr / -)
	rm -rf "$to"
	mkdir -p "$to"
	seen="$seen -idirafter $to"
	for h in $headers; do
		[ ! -e "$from/$h" ] || ln -s "$from/$h" "$to/$h"
	done
done

"${MAKE:-make}" --no-print-directory O=$out CC=musl-gcc WERROR=1 SAN= \
    CPPFLAGS=-Itest/musl LIB_CFLAGS="$seen" LIB_LIBS= CMOCKA= \
    AS_THEY_ARE= UNIT="$(echo $units)" objects unit
