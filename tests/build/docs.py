"""Documents keep their promises: every requirement is accounted for, every ordered atomic is explained, every public function
states contexts and cost, links lead somewhere, and a figure's command exists."""

import os
import re

import tree

REQUIREMENTS = [
    f"R{number}"
    for first, last in ((1, 8), (10, 24), (30, 35), (40, 46), (50, 53))
    for number in range(first, last + 1)
]
ORDERED = re.compile(r"\btl_(?:load|store|swap|cas|cas_weak|add)(?:32)?_(?:acquire|release|acq_rel)\s*\(")


def check_requirements(root):
    """docs/requirements.md has one row for each id: open, or with a test that exists and names the id."""
    path = "docs/requirements.md"
    if not os.path.exists(os.path.join(root, path)):
        return [f"{path}: missing"]
    problems = []
    rows = {}
    for line in tree.read(root, path).splitlines():
        match = re.match(r"\|\s*(R\d+)\s*\|", line)
        if match:
            rows.setdefault(match.group(1), []).append(line)
    for name in REQUIREMENTS:
        if len(rows.get(name, [])) != 1:
            problems.append(f"{path}: {name} has {len(rows.get(name, []))} rows; each requirement has one")
            continue
        row = rows[name][0]
        tests = [test for test in re.findall(r"`([^`]+)`", row) if test.startswith(("tests/", "stress/"))]
        if not tests and not re.search(r"\bopen\b", row, re.I):
            problems.append(f"{path}: {name} names neither a test nor that it is open")
        named = [test for test in tests if os.path.isfile(os.path.join(root, test))]
        if tests and not any(re.search(rf"\b{name}\b", tree.read(root, test)) for test in named):
            if named and not re.search(r"\bopen\b", row, re.I):
                problems.append(f"{path}: none of the tests of {name} names it: {', '.join(named)}")
    problems += [f"{path}: {name} is no requirement" for name in rows if name not in REQUIREMENTS]
    return problems


def ordered_functions(text):
    """Names of the functions that hold an acquire or release, in a file whose functions begin in the first column."""
    names = set()
    current = None
    for line in text.splitlines():
        head = re.match(r"[A-Za-z_][\w\s*,()]*?\b(\w+)\s*\([^;]*$", line)
        if head and not line.startswith(("#", "return")):
            current = head.group(1)
        if ORDERED.search(line) and not line.startswith(("static inline", "#")) and current:
            names.add(current)
    return names


def check_ordering(root):
    """docs/memory-ordering.md names every function that orders memory."""
    path = "docs/memory-ordering.md"
    if not os.path.exists(os.path.join(root, path)):
        return [f"{path}: missing"]
    text = tree.read(root, path)
    problems = []
    for source in tree.files(root, (".c", ".h"), ["sync", "core"]):
        for name in sorted(ordered_functions(tree.read(root, source))):
            if not re.search(rf"\b{name}\b", text):
                problems.append(f"{path}: does not explain {name} of {source}")
    return problems


def check_decisions(root):
    """Each decision that a comment names (D1 and so on) has a row in docs/design.md."""
    path = "docs/design.md"
    text = tree.read(root, path) if os.path.exists(os.path.join(root, path)) else ""
    problems = []
    for source in tree.files(root, tree.C_ENDINGS):
        for name in sorted(set(re.findall(r"(?<=[(, ])D\d+(?=[.,)])", tree.read(root, source)))):
            if f"| {name} |" not in text:
                problems.append(f"{path}: does not say what {name} is, which {source} names")
    return problems


def check_claims(root):
    """What a stress suite must catch stands in its row of stress/README.md and in its theory: what stress/mutants.h has."""
    if not os.path.exists(os.path.join(root, "stress/mutants.h")):
        return []
    problems = []
    claims = re.findall(r"ST_MUTANT\(([a-z0-9_]+), [a-z]+, ([a-z]+), \d+,", tree.read(root, "stress/mutants.h"))
    sources = {os.path.basename(path)[:-2]: path for path in tree.files(root, (".c",), ["stress"]) if "/suites/" in path}
    rows = dict(re.findall(r"^\| `([a-z]+)`[^|\n]*\|[^|\n]*\|([^|\n]*)\|$", tree.read(root, "stress/README.md"), re.M))
    for suite, path in sources.items():
        caught = re.search(r"Must catch(.*?)(?:\*/|\n \* \d)", tree.read(root, path), re.S)
        for where, text in (("stress/README.md", rows.get(suite, "")), (path, caught.group(1) if caught else "")):
            wanted = {bug for bug, catcher in claims if catcher == suite}
            named = set(re.findall(r"\b[a-z]+_[a-z_]+\b", text))
            problems += [f"{where}: {suite} must catch {bug}, and does not say so" for bug in sorted(wanted - named)]
            problems += [f"{where}: {suite} does not claim {bug} in stress/mutants.h" for bug in sorted(named - wanted)]
    return problems


