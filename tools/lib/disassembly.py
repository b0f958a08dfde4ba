"""What objdump prints, as functions of instructions, and what each instruction does to memory and to the order of accesses.

A CPU is a table of mnemonics below. Whatever its table does not know is of kind "unknown": no check lets that pass, so a new
instruction is looked at once, by whoever enters it."""

import dataclasses
import re
import struct
import subprocess

# --- the file -----------------------------------------------------------------------------------

MACHINES = {3: "i386", 8: "mips", 62: "x86-64", 183: "aarch64", 243: "riscv64"}
MIPS_RELEASES = {5: "mips32", 6: "mips64", 7: "mips32r2", 8: "mips64r2", 9: "mips32r6", 10: "mips64r6"}


@dataclasses.dataclass(frozen=True)
class Target:
    """What an ELF file was made for."""

    cpu: str  # a key of CPUS
    name: str  # with release and byte order: "mips32r2, big endian"
    bits: int  # of a word


def target_of(path):
    with open(path, "rb") as file:
        head = file.read(64)
    if head[:4] != b"\x7fELF":
        raise ValueError(f"{path}: not an ELF file")
    bits, order = (32, 64)[head[4] - 1], "<>"[head[5] - 1]
    cpu = MACHINES.get(struct.unpack_from(order + "H", head, 18)[0])
    if cpu is None:
        raise ValueError(f"{path}: for a CPU that is not known here")
    name = cpu
    if cpu == "mips":
        flags = struct.unpack_from(order + "I", head, 36 if bits == 32 else 48)[0]
        name = MIPS_RELEASES.get(flags >> 28, "mips") + (", big endian" if order == ">" else ", little endian")
    return Target(cpu, name, bits)


def compiler_of(path):
    """As the file's .comment section names it: "GCC 12", "clang 14"."""
    with open(path, "rb") as file:
        content = file.read()
    found = re.search(rb"clang version (\d+)", content)
    if found:
        return f"clang {found.group(1).decode()}"
    found = re.search(rb"GCC: \([^)]*\) (\d+)", content)
    return f"GCC {found.group(1).decode()}" if found else "an unknown compiler"


# --- the listing --------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Instruction:
    address: int
    mnemonic: str  # prefixes included: "lock cmpxchg"
    operands: tuple
    text: str  # as objdump has it

    @property
    def target(self):
        """The address that the last operand names as code, or None."""
        match = re.match(r"([0-9a-f]+) <", self.operands[-1]) if self.operands else None
        return int(match.group(1), 16) if match else None

    @property
    def callee(self):
        """The name that the last operand gives to its address, or None."""
        match = re.match(r"[0-9a-f]+ <([^>+]+)>", self.operands[-1]) if self.operands else None
        return match.group(1) if match else None


PREFIXES = ("lock", "rep", "repz", "repnz", "notrack", "bnd", "data16", "addr32", "cs", "ds", "rex.W")


def split_operands(text):
    """At the commas that are in no bracket."""
    operands, depth, start = [], 0, 0
    for position, letter in enumerate(text):
        depth += (letter in "([{<") - (letter in ")]}>")
        if letter == "," and depth == 0:
            operands.append(text[start:position].strip())
            start = position + 1
    operands.append(text[start:].strip())
    return tuple(operand for operand in operands if operand)


def parse_instruction(address, text):
    text = re.split(r"\s+(?:#|//) ", text, maxsplit=1)[0].rstrip()
    words = text.split()
    count = 1
    while count < len(words) and words[count - 1] in PREFIXES:
        count += 1
    mnemonic = " ".join(words[:count])
    rest = re.match(r"\s*" + r"\s+".join(map(re.escape, words[:count])), text)
    return Instruction(address, mnemonic, split_operands(text[rest.end() :]), re.sub(r"\s+", " ", text))


def parse(listing):
    """{name: [instructions]} of `objdump -d --no-show-raw-insn`."""
    functions, current = {}, None
    for line in listing.splitlines():
        label = re.match(r"[0-9a-f]+ <(.+)>:$", line)
        if label:
            if not label.group(1).startswith("."):  # the compiler's own labels within a function
                current = functions.setdefault(label.group(1), [])
            continue
        match = re.match(r"\s*([0-9a-f]+):\t(.+)$", line)
        if match and current is not None:
            current.append(parse_instruction(int(match.group(1), 16), match.group(2)))
    return functions


def lines_of(listing):
    """{address: text}, for those who need few of the instructions (parse_instruction)."""
    found = {}
    for line in listing.splitlines():
        address, colon, text = line.partition(":\t")
        if colon:
            found[int(address, 16)] = text
    return found


