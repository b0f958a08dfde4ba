#!/bin/bash
# gdb on talus: it reads the symbols of a C++ program, runs it to a breakpoint and prints what it finds. The program under it
# runs on talus as well.
. "$(dirname "$0")/lib.sh"
need gdb gdb
need g++ g++
jobs=$(realpath "$(dirname "$0")/jobs")

g++ -std=c++17 -g -O0 "$jobs/templates.cpp" -o "$work/templates"

gdb_job() {
    gdb -nx -batch -iex 'set debuginfod enabled off' -iex 'set auto-load off' -ex 'set width 0' \
        -ex 'break Level<3>::use' -ex run -ex backtrace -ex 'ptype this->mixed' \
        -ex 'info line' -ex finish -ex 'info types Level' -ex 'info functions Level' -ex continue "$work/templates"
}

filtered_gdb_job() { # without addresses and process numbers
    gdb_job | sed -E 's/0x[0-9a-f]+/ADDRESS/g; s/process [0-9]+/process N/; s/Thread ADDRESS.*LWP [0-9]+/thread/'
}

in_force gdb --version
compare filtered_gdb_job
