"""Each atomic operation of arch/, disassembled, against the instructions that it must consist of on this CPU.

1 Method    audit_primitives.c is compiled as the library is, and with each set of further flags that fits the CPU, and
            disassembled. Every way through a function, from its first instruction to its return or back to a load-linked, becomes
            its shape: what it does to memory and to the order of accesses, in turn: "sync ll sc retry". Register instructions do
            not show. The set of a function's shapes must be one that its CPU's table allows, exactly.
2 Loops     of load-linked and store-conditional are also checked for the flow of values: one address, which nothing between them
            changes; the branch back tests what the store-conditional answered, and goes to the load-linked.
3 Compiler  The functions around_... have plain accesses on both sides: those that the order holds must still be there.

Arguments: --build DIR (with compile_commands.json) --objdump FILE [--self-test]."""

import argparse
import collections
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

import tree

sys.path.insert(0, os.path.join(tree.ROOT, "tools", "lib"))
import disassembly  # noqa: E402

SOURCE = os.path.join("tests", "build", "audit_primitives.c")
ORDERS = {
    "load": ("relaxed", "acquire"),
    "store": ("relaxed", "release"),
    "swap": ("relaxed", "acquire", "release", "acq_rel"),
    "add": ("relaxed", "acquire", "release", "acq_rel"),
    "cas": ("relaxed", "acquire", "release", "acq_rel"),
    "cas_weak": ("relaxed", "acquire", "release", "acq_rel"),
}
SWAPS = ("swap", "add")
EXCHANGES = ("cas", "cas_weak")
OTHER_ORDER = {"relaxed": "", "acquire": ".acquire", "release": ".release", "acq_rel": ".acq_rel"}
# The assembler's option for one CPU's erratum puts more syncs into the code (expected_mips_loongson3).
WITHOUT_FIX = "-Wa,-mno-fix-loongson3-llsc"
MIPS_RELEASES = {"32": ("mips32r2", "mips32r3", "mips32r5", "mips32r6"), "64": ("mips64r2", "mips64r6")}
# Flags by CPU beside the build's own: each set is one more compilation. talus asks MIPS for release 2.
VARIANTS = {
    "mips": [[WITHOUT_FIX]]
    + [
        [f"-march={release}", f"-mabi={abi}", byte_order, WITHOUT_FIX]
        for abi, releases in MIPS_RELEASES.items()
        for release in releases
        for byte_order in ("-EB", "-EL")
    ],
    "aarch64": [["-mno-outline-atomics"], ["-march=armv8.1-a"]],
}

# --- what is there ------------------------------------------------------------------------------


def is_frame(effect):
    """A plain access to the stack."""
    return effect.kind in ("load", "store", "update") and bool(re.search(r"\((%[er][sb]p|sp)\)|\[sp\b", effect.memory))


def back_to(trail, target, start):
    """How a way ends that goes back: at its load-linked, at a barrier just in front of that, or elsewhere."""
    for number in range(len(trail) - 1, -1, -1):
        if trail[number][1].kind == "ll":
            if trail[number][0].address == target:
                return "retry"
            if number > 0 and trail[number - 1][0].address == target and trail[number - 1][1].kind == "barrier":
                return "retry:sync"
            break
    return f"loop to +{target - start:#x}"


def ways(cpu, code):
    """Every way through a function: ([(instruction, effect)], how it ends). The instruction after a branch that is executed
    before it stands before it. A branch backwards ends the way."""
    index = {instruction.address: number for number, instruction in enumerate(code)}
    found = []

    def go(number, trail):
        while number < len(code):
            instruction = code[number]
            effect = disassembly.effect_of(cpu, instruction)
            step = [(instruction, effect)]
            after = number + 1
            taken = untaken = trail + step
            if effect.delay:
                slot = code[number + 1]
                after = number + 2
                taken = trail + [(slot, disassembly.effect_of(cpu, slot))] + step
                untaken = taken if effect.delay == "always" else trail + step
            if effect.kind == "return":
                found.append((taken, "return"))
                return
            if effect.kind in ("branch", "jump"):
                leave(instruction, taken)
                if effect.kind == "jump":
                    return
            trail, number = untaken, after
        found.append((trail, "end of the function"))

    def leave(instruction, trail):
        target = instruction.target
        if target not in index:
            found.append((trail, f"jump to {instruction.operands[-1] if instruction.operands else 'nowhere'}"))
        elif target <= instruction.address:
            found.append((trail, back_to(trail, target, code[0].address)))
        else:
            go(index[target], trail)

    go(0, [])
    return found


