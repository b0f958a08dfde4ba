#!/bin/bash
# TALUS_OPTIONS counts although the first malloc comes before the C library has its environment: `before_main` allocates in a
# preinit function. Arguments: the program to be preloaded, the linked one, the static one.
. "$(dirname "$0")/lib.sh"

in_force "$1"
for program in "$2" "$3"; do
    rm -f "$stats"
    TALUS_OPTIONS=stats_file=$stats "$program" >"$work/said" || fail "$program"
    [ -s "$stats" ] || fail "$program ignores TALUS_OPTIONS"
done

# The environment may be large, and the variable anywhere in it.
many=()
for i in $(seq 1 300); do
    many+=("TALUS_OPTION$i=$i" "TALUS_OPTIONS_$i=stats_file=/nowhere/$i")
done
rm -f "$stats"
env -i "${many[@]}" "TALUS_OPTIONS=stats_file=$stats" A=b "$2" >"$work/said" || fail "with many variables"
[ -s "$stats" ] || fail "TALUS_OPTIONS is not found among many variables"
said=$(env -i TALUS_OPTIONS=limt=5M "$2" 2>&1) || fail "with a misspelt option"
grep -q "did you mean 'limit'" <<<"$said" || fail "a misspelt option is not reported, but: $said"
echo "options are read before main, linked in any way"
