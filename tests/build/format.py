"""clang-format 14 has nothing to change. `--apply` makes it so."""

import os
import shutil
import subprocess
import sys
import tempfile

import tree

TOOL = "clang-format-14"


def run(root, paths, *arguments):
    return subprocess.run([TOOL, *arguments, *paths], cwd=root, capture_output=True, text=True, check=False)


def check(root):
    if not shutil.which(TOOL):
        return [f"{TOOL} is not installed: run tools/setup test"]
    paths = tree.files(root, tree.C_ENDINGS)
    result = run(root, paths, "--dry-run", "-Werror")
    problems = [line for line in result.stderr.splitlines() if ": error: " in line]
    if result.returncode != 0 and not problems:
        problems = result.stderr.splitlines()
    return problems


def self_test():
    with tempfile.TemporaryDirectory(prefix="talus-check-") as root:
        shutil.copy(os.path.join(tree.ROOT, ".clang-format"), root)
        tree.plant(root, {"core/a.c": "int f( void ){ return 1 ;}\n"})
        return 0 if check(root) else 1


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        sys.exit(self_test())
    if sys.argv[1:] == ["--apply"]:
        sys.exit(run(tree.ROOT, tree.files(tree.ROOT, tree.C_ENDINGS), "-i").returncode)
    sys.exit(tree.report(check(tree.ROOT), "apply the format with: tools/test --format"))
