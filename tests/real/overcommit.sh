#!/bin/bash
# Strict overcommit (vm.overcommit_memory=2): the heap starts, works and meets the bound with ENOMEM, though its tables are large
# in addresses. Needs root, and a machine that lets itself be set; the setting is put back, whatever happens.
# Argument: the program `exhaust`.
. "$(dirname "$0")/lib.sh"
need python3 python3
exhaust=$1
switch=/proc/sys/vm/overcommit_memory
ratio=/proc/sys/vm/overcommit_ratio
before=$(cat $switch)
ratio_before=$(cat $ratio)

at_exit() {
    echo "$before" >$switch
    echo "$ratio_before" >$ratio
}

if ! { echo "$before" >$switch; } 2>/dev/null; then
    at_exit() { :; }
    echo "SKIPPED: vm.overcommit_memory cannot be set here"
    exit 77
fi
# The other processes of the machine are under the same rule meanwhile: leave them room.
echo 95 >$ratio
limit=$(awk '/^CommitLimit/ { print $2 }' /proc/meminfo)
used=$(awk '/^Committed_AS/ { print $2 }' /proc/meminfo)
if [ $((used + 2000000)) -gt "$limit" ]; then
    echo "SKIPPED: $used of $limit kB are committed already; a strict rule would break other programs"
    exit 77
fi

strictly() { # the rule is in force only while the command runs
    local status=0
    echo 2 >$switch
    "$@" || status=$?
    echo "$before" >$switch
    return $status
}

strictly preloaded "$exhaust" 200 || fail "200 MiB cannot be had under strict overcommit"
strictly in_force sh -c 'ls / | sort' || fail "a shell fails under strict overcommit"
strictly in_force python3 -c 'x = [str(i) for i in range(100000)]; import subprocess; subprocess.run(["true"])' ||
    fail "python3 fails under strict overcommit"

# What a process of talus costs in commit at rest: its tables must not count.
commit_of() { # private writable memory of a sleeping process, in kB, preload
    local pid
    LD_PRELOAD=$1 python3 -c 'import sys, time; print("up", flush=True); time.sleep(20)' >"$work/up" &
    pid=$!
    for _ in $(seq 1 100); do
        [ -s "$work/up" ] && break
        sleep 0.05
    done
    awk '/^Size:/ { size = $2 } /^VmFlags:/ { if (/ ac( |$)/) sum += size } END { print sum + 0 }' /proc/$pid/smaps
    kill $pid
    wait $pid 2>/dev/null || true
    rm -f "$work/up"
}
plain=$(commit_of '')
talus=$(commit_of "$TALUS_PRELOAD")
echo "commit of an idle python3: $plain kB on the system's malloc, $talus kB on talus"
[ "$talus" -lt $((plain + 32768)) ] || fail "talus costs $((talus - plain)) kB of commit at rest"