def listing_of(objdump, path):
    command = [objdump, "-d", "--no-show-raw-insn", path]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


# --- what an instruction does -------------------------------------------------------------------
# Kinds: register, load, store, update (load and store, not atomic), atomic (read-modify-write in one), ll, sc, barrier, branch,
# jump, call, return, wait (a spinning thread's hint), counter, thread (where the thread's own data lies), unknown.


@dataclasses.dataclass(frozen=True)
class Effect:
    kind: str
    bits: int = 0  # of the access; 0: it does not matter
    order: str = ""  # acquire, release, acq_rel, full, or nothing
    memory: str = ""  # the operand that names the memory
    delay: str = ""  # a branch whose next instruction is executed before it goes: "always", or "taken" when only if it is taken


def words(text):
    return frozenset(text.split())


def x86_memory(instruction):
    for position, operand in enumerate(instruction.operands):
        if re.search(r"\(.*%|^%[fg]s:|^0x[0-9a-f]+$", operand) and not operand.startswith(("$", "*%")):
            return position, operand
    return None, ""


X86_REGISTER = re.compile(
    r"(mov|movabs|movz\w+|movs[bwl][wlq]|movslq|lea|add|sub|and|or|xor|not|neg|sh[lr]d?|sa[lr]|ro[lr]|test|cmp|imul|mul|inc|dec"
    r"|adc|sbb|bsr|bsf|[lt]zcnt|bt[src]?|set\w+|cmov\w+|cltq|cqto|cltd|cwtl|endbr(32|64)|nop|leave|xchg)[bwlq]?$"
)
X86_READS = re.compile(r"(cmp|test|bt|mov|movz\w+|movs[bwl][wlq]|movslq|cmov\w+|imul|add|sub|and|or|xor|bsr|bsf|lea)[bwlq]?$")
X86_WRITES = re.compile(r"(mov|set\w+)[bwlq]?$")
X86_NO_STORE = re.compile(r"(cmp|test|bt)[bwlq]?$")


def x86_bits(instruction):
    """By the mnemonic's suffix, else by the register operand."""
    match = re.search(r"(?:cmpxchg|xadd|xchg|mov|cmp|add|sub|and|or|xor|test|inc|dec)([bwlq])$", instruction.mnemonic)
    if match:
        return {"b": 8, "w": 16, "l": 32, "q": 64}[match.group(1)]
    for operand in instruction.operands:
        if re.match(r"%(r[a-ds][xip]|r[sd]i|r\d+)$", operand):
            return 64
        if re.match(r"%(e\w\w|r\d+d)$", operand):
            return 32
        if re.match(r"%([a-ds][xip]|[sd]i|r\d+w)$", operand):
            return 16
    return 8


def x86(instruction):
    mnemonic, operands = instruction.mnemonic, instruction.operands
    if mnemonic.startswith(("rep ", "repz ", "notrack ", "bnd ", "cs ", "data16 ", "addr32 ")):
        mnemonic = mnemonic.split()[-1]
    position, memory = x86_memory(instruction)
    bits = x86_bits(instruction)
    if mnemonic.startswith("lock ") or (re.match(r"xchg[bwlq]?$", mnemonic) and memory):
        return Effect("atomic", bits, "full", memory)
    if mnemonic in ("mfence", "lfence", "sfence"):
        return Effect("barrier", order="full")
    if mnemonic in ("ret", "retq"):
        return Effect("return")
    if mnemonic in ("call", "callq"):
        return Effect("call")
    if mnemonic in ("jmp", "jmpq"):
        return Effect("jump")
    if re.match(r"j[a-z]{1,3}$", mnemonic):
        return Effect("branch")
    if mnemonic in ("pause", "nop", "nopw", "nopl"):
        return Effect("wait" if mnemonic == "pause" else "register")
    if mnemonic == "rdtsc":
        return Effect("counter")
    if re.match(r"(cmpxchg|xadd)[bwlq]?$", mnemonic):
        return Effect("update", bits, memory=memory)
    if re.match(r"(push|pop)[lq]?$", mnemonic):
        return Effect("store" if mnemonic.startswith("push") else "load", memory="(%esp)")
    if not X86_REGISTER.match(mnemonic):
        return Effect("unknown")
    if not memory or mnemonic.startswith("lea"):
        return Effect("register")
    last = position == len(operands) - 1
    if not last or X86_NO_STORE.match(mnemonic):
        return Effect("load" if X86_READS.match(mnemonic) else "unknown", bits, memory=memory)
    return Effect("store" if X86_WRITES.match(mnemonic) else "update", bits, memory=memory)


