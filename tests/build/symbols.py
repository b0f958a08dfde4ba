"""What the libraries export, need and contain. Argument: the folder of the built libraries."""

import os
import re
import subprocess
import sys
import tempfile

import tree

MALLOC_FAMILY = """malloc free calloc realloc reallocarray memalign aligned_alloc posix_memalign valloc pvalloc cfree
free_sized free_aligned_sized malloc_usable_size malloc_trim mallopt malloc_stats malloc_info mallinfo mallinfo2
__libc_malloc __libc_free __libc_calloc __libc_realloc __libc_reallocarray __libc_memalign __libc_valloc __libc_pvalloc
__posix_memalign""".split()
# operator new and delete: plain, array, sized, aligned, nothrow. The nothrow forms of new stay the C++ library's, which take
# their memory from the plain ones (core/malloc/new.c says why).
OPERATORS = """_Znwm _Znam _ZnwmSt11align_val_t _ZnamSt11align_val_t _ZdlPv _ZdaPv _ZdlPvm _ZdaPvm _ZdlPvRKSt9nothrow_t
_ZdaPvRKSt9nothrow_t _ZdlPvSt11align_val_t _ZdaPvSt11align_val_t _ZdlPvmSt11align_val_t _ZdaPvmSt11align_val_t
_ZdlPvSt11align_val_tRKSt9nothrow_t _ZdaPvSt11align_val_tRKSt9nothrow_t""".split()

TLS_BYTES_MAX = 64  # a large static TLS block keeps dlopen from loading the library


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C"}).stdout


def symbols(path, *flags):
    """Names of nm's lines, versions cut off."""
    lines = output("nm", *flags, path).splitlines()
    return {line.split()[-1].split("@")[0] for line in lines if line and not line.endswith(":")}


def check_exports(path, required, allowed):
    exported = symbols(path, "-D", "--defined-only")
    name = os.path.basename(path)
    stray = [symbol for symbol in exported if symbol not in required and not re.match(allowed, symbol)]
    return [f"{name}: exports {symbol}" for symbol in sorted(stray)] + [
        f"{name}: does not export {symbol}" for symbol in required if symbol not in exported
    ]


def check_needs(path):
    """The library needs the C library alone, and of that nothing that allocates behind its back."""
    name = os.path.basename(path)
    problems = []
    dynamic = output("readelf", "-dW", path)
    for needed in re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic):
        if not needed.startswith(("libc.so", "ld-linux", "ld64")):
            problems.append(f"{name}: needs {needed}")
    if "TEXTREL" in dynamic:
        problems.append(f"{name}: has text relocations")
    undefined = symbols(path, "-D", "--undefined-only")
    unwanted = {*MALLOC_FAMILY, *OPERATORS, "strdup", "asprintf", "printf", "fopen", "__tls_get_addr"}
    for symbol in sorted(undefined & unwanted):
        problems.append(f"{name}: calls {symbol}")
    headers = output("readelf", "-lW", path)
    if re.search(r"GNU_STACK.*RWE", headers):
        problems.append(f"{name}: asks for an executable stack")
    tls = re.search(r"^\s*TLS\s+\S+\s+\S+\s+\S+\s+\S+\s+(0x[0-9a-f]+)", headers, re.M)
    if tls and int(tls.group(1), 16) > TLS_BYTES_MAX:
        problems.append(f"{name}: {int(tls.group(1), 16)} bytes of thread-local storage; at most {TLS_BYTES_MAX}")
    return problems


def check_calls_itself(path):
    """Calls between the library's own functions never end in another library or in the program."""
    name = os.path.basename(path)
    own = symbols(path, "-D", "--defined-only")
    named = re.findall(r"^[0-9a-f]+ +[0-9a-f]+ +R_\S+ +[0-9a-f]+ +(\S+)", output("readelf", "-rW", path), re.M)
    bound_late = {symbol.split("@")[0] for symbol in named} & own
    return [f"{name}: its own {symbol} may turn out to be another's" for symbol in sorted(bound_late)]


def check_archive(path, allowed):
    name = os.path.basename(path)
    stray = [symbol for symbol in symbols(path, "-g", "--defined-only") if not re.match(allowed, symbol)]
    return [f"{name}: global symbol {symbol}" for symbol in sorted(stray)]


def check(folder):
    core = os.path.join(folder, "libtalus.so")
    malloc = os.path.join(folder, "libtalus-malloc.so")
    public = []
    for header in ("talus", "heap", "reserve"):
        text = tree.read(tree.ROOT, f"core/include/talus/{header}.h")
        public += re.findall(r"^TALUS_API[^;(]*?\b(talus_\w+)\(", text, re.M)
    problems = check_exports(core, public, r"talus_")
    problems += check_exports(malloc, [*public, *MALLOC_FAMILY, *OPERATORS], r"talus_")
    problems += check_needs(core) + check_needs(malloc)
    problems += check_calls_itself(core) + check_calls_itself(malloc)
    problems += check_archive(os.path.join(folder, "libtalus.a"), r"(talus|tl)_")
    family = "|".join(map(re.escape, [*MALLOC_FAMILY, *OPERATORS]))
    problems += check_archive(os.path.join(folder, "libtalus-malloc.a"), rf"(talus|tl)_|({family})$")
    return problems


def self_test():
    """A library that does everything wrong."""
    text = """#include <stdlib.h>
#include <stdio.h>
_Thread_local char big[4096];
void *stray(void) { big[1] = 1; printf("x"); return malloc(1); }
void *caller(void) { return stray(); }
"""
    with tempfile.TemporaryDirectory(prefix="talus-check-") as folder:
        path = os.path.join(folder, "libbad.so")
        tree.plant(folder, {"bad.c": text})
        command = ["gcc", "-shared", "-fPIC", "-z", "execstack", "-o", path, os.path.join(folder, "bad.c"), "-lm"]
        subprocess.run([*command, "-Wl,--no-as-needed", "-lpthread", "-lm"], check=True)
        archive = os.path.join(folder, "libbad.a")
        subprocess.run(["gcc", "-c", "-o", path + ".o", os.path.join(folder, "bad.c")], check=True)
        subprocess.run(["ar", "rc", archive, path + ".o"], check=True)
        problems = check_exports(path, ["talus_malloc"], r"talus_") + check_needs(path) + check_calls_itself(path)
        found = "\n".join(problems + check_archive(archive, "tl_"))
    expected = ["exports stray", "does not export talus_malloc", "needs libm", "calls malloc", "executable stack"]
    expected += ["bytes of thread-local", "global symbol stray", "calls __tls_get_addr", "its own stray may"]
    missing = [text for text in expected if text not in found]
    print(found, "\nnot found:", missing)
    return 1 if missing else 0


if __name__ == "__main__":
    if sys.argv[1] == "--self-test":
        sys.exit(self_test())
    sys.exit(tree.report(check(sys.argv[1])))
