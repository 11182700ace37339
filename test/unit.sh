#!/bin/sh
# unit.sh NAME TEST...: runs these programs, tests of "make NAME". What failed
# is shown, with the command that repeats it; the last line has the counts.
set -u
name=$1
shift
passed=0 done=0 failed=
for t in "$@"; do
	# One that dies says nothing of tests that passed.
	n=0
	if "$t" >"$t.log" 2>&1 && ! grep -q 'FAILED TEST' "$t.log"; then
		done=$((done + 1))
		n=$(sed -n 's/.*PASSED.* \([0-9]*\) test.*/\1/p' "$t.log" |
		    tail -n 1)
	else
		cat "$t.log"
		failed="$failed ${t##*/}"
	fi
	passed=$((passed + ${n:-0}))
	[ -z "${PROGRESS:-}" ] || echo "$done $# $(echo $failed | wc -w)" \
	    >"$PROGRESS"
done
for t in $failed; do
	echo "$name: repeat: make $name T=$t"
done
echo "$name: files=$# done=$done passed=$passed"
[ -z "$failed" ]
