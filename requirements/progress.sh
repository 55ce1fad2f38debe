#!/bin/sh
# progress.sh TEXT COMMAND...: runs the command. On a terminal it draws a moving bar and the seconds passed; elsewhere it prints the text once.
# What the command prints is shown only if it fails.
text=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if [ ! -t 1 ]; then
    printf '· %s\n' "$text"
    "$@" >"$log" 2>&1 || { status=$?; cat "$log" >&2; exit "$status"; }
    exit 0
fi
"$@" >"$log" 2>&1 &
pid=$!
trap 'kill "$pid" 2>/dev/null; rm -f "$log"; exit 130' INT TERM
seconds=0
while kill -0 "$pid" 2>/dev/null; do
    place=$((seconds % 10))
    printf '\r· %s [%*s===%*s] %d s ' "$text" "$place" '' $((9 - place)) '' "$seconds"
    sleep 1
    seconds=$((seconds + 1))
done
wait "$pid"
status=$?
printf '\r· %s %-16s %d s\n' "$text" '' "$seconds"
[ "$status" -eq 0 ] || cat "$log" >&2
exit "$status"
