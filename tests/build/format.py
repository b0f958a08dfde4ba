"""clang-format 14 has nothing to change, and no comment is too wide. `--apply` makes it so; `--apply DIR`: elsewhere."""

import os
import shutil
import subprocess
import sys
import tempfile

import tree
import wrap

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
    for path in paths:
        for number, line in enumerate(tree.read(root, path).splitlines(), 1):
            if len(line) > wrap.COLUMNS:
                problems.append(f"{path}:{number}: {len(line)} columns; at most {wrap.COLUMNS}")
    return problems


def wrap_all(root, paths):
    """Breaks wide comments. Returns the paths of the files that changed."""
    changed = []
    for path in paths:
        text = tree.read(root, path)
        wrapped = wrap.wrap(text)
        if wrapped != text:
            tree.plant(root, {path: wrapped})
            changed.append(path)
    return changed


def apply(root):
    """Wrapping makes room for clang-format, which moves comments, which may have to be wrapped again."""
    paths = tree.files(root, tree.C_ENDINGS)
    for _ in range(3):
        wrap_all(root, paths)
        status = run(root, paths, "-i").returncode
    return status


def self_test():
    with tempfile.TemporaryDirectory(prefix="talus-check-") as root:
        shutil.copy(os.path.join(tree.ROOT, ".clang-format"), root)
        tree.plant(root, {"core/a.c": "int f( void ){ return 1 ;}\n"})
        wide = "/* wide.c: " + "word " * 40 + "*/\n/* 1 Row    " + "word " * 30 + "*/\nint a; /* " + "word " * 25 + "*/\n"
        tree.plant(root, {"core/wide.c": wide})
        found = check(root)
        expected = ["core/a.c", "core/wide.c:1", "core/wide.c:2", "core/wide.c:3"]
        missing = [path for path in expected if not any(problem.startswith(path) for problem in found)]
        apply(root)
        left = check(root)
        print("not found:", missing, "left after --apply:", left)
        return 1 if missing or left else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        sys.exit(self_test())
    if sys.argv[1:] == ["--apply"]:
        sys.exit(apply(tree.ROOT))
    if sys.argv[1:2] == ["--apply"]:
        sys.exit(apply(sys.argv[2]))
    sys.exit(tree.report(check(tree.ROOT), "apply the format with: tools/test --format"))
