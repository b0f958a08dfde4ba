#!/bin/bash
# redis-server on talus: a scripted session of all types of values gives the same replies and the same dataset as on
# libc's malloc, through background saves (fork), reloads, scripts and deletions. Debian's redis is linked to
# jemalloc: for the system side libc's malloc is put in front.
. "$(dirname "$0")/lib.sh"
need redis-server redis-server
need redis-cli redis-tools
jobs=$(realpath "$(dirname "$0")/jobs")

server=
at_exit() {
    [ -z "$server" ] || kill -9 "$server" 2>/dev/null || true
}

libc=$(ldd "$(command -v redis-server)" | awk '$1 ~ /^libc\.so/ { print $3 }')
[ -e "$libc" ] || fail "the libc of redis-server is not to be found"

session() { # side, library to preload, name that must be in its maps
    local side=$1 socket=$work/$1.socket try
    mkdir -p "$work/$side-data"
    env LD_PRELOAD="$2" TALUS_OPTIONS="stats_file=$stats" redis-server --port 0 --unixsocket "$socket" \
        --dir "$work/$side-data" --save '' --appendonly no --io-threads 2 --io-threads-do-reads yes \
        --lazyfree-lazy-user-del yes --daemonize no >"$work/$side.log" 2>&1 &
    server=$!
    for try in $(seq 1 100); do
        redis-cli -s "$socket" ping >/dev/null 2>&1 && break
        kill -0 $server 2>/dev/null || { tail "$work/$side.log" >&2; fail "redis-server died ($side)"; }
        sleep 0.1
    done
    grep -q "$3" /proc/$server/maps || fail "$3 is not in the server of the $side side"
    bash "$jobs/redis_session.sh" redis-cli -s "$socket" >"$work/$side.replies" ||
        { tail "$work/$side.log" >&2; fail "the session failed ($side)"; }
    redis-cli -s "$socket" shutdown nosave >/dev/null 2>&1 || true
    wait $server || fail "redis-server ended with $? ($side)"
    server=
}

rm -f "$stats"
session system "$libc" "$libc"
[ ! -s "$stats" ] || fail "the system side ran on talus"
session talus "$TALUS_PRELOAD" "$(basename "$(realpath "$TALUS_PRELOAD")")"
[ -s "$stats" ] || fail "the server wrote no statistics of talus"
grep '^talus' "$work/talus.log" && fail "talus reported something"
cmp "$work/system.replies" "$work/talus.replies" || fail "the replies differ"
lines=$(wc -l <"$work/talus.replies")
[ "$lines" -gt 100 ] || fail "only $lines replies"
echo "same: $lines replies"