def name_of(cpu, instruction, effect):
    """The word for an instruction in a shape, or "" when it does not show."""
    kind, order = effect.kind, f".{effect.order}" if effect.order else ""
    if kind in ("register", "branch", "jump", "return"):
        return ""
    if kind in ("load", "store", "ll", "sc"):
        return kind + order
    if kind == "barrier":
        return {"mips": "sync" if order == ".full" else "sync" + order, "riscv64": "fence" + order}.get(cpu, instruction.mnemonic)
    if kind == "atomic" and cpu in ("x86-64", "i386"):
        return re.sub(r"[bwlq]$", "", instruction.mnemonic.replace(" ", "_"))
    if kind == "atomic":
        return re.match(r"amo[a-z]+|swp|cas|ldadd|\w+", instruction.mnemonic).group() + order
    if kind == "call":
        return f"call:{instruction.callee}"
    if kind in ("wait", "counter"):
        return "pause" if kind == "wait" and cpu == "riscv64" else instruction.mnemonic
    return f"{kind}:{instruction.mnemonic}"


def shape_of(cpu, way):
    """A way as words. What lies on the stack is the caller's business, but not between load-linked and store-conditional."""
    trail, end = way
    words, linked = [], False
    for instruction, effect in trail:
        linked = effect.kind == "ll" or (linked and effect.kind != "sc")
        if linked or not is_frame(effect):
            words.append(name_of(cpu, instruction, effect))
    return " ".join([word for word in words if word] + [end])


# --- what must be there -------------------------------------------------------------------------


def chain(*words):
    return " ".join(word for word in words if word)


def loop(operation, before, linked, conditional, after, retry="retry"):
    """The shapes of an operation that consists of load-linked and store-conditional."""
    won = chain(before, linked, conditional, after, "return")
    again = chain(before, linked, conditional, retry)
    differs = chain(before, linked, after, "return")
    return {"cas": {won, again, differs}, "cas_weak": {won, differs}}.get(operation, {won, again})


def expected_x86(operation, order, bits):
    del order, bits  # every locked instruction is a full barrier, every mov an acquire or release
    one = {"swap": "xchg", "add": "lock_xadd", "cas": "lock_cmpxchg", "cas_weak": "lock_cmpxchg"}
    return [{chain(one.get(operation, operation), "return")}]


def expected_mips(operation, order, bits):
    del bits
    before = "sync" if order in ("release", "acq_rel") else ""
    after = "sync" if order in ("acquire", "acq_rel") else ""
    if operation in ("load", "store"):
        return [{chain(before, operation, after, "return")}]
    return [loop(operation, before, "ll", "sc", after)]


def expected_mips_loongson3(operation, order, bits):
    """With -mfix-loongson3-llsc, which Debian's gcc for mips64el has on: the assembler adds a sync before each LL that has none,
    in the loop, and behind some loops. It takes none away."""
    exact = expected_mips(operation, order, bits)
    if operation in ("load", "store"):
        return exact
    afters = ("sync",) if order in ("acquire", "acq_rel") else ("", "sync")
    loops = [loop(operation, "sync", "ll", "sc", after, retry) for after in afters for retry in ("retry", "retry:sync")]
    return exact + loops


def expected_aarch64(operation, order, bits):
    """The compiler's three ways: a call of libgcc's function, which asks the CPU whether it has the next; the instructions of
    release 8.1; the loop."""
    if operation in ("load", "store"):
        return [{chain(operation + OTHER_ORDER[order], "return")}]
    name = {"swap": "swp", "add": "ldadd"}.get(operation, "cas")
    short = {"relaxed": "relax", "acquire": "acq", "release": "rel", "acq_rel": "acq_rel"}[order]
    linked = "ll.acquire" if order in ("acquire", "acq_rel") else "ll"
    conditional = "sc.release" if order in ("release", "acq_rel") else "sc"
    return [
        {f"call:__aarch64_{name}{bits // 8}_{short} return"},
        {f"{name}{OTHER_ORDER[order]} return"},
        loop(operation, "", linked, conditional, ""),
    ]


