#!/bin/bash
# What talus costs a trivial program (argument 1): its resident size stays under 1.6 MiB, and of that at most 48 KiB are
# talus's own: tables, one cache, the first blocks. Medians, since the loader's choice of addresses moves the rest.
. "$(dirname "$0")/lib.sh"

runs=9
resident_max=1638 # KiB
own_max=48        # KiB
[ "$(getconf PAGESIZE)" = 4096 ] || { echo "the bounds are for pages of 4 KiB"; exit 77; }
[ -r /proc/self/smaps_rollup ] || { echo "the kernel does not tell"; exit 77; }

median() { # column
    cut -d' ' -f"$1" | sort -n | sed -n "$((runs / 2 + 1))p"
}

in_force "$1"
for _ in $(seq $runs); do
    "$1" >>"$work/system"
    LD_PRELOAD=$TALUS_PRELOAD "$1" >>"$work/talus"
done
resident=$(median 2 <"$work/talus")
own=$(($(median 4 <"$work/talus") - $(median 4 <"$work/system")))
echo "resident $(median 2 <"$work/system") KiB on the system's malloc, $resident KiB on talus;" \
    "anonymous: $own KiB more"
[ "$resident" -gt 0 ] && [ "$resident" -lt "$resident_max" ] || fail "resident: $resident KiB"
[ "$own" -gt 0 ] && [ "$own" -le "$own_max" ] || fail "talus's own: $own KiB, more than $own_max"
