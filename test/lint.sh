#!/bin/sh
# What can be said about the sources without running them. What is counted, and
# the ladder of modules: lint/measure.py, which reads objects, too (O). Here:
# which library is named where, headers that stand alone, banned calls, manual
# pages.
set -eu
cd "$(dirname "$0")/.."
bad=0
fail() {
	echo "lint: $*" >&2
	bad=1
}

${PYTHON:-/usr/bin/python3} -B test/lint/measure.py --objects "${O:-build}" ||
    bad=1

# Each library in its places.
named() {
	grep -El "#include <($1)" -r src include | grep -Ev "$2" &&
	    fail "<$1...> is named outside $2" || :
}
named 'sqlite3' '^src/index/'
named 'openssl/' '^(src|include)/net/|^src/mail/fingerprint.c'
named 'zlib' '^src/net/'
named 'uv\.h' '^(src|include)/(loop|net)/'
named 'gsasl' '^src/imap/'
named 'confuse' '^src/conf/'
named 'jansson' '^src/ui/'

# Each header of a module or a room stands alone.
for dir in include src/*; do
	for h in "$dir"/*/*.h; do
		[ -e "$h" ] || continue
		printf '#include "%s"\n' "${h#"$dir"/}" |
		    ${CC:-cc} -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror \
		    -Iinclude -I"$dir" -fsyntax-only -xc - ||
		    fail "$h does not stand alone"
	done
done
for h in include/*/*.h; do
	guard=$(echo "${h#include/}" | tr 'a-z/.' 'A-Z__')
	grep -q "^#ifndef $guard$" "$h" || fail "$h: the guard is not $guard"
done

# What only some systems have, or have in their own way: base/os.c does it.
only_some='__linux__|__APPLE__|__FreeBSD__|__GLIBC__|\bstrerror_r\(|'
only_some="$only_some"'\b(renameat2|syncfs|fsync|pipe2|prctl|mallopt)\(|'
only_some="$only_some"'\b(syscall|explicit_bzero|secure_getenv)\(|O_PATH|'
only_some="$only_some"'pthread_setname_np|'
only_some="$only_some"'st_[amc]tim\b|fstatfs|TCP_QUICKACK|'
only_some="$only_some"'<(endian|malloc|netinet/tcp)\.h>|'
only_some="$only_some"'<sys/(prctl|vfs|statfs|syscall|random|utsname)\.h>'
grep -nE "$only_some" -r src include |
    grep -Ev '^(src|include)/base/os\.[ch]:' &&
    fail 'base/os.h is for that' || :

# Calls that have no bound, or hide where they allocate.
grep -nE '\b(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|gets|alloca)\(' \
    -r src include && fail 'banned calls' || :

# Each mutant still finds the text that it breaks.
${PYTHON:-/usr/bin/python3} -B test/mutants.py --check || bad=1

if command -v mandoc >/dev/null; then
	mandoc -T lint -W warning man/*.[0-9] || fail 'manual pages'
fi
[ "$bad" = 0 ] && echo 'lint: clean'
exit $bad
