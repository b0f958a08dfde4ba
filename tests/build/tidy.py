"""clang-tidy 14 has nothing to say about the libraries' sources. Argument: a build folder with compile_commands.json."""

import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import tree

TOOL = "clang-tidy-14"
FOLDERS = ("core/", "sync/", "arch/port/", "stress/")
# The analyzer follows so many states of each function; more of them multiply the time and have found nothing else.
BOUND = [f"--extra-arg={word}" for word in ("-Xclang", "-analyzer-config", "-Xclang", "max-nodes=6000")]
# Of gcc alone: clang stops at what it does not know.
GCC_FLAGS = re.compile(r" (-f(no-)?(align|caller|expensive|inline-small|ira|move-loop|partial|reorder|shrink|tree)-|"
                       r"-malign-data=|--param=)\S+")


def sources(build):
    """The C files of those folders that the build compiles, once each."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    paths = {os.path.relpath(entry["file"], tree.ROOT) for entry in entries}
    return sorted(path for path in paths if path.startswith(FOLDERS) and path.endswith(".c"))


def run(path, arguments):
    result = subprocess.run([TOOL, "--quiet", *arguments], cwd=tree.ROOT, capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return []
    lines = [line for line in result.stdout.splitlines() if ": error: " in line or ": warning: " in line]
    return lines or [f"{path}: {TOOL} failed: {result.stderr[-500:]}"]


def without_gcc_flags(build, folder):
    """A copy of the compile commands without what clang does not know; the warnings are the same. Of each file one for a
    process, one for a kernel, one for small memory: not one for each seeded bug, nor the explorer's."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    kept = {}
    others = ("TL_MUTANT_", "TL_ARCH_EXPLORE")
    for entry in sorted(entries, key=lambda entry: any(word in entry["command"] for word in others)):
        entry["command"] = GCC_FLAGS.sub("", entry["command"])
        key = (entry["file"], "TL_KERNEL" in entry["command"], "TALUS_SMALL" in entry["command"])
        kept.setdefault(key, entry)
    with open(os.path.join(folder, "compile_commands.json"), "w", encoding="utf-8") as file:
        json.dump(list(kept.values()), file)


def check(build):
    if not shutil.which(TOOL):
        return [f"{TOOL} is not installed: run tools/setup test"]
    paths = sources(build)
    if not paths:
        return [f"{build}/compile_commands.json names no source of {FOLDERS}"]
    problems = set()
    with tempfile.TemporaryDirectory(prefix="talus-tidy-") as commands:
        without_gcc_flags(build, commands)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for found in pool.map(lambda path: run(path, ["-p", commands, *BOUND, path]), paths):
                problems.update(found)
    print(f"{len(paths)} files checked")
    return sorted(problems)


def self_test():
    text = "int f(int a);\nint f(int a)\n{\n    if (a = a)\n        return 1;\n    return a == a;\n}\n"
    with tempfile.NamedTemporaryFile("w", suffix=".c", prefix="talus-check-") as file:
        file.write(text)
        file.flush()
        found = run(file.name, [f"--config-file={tree.ROOT}/.clang-tidy", file.name, "--", "-std=gnu11"])
    return 0 if any("misc-redundant-expression" in line for line in found) else 1


if __name__ == "__main__":
    if sys.argv[1] == "--self-test":
        sys.exit(self_test())
    sys.exit(tree.report(check(sys.argv[1])))
