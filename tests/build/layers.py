"""Includes go one way, only arch/ knows a CPU or an operating system, and the top of the tree holds what the design says.

public headers <- arch <- sync <- core <- stress, tests, tools"""

import os
import posixpath
import re

import tree

RANKS = {"core/include": 0, "arch": 1, "sync": 2, "core": 3, "stress": 4, "tests": 4, "tools": 4}

# Headers of the C library that say nothing about an operating system. core/malloc also names what glibc declares.
PLAIN_HEADERS = """assert.h errno.h inttypes.h limits.h stdalign.h stdarg.h stdatomic.h stdbool.h stddef.h stdint.h stdio.h
stdlib.h stdnoreturn.h string.h""".split()
MALLOC_HEADERS = ["malloc.h"]

# Names of CPUs and their variants, byte orders, data models and operating systems, as compilers and their headers spell them.
# What the core needs of them is asked by size or limit: sizeof(void *), UINTPTR_MAX, __BIGGEST_ALIGNMENT__.
SYSTEM_WORDS = re.compile(
    r"\b(__x86_64(__)?|__amd64(__)?|__i[3-6]86(__)?|i386|__mips\w*|_?mips|_MIPS_\w+|_ABI(O32|N32|64)|_?_?(MIPSE[BL])_?_?"
    r"|__aarch64\w*|__arm\w*|__ARM\w*|__thumb\w*|__AARCH64\w*|__riscv\w*|__powerpc\w*|__PPC\w*|__s390x?__|__sparc\w*"
    r"|__loongarch\w*|__m68k__|__alpha__|__ia64__|_M_(X64|IX86|ARM64|ARM)|__SSE\w*__|__AVX\w*__"
    r"|_?_?BYTE_ORDER(_?_?)|__FLOAT_WORD_ORDER__|__ORDER_\w+__|_?_?(BIG|LITTLE)_ENDIAN(_?_?)|_?_?L?ILP32(_?_?)|_?_?LP64(_?_?)"
    r"|__linux(__)?|__unix(__)?|__gnu_linux__|_WIN32|_WIN64|__APPLE__|__FreeBSD__|__ANDROID__)\b"
    r"|#\s*include\s*<(endian|byteswap|machine/endian|sys/endian)\.h>"
)
# They are about the CPU itself: which of arch's headers a build chose; the instructions that one CPU runs, step by step.
CPU_PROGRAMS = ("tests/unit/sync_atomic.c", "tools/talus/pathlen_load.c", "tools/talus/trace.c")
# A statement of instructions; __asm__("name") behind a declaration only gives a symbol its name.
ASM = re.compile(r"[;{}]\s*(__asm__|__asm|asm)\b\s*(volatile|__volatile__|goto|inline)?\s*\(")


def layer(path):
    """The folder that decides a file's rank."""
    return "core/include" if path.startswith("core/include/") else path.split("/")[0]


def strip_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", lambda match: re.sub(r"[^\n]", " ", match.group()), text, flags=re.S)


def target_of(root, path, name):
    """The file of the tree that an include names, or None for one of the system."""
    beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
    for candidate in (beside, name, "core/include/" + name, "tests/" + name, "tools/talus/" + name, "stress/" + name):
        if os.path.isfile(os.path.join(root, candidate)):
            return candidate
    return None


