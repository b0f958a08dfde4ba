#!/bin/bash
# tools/run's comparison: it measures both sides, says what is wrong when a port is taken or a program is missing, and leaves
# no process and no file behind, also when it is stopped in the midst of it. Argument: tools/services/compare.py.
. "$(dirname "$0")/lib.sh"
need redis-server redis-server
need redis-benchmark redis-tools
need python3 python3
export PYTHONDONTWRITEBYTECODE=1 TMPDIR=$work/tmp
mkdir "$TMPDIR"
python=$(PATH=/usr/bin:$PATH command -v python3)
holder=
at_exit() {
    [ -z "$holder" ] || kill $holder 2>/dev/null || true
}

compare=$1
compare_services() {
    "$python" "$compare" --talus "$TALUS_PRELOAD" --service redis "$@"
}

# Processes that work in the folders of the comparison: the servers.
servers() {
    find /proc/[0-9]*/cwd -maxdepth 0 -lname "$TMPDIR/*" 2>/dev/null || true
}

nothing_left() { # after what
    local try
    for try in $(seq 1 50); do # whoever was killed may need a moment to go
        [ -n "$(servers)" ] || break
        sleep 0.1
    done
    [ -z "$(servers)" ] || fail "processes are left after $1: $(servers)"
    [ -z "$(ls -A "$TMPDIR")" ] || fail "files are left after $1: $(ls -A "$TMPDIR")"
}

compare_services --seconds 1 --rounds 1 --json >"$work/result" 2>"$work/progress" ||
    { tail -n 5 "$work/progress" >&2; fail "the comparison fails"; }
"$python" - "$work/result" <<'EOF' || fail "the result is not whole"
import json, sys
(service,) = json.load(open(sys.argv[1]))["services"]
assert service["service"] == "redis" and len(service["steps"]) == 10
for row in [*service["steps"], service["total"]]:
    for side in ("talus", "system"):
        assert row["rate"][side] > 0 and row["p99_ms"][side] > 0, row
assert min(service["total"]["peak_bytes"].values()) > 2**20
assert "talus mapped " in service["stats"]
EOF
grep -q 'round 1 of 1, on talus' "$work/progress" || fail "no progress is shown"
nothing_left "a run"

"$python" -c '
import socket, time
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
time.sleep(60)' >"$work/port" &
holder=$!
until [ -s "$work/port" ]; do sleep 0.05; done
port=$(cat "$work/port")
if compare_services --quick --port "$port" >"$work/said" 2>&1; then
    fail "port $port is taken, and it does not mind"
fi
grep -q "run: port $port on 127.0.0.1 cannot be used" "$work/said" || fail "a taken port: $(tail -n 3 "$work/said")"
nothing_left "a taken port"

if PATH=/nonexistent compare_services --quick >"$work/said" 2>&1; then
    fail "there is no redis, and it does not mind"
fi
grep -q 'run: redis .* is not installed: run tools/setup services' "$work/said" || fail "no redis: $(tail -n 3 "$work/said")"
nothing_left "a missing program"

"$python" "$compare" --talus "$TALUS_PRELOAD" --service redis --quick >"$work/said" 2>&1 &
run=$!
until [ -n "$(servers)" ]; do # which also shows that servers are seen
    kill -0 $run 2>/dev/null || fail "it ended early: $(tail -n 3 "$work/said")"
    sleep 0.05
done
kill -TERM $run
status=0
wait $run || status=$?
[ $status = 143 ] || fail "stopped by SIGTERM it ends with $status"
nothing_left "SIGTERM"
echo "measured, refused, stopped: nothing was left behind"
