#!/bin/bash
# Parallel compressors on talus: pigz, pbzip2, xz and zstd with 4 threads each. Their output does not depend on timing, so the
# compressed files are compared too, and each must give the original back.
. "$(dirname "$0")/lib.sh"
need pigz pigz
need pbzip2 pbzip2
need xz xz-utils
need zstd zstd
need awk mawk

original=$work/original
awk 'BEGIN { for (i = 0; i < 120000; i++) { x = (x * 69069 + 1) % 4294967296
    print i, x, substr("the quick brown fox jumps over the lazy dog", x % 30, x % 14), i * i % 1013 } }' \
    >"$original"

compress_job() {
    pigz -p 4 -6 -n -c "$original" >data.gz && pigz -p 4 -dc data.gz | cmp - "$original" || return 1
    pbzip2 -p4 -b2 -c "$original" >data.bz2 && pbzip2 -p4 -dc data.bz2 | cmp - "$original" || return 1
    xz -T4 -2 --block-size=2MiB -c "$original" >data.xz && xz -T4 -dc data.xz | cmp - "$original" || return 1
    zstd -T4 -9 -q -c "$original" >data.zst && zstd -dqc data.zst | cmp - "$original"
}

for program in pigz pbzip2 xz zstd; do
    in_force "$program" --version
done
compare compress_job
