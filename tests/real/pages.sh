#!/bin/bash
# Pages of 16 and 64 KiB once more, under an emulator of the processor that is told to have them: the auxiliary
# vector says so, and its mmap keeps to them. Arguments: static programs, aligned for such pages; the last takes an argument.
. "$(dirname "$0")/lib.sh"
emulator=qemu-$(uname -m)
need "$emulator" qemu-user

for bytes in 16384 65536; do
    said=$("$emulator" -p $bytes "$1") || fail "$1 with pages of $bytes bytes: $said"
    [ "$said" = "pages of $bytes bytes" ] || fail "$1 found $said, not of $bytes"
    said=$("$emulator" -p $bytes "$2" 60) || fail "$2 with pages of $bytes bytes: $said"
    echo "pages of $bytes bytes: $said"
done
