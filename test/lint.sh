#!/bin/sh
# lint.sh MODULE...: what can be said about the sources without running them.
# The ladder of modules, which library is named where, headers that stand
# alone, sizes, banned calls, manual pages.
set -eu
cd "$(dirname "$0")/.."
bad=0
fail() {
	echo "lint: $*" >&2
	bad=1
}

# A module may include itself and what stands behind the colon.
ladder='
base:
mail: base
loop: base
net: loop base
imap: net loop mail base
maildir: mail base
index: mail base
conf: base
ui: base
plan: mail base
sync: plan imap net loop maildir index conf mail base
cmd: sync ui conf loop mail base
'
rooms='core observe match apply run'
for m in "$@"; do
	may=$(echo "$ladder" | sed -n "s/^$m: *//p")
	for f in src/"$m"/*.[ch] src/"$m"/*/*.[ch] include/"$m"/*.h; do
		[ -e "$f" ] || continue
		case $f in src/sync/*) may="$rooms $may" ;; esac
		for inc in $(sed -n 's/^#include "\([a-z]*\)\/.*/\1/p' "$f" |
		    sort -u); do
			case " $m $may " in
			*" $inc "*) ;;
			*) fail "$f includes $inc/, which $m may not" ;;
			esac
		done
	done
done

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

# Each header stands alone, and guards itself.
for h in include/*/*.h; do
	guard=$(echo "${h#include/}" | tr 'a-z/.' 'A-Z__')
	grep -q "^#ifndef $guard$" "$h" || fail "$h: the guard is not $guard"
	printf '#include "%s"\n' "${h#include/}" |
	    ${CC:-cc} -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -Iinclude \
	    -fsyntax-only -xc - || fail "$h does not stand alone"
done

# Calls that have no bound, or hide where they allocate.
grep -nE '\b(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|gets|alloca)\(' \
    -r src include && fail 'banned calls' || :

wc -l src/*.c src/*/*.[ch] src/*/*/*.[ch] include/*/*.h | awk '$2 != "total" && $1 > 800 {
    print "lint: " $2 " has " $1 " lines"; bad = 1 } END { exit bad }' || bad=1

# Functions over 80 lines, but for one flat switch: those are listed here.
if command -v ctags >/dev/null && ctags --version | grep -q Universal; then
	ctags --languages=C --kinds-C=f --fields=+ne -o - src/*.c src/*/*.c src/*/*/*.c |
	    awk -F'\t' '{ n = e = 0
	    for (i = 4; i <= NF; i++) {
		if ($i ~ /^line:/) n = substr($i, 6)
		if ($i ~ /^end:/) e = substr($i, 5)
	    }
	    if (e - n + 1 > 80) { print "lint: " $2 ": " $1 " has " \
		e - n + 1 " lines"; bad = 1 } } END { exit bad }' || bad=1
fi

if command -v mandoc >/dev/null; then
	mandoc -T lint -W warning man/*.[0-9] || fail 'manual pages'
fi
[ "$bad" = 0 ] && echo 'lint: clean'
exit $bad
