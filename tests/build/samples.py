"""The documents' C programs compile and run; what the README says of linking works; every public function has its contexts (R35),
every option and every seeded bug its line."""

import os
import re
import subprocess
import sys
import tempfile

import tree

sys.path.insert(0, os.path.join(tree.ROOT, "tools", "lib"))
import kill_table  # noqa: E402

FLAGS = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-O2"]
CONTEXTS = "docs/contexts.md"
CLAIMS = ("CMakeLists.txt", ".cmake", "mutants.h", "shapes.h", "audit.py")  # where tests claim seeded bugs


def samples(text):
    """The C programs in a document: fenced blocks with a main."""
    return [block for block in re.findall(r"^```c\n(.*?)^```", text, re.M | re.S) if "int main(" in block]


def run(problems, path, command, **options):
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)
    if result.returncode != 0:
        said = (result.stderr or result.stdout).strip().splitlines()[:3]
        problems.append(f"{path}: {os.path.basename(command[0])} ended with {result.returncode}: {' '.join(said)}")
    return result.returncode == 0


def check_programs(root, include, library):
    problems = []
    documents = ["README.md"] if os.path.exists(os.path.join(root, "README.md")) else []
    found = 0
    for path in documents + tree.files(root, (".md",), ["docs"]):
        for number, source in enumerate(samples(tree.read(root, path)), 1):
            found += 1
            with tempfile.TemporaryDirectory(prefix="talus-sample-") as folder:
                program = os.path.join(folder, "sample")
                with open(program + ".c", "w", encoding="utf-8") as file:
                    file.write(source)
                command = ["cc", *FLAGS, "-I", include, program + ".c", library, "-pthread", "-o", program]
                if run(problems, f"{path}, program {number}", command):
                    run(problems, f"{path}, program {number}", [program])
    return problems, found


def check_contexts(root):
    """docs/contexts.md has every function of the public headers in a table."""
    if not os.path.exists(os.path.join(root, CONTEXTS)):
        return [f"{CONTEXTS}: missing"]
    rows = "\n".join(line for line in tree.read(root, CONTEXTS).splitlines() if line.startswith("|"))
    problems = []
    for header in tree.files(root, (".h",), ["core/include"]):
        for name in re.findall(r"^TALUS_(?:API|INLINE) [^;(]*?\b(talus_\w+)\(", tree.read(root, header), re.M):
            if f"`{name}`" not in rows:
                problems.append(f"{CONTEXTS}: does not say where {name} may be called from")
    return problems


def check_names(root):
    """Every option of core/options.c is in the manual, every seeded bug in docs/testing.md."""
    problems = []
    for source, document, pattern in (
        ("core/options.c", "docs/man/talus.7.md", r'^    \{ ?"(\w+)",'),
        ("arch/mutants.h", "docs/testing.md", r"^#define TL_MUTANT_([a-z0-9_]+) 0"),
    ):
        if not os.path.exists(os.path.join(root, source)):
            continue
        text = tree.read(root, document) if os.path.exists(os.path.join(root, document)) else ""
        names = re.findall(pattern, tree.read(root, source), re.M)
        problems += [f"{document}: does not mention {name} of {source}" for name in names if f"| `{name}` |" not in text]
        if not names:
            problems.append(f"{document}: cannot read the names in {source}")
    return problems


def check_kills(root):
    """Every seeded bug is found by some layer in the kill table of docs/testing.md, and some test claims it."""
    if not os.path.exists(os.path.join(root, "arch/mutants.h")):
        return []
    names = re.findall(r"^#define TL_MUTANT_([a-z0-9_]+) 0", tree.read(root, "arch/mutants.h"), re.M)
    problems = [f"docs/testing.md: {problem}" for problem in kill_table.problems_of(tree.read(root, "docs/testing.md"), names)]
    claims = "".join(tree.read(root, path) for path in tree.files(root, CLAIMS, ["stress", "tests"]))
    problems += [f"no test claims {name}" for name in names if not re.search(rf"(\b|_){name}\b", claims)]
    return problems


