"""Each header compiles alone: public ones as strict C11 and C++17, internal ones as the tree is built."""

import concurrent.futures
import os
import subprocess

import tree

WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wshadow", "-fsyntax-only"]
PUBLIC = "core/include/"


def compile_alone(root, path, compiler, language, flags):
    text = f'#include "{os.path.join(root, path)}"\n'
    if language == "c":
        text += f'#include "{os.path.join(root, path)}"\nextern int talus_not_empty;\n'
    result = subprocess.run(
        [compiler, "-x", language, "-", *WARNINGS, *flags, "-I", root, "-I", os.path.join(root, PUBLIC)],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    return [f"{path} ({' '.join(flags)}): {line}" for line in result.stderr.splitlines() if "error" in line]


def jobs_of(path):
    if path.startswith(PUBLIC):
        yield "gcc", "c", ["-std=c11", "-pedantic"]
        yield "g++", "c++", ["-std=c++17", "-pedantic"]
    else:
        extra = ["-I", os.path.join(tree.ROOT, path.split("/")[0])]
        yield "gcc", "c", ["-std=gnu11", *extra]
        if path.startswith(("arch/", "sync/", "core/")):
            yield "gcc", "c", ["-std=gnu11", "-DTL_ARCH_C11=1", "-DTL_DEBUG=1", *extra]


def is_alone(path):
    """Headers below arch/<cpu>/ are reached through arch/ only; the models are C++ of their own."""
    return not (path.startswith("arch/") and path.count("/") > 1) and not path.startswith("tests/model/")


def check(root):
    problems = []
    paths = [path for path in tree.files(root, (".h",)) if is_alone(path)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(compile_alone, root, path, *job) for path in paths for job in jobs_of(path)]
        for job in jobs:
            problems += job.result()
    return problems


FAULTS = [
    ({"core/a.h": "#pragma once\nstatic inline size_t f(void)\n{\n    return 0;\n}\n"}, "size_t"),
    ({"core/include/talus/a.h": "#pragma once\nvoid f(int class);\n"}, "c++17"),
    ({"core/include/talus/a.h": "int twice = 1;\n"}, "redefinition"),
    ({"core/a.h": "#pragma once\n#include <stddef.h>\nsize_t f(void);\n"}, None),
]

if __name__ == "__main__":
    tree.main(check, FAULTS)