MIPS_REGISTER = words(
    """add addi addiu addu sub subu dadd daddi daddiu daddu dsub dsubu and andi or ori xor xori nor not neg negu move li lui slt
    slti sltiu sltu sll sllv sra srav srl srlv dsll dsll32 dsllv dsra dsra32 dsrav dsrl dsrl32 dsrlv rotr drotr ext ins dext dextm
    dextu dins dinsm dinsu seb seh wsbh clz dclz mul mult multu dmul dmult dmultu mflo mfhi muh muhu movn movz seleqz selnez aui
    daui dahi dati auipc addiupc aluipc lsa dlsa nop ssnop ehb teq"""
)
MIPS_LOADS = {"lb": 8, "lbu": 8, "lh": 16, "lhu": 16, "lw": 32, "lwu": 32, "ld": 64, "lwpc": 32, "lwl": 32, "lwr": 32}
MIPS_STORES = {"sb": 8, "sh": 16, "sw": 32, "sd": 64}
MIPS_BRANCH = re.compile(r"b(eq|ne|eqz|nez|gez|gtz|lez|ltz)$")
MIPS_BRANCH_LIKELY = re.compile(r"b(eq|ne|eqz|nez|gez|gtz|lez|ltz)l$")
MIPS_BRANCH_COMPACT = re.compile(r"b(eq|ne|eqz|nez|gez|gtz|lez|ltz|ge|geu|lt|ltu|gt|le)c$")


def mips(instruction):
    mnemonic, operands = instruction.mnemonic, instruction.operands
    memory = operands[-1] if operands and operands[-1].endswith(")") else ""
    if mnemonic in ("ll", "lld", "sc", "scd"):
        return Effect(mnemonic[:2], 64 if mnemonic.endswith("d") else 32, memory=memory)
    if mnemonic == "sync":
        return Effect("barrier", order="full" if not operands or operands[0] in ("0", "0x0") else "unknown")
    if mnemonic in MIPS_LOADS:
        return Effect("load", MIPS_LOADS[mnemonic], memory=memory)
    if mnemonic in MIPS_STORES:
        return Effect("store", MIPS_STORES[mnemonic], memory=memory)
    if mnemonic in ("jr", "jrc", "jr.hb", "jic"):
        kind = "return" if operands[0] == "ra" else "jump"
        return Effect(kind, delay="always" if mnemonic.startswith("jr") and mnemonic != "jrc" else "")
    if mnemonic in ("b", "j", "bc"):
        return Effect("jump", delay="" if mnemonic == "bc" else "always")
    if mnemonic in ("jal", "jalr", "bal", "balc", "jalrc", "jialc", "bgezal"):
        return Effect("call", delay="" if mnemonic.endswith("c") else "always")
    for pattern, delay in ((MIPS_BRANCH, "always"), (MIPS_BRANCH_LIKELY, "taken"), (MIPS_BRANCH_COMPACT, "")):
        if pattern.match(mnemonic):
            return Effect("branch", delay=delay)
    if mnemonic == "pause":
        return Effect("wait")
    if mnemonic == "rdhwr":
        return Effect("thread" if operands[1] in ("$29", "hwr_ulr", "c0_userlocal") else "counter")
    return Effect("register" if mnemonic in MIPS_REGISTER else "unknown")


AARCH64_REGISTER = words(
    """mov movz movk movn mvn add adds sub subs cmp cmn and ands orr orn eor eon tst bic bics lsl lsr asr ror lslv lsrv cset csetm
    csel csinc csinv csneg cinc cneg ccmp neg negs ubfx sbfx ubfiz sbfiz bfi bfxil sxtw uxtw sxtb uxtb sxth uxth adrp adr nop bti
    paciasp autiasp clz rbit rev mul madd msub umulh extr"""
)
AARCH64_ORDER = {"": "", "a": "acquire", "l": "release", "al": "acq_rel"}


def aarch64_bits(instruction):
    """By the register that holds the value: the last before the address."""
    registers = [operand for operand in instruction.operands if re.match(r"[wx](\d+|zr)$", operand)]
    if re.match(r"(\w*[^sl])?r?b$", instruction.mnemonic) and instruction.mnemonic.endswith("b"):
        return 8
    return 64 if registers and registers[-1][0] == "x" else 32