def check_linking(build):
    """As in the README: installed, linked as shared library and as archive; and the program's malloc is talus's."""
    problems = []
    source = "#include <stdlib.h>\nint main(void)\n{\n    void *volatile p = malloc(10);\n    free(p);\n    return 0;\n}\n"
    with tempfile.TemporaryDirectory(prefix="talus-sample-") as folder:
        with open(os.path.join(folder, "service.c"), "w", encoding="utf-8") as file:
            file.write(source)
        prefix = os.path.join(folder, "talus")
        lib = os.path.join(prefix, "lib")
        if not run(problems, "README.md", ["cmake", "--install", build, "--prefix", prefix]):
            return problems
        ways = {
            "shared": ["-L" + lib, "-Wl,-rpath," + lib, "-ltalus-malloc", "-pthread"],
            "static": ["-static", os.path.join(lib, "libtalus-malloc.a"), "-pthread"],
        }
        for way, flags in ways.items():
            program = os.path.join(folder, way)
            if run(problems, f"README.md, {way}", ["cc", "-o", program, os.path.join(folder, "service.c"), *flags]):
                result = subprocess.run([program], env={"TALUS_OPTIONS": "stats=1"}, capture_output=True, text=True, check=False)
                if "talus mapped " not in result.stderr:
                    problems.append(f"README.md, {way}: the program did not run on talus: {result.stderr[:200]}")
    return problems


def check_inlining(root, build):
    """The README's program with inlined calls, from the installed tree, in C and C++; and what must not link."""
    programs = [source for source in samples(tree.read(root, "README.md")) if "<talus/inline.h>" in source]
    if len(programs) != 1:
        return ["README.md: shows no program with inlined calls"]
    problems = []
    with tempfile.TemporaryDirectory(prefix="talus-sample-") as folder:
        prefix = os.path.join(folder, "talus")
        if not run(problems, "README.md, inlined", ["cmake", "--install", build, "--prefix", prefix]):
            return problems
        lib = os.path.join(prefix, "lib")
        source, program = os.path.join(folder, "service.c"), os.path.join(folder, "service")
        with open(source, "w", encoding="utf-8") as file:
            file.write(programs[0])
        flags = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-I", os.path.join(prefix, "include"), "-o", program, source]
        archive, shared = os.path.join(lib, "libtalus.a"), os.path.join(lib, "libtalus.so")
        for library in (archive, os.path.join(lib, "libtalus-malloc.a")):
            for compiler in (["cc", "-std=c11"], ["c++", "-x", "c++", "-std=c++11"]):
                for kind in (["-O2", "-pie", "-fPIE"], ["-O2", "-static", "-no-pie", "-fno-pie"], ["-O0"]):
                    name = f"README.md, inlined, {' '.join(compiler + kind)}"
                    if run(problems, name, [*compiler, *kind, *flags, "-x", "none", library, "-pthread"]):
                        run(problems, name, [program])
        # A shared object of its own, which holds the archive.
        run(problems, "README.md, inlined, -shared", ["cc", "-O2", "-shared", "-fPIC", "-Wl,-z,defs", *flags, archive])
        for what, wrong in {"the shared library": [shared], "another layout": ["-DTALUS_PAGE_SHIFT=15", archive]}.items():
            result = subprocess.run(["cc", "-O2", *flags, *wrong], capture_output=True, text=True, check=False)
            if result.returncode == 0 or "tl_self_" not in result.stderr:
                problems.append(f"inlined calls link to {what}: {result.stderr[:200]}")
    return problems


def check_embedding(root):
    """As in the README: the tree as a folder of another CMake project, with the program shown there."""
    problems = []
    lists = re.findall(r"^```cmake\n(.*?)^```", tree.read(root, "README.md"), re.M | re.S)
    programs = samples(tree.read(root, "README.md"))
    if len(lists) != 1 or not programs:
        return ["README.md: shows no CMake project, or no program to embed talus in"]
    head = "cmake_minimum_required(VERSION 3.25)\nproject(service C)\nadd_executable(service service.c)\n"
    with tempfile.TemporaryDirectory(prefix="talus-sample-") as folder:
        os.symlink(root, os.path.join(folder, "talus"))
        tree.plant(folder, {"CMakeLists.txt": head + lists[0], "service.c": programs[0]})
        build = os.path.join(folder, "build")
        if run(problems, "README.md, embedded", ["cmake", "-G", "Ninja", "-S", folder, "-B", build]):
            if run(problems, "README.md, embedded", ["cmake", "--build", build, "--parallel", "2", "--target", "service"]):
                run(problems, "README.md, embedded", [os.path.join(build, "service")])
    return problems


