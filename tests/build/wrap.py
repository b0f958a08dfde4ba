"""Breaks comments that run over the column limit, which clang-format is told to leave alone (they carry tables)."""

import re
import textwrap

COLUMNS = 100
TABLE_ROW = re.compile(r"(\d+ \S+(?: \S+)*\s{2,}|[-*] |\w+(?:, \w+)*:? {2,})")


def hang(text):
    """Columns by which the continuation of a row of a table or list is indented."""
    match = TABLE_ROW.match(text)
    return len(match.group()) if match else 0


def wrap_text(first, rest, text):
    """Lines of `text`: the first behind `first`, the others behind `rest` and the row's own indent."""
    lead = re.match(r" *", text).group()
    indent = lead + " " * hang(text[len(lead) :])
    lines = textwrap.wrap(
        text.strip(),
        width=COLUMNS,
        initial_indent=first + lead,
        subsequent_indent=rest + indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.rstrip() for line in lines]


def continues(line, following):
    """True when the next line of a comment goes on with the sentence of this one."""
    return bool(following) and not line.rstrip().endswith((".", ":", ";", "*/")) and not hang(following.lstrip())


def wrap_block(lines, indent):
    """A comment that stands alone, `lines` without their prefix: paragraphs flow on, tables keep their rows."""
    result = []
    carried = None
    for number, text in enumerate(lines):
        if carried is not None:
            text = carried + " " + text.strip()
            carried = None
        start = indent + ("/*" if number == 0 and not result else " *")
        if len(start) + 1 + len(text) <= COLUMNS:
            result.append((start + " " + text).rstrip())
            continue
        wrapped = wrap_text(start + " ", indent + " * ", text)
        following = lines[number + 1].strip() if number + 1 < len(lines) else ""
        if len(wrapped) > 1 and continues(text, following) and following != "*/":
            lead = len(indent) + 3 + len(re.match(r" *", text).group()) + hang(text.strip())
            carried = " " * (lead - len(indent) - 3) + wrapped.pop()[lead:]
        result += wrapped
    return result


def wrap_trailing(line):
    """`code /* comment */`: the comment goes on below itself, or above the line when it begins far to the right."""
    match = re.match(r"(\s*)(.*?\S)(\s+)/\* (.*) \*/$", line)
    if not match or '"' in match.group(2) or line.endswith("\\"):
        return [line]
    indent, code, gap, text = match.groups()
    column = len(indent + code + gap)
    if column > 56 or code.startswith("#"):
        return wrap_text(indent + "/* ", indent + " * ", text + " */") + [indent + code]
    return wrap_text(indent + code + gap + "/* ", " " * column + " * ", text + " */")


def wrap(text):
    """The text of a C file with no comment line over COLUMNS, where that can be had."""
    lines = text.split("\n")
    result = []
    number = 0
    while number < len(lines):
        line = lines[number]
        start = re.match(r"(\s*)/\*(?: |$)", line)
        if start:
            end = number
            while end < len(lines) - 1 and "*/" not in lines[end]:
                end += 1
            block = lines[number : end + 1]
            indent = start.group(1)
            shaped = all(re.match(re.escape(indent) + r" \*( |/|$)", other) for other in block[1:])
            if any(len(other) > COLUMNS for other in block) and shaped and block[-1].endswith("*/"):
                bare = [block[0][len(indent) + 3 :]] + [other[len(indent) + 3 :] for other in block[1:]]
                if block[-1].strip() == "*/":
                    bare[-1] = "*/"
                    result += wrap_block(bare[:-1], indent) + [block[-1]]
                else:
                    result += wrap_block(bare, indent)
            else:
                result += block
            number = end + 1
            continue
        result += wrap_trailing(line) if len(line) > COLUMNS else [line]
        number += 1
    return "\n".join(result)
