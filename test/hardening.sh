#!/bin/sh
# Reads off the binary that it was built as it should be: position independent,
# read-only relocations bound at once, no executable stack, stack protector and
# fortified calls in use.
set -eu
f=$1
bad=0
want() {
	if eval "$2" >/dev/null; then
		echo "hardening: $1: yes"
	else
		echo "hardening: $1: NO"
		bad=1
	fi
}
want PIE "readelf -h $f | grep -q 'Type:.*DYN'"
want RELRO "readelf -lW $f | grep -q GNU_RELRO"
want BIND_NOW "readelf -dW $f | grep -Eq 'BIND_NOW|NOW'"
want 'no executable stack' "readelf -lW $f | grep GNU_STACK | grep -vq 'RWE'"
want 'no text relocations' "! readelf -dW $f | grep -q TEXTREL"
want 'stack protector' "readelf -sW --dyn-syms $f | grep -q __stack_chk_fail"
if readelf -sW --dyn-syms "$f" | grep -q __asan_init; then
	echo "hardening: FORTIFY: not with sanitizers"
else
	want FORTIFY "readelf -sW --dyn-syms $f | grep -Eq '__[a-z]+_chk@'"
fi
exit $bad
