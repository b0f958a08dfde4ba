#!/bin/bash
# node on talus, where there is one: worker threads, buffers, JSON, compression.
. "$(dirname "$0")/lib.sh"
jobs=$(realpath "$(dirname "$0")/jobs")
if ! command -v node >/dev/null; then
    echo "SKIPPED: there is no node"
    exit 77
fi

node_job() {
    node "$jobs/job.js"
}

in_force node -e 0
compare node_job