def check_includes(root, path, text):
    problems = []
    own = layer(path)
    for match in re.finditer(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', text, re.M):
        name = match.group(2)
        where = f"{path}:{text.count(chr(10), 0, match.start()) + 1}"
        target = target_of(root, path, name)
        if ".." in name:
            problems.append(f"{where}: {name}: an include names its file from the root of the tree")
        elif target:
            if RANKS[layer(target)] > RANKS[own]:
                problems.append(f"{where}: {own} may not include {target}: includes go one way")
            elif RANKS[own] == 4 and layer(target) != own and RANKS[layer(target)] == 4 and own == "stress":
                problems.append(f"{where}: stress may not include {target}")
        elif RANKS[own] in (0, 2, 3):
            plain = name in PLAIN_HEADERS or (path.startswith("core/malloc/") and name in MALLOC_HEADERS)
            if not plain and not name.startswith("urcu"):
                problems.append(f"{where}: <{name}>: only arch/ knows the operating system")
    return problems


def check(root):
    problems = []
    for name in os.listdir(root):
        if name not in tree.FOLDERS + tree.FILES + [".git", "build"]:
            problems.append(f"{name}: not one of the folders and files at the top")
    if os.path.exists(os.path.join(root, "CMakeLists.txt")):
        for name in tree.FOLDERS + tree.FILES:
            if not os.path.exists(os.path.join(root, name)):
                problems.append(f"{name}: missing")
    urcu = set()
    for path in tree.files(root, tree.C_ENDINGS, [folder for folder in tree.FOLDERS if folder != "docs"]):
        text = strip_comments(tree.read(root, path))
        problems += check_includes(root, path, text)
        if re.search(r'#\s*include\s*[<"]urcu', text):
            urcu.add(path)
        if re.search(r'#\s*include\s*[<"]ck_', text) and layer(path) not in ("stress", "tools"):
            problems.append(f"{path}: ConcurrencyKit belongs to stress/ and tools/")
        if layer(path) != "arch" and path not in CPU_PROGRAMS:
            for match in SYSTEM_WORDS.finditer(text):
                problems.append(f"{path}: {match.group()}: only arch/ knows a CPU or an operating system")
        if layer(path) in ("core/include", "sync", "core", "stress"):
            if ASM.search(text):
                problems.append(f"{path}: assembler outside arch/")
    if len(urcu) > 1 or any(not path.startswith("sync/") for path in urcu):
        problems.append(f"liburcu is named by {sorted(urcu)}; it belongs to one file of sync/")
    return problems


FAULTS = [
    ({"core/a.h": "", "sync/lock.h": '#include "core/a.h"\n'}, "may not include core/a.h"),
    ({"sync/a.h": "", "arch/b.h": '#include "sync/a.h"\n'}, "may not include sync/a.h"),
    ({"arch/a.h": "", "core/include/talus/b.h": '#include "arch/a.h"\n'}, "may not include arch/a.h"),
    ({"tests/a.h": "", "core/b.c": '#include "tests/a.h"\n'}, "may not include tests/a.h"),
    ({"sync/a.h": "", "core/b.c": '#include "../sync/a.h"\n'}, "from the root"),
    ({"core/b.c": "#include <unistd.h>\n"}, "operating system"),
    ({"core/b.c": "#include <malloc.h>\n"}, "operating system"),
    ({"core/malloc/b.c": "#include <malloc.h>\n"}, None),
    *(({path: f"#if {word}\n#endif\n"}, word)
      for path in ("core/a.c", "core/include/talus/a.h", "sync/a.h", "stress/a.c", "tests/unit/a.c", "tools/talus/a.c")
      for word in """__x86_64__ __x86_64 __amd64__ __i386__ __i386 i386 __mips__ __mips __mips64 __mips_isa_rev mips _MIPS_SIM
_ABIO32 __MIPSEL__ MIPSEL _MIPSEB __MIPSEB__ __aarch64__ __AARCH64EB__ __arm__ __ARM_ARCH __riscv __riscv_xlen __powerpc64__
__PPC64__ __s390x__ __sparc__ __loongarch64 _M_X64 __BYTE_ORDER__ __BYTE_ORDER BYTE_ORDER __ORDER_BIG_ENDIAN__
__LITTLE_ENDIAN __BIG_ENDIAN__ LITTLE_ENDIAN __ILP32__ _ILP32 __LP64__ _LP64 __linux__""".split()),
    ({"core/b.c": "#include <endian.h>\n"}, "endian.h"),
    ({"tests/unit/b.c": "#include <byteswap.h>\n"}, "byteswap.h"),
    ({"arch/b/b.h": "#if defined(__mips__) && __BYTE_ORDER__\n#endif\n"}, None),
    ({"core/b.c": "#if UINTPTR_MAX > 0xffffffffu\nint mipsel, ABI, arm, endian;\n#endif\n"}, None),
    ({"core/b.c": 'void f(void)\n{\n    __asm__ volatile("nop");\n}\n'}, "assembler"),
    ({"core/b.c": "/* on __x86_64__ this is one load */\n"}, None),
    ({"core/b.c": 'void *f(int) __asm__("_Znwm");\n'}, None),
    ({"core/b.c": "#include <ck_ring.h>\n"}, "ConcurrencyKit"),
    ({"core/b.c": "#include <urcu/urcu-memb.h>\n"}, "liburcu"),
    ({"sync/a.c": "#include <urcu.h>\n", "sync/b.c": "#include <urcu.h>\n"}, "liburcu"),
    ({"sync/a.c": "#include <urcu.h>\n"}, None),
    ({"vendor/a.c": ""}, "not one of the folders"),
    ({"arch/a.h": "", "sync/b.h": '#include "arch/a.h"\n', "core/c.c": '#include "sync/b.h"\n'}, None),
]

if __name__ == "__main__":
    tree.main(check, FAULTS)
