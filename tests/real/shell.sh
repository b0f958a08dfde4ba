#!/bin/bash
# The small programs of every system on talus: bash, awk, sort with threads, sed, grep, find, tar.
. "$(dirname "$0")/lib.sh"
need awk mawk
need tar tar
jobs=$(realpath "$(dirname "$0")/jobs")

shell_job() {
    bash "$jobs/job.sh"
}

in_force bash -c 'echo $((1 + 1))'
in_force awk 'BEGIN { print 1 }'
in_force tar --version
compare shell_job
