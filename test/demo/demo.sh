#!/bin/sh
# A tour in half a minute: a throwaway mail server on 127.0.0.1, a mailbox, and
# mailtern between it and a Maildir. Every command is shown as it is run. At
# the end an independent client compares both sides; any difference fails the
# demo. Nothing is left behind.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
program=${MAILTERN:-$here/../../build/mailtern}
if [ ! -x "$program" ]; then
	echo "demo: there is no $program; run make first" >&2
	exit 1
fi
program=$(cd "$(dirname "$program")" && pwd)/$(basename "$program")

python=${PYTHON:-/usr/bin/python3}
dir=$(mktemp -d "${TMPDIR:-/tmp}/mailtern-demo.XXXXXX")
server=

finish() {
	status=$?
	trap '' EXIT HUP INT TERM
	exec 3>&- || :
	if [ -n "$server" ]; then
		kill "$server" 2>/dev/null || :
		wait "$server" 2>/dev/null || :
	fi
	rm -rf "$dir"
	exit $status
}
trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

bold= plain=
if [ -t 1 ] && [ "${TERM:-dumb}" != dumb ]; then
	bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi

heading() {
	printf '\n%s== %s%s\n' "$bold" "$*" "$plain"
}

# Shows a command, then runs it.
run() {
	printf '%s$ %s%s\n' "$bold" "$*" "$plain"
	eval "$*"
}

# The server lives as long as the other end of its stdin. It may not share our
# directory: it runs as another user when we are root.
chmod 755 "$dir"
mkfifo "$dir/alive"
"$python" -B "$here/../lib/dovecot.py" "$dir/server" <"$dir/alive" \
    >"$dir/server.log" 2>&1 &
server=$!
exec 3>"$dir/alive"
tries=0
until [ -f "$dir/server/server.env" ]; do
	tries=$((tries + 1))
	if [ $tries -gt 400 ] || ! kill -0 "$server" 2>/dev/null; then
		echo "demo: the mail server does not start:" >&2
		cat "$dir/server.log" >&2
		exit 1
	fi
	sleep 0.05
done
. "$dir/server/server.env"
far() {
	"$python" -B "$here/demo.py" "$1" "$PORT" "$HOME/Mail"
}

# What a user would have: a home, a configuration, mailtern in the PATH.
HOME=$dir/home
XDG_CONFIG_HOME=$HOME/.config
XDG_STATE_HOME=$HOME/.local/state
mkdir -p "$XDG_CONFIG_HOME/mailtern" "$dir/bin"
ln -s "$program" "$dir/bin/mailtern"
PATH=$dir/bin:$PATH
export HOME XDG_CONFIG_HOME XDG_STATE_HOME PATH
echo pw >"$HOME/.password"
chmod 600 "$HOME/.password"
cat >"$XDG_CONFIG_HOME/mailtern/syncrc" <<END
account demo {
    host = 127.0.0.1
    port = $TLS_PORT
    user = "jane"
    password-command = "cat ~/.password"
    tls-ca-file = "$CA"
    maildir = "~/Mail"
}
END
cd "$HOME"

heading "A mail server with Jane's mailbox is running on 127.0.0.1 (TLS)"
far fill
run cat .config/mailtern/syncrc

heading "The first sync brings everything here"
run mailtern sync
run "find Mail -type d -name cur -printf '%P\n' | sort"
run "find Mail -type f -path '*/new/*' | wc -l   # unread"

heading "Offline: read one, flag one, delete one, write one, file one away"
run cd Mail/INBOX
read_it=$(ls new | head -n 1)
flag_it=$(ls cur | sed -n 2p)
gone=$(ls cur | sed -n 3p)
file_it=$(ls cur | sed -n 4p)
flagged=$(printf '%s' "$flag_it" | sed 's/:2,/:2,F/')
run mv "new/$read_it" "'cur/${read_it%%:2,*}:2,S'"
run mv "'cur/$flag_it'" "'cur/$flagged'"
run rm "'cur/$gone'"
run cd ../..
run mkdir -p Mail/Receipts/cur Mail/Receipts/new Mail/Receipts/tmp
run mv "'Mail/INBOX/cur/$file_it'" Mail/Receipts/cur/
run "printf 'From: jane@example.org\nTo: max@example.org\nSubject: Sunday?\n\nTea at four?\n' >Mail/Drafts/cur/1700000000.M1.jane:2,DS"

heading "What is waiting to be sent (this needs no network)"
run mailtern status

heading "Online again: the changes reach the server"
run mailtern sync

heading "Meanwhile on the server: a phone, and new mail"
far change

heading "These come back with the next sync"
run mailtern sync

heading "One more finds nothing to do"
run mailtern sync

heading "An independent client compares the server with ~/Mail"
far compare