def expected_riscv(operation, order, bits):
    """A fence or the instruction's own bits; gcc mixes both."""
    del bits
    acquire, release = order in ("acquire", "acq_rel"), order in ("release", "acq_rel")
    if operation == "load":
        return [{chain("load", fence, "return")} for fence in (("fence.full", "fence.acquire") if acquire else ("",))]
    if operation == "store":
        allowed = [chain("fence.release", "store"), chain("fence.release", "amoswap"), chain("amoswap.release")]
        return [{chain(word, "return")} for word in (allowed if release else ["store", "amoswap"])]
    if operation in SWAPS:
        one = {"swap": "amoswap", "add": "amoadd"}[operation]
        allowed = [one + OTHER_ORDER[order]]
        if release:
            allowed.append(chain("fence.release", one + (".acquire" if acquire else "")))
        return [{chain(word, "return")} for word in allowed]
    before = "fence.release" if release else ""
    linked, conditionals = ("ll.acquire", ("sc", "sc.acquire")) if acquire else ("ll", ("sc",))
    allowed = [(before, linked, conditional) for conditional in conditionals]
    if release:
        # the store's own bit; and more than a release asks for, but no less
        allowed += [("", linked, "sc.release"), (before, "ll.acquire", "sc.acquire")]
    # gcc makes the weak exchange a strong one.
    return [loop(kind, *words, "") for words in allowed for kind in dict.fromkeys((operation, "cas"))]


EXPECTED = {
    "x86-64": expected_x86,
    "i386": expected_x86,
    "mips": expected_mips,
    "mips-loongson3": expected_mips_loongson3,
    "aarch64": expected_aarch64,
    "riscv64": expected_riscv,
}
# arch/cpu.h: one turn of a spin, and the cycle counter.
RELAX = {"x86-64": "pause return", "i386": "pause return", "aarch64": "isb return", "riscv64": "pause return"}
CYCLES = {"x86-64": "rdtsc return", "i386": "rdtsc return", "aarch64": "mrs return", "riscv64": "rdtime return"}


# --- the comparison -----------------------------------------------------------------------------


def between(words):
    """What stands between load-linked and store-conditional."""
    linked = [number for number, word in enumerate(words) if word.startswith("ll")]
    conditional = [number for number, word in enumerate(words) if re.match(r"sc\b", word)]
    return words[linked[0] + 1 : conditional[-1]] if linked and conditional else []


def hint(found, wanted):
    """In words, how the shapes differ from those that come nearest."""
    inside = [word for shape in found for word in between(shape.split())]
    if inside:
        return f"{inside[0]} between ll and sc"
    if any(shape.endswith("retry") for shape in wanted) and not any(shape.endswith("retry") for shape in found):
        return "no branch from a failed sc back to its ll"
    if not any(shape.endswith("retry") for shape in wanted) and any(shape.endswith("retry") for shape in found):
        return "it tries again"
    have, want = (collections.Counter(" ".join(sorted(shapes)).split()) for shapes in (found, wanted))
    texts = [f"{word} is missing" for word in want - have] + [f"{word} is too much" for word in have - want]
    return ", ".join(texts) or "in another order"


def check_values(cpu, trail):
    """The flow of values in a loop of load-linked and store-conditional."""
    starts = [number for number, (_, effect) in enumerate(trail) if effect.kind == "ll"]
    ends = [number for number, (_, effect) in enumerate(trail) if effect.kind == "sc"]
    if not starts or not ends:
        return
    (linked, read), (conditional, write) = trail[starts[-1]], trail[ends[-1]]
    if read.memory != write.memory:
        yield f"ll reads {read.memory}, sc writes {write.memory}"
    base = re.search(r"\w+(?=[\])])", read.memory).group()
    for instruction, effect in trail[starts[-1] : ends[-1]]:
        if effect.kind in ("register", "ll", "load") and instruction.operands and instruction.operands[0] == base:
            yield f"'{instruction.text}' changes the address between ll and sc"
    answer = conditional.operands[0]
    back = next((instruction for instruction, effect in trail[ends[-1] :] if effect.kind == "branch"), None)
    last, effect = trail[-1]
    if effect.kind == "branch" and back is last:
        failed = r"beqz?[lc]?$" if cpu == "mips" else r"(bnez|cbnz)$"  # MIPS answers 0, the others 1
        if last.operands[0] != answer or not re.match(failed, last.mnemonic):
            yield f"'{last.text}' does not go back when the sc into {answer} failed"


