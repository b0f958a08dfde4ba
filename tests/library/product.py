"""The library as somebody else's kernel gets it, and docs/porting.md, which tells how.

1 Installed   `cmake --install` brings the archive, the headers and talus-kernel.pc; a program compiled and linked with what that
              file says, and nothing else, has all that it wants.
2 Recipe      The line in docs/porting.md that compiles the sources, run as it stands: the same program links with what it made.
3 Document    It shows the minimal port, which is on a page (80 lines), and the assembler's samples, as they are in the tree; its
              C compiles.

Arguments: --build DIR --cmake FILE --ar FILE, the compiler and its flags behind `--`; --self-test."""

import argparse
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "build"))
import tree  # noqa: E402

DOCUMENT = "docs/porting.md"
MINIMAL = "tests/bare/minimal/minimal.c"
SAMPLES = ("docs/examples/region-x86.nasm", "docs/examples/region-mips.s")
LINES_BELOW = 80
INSTALLED = ["lib/libtalus-kernel.a", "lib/pkgconfig/talus-kernel.pc"] + [
    f"include/talus/{name}.h" for name in ("talus", "heap", "reserve", "object", "inspect", "port")
]
KERNEL = r"""
#include <talus/object.h>
#include <talus/port.h>
#include <talus/reserve.h>

static char region[1 << 18];
void start(void);
void *memcpy(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);

void talus_port_panic(const char *line)
{
    (void)line;
    for (;;)
        ;
}

void *memcpy(void *to, const void *from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        ((volatile char *)to)[i] = ((const char *)from)[i];
    return to;
}

void *memset(void *to, int byte, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        ((volatile char *)to)[i] = (char)byte;
    return to;
}

void start(void)
{
    if (!talus_kernel_start(&(talus_kernel_options){ .block = region, .bytes = sizeof region }))
        talus_port_panic("start");
    talus_reserve *reserve = talus_reserve_create(talus_heap_default(), 100, 0, 10, 2, NULL, NULL);
    talus_free_from_interrupt(talus_reserve_take(reserve));
    talus_free(talus_realloc(talus_malloc(10), 20000));
    talus_kernel_cpu_gone(0);
}
"""


def run(problems, what, command, **options):
    result = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **options)
    if result.returncode != 0:
        problems.append(f"{what}: {' '.join((result.stderr or result.stdout).strip().splitlines()[:4])}")
    return result.returncode == 0


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def check_document(root):
    text, minimal = tree.read(root, DOCUMENT), tree.read(root, MINIMAL)
    problems = []
    if minimal.count("\n") >= LINES_BELOW:
        problems.append(f"{MINIMAL}: {minimal.count(chr(10))} lines; it is to stay below {LINES_BELOW}")
    for path, language in ((MINIMAL, "c"), (SAMPLES[0], "nasm"), (SAMPLES[1], "gas")):
        if tree.read(root, path) not in blocks(text, language):
            problems.append(f"{DOCUMENT}: does not show {path} as it is")
    if len(recipes(text)) != 1:
        problems.append(f"{DOCUMENT}: {len(recipes(text))} recipes that compile the sources; it has one")
    return problems


def recipes(text):
    return [block for block in blocks(text, "sh") if "$KERNEL_CFLAGS" in block]


def read_pc(path):
    """What pkg-config would say: (--cflags, --libs)."""
    values = {"pcfiledir": os.path.dirname(path)}
    with open(path, encoding="utf-8") as file:
        for line in file:
            match = re.match(r"(\w+)\s*[=:]\s*(.*)$", line)
            if match:
                values[match.group(1)] = re.sub(r"\$\{(\w+)\}", lambda name: values[name.group(1)], match.group(2))
    return values["Cflags"].split(), values["Libs"].split()


def link(problems, what, compiler, folder, cflags, libs):
    """A program that uses the library, with nothing else in reach."""
    source, program = os.path.join(folder, "kernel.c"), os.path.join(folder, "kernel")
    with open(source, "w", encoding="utf-8") as file:
        file.write(KERNEL)
    flags = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-ffreestanding"]
    run(problems, what, [*compiler, *flags, *cflags, "-c", source, "-o", program + ".o"])
    ends = ["-nostdlib", "-static", "-no-pie", "-Wl,-e,start", "-Wl,--build-id=none"]
    run(problems, what, [*compiler, *ends, program + ".o", *libs, "-o", program])


