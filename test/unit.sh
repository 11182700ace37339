#!/bin/sh
# unit.sh NAME TEST...: runs these programs, tests of "make NAME", JOBS at a
# time. What failed is shown, with the command that repeats it; the last line
# has the counts, of tests and of the ways that flows were gone (flow.h).
set -u
name=$1
shift
passed=0 done=0 failed=
rm -f $(printf '%s.rc ' "$@")
if [ "${JOBS:-1}" -gt 1 ]; then
	printf '%s\n' "$@" | xargs -P "$JOBS" -I {} \
	    sh -c '"$1" >"$1.log" 2>&1; echo $? >"$1.rc"' run {}
fi
for t in "$@"; do
	# One that dies says nothing of tests that passed.
	n=0
	if [ ! -e "$t.rc" ]; then
		"$t" >"$t.log" 2>&1
		echo $? >"$t.rc"
	fi
	if [ "$(cat "$t.rc")" = 0 ] && ! grep -q 'FAILED TEST' "$t.log"; then
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
ways=$(for t in "$@"; do cat "$t.log"; done | sed 's/ of=/ /' | awk -F '[= ]' '
    /^ways=/ { gone += $2; all += $3 }
    END { if (all) printf " ways=%d of=%d", gone, all }')
echo "$name: files=$# done=$done passed=$passed$ways"
[ -z "$failed" ]
