"""check_command.py EXPLORE CASE: `talus explore --models` as a command: status, what it prints, JSON."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

SEARCHES = ["by chance", "by chance, with wakes for nothing", "at most 2 preemptions, exhausted"]


def run(program, *arguments, status, **environment):
    surroundings = {name: value for name, value in os.environ.items() if name != "TALUS_MUTANT"}
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, check=False, env={**surroundings, **environment}
    )
    if done.returncode != status:
        sys.exit(f"{arguments}: status {done.returncode}, wanted {status}\n{done.stdout}{done.stderr}")
    return done.stdout, done.stderr


def want(pattern, text):
    match = re.search(pattern, text, re.M)
    if not match:
        sys.exit(f"not found: {pattern}\nin:\n{text}")
    return match


def equal(found, wanted):
    if found != wanted:
        sys.exit(f"{found!r}, wanted {wanted!r}")


def held(explore):
    """One line, each of the three searches in it; the same as JSON."""
    out, _ = run(explore, "--models", "inbox", "--iterations", "500", status=0)
    equal(len(out.splitlines()), 1)
    want(r"^inbox: held: 500 schedules, by chance; 500 .* wakes for nothing; \d+ .* 2 preemptions, exhausted; .* s of CPU$", out)
    out, _ = run(explore, "--models=inbox", "--iterations", "500", "--json", status=0)
    one = json.loads(out)
    equal((one["model"], one["result"], one["bound"], one["exhausted"]), ("inbox", "held", 2, True))
    equal([search["search"] for search in one["searches"]], SEARCHES)
    equal(one["schedules"], sum(search["schedules"] for search in one["searches"]))


def all_models(explore):
    """Each model that --list names, once."""
    listed, _ = run(explore, "--list", status=0)
    out, _ = run(explore, "--models", "--iterations", "20", "--json", status=0)
    names = sorted(json.loads(line)["model"] for line in out.splitlines())
    equal(names, sorted(re.findall(r"^--models (\w+) ", listed, re.M)))
    want("^--models inbox ", listed)


def failed(explore):
    """A seeded bug: status 1, relacy's trace, and the line that finds it again."""
    bug = {"TALUS_MUTANT": "inbox_push_relaxed"}
    out, _ = run(explore, "--models", "inbox", status=1, **bug)
    want("^inbox: FAILED: DATA RACE: ", out)
    want(r"DATA RACE .*, in drain, .*inbox\.cpp", out)
    again = want(r"^  again: TALUS_MUTANT=inbox_push_relaxed (\S+) (--models inbox --iterations 20000)$", out)
    equal(again[1], explore)
    run(explore, *again[2].split(), status=1, **bug)
    out, _ = run(explore, "--models", "inbox", "--json", status=1, **bug)
    one = json.loads(out)
    equal((one["result"], one["failure"], one["exhausted"]), ("failed", "DATA RACE", False))
    run(explore, "--models", "inbox", status=2, TALUS_MUTANT="no_such_bug")


def late(explore):
    """What was not searched to the end did not hold."""
    out, _ = run(explore, "--models", "inbox", "--iterations", "400000000", "--seconds", "1", status=2)
    want("^inbox: NOT run to the end: not exhausted in 1 s: ", out)


def missing(explore):
    """Where no models are: status 2 and what builds them; --all goes on without."""
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(os.path.join(folder, "stress", "explore"))
        alone = shutil.copy(explore, os.path.join(folder, "stress", "explore"))
        _, said = run(alone, "--models", "inbox", status=2)
        want("cmake --build BUILD --target models", said)
        out, said = run(alone, "--all", "--pct", "1", status=0)
        want("^explore: the model inbox is left out$", said)
        want("^remote-free: held: ", out)


CASES = {"held": held, "all": all_models, "failed": failed, "late": late, "missing": missing}

if __name__ == "__main__":
    CASES[sys.argv[2]](sys.argv[1])
