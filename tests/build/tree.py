"""The files of the tree, and how a check reports: shared by the checks of this folder."""

import os
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
FOLDERS = ["core", "sync", "arch", "stress", "tests", "docs", "tools"]
FILES = [
    "CMakeLists.txt",
    "CMakePresets.json",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    ".clang-format",
    ".clang-tidy",
    ".gitignore",
    ".ci",
]
C_ENDINGS = (".c", ".h", ".cpp", ".hpp")


def files(root, endings=None, under=None):
    """Paths relative to `root`, sorted, of the tree's own folders (or of `under`)."""
    found = []
    for top in under or [*FOLDERS, ".ci"]:
        for folder, folders, names in os.walk(os.path.join(root, top)):
            folders[:] = [name for name in folders if name != "__pycache__"]
            for name in names:
                if endings is None or name.endswith(endings):
                    found.append(os.path.relpath(os.path.join(folder, name), root))
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        return file.read()


def report(problems, what_to_do=""):
    """Prints the problems; the exit status of the check."""
    for problem in problems:
        print(problem)
    if problems and what_to_do:
        print(what_to_do)
    print(f"{len(problems)} problems")
    return 1 if problems else 0


def plant(root, planted):
    """Writes {path: text} under `root`: the faults that a check must find."""
    for path, text in planted.items():
        path = os.path.join(root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


def expect_found(found):
    """Self-test: pairs of the problems that were found and a part of one that must be among them; `None`: there
    must be none. Exit status."""
    failed = 0
    for number, (problems, expected) in enumerate(found):
        if not (any(expected in problem for problem in problems) if expected is not None else not problems):
            failed += 1
            print(f"fault {number}: expected {expected!r}, found {problems}")
    print(f"{len(found)} faults planted, {failed} not found")
    return 1 if failed or len(found) == 0 else 0


def expect(check, faults):
    """Self-test: each fault, planted alone in an empty tree, must be found; `None` must be quiet. Exit status."""
    import tempfile

    found = []
    for planted, expected in faults:
        with tempfile.TemporaryDirectory(prefix="talus-check-") as root:
            plant(root, planted)
            found.append((check(root), expected))
    return expect_found(found)


def main(check, faults, what_to_do=""):
    if sys.argv[1:] == ["--self-test"]:
        sys.exit(expect(check, faults))
    sys.exit(report(check(ROOT), what_to_do))
