#!/usr/bin/env python3
"""When tools/mutants takes a failed test for a seeded bug that was found: runs that end as a script says."""

import os
import sys

import tree

sys.path.insert(0, os.path.join(tree.ROOT, "tools", "lib"))
import mutant_layers  # noqa: E402

FAILED, UNABLE, HANGS = 1, 2, None


class Ended:
    cpu = wall = 1.0

    def __init__(self, status, said=""):
        self.status, self.output = status, said

    how = mutant_layers.Run.how
    SIGNS = mutant_layers.Run.SIGNS


class Scripted(mutant_layers.Test):
    """Ends with the next status of those with the bug, or of those without it; from the last one on always with that."""

    def __init__(self, with_bug, without=(0,)):
        super().__init__("scripted", [], unable=UNABLE)
        self.ends = {True: list(with_bug), False: list(without)}

    def run(self, environment, seconds, seed=1):
        ends = self.ends["TALUS_MUTANT" in environment]
        one = ends.pop(0) if len(ends) > 1 else ends[0]
        return Ended(1, "talus-stress: FAILED: pressure\n") if one == "pressure" else Ended(one)


# What the runs with the bug end with, those without it, and whether it was found.
CASES = [
    ("it fails always", [FAILED], [0], True),
    ("it passes", [0], [0], False),
    ("it fails without the bug, too", [FAILED], [FAILED], False),
    ("it fails once and no more", [FAILED, 0], [0], False),
    ("it fails now and then", [FAILED, 0, 0, FAILED, 0], [0], True),
    ("it cannot run", [UNABLE], [0], False),
    ("no pressure comes", ["pressure"], [0], False),
    ("it hangs always", [HANGS], [0], True),
    ("it hangs once", [HANGS, 0], [0], False),
    ("it hangs, and fails when it is tried again", [HANGS, FAILED], [0], False),
]


def problems_with(is_found):
    for what, with_bug, without, wanted in CASES:
        test = Scripted(with_bug, without)
        first = test.run({"TALUS_MUTANT": "bug"}, 0)
        if is_found(test, "bug", 0, 1, first) != wanted:
            yield f"tools/lib/mutant_layers.py: {what}: is {'not ' if wanted else ''}taken for found"


def at_once(test, name, limit, seed, done):
    """The self-test's: whoever failed has found it."""
    return test.failed(done)


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        found = list(problems_with(at_once))
        print(*found, sep="\n")
        sys.exit(not found)
    sys.exit(tree.report(list(problems_with(mutant_layers.Programs().is_found))))