def check_links(root):
    """Links to files, and commands of this tree, exist."""
    problems = []
    documents = tree.files(root, (".md",))
    documents += [name for name in os.listdir(root) if name.endswith(".md")]
    for path in documents:
        text = tree.read(root, path)
        folder = os.path.dirname(path)
        for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            if "://" not in link and not link.startswith("mailto:"):
                if not os.path.exists(os.path.join(root, folder, link)):
                    problems.append(f"{path}: link to {link}, which is not there")
        for command in re.findall(r"(?<![\w/.-])((?:tools|\.ci)/[\w./-]*\w)", text):
            if not os.path.exists(os.path.join(root, command)):
                problems.append(f"{path}: names {command}, which is not there")
    return problems


def check_comments(root):
    """Each public function's comment states its contexts (R35), its cost (R8) and the requirement it serves."""
    problems = []
    for path in tree.files(root, (".h",), ["core/include"]):
        text = tree.read(root, path)
        for match in re.finditer(r"^TALUS_(?:API|INLINE) [^;(]*?\b(talus_\w+)\(", text, re.M):
            before = text[: match.start()].rstrip()
            comment = before[before.rfind("/*") :] if before.endswith("*/") else ""
            for wanted, what in (("Context:", "no context"), ("Cost:", "no cost"), (r"\bR\d+\b", "no requirement")):
                if not re.search(wanted, comment):
                    problems.append(f"{path}: the comment of {match.group(1)} states {what}")
    return problems


def check(root):
    checks = (check_requirements, check_ordering, check_links, check_comments, check_decisions, check_claims)
    return [problem for one in checks for problem in one(root)]


GOOD_ROWS = "".join(f"| {name} | open |\n" for name in REQUIREMENTS)
ORDER = {"docs/memory-ordering.md": "`f`\n"}
RELEASE = "void g(void)\n{\n    tl_store_release(&a, 1);\n}\n"
HEADER = "core/include/talus/a.h"
FUNCTION = "TALUS_API void talus_f(int a);\n"
GOOD = {"docs/requirements.md": GOOD_ROWS, **ORDER}
CLAIMS = {
    "stress/mutants.h": 'ST_MUTANT(a_b, hosted, s, 60, "x")\nST_MUTANT(c_d, tsan, s, 60, "x")\n',
    "stress/README.md": "| `s` | hunts | `a_b`; TSan: `c_d` |\n",
    "stress/suites/s.c": "/* s.c: x.\n * 4 Must catch  a_b, c_d\n * 5 Skipped where e_f is */\n",
}

FAULTS = [
    (GOOD, None),
    ({**ORDER, "docs/requirements.md": GOOD_ROWS.replace("| R30 | open |\n", "")}, "R30 has 0 rows"),
    ({**ORDER, "docs/requirements.md": GOOD_ROWS + "| R99 | open |\n"}, "R99 is no requirement"),
    ({**ORDER, "docs/requirements.md": GOOD_ROWS.replace("| R30 | open |", "| R30 | done |")}, "R30 names neither"),
    (
        {**ORDER, "docs/requirements.md": GOOD_ROWS.replace("| R30 | open |", "| R30 | `tests/a.c` |"), "tests/a.c": "R3\n"},
        "none of the tests of R30",
    ),
    ({**GOOD, "core/a.c": RELEASE}, "explain g of core/a.c"),
    ({**GOOD, "core/a.c": RELEASE.replace("g(", "f(")}, None),
    ({**GOOD, "docs/a.md": "[x](b.md)\n"}, "link to b.md"),
    ({**GOOD, HEADER: f"/* Context: thread. Cost: none. R1. */\n{FUNCTION}"}, None),
    ({**GOOD, HEADER: f"/* Cost: none. R1. */\n{FUNCTION}"}, "talus_f states no context"),
    ({**GOOD, HEADER: f"/* Context: thread. R1. */\n{FUNCTION}"}, "talus_f states no cost"),
    ({**GOOD, HEADER: f"/* Context: thread. Cost: none. */\n\n{FUNCTION}"}, "talus_f states no requirement"),
    ({**GOOD, HEADER: f"/* Context: thread. Cost: none. R1. */\nint x;\n{FUNCTION}"}, "talus_f states no context"),
    ({**GOOD, "docs/design.md": "| D3 | x |\n", "core/a.h": "/* a.h: a thing (D3). */\n"}, None),
    ({**GOOD, "docs/design.md": "| D3 | x |\n", "core/a.h": "/* a.h: a thing (D3, D4). */\n"}, "what D4 is"),
    ({**GOOD, "docs/a.md": "run tools/nothing\n"}, "names tools/nothing"),
    ({**GOOD, **CLAIMS}, None),
    ({**GOOD, **CLAIMS, "stress/README.md": "| `s` | hunts | `a_b` |\n"}, "README.md: s must catch c_d"),
    ({**GOOD, **CLAIMS, "stress/README.md": "| `s` | hunts | `a_b`, `c_d`, `e_f` |\n"}, "s does not claim e_f"),
    ({**GOOD, **CLAIMS, "stress/suites/s.c": "/* s.c: x.\n * 4 Must catch  a_b */\n"}, "s.c: s must catch c_d"),
    ({**GOOD, **CLAIMS, "stress/suites/s.c": "/* s.c: x. */\n"}, "s.c: s must catch a_b"),
]

if __name__ == "__main__":
    tree.main(check, FAULTS)