def check_function(target, rules, code, operation, order, bits):
    """Problems of one function, without its name."""
    found = ways(target.cpu, code)
    shapes = {shape_of(target.cpu, way) for way in found}
    allowed = EXPECTED[rules](operation, order, bits)
    if shapes not in allowed:
        nearest = min(allowed, key=lambda wanted: len(shapes ^ wanted))
        others = f", or {len(allowed) - 1} other forms" if len(allowed) > 1 else ""
        yield f"{hint(shapes, nearest)}: it is {text_of(shapes)}; it must be {text_of(nearest)}{others}"
    for trail, _ in found:
        yield from check_values(target.cpu, trail)
        for instruction, effect in trail:
            if effect.bits not in (0, bits) and not is_frame(effect):
                yield f"'{instruction.text}' is of {effect.bits} bits, not {bits}"


def text_of(shapes):
    return " | ".join(sorted(shapes))


def check_around(target, code, operation, order):
    """Problems with the plain accesses on both sides of an operation, without its name."""
    first = operation if operation in ("load", "store") else None
    for way in ways(target.cpu, code):
        words = shape_of(target.cpu, way).split()
        if words[-1] != "return":
            continue
        plain = [word.split(".")[0] for word in words]
        if first is not None:
            if order != "relaxed" and sum(word.startswith((first, "amoswap")) for word in plain) != 3:
                yield f"one of the plain accesses around it is gone: {' '.join(words)}"
            continue
        atomics = [number for number, word in enumerate(words) if word not in ("load", "store", "return")]
        if not atomics:
            yield f"nothing atomic is left of it: {' '.join(words)}"
            continue
        if order in ("release", "acq_rel") and "store" not in words[: atomics[0]]:
            yield f"the plain store before it is gone: {' '.join(words)}"
        if order in ("acquire", "acq_rel") and "load" not in words[atomics[-1] :]:
            yield f"the plain load after it is gone: {' '.join(words)}"


def check_helper(target, code, operation, order, bits):
    """libgcc's function for aarch64: a look at a flag, and then one of the two ways."""
    shapes = {shape_of(target.cpu, way) for way in ways(target.cpu, code)}
    _, one, loop_shapes = expected_aarch64(operation, order, bits)
    wanted = {f"load {shape}" for shape in one | loop_shapes}
    if shapes != wanted:
        yield f"{hint(shapes, wanted)}: it is {text_of(shapes)}; it must be {text_of(wanted)}"


def check_other(target, code, wanted):
    shapes = {shape_of(target.cpu, way) for way in ways(target.cpu, code)}
    if shapes != {wanted}:
        yield f"it is {text_of(shapes)}; it must be {wanted}"


def check(target, functions, rules=None):
    """Problems of one disassembled audit_primitives.c, and the number of functions looked at."""
    problems, looked_at = [], 0
    rules = rules or target.cpu

    def look(name, checker, *arguments):
        nonlocal looked_at
        looked_at += 1
        if name not in functions:
            problems.append(f"{target.name}: {name} is not there")
            return
        problems.extend(f"{target.name}: {name}: {text}" for text in dict.fromkeys(checker(target, *arguments)))

    for operation, orders in ORDERS.items():
        for width, bits in (("word", target.bits), ("32", 32)):
            for order in orders:
                names = [f"audit_{operation}_{width}_{order}"]
                if operation in EXCHANGES:
                    names.append(f"audit_{operation}_found_{width}_{order}")
                for name in names:
                    look(name, check_function, rules, functions.get(name), operation, order, bits)
                if operation not in EXCHANGES:
                    name = f"around_{operation}_{width}_{order}"
                    look(name, check_around, functions.get(name), operation, order)
    equals = "audit_equals_word_relaxed"
    look(equals, check_function, rules, functions.get(equals), "load", "relaxed", target.bits)
    for name, table in (("audit_relax", RELAX), ("audit_cycles", CYCLES)):
        look(name, check_other, functions.get(name), table.get(target.cpu, "return"))
    for name, code in functions.items():
        match = re.match(r"__aarch64_(cas|swp|ldadd)(4|8)_(relax|acq|rel|acq_rel)$", name)
        if match:
            operation = {"swp": "swap", "ldadd": "add"}.get(match.group(1), "cas")
            order = {"relax": "relaxed", "acq": "acquire", "rel": "release"}.get(match.group(3), "acq_rel")
            look(name, check_helper, code, operation, order, 8 * int(match.group(2)))
    return problems, looked_at


# --- the compiler -------------------------------------------------------------------------------


