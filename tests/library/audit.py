"""The kernel's library, taken apart: what a kernel can link, and code that leaves interrupts as they are.

1 Symbols   It wants talus_port_panic, memcpy and memset, and nothing else: no libgcc, no C library.
2 Sections  No thread-local storage, no constructors: nobody sets them up in a kernel.
3 Registers General ones only, since an interrupt saves no others; on x86-64 nothing lies below the stack pointer (red zone).
4 Masking   No instruction that masks interrupts, reads whether they are masked, or returns from one (D7, D8): whatever can hold
            them back is privileged, and none of the privileged instructions below is there.

Arguments: FILE (archive or object) --nm FILE --objdump FILE; --self-test with the compiler and its flags behind `--`."""

import argparse
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "build"))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools", "lib"))
import disassembly  # noqa: E402
import tree  # noqa: E402

ALLOWED = {"talus_port_panic", "memcpy", "memset"}
SECTIONS = re.compile(r"\.(tdata|tbss|ctors|dtors|init_array|fini_array|preinit_array)")
# By CPU: instructions, and operands, that no part of the heap may hold.
X86 = (
    r"cli|sti|pushf\w*|popf\w*|iret\w*|lidt\w*|lgdt\w*|hlt|int|int3|syscall|sysret\w*|sysexit|rdmsr|wrmsr|lmsw|vm\w+",
    r"%[cd]r\d",
)
PRIVILEGED = {
    "x86-64": X86,
    "i386": X86,
    "mips": (r"d?m[tf]h?c0|di|ei|d?eret(nc)?|wait|syscall|d[mv][tp]e?|e[mv][tp]e?|m[tf]tr|cache\w*", None),
    "aarch64": (r"msr|eret\w*|svc|hvc|smc|wf[ie]t?|drps", r"^(daif|spsr|pmr)"),
    "riscv64": (r"csr\w+|[ms]ret|uret|mnret|wfi|ecall|sfence\S*|frcsr|fscsr", r"^[mshu](status|ie|tvec)$"),
}
# What needs registers that an interrupt does not save.
VECTORS = {
    "x86-64": r"%[xyz]?mm\d|%st",
    "i386": r"%[xyz]?mm\d|%st",
    "mips": r"\$f\d|\$w\d",
    "aarch64": r"^\{?[vqdshb]\d+(\.|$|\[|\})",
    "riscv64": r"^f[ast]\d|^v\d",
}


