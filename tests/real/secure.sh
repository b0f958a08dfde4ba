#!/bin/bash
# A program that runs with another's privileges takes no orders from the environment: TALUS_OPTIONS is ignored there, or anyone
# could have it write a file. Needs root, and a file system that honours the set-user-id bit.
# Argument: a program linked to the archive of the drop-in library.
. "$(dirname "$0")/lib.sh"
program=$1

if [ "$(id -u)" != 0 ]; then
    echo "SKIPPED: not root"
    exit 77
fi
chmod 755 "$work"
mkdir -m 777 "$work/out"
cp "$program" "$work/plain"
cp "$program" "$work/set-id"
chmod 755 "$work/plain"
chown 65534 "$work/set-id"
chmod 4755 "$work/set-id"

TALUS_OPTIONS=stats_file=$work/out/plain "$work/plain" || fail "the program fails"
[ -s "$work/out/plain" ] || fail "the program without privileges should have written statistics"
if findmnt -no OPTIONS -T "$work" 2>/dev/null | grep -qw nosuid; then
    echo "SKIPPED: $work is on a file system without set-user-id"
    exit 77
fi
TALUS_OPTIONS=stats_file=$work/out/set-id "$work/set-id" || fail "the program fails with the bit set"
[ ! -e "$work/out/set-id" ] || fail "a set-user-id program obeyed TALUS_OPTIONS"
echo "TALUS_OPTIONS is ignored where the process runs with another's privileges"