def build_command(build):
    """The compiler and the flags with which this build compiles the source."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        entries = [entry for entry in json.load(file) if entry["file"].endswith(SOURCE)]
    words = shlex.split(entries[0]["command"])
    for flag, count in (("-o", 2), ("-c", 2)):
        position = words.index(flag)
        del words[position : position + count]
    return words


def disassemble(command, flags, objdump):
    """Links too: branches have their targets then, and what the compiler calls has its name."""
    with tempfile.TemporaryDirectory(prefix="talus-check-") as folder:
        path = os.path.join(folder, "audit.so")
        link = ["-g0", "-shared", "-nostdlib", "-Wl,-X", "-o", path, os.path.join(tree.ROOT, SOURCE)]
        foreign = any(flag.startswith("-mabi") for flag in flags)  # its C library and libgcc are not there
        subprocess.run([*command, *link, *flags, "-ffreestanding" if foreign else "-lgcc"], check=True)
        return disassembly.target_of(path), disassembly.listing_of(objdump, path)


def check_build(command, objdump, flags=()):
    target, listing = disassemble(command, flags, objdump)
    rules = target.cpu
    if target.cpu == "mips" and not flags and listing != disassemble(command, [WITHOUT_FIX], objdump)[1]:
        rules = "mips-loongson3"
    problems, looked_at = check(target, disassembly.parse(listing), rules)
    print(f"{target.name}{''.join(' ' + flag for flag in flags)}: {looked_at} functions, {len(problems)} problems")
    return target, problems


# --- faults that must be found ------------------------------------------------------------------

# In the listing of this CPU: function, what is replaced (a pattern within its lines), by what, a part of the problem.
X86_FAULTS = [
    ("audit_cas_word_acq_rel", r"lock cmpxchg", "cmpxchg", "lock_cmpxchg is missing"),
    ("audit_cas_weak_found_32_relaxed", r"lock cmpxchg", "cmpxchg", "lock_cmpxchg is missing"),
    ("audit_add_32_relaxed", r"lock xadd", "xadd", "lock_xadd is missing"),
    ("audit_swap_word_release", r"\txchg", "\tmfence\n 0:\txchg", "mfence is too much"),
    ("audit_swap_32_acquire", r"\txchg", "\tmov", "xchg is missing"),
    ("audit_load_word_acquire", r"\tret", "\tlock orl $0x0,(%esp)\n 0:\tret", "lock_or is too much"),
    ("audit_store_word_release", r"\tmov(.*\n.*\tret)", r"\txchg\1", "store is missing, xchg is too much"),
    ("audit_load_32_relaxed", r"\tret", "\tcpuid\n 0:\tret", "unknown:cpuid is too much"),
    ("audit_store_32_relaxed", r"\tmov +%e(..),\(", r"\tmov %\1,(", "of 16 bits"),
    ("audit_cas_32_acquire", r"\tret", "\tcall 0 <helper>\n 0:\tret", "call:helper is too much"),
    ("around_swap_word_release", r"movl +\$0x1,", "lea ", "the plain store before it is gone"),
    ("around_store_word_release", r"movl +\$0x1,", "lea ", "one of the plain accesses"),
    ("audit_relax", r"\tpause", "\tnop", "it must be pause return"),
]
MIPS_FAULTS = [
    ("audit_swap_word_acq_rel", r"\tsync", "\tnop", "sync is missing"),
    ("audit_load_32_acquire", r"\tsync", "\tnop", "sync is missing"),
    ("audit_store_word_release", r"\tsync", "\tsync\t0x10", "sync.unknown is too much"),
    ("audit_add_32_acquire", r"(\tsc)\t(.*)\(\w+\)", r"\1\t\2(t9)", "sc writes 0(t9)"),
    ("audit_cas_word_relaxed", r"\t(beqzc?)\t\w+,(.*\n)", r"\t\1\tt9,\2", "does not go back when the sc"),
    ("audit_swap_32_relaxed", r"\t(move|or)\t\w+,", r"\t\1\ta0,", "changes the address"),
    ("audit_cas_weak_32_release", r"\tsc\t(.*\n)", r"\tsync\n 0:\tsc\t\1", "sync between ll and sc"),
    ("around_swap_32_acq_rel", r"\tsw\t", "\tlui\t", "the plain store before it is gone"),
]
AARCH64_FAULTS = [
    ("audit_load_word_acquire", r"\tldar\t", "\tldr\t", "load.acquire is missing"),
    ("audit_store_32_release", r"\tstlr\t", "\tstr\t", "store.release is missing"),
    ("audit_cas_word_acq_rel", r"cas8_acq_rel>", "cas8_acq>", "call:__aarch64_cas8_acq_rel is missing"),
    ("audit_swap_32_release", r"swp4_rel>", "swp8_rel>", "call:__aarch64_swp4_rel is missing"),
    ("__aarch64_ldadd8_acq_rel", r"\tstlxr\t", "\tstxr\t", "sc.release is missing"),
    ("__aarch64_cas4_acq", r"\tldaxr\t", "\tldxr\t", "ll.acquire is missing"),
    ("__aarch64_swp8_rel", r"\tcbnz\t\w+,.*", "\tnop", "no branch from a failed sc"),
]
RISCV_FAULTS = [
    ("audit_load_word_acquire", r"\tfence.*", "\tnop", "fence"),
    ("audit_swap_32_release", r"\tfence.*", "\tfence\tr,r", "fence.unknown is too much"),
    ("audit_add_word_acquire", r"amoadd\.d\.aq", "amoadd.d", "amoadd.acquire is missing"),
    ("audit_cas_32_acquire", r"lr\.w\.aq", "lr.w", "is missing"),
    ("audit_cas_word_release", r"\tfence.*", "\tnop", "is missing"),
    ("audit_cas_weak_32_relaxed", r"\tsc\.w", "\tsc.d", "of 64 bits"),
]
FAULTS = {"x86-64": X86_FAULTS, "i386": X86_FAULTS, "mips": MIPS_FAULTS, "aarch64": AARCH64_FAULTS, "riscv64": RISCV_FAULTS}
MUTANTS = {
    "mips_sync_dropped": "_acquire: sync is missing",
    "mips_store_inside": "store between ll and sc",
    "mips_no_retry": "no branch from a failed sc back to its ll",
}
MIPS_COMPILERS = ("mipsel-linux-gnu-gcc", "mips-linux-gnu-gcc", "mips64el-linux-gnuabi64-gcc")


def plant(listing, name, pattern, replacement):
    """The listing with the fault in one function; unchanged when the pattern is not there."""
    start = listing.index(f"<{name}>:\n")
    end = listing.find("\n\n", start)
    end = len(listing) if end < 0 else end
    return listing[:start] + re.sub(pattern, replacement, listing[start:end], count=1) + listing[end:]


def self_test(command, objdump):
    flags = [WITHOUT_FIX] if "mips" in command[0] else []
    target, listing = disassemble(command, flags, objdump)
    found = [(check(target, disassembly.parse(listing))[0], None)]
    for name, pattern, replacement, expected in FAULTS[target.cpu]:
        planted = plant(listing, name, pattern, replacement)
        if planted == listing:
            found.append(([f"{name}: '{pattern}' is not there to be replaced"], expected + f" in {name}"))
            continue
        problems = check(target, disassembly.parse(planted))[0]
        found.append(([problem for problem in problems if name in problem], expected))
    functions = disassembly.parse(listing)
    del functions["audit_relax"]
    found.append((check(target, functions)[0], "audit_relax is not there"))

    mips = command
    if target.cpu != "mips":
        kept = [word for word in command[1:] if re.match(r"-[IODfWs]", word)]
        mips = [next(filter(shutil.which, MIPS_COMPILERS), None), *kept]
    if mips[0] is None:
        print("no compiler for MIPS here: its seeded bugs are left to the presets of MIPS")
        return tree.expect_found(found)
    objdump = objdump if target.cpu == "mips" else mips[0].removesuffix("gcc") + "objdump"
    for mutant, expected in MUTANTS.items():
        target, listing = disassemble(mips, [f"-DTL_MUTANT_{mutant}=1", WITHOUT_FIX], objdump)
        problems = check(target, disassembly.parse(listing))[0]
        print(f"{mutant}: {problems[0] if problems else 'nothing found'}")
        found.append((problems, expected))
    return tree.expect_found(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, help="the build folder: its compiler and flags are used")
    parser.add_argument("--objdump", required=True, help="the disassembler for that compiler's objects")
    parser.add_argument("--self-test", action="store_true", help="plant faults, and find each")
    options = parser.parse_args()
    command = build_command(options.build)
    if options.self_test:
        return self_test(command, options.objdump)
    target, problems = check_build(command, options.objdump)
    for flags in VARIANTS.get(target.cpu, []):
        problems += check_build(command, options.objdump, flags)[1]
    return tree.report(problems)


if __name__ == "__main__":
    sys.exit(main())