def check_planted(root):
    """For the self-test: programs that need no library."""
    problems, _ = check_programs(root, root, "-lm")
    return problems + check_contexts(root) + check_names(root) + check_kills(root)


CONTEXT_TABLE = {CONTEXTS: "| `talus_f` | thread |\n", "core/include/talus/a.h": "TALUS_API void *talus_f(int a);\n"}
MUTANTS = {"arch/mutants.h": "#define TL_MUTANT_a 0\n#define TL_MUTANT_b 0\n"}


def kills(rows):
    return f"{kill_table.BEGIN}\n{rows}{kill_table.END}\n"


FAULTS = [
    (CONTEXT_TABLE, None),
    ({**CONTEXT_TABLE, "core/include/talus/b.h": "TALUS_API bool talus_g(int a);\n"}, "where talus_g"),
    ({**CONTEXT_TABLE, "core/include/talus/b.h": "TALUS_INLINE bool talus_g(int a);\n"}, "where talus_g"),
    ({**CONTEXT_TABLE, "README.md": "```c\nint main(void)\n{\n    return 0;\n}\n```\n"}, None),
    ({**CONTEXT_TABLE, "README.md": "```c\nint main(void)\n{\n    return 3;\n}\n```\n"}, "ended with 3"),
    ({**CONTEXT_TABLE, "docs/a.md": "```c\nint main(void)\n{\n    return f();\n}\n```\n"}, "cc ended with 1"),
    ({**CONTEXT_TABLE, **MUTANTS, "docs/testing.md": kills("| `a` | **0.1** unit |\n")}, "mention b"),
    ({**CONTEXT_TABLE, **MUTANTS, "docs/testing.md": kills("| `a` | **0.1** unit |\n| `b` | - |\n")}, "no layer that finds b"),
    ({**CONTEXT_TABLE, **MUTANTS, "docs/testing.md": kills("| `a` | **0.1** unit |\n")}, "0 rows for b"),
    ({**CONTEXT_TABLE, **MUTANTS, "docs/testing.md": kills("| `a` | **0.1** unit | - |\n| `b` | **0.1** unit |  |\n")},
     "not measured with b"),
    ({**CONTEXT_TABLE, **MUTANTS, "docs/testing.md": kills("| `a` | **0.1** unit |\n| `b` | **0.1** unit | not run |\n")},
     "not measured with b"),
    ({**CONTEXT_TABLE, **MUTANTS, "docs/testing.md": kills("| `a` | **0.1** unit | - |\n| `b` | **0.1** unit |\n")},
     "other layers with b"),
    ({**CONTEXT_TABLE, **MUTANTS, "docs/testing.md": "| `a` |\n| `b` |\n"}, "no kill table"),
    ({**CONTEXT_TABLE, **MUTANTS, "tests/CMakeLists.txt": "# a\n", "docs/testing.md": kills("| `b` | **0.1** unit |\n")},
     "claims b"),
    ({**CONTEXT_TABLE, "core/options.c": '    { "limit", "a size", f },\n'}, "mention limit"),
]

if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        tree.main(check_planted, FAULTS)
    build_folder = sys.argv[1]
    include_folder = os.path.join(tree.ROOT, "core/include")
    all_problems, count = check_programs(tree.ROOT, include_folder, os.path.join(build_folder, "libtalus.a"))
    if count < 3:
        all_problems.append(f"only {count} programs found in the documents")
    all_problems += check_contexts(tree.ROOT) + check_names(tree.ROOT) + check_kills(tree.ROOT)
    all_problems += check_linking(build_folder) + check_embedding(tree.ROOT)
    all_problems += check_inlining(tree.ROOT, build_folder)
    sys.exit(tree.report(all_problems))
