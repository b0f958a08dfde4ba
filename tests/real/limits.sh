#!/bin/bash
# Memory that is short: ulimit -v of 300 MB and of 64 MB, and a limit of talus's own. Each time the threads of
# `exhaust` (argument 1) take memory until NULL, free it and take it again.
. "$(dirname "$0")/lib.sh"
exhaust=$1

under() { # what, shell command that sets the limit, most MiB that can be had, TALUS_OPTIONS
    local taken
    taken=$(eval "$2" && LD_PRELOAD=$TALUS_PRELOAD TALUS_OPTIONS=$4 "$exhaust" 0) ||
        fail "$1: $taken"
    echo "$1: $taken"
    local most
    for most in $(grep -o '[0-9]*' <<<"$taken"); do
        [ "$most" -le "$3" ] || fail "$1: $most MiB is more than there is"
    done
}

# Small stacks, so that the address space goes to the heap.
under 'ulimit -v 300 MB' 'ulimit -s 1024 && ulimit -v 300000' 293 ''
under 'ulimit -v 64 MB' 'ulimit -s 256 && ulimit -v 64000' 63 ''
under 'TALUS_OPTIONS=limit of 32 MiB' 'true' 32 limit=33554432

# And programs that have something else to do.
(ulimit -v 300000 && in_force sh -c 'ls -l / | sort >/dev/null') || fail "a shell under ulimit -v 300 MB"
(ulimit -v 64000 && in_force sh -c 'ls -l / | sort >/dev/null') || fail "a shell under ulimit -v 64 MB"
