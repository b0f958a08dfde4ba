"""The text of the kernel's library: code and constants, object by object, within its bound.

Arguments: FILE (archive or object) --objdump FILE --most BYTES; --code, which leaves the constants out; --self-test,
which plants a bound of one byte less."""

import argparse
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "build"))
import tree  # noqa: E402


def texts_of(objdump, path, kinds):
    """By object: bytes of its sections of these kinds."""
    texts, name = {}, None
    listing = subprocess.run([objdump, "-h", "-w", path], capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        match = re.match(r"(\S+):\s+file format", line)
        if match:
            name = match.group(1).removesuffix(".obj")
            texts[name] = 0
        match = re.match(rf"\s*\d+ \.({kinds})\S* +([0-9a-f]{{8,}})", line)
        if match:
            texts[name] += int(match.group(2), 16)
    return texts


def check(texts, most):
    total = sum(texts.values())
    problems = [] if total > 0 else ["no text found"]
    if total > most:
        problems.append(f"{total} bytes of text, at most {most} wanted")
    return problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("--objdump", required=True)
    parser.add_argument("--most", required=True, type=int)
    parser.add_argument("--code", action="store_true")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    texts = texts_of(options.objdump, options.library, "text" if options.code else "text|rodata")
    total = sum(texts.values())
    if options.self_test:
        return tree.expect_found(
            [
                (check(texts, total), None),
                (check(texts, total - 1), f"{total} bytes of text, at most {total - 1}"),
                (check({}, options.most), "no text found"),
            ]
        )
    for name, size in sorted(texts.items(), key=lambda item: -item[1]):
        print(f"{size:7} {name}")
    print(f"{total:7} in all, of {options.most}")
    return tree.report(check(texts, options.most))


if __name__ == "__main__":
    sys.exit(main())
