#!/bin/bash
# python3 on talus: threads, dictionaries, big integers, json, subprocesses, with every object from malloc.
. "$(dirname "$0")/lib.sh"
need python3 python3
jobs=$(realpath "$(dirname "$0")/jobs")

python_job() {
    PYTHONMALLOC=malloc PYTHONHASHSEED=1 PYTHONDONTWRITEBYTECODE=1 python3 "$jobs/job.py"
}
python_default_job() { # with python's own small-object allocator, which takes arenas
    PYTHONHASHSEED=2 PYTHONDONTWRITEBYTECODE=1 python3 "$jobs/job.py"
}

in_force python3 -c 'print(1)'
compare python_job
compare python_default_job