def aarch64(instruction):
    mnemonic, operands = instruction.mnemonic, instruction.operands
    memory = next((operand for operand in operands if operand.startswith("[")), "")
    bits = aarch64_bits(instruction)
    match = re.match(r"ld(a?)xr[bh]?$", mnemonic)
    if match:
        return Effect("ll", bits, AARCH64_ORDER[match.group(1)], memory)
    match = re.match(r"st(l?)xr[bh]?$", mnemonic)
    if match:
        return Effect("sc", bits, AARCH64_ORDER[match.group(1)], memory)
    match = re.match(r"(?:cas|swp|ldadd|ldset|ldclr|ldeor)(al|a|l|)[bh]?$", mnemonic)
    if match:
        return Effect("atomic", bits, AARCH64_ORDER[match.group(1)], memory)
    if mnemonic in ("dmb", "dsb"):
        return Effect("barrier", order="full")
    if re.match(r"(ldar|ldapr)[bh]?$", mnemonic):
        return Effect("load", bits, "acquire", memory)
    if re.match(r"stlr[bh]?$", mnemonic):
        return Effect("store", bits, "release", memory)
    if re.match(r"(ldr|ldur|ldp)(s?[bhw])?$", mnemonic):
        return Effect("load", bits, memory=memory)
    if re.match(r"(str|stur|stp)[bh]?$", mnemonic):
        return Effect("store", bits, memory=memory)
    if mnemonic in ("bl", "blr"):
        return Effect("call")
    if mnemonic == "ret":
        return Effect("return")
    if mnemonic in ("b", "br"):
        return Effect("jump")
    if re.match(r"(b\.\w+|cbn?z|tbn?z)$", mnemonic):
        return Effect("branch")
    if mnemonic == "mrs":
        return Effect("thread" if operands[1].startswith("tpidr") else "counter")
    if mnemonic == "yield" or mnemonic == "isb":
        return Effect("wait")
    return Effect("register" if mnemonic in AARCH64_REGISTER else "unknown")


RISCV_REGISTER = words(
    """mv li lui add addi addw addiw sub subw and andi or ori xor xori not neg negw sll slli sllw slliw srl srli srlw srliw sra
    srai sraw sraiw slt slti sltu sltiu seqz snez sgtz sltz sext.w zext.b auipc nop mul mulw mulhu la"""
)
RISCV_SIZES = {"b": 8, "h": 16, "w": 32, "d": 64}


def riscv_fence(operands):
    """Which accesses it keeps apart; those of devices do not matter here."""
    before, after = (set(operand) & set("rw") for operand in (operands if len(operands) == 2 else ("rw", "rw")))
    known = {("rw", "rw"): "full", ("rw", "w"): "release", ("r", "rw"): "acquire"}
    return Effect("barrier", order=known.get(("".join(sorted(before)), "".join(sorted(after))), "unknown"))


def riscv(instruction):
    mnemonic, operands = instruction.mnemonic.removeprefix("c."), instruction.operands
    memory = operands[-1] if operands and operands[-1].endswith(")") else ""
    match = re.match(r"(lr|sc|amo[a-z]+)\.([wd])(\.aqrl|\.aq|\.rl)?$", mnemonic)
    if match:
        kind = {"lr": "ll", "sc": "sc"}.get(match.group(1), "atomic")
        order = {None: "", ".aq": "acquire", ".rl": "release", ".aqrl": "acq_rel"}[match.group(3)]
        return Effect(kind, RISCV_SIZES[match.group(2)], order, memory)
    if mnemonic == "pause" or (mnemonic == "fence" and operands in (("w", "unknown"), ("w", "0"))):
        return Effect("wait")
    if mnemonic == "fence":
        return riscv_fence(operands)
    if re.match(r"l[bhwd]u?$", mnemonic) and memory:
        return Effect("load", RISCV_SIZES[mnemonic[1]], memory=memory)
    if re.match(r"s[bhwd]$", mnemonic) and memory:
        return Effect("store", RISCV_SIZES[mnemonic[1]], memory=memory)
    if mnemonic == "ret":
        return Effect("return")
    if mnemonic in ("jal", "jalr") and not (operands and operands[0] == "zero"):
        return Effect("call")
    if mnemonic in ("j", "jr", "jal", "jalr"):
        return Effect("jump")
    if re.match(r"b(eq|ne|lt|ltu|ge|geu|eqz|nez|lez|gez|ltz|gtz|gt|le|gtu|leu)$", mnemonic):
        return Effect("branch")
    if mnemonic in ("rdcycle", "rdtime"):
        return Effect("counter")
    return Effect("register" if mnemonic in RISCV_REGISTER else "unknown")


CPUS = {"x86-64": x86, "i386": x86, "mips": mips, "aarch64": aarch64, "riscv64": riscv}


def effect_of(cpu, instruction):
    return CPUS[cpu](instruction)