def check_installed(cmake, build, compiler):
    problems = []
    with tempfile.TemporaryDirectory(prefix="talus-product-") as folder:
        prefix = os.path.join(folder, "elsewhere")
        if run(problems, "install", [cmake, "--install", build, "--prefix", prefix]):
            problems += [f"install: no {path}" for path in INSTALLED if not os.path.exists(os.path.join(prefix, path))]
            if not problems:
                cflags, libs = read_pc(os.path.join(prefix, "lib/pkgconfig/talus-kernel.pc"))
                link(problems, "installed", compiler, folder, cflags, libs)
    return problems


def check_recipe(text, ar, compiler):
    """The recipe, run by a shell in an empty folder, and a program linked with what it made."""
    problems = []
    with tempfile.TemporaryDirectory(prefix="talus-recipe-") as folder:
        values = {"CC": compiler[0], "KERNEL_CFLAGS": " ".join(compiler[1:]), "TALUS": tree.ROOT, "PATH": os.environ["PATH"]}
        if not run(problems, "recipe", ["sh", "-ec", text], cwd=folder, env=values):
            return problems
        objects = [name for name in os.listdir(folder) if name.endswith(".o")]
        archive = os.path.join(folder, "libkernel.a")
        run(problems, "recipe", [ar, "rc", archive, *objects], cwd=folder)
        link(problems, "recipe", compiler, folder, ["-I" + os.path.join(tree.ROOT, "core/include")], [archive])
    return problems


def check_fragments(text, compiler):
    """The document's C, but the whole program, which is built as an image."""
    problems = []
    for number, source in enumerate(blocks(text, "c"), 1):
        if "machine.h" not in source:
            command = [*compiler, "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-fsyntax-only", "-xc", "-"]
            run(problems, f"{DOCUMENT}, {number}", [*command, "-I", os.path.join(tree.ROOT, "core/include")], input=source)
    return problems


def self_test(ar, compiler):
    text = tree.read(tree.ROOT, DOCUMENT)
    good = {path: tree.read(tree.ROOT, path) for path in (DOCUMENT, MINIMAL, *SAMPLES)}
    other = {path: good[path] + "\n" for path in good}
    long = good[MINIMAL] + "\n" * LINES_BELOW
    faults = [
        (good, None),
        ({**good, MINIMAL: long, DOCUMENT: text.replace(good[MINIMAL], long)}, "below 80"),
        ({**good, MINIMAL: other[MINIMAL]}, f"does not show {MINIMAL}"),
        ({**good, SAMPLES[0]: other[SAMPLES[0]]}, f"does not show {SAMPLES[0]}"),
        ({**good, SAMPLES[1]: other[SAMPLES[1]]}, f"does not show {SAMPLES[1]}"),
        ({**good, DOCUMENT: text.replace("$KERNEL_CFLAGS", "")}, "0 recipes"),
    ]
    failed = tree.expect(check_document, faults)
    recipe = recipes(text)[0]
    found = [
        (check_recipe(recipe.replace("$TALUS/core/*.c", ""), ar, compiler), "recipe: "),
        (check_fragments("```c\nint f(void)\n{\n    return g;\n}\n```\n", compiler), f"{DOCUMENT}, 1"),
    ]
    return tree.expect_found(found) or failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build")
    parser.add_argument("--cmake")
    parser.add_argument("--ar", required=True)
    parser.add_argument("--self-test", action="store_true")
    end = sys.argv.index("--")
    arguments, compiler = parser.parse_args(sys.argv[1:end]), sys.argv[end + 1 :]
    if arguments.self_test:
        return self_test(arguments.ar, compiler)
    text = tree.read(tree.ROOT, DOCUMENT)
    problems = check_document(tree.ROOT) + check_fragments(text, compiler)
    problems += check_installed(arguments.cmake, arguments.build, compiler)
    problems += check_recipe(recipes(text)[0], arguments.ar, compiler)
    return tree.report(problems)


if __name__ == "__main__":
    sys.exit(main())
