"""Sizes, and words that may not be in the tree. clang-format decides the rest of the form."""

import re

import tree

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
LINE_COLUMNS_MAX = 130  # of scripts; format.py holds C to 100

CODE = (*tree.C_ENDINGS, ".py", ".sh", ".cmake", "CMakeLists.txt", ".S", ".supp", ".json")
# Written in two parts, so that this file does not hold what it looks for.
FORBIDDEN = {
    "no_" + "sanitize": "no code is hidden from the sanitizers",
    "TO" + "DO": "an open end belongs into the issue tracker",
    "FIX" + "ME": "an open end belongs into the issue tracker",
    "XX" + "X:": "an open end belongs into the issue tracker",
    "NO" + "LINT": "no check is switched off by a comment",
    "clang-format " + "off": "no check is switched off by a comment",
    "suppressions" + "=": "no sanitizer report is suppressed",
    "/home" + "/": "no paths of one machine",
    "/work" + "/": "no paths of one machine",
    "disable_" + "sanitizer_instrumentation": "no code is hidden from the sanitizers",
}


def check_functions(path, text):
    """Functions begin with a brace in the first column and end with one."""
    problems = []
    start = None
    for number, line in enumerate(text.splitlines(), 1):
        if line == "{":
            start = number
        elif line.startswith("}") and start is not None:
            if number - start - 1 > FUNCTION_LINES_MAX:
                problems.append(f"{path}:{start}: a function of {number - start - 1} lines; at most {FUNCTION_LINES_MAX}")
            start = None
    return problems


def is_code(root, path):
    return path.endswith(CODE) or tree.read(root, path)[:2] == "#!"


def check(root):
    problems = []
    for path in tree.files(root):
        if path.endswith((".supp", ".suppressions")):
            problems.append(f"{path}: no suppression files")
        if path.endswith(".md"):
            continue
        text = tree.read(root, path)
        lines = text.splitlines()
        if not is_code(root, path):
            continue
        if len(lines) > FILE_LINES_MAX:
            problems.append(f"{path}: {len(lines)} lines; at most {FILE_LINES_MAX}")
        for number, line in enumerate(lines, 1):
            if len(line) > LINE_COLUMNS_MAX and not path.endswith(tree.C_ENDINGS):
                problems.append(f"{path}:{number}: {len(line)} columns; at most {LINE_COLUMNS_MAX}")
            if line != line.rstrip():
                problems.append(f"{path}:{number}: white space at the end")
            for word, why in FORBIDDEN.items():
                if word in line:
                    problems.append(f"{path}:{number}: {word}: {why}")
        if text and not text.endswith("\n"):
            problems.append(f"{path}: no end of line at the end")
        if path.endswith(tree.C_ENDINGS):
            problems += check_functions(path, text)
            if re.search(r'#\s*include\s*"[^"]+\.c"', text):
                problems.append(f"{path}: includes a .c file")
    return problems


FAULTS = [
    ({"core/a.c": "int a;\n" * 601}, "601 lines"),
    ({"core/a.c": "void f(void)\n{\n" + "    g();\n" * 71 + "}\n"}, "a function of 71 lines"),
    ({"core/a.c": "void f(void)\n{\n" + "    g();\n" * 70 + "}\n"}, None),
    ({"tools/a.py": "#" + "-" * 130 + "\n"}, "131 columns"),
    ({"core/a.c": "int a; \n"}, "white space"),
    ({"core/a.c": "int a;"}, "end of line"),
    ({"core/a.c": '#include "b.c"\n'}, ".c file"),
    ({"tests/tsan.supp": "race:*\n"}, "suppression"),
    ({"tools/x": "#!/bin/bash\ncd /home" + "/me\n"}, "one machine"),
    *(({"core/a.c": f"/* {word} */\n"}, why) for word, why in FORBIDDEN.items()),
]

if __name__ == "__main__":
    tree.main(check, FAULTS)