def text_of(command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def check_symbols(nm, path):
    wanted, defined = set(), set()
    for line in text_of([nm, path]).splitlines():
        match = re.match(r"[0-9a-f]*\s+([A-Za-z])\s+(\S+)$", line)
        if match:
            (wanted if match.group(1) in "Uwv" else defined).add(match.group(2))
    problems = [f"it wants {name}" for name in sorted(wanted - defined - ALLOWED)]
    if "talus_port_panic" not in wanted:
        problems.append("it does not want talus_port_panic: is this the library?")
    return problems


def check_sections(objdump, path):
    names = set(re.findall(r"^\s*\d+ (\.\S+)", text_of([objdump, "-h", path]), re.M))
    return [f"it has a section {name}" for name in sorted(names) if SECTIONS.match(name)]


def check_code(cpu, objdump, path):
    """The instructions of every function, and how many there are."""
    mnemonics, operands = PRIVILEGED[cpu]
    count, problems = 0, []
    for name, code in disassembly.parse(disassembly.listing_of(objdump, path)).items():
        for instruction in code:
            count += 1
            mnemonic = instruction.mnemonic.split()[-1]
            values = [re.sub(r"<.*", "", operand) for operand in instruction.operands]
            if re.fullmatch(mnemonics, mnemonic) or operands and any(re.search(operands, value) for value in values):
                problems.append(f"{name}: '{instruction.text}' is privileged")
            if any(re.search(VECTORS[cpu], value) for value in values):
                problems.append(f"{name}: '{instruction.text}' uses a register that interrupts do not save")
            if cpu == "x86-64" and any(re.match(r"-0x[0-9a-f]+\(%rsp", value) for value in values):
                problems.append(f"{name}: '{instruction.text}' lies in the red zone")
    return problems, count


def cpu_of(objdump, path):
    """The key of the tables for the first object in the file."""
    name = re.search(r"file format elf\d+-(\S+)", text_of([objdump, "-f", path])).group(1)
    keys = (("x86-64", "x86-64"), ("i386", "i386"), ("mips", "mips"), ("littleaarch64", "aarch64"), ("littleriscv", "riscv64"))
    return next(key for word, key in keys if word in name)


def check(path, nm, objdump):
    cpu = cpu_of(objdump, path)
    problems, count = check_code(cpu, objdump, path)
    if count == 0:
        problems.append("no instructions found")
    print(f"{os.path.basename(path)}: {cpu}, {count} instructions")
    return check_symbols(nm, path) + check_sections(objdump, path) + problems


# --- self-test ----------------------------------------------------------------------------------

GOOD = "_Noreturn void talus_port_panic(const char *line);\nvoid f(void);\nvoid f(void)\n{\n    talus_port_panic(\"\");\n}\n"


def assembly(text):
    return f'{GOOD}void g(void);\nvoid g(void)\n{{\n    __asm__ volatile("{text}");\n}}\n'


# By CPU: instructions that must be found.
FAULTS = {
    "x86-64": ["cli", "sti", "pushfq", "popfq", "iretq", "mov %rax, %cr8", "mov %cr0, %rax", "lidt (%rax)", "hlt", "wrmsr"],
    "i386": ["cli", "sti", "pushf", "popf", "iret", "mov %eax, %cr0", "lidt (%eax)", "hlt", "wrmsr"],
    "mips": ["di", "ei", "mtc0 $8, $12", "mfc0 $8, $12", "eret", "wait"],
    "aarch64": ["msr daifset, #2", "msr daifclr, #2", "mrs x0, daif", "eret", "wfi", "svc #0"],
    "riscv64": ["csrw sstatus, a0", "csrc sstatus, a0", "csrsi sstatus, 2", "csrr a0, sie", "sret", "mret", "wfi", "ecall"],
}
VECTOR_FAULTS = {
    "x86-64": "movaps %xmm0, %xmm1",
    "i386": "fld %st(1)",
    "mips": ".set push; .set hardfloat; mov.s $f2, $f4; .set pop",
    "aarch64": ".arch_extension fp; fmov d0, d1",
    "riscv64": ".option push; .option arch, +d; fmv.d fa0, fa1; .option pop",
}


def self_test(nm, objdump, compiler):
    with tempfile.TemporaryDirectory(prefix="talus-audit-") as folder:
        path = os.path.join(folder, "fault.o")

        def found(source):
            with open(os.path.join(folder, "fault.c"), "w", encoding="utf-8") as file:
                file.write(source)
            subprocess.run([*compiler, "-O2", "-c", os.path.join(folder, "fault.c"), "-o", path], check=True)
            return check(path, nm, objdump)

        none = found(GOOD)
        cpu = cpu_of(objdump, path)
        pairs = [(none, None)]
        pairs += [(found(assembly(text)), "is privileged") for text in FAULTS[cpu]]
        pairs.append((found(assembly(VECTOR_FAULTS[cpu])), "interrupts do not save"))
        stranger = "int strange(void);\nint g(void);\nint g(void)\n{\n    return strange();\n}\n"
        pairs.append((found(GOOD + stranger), "wants strange"))
        pairs.append((found("int f(void);\nint f(void)\n{\n    return 1;\n}\n"), "does not want talus_port_panic"))
        pairs.append((found(f"{GOOD}_Thread_local int t = 1;\n"), "a section .tdata"))
        constructor = "__attribute__((constructor)) static void g(void)\n{\n    f();\n}\n"
        pairs.append((found(GOOD + constructor), "a section .init_array"))
        if cpu == "x86-64":
            pairs.append((found(assembly("movl %eax, -8(%rsp)")), "red zone"))
        return tree.expect_found(pairs)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library", nargs="?")
    parser.add_argument("--nm", required=True)
    parser.add_argument("--objdump", required=True)
    parser.add_argument("--self-test", action="store_true")
    end = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    arguments = parser.parse_args(sys.argv[1:end])
    if arguments.self_test:
        return self_test(arguments.nm, arguments.objdump, sys.argv[end + 1 :])
    return tree.report(check(arguments.library, arguments.nm, arguments.objdump))


if __name__ == "__main__":
    sys.exit(main())
