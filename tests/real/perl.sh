#!/bin/bash
# perl on talus: hashes, strings, sorting, regular expressions, interpreter threads, fork.
. "$(dirname "$0")/lib.sh"
need perl perl
jobs=$(realpath "$(dirname "$0")/jobs")

perl_job() {
    PERL_HASH_SEED=0 perl "$jobs/job.pl"
}

in_force perl -e 'print 1'
compare perl_job
