"""How much stack a call of the heap takes, from a public function down, without what the port's functions and the owner's
callbacks take: a kernel's stacks are small.

The build has the compiler say what each function takes and whom it calls (-fcallgraph-info=su); the longest way through is
looked for. A way that comes back to where it was is a mistake: nothing in the heap recurses but by the function named ONCE,
which returns at once when it is called a second time.

Arguments: FILE of compile commands, the target's folder in it, --most BYTES; --self-test."""

import argparse
import json
import os
import re
import shlex
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "build"))
import tree  # noqa: E402

ONCE = "tl_reserve_answer"  # cache->answering
SMALL = {"talus_reserve_take", "talus_reserve_put", "talus_reserve_stats", "talus_free_from_interrupt"}  # handlers call these


def read_graph(text, sizes, calls):
    """Adds to {function: bytes} and {function: functions that it calls}."""
    for title, label in re.findall(r'node: \{ title: "([^"]+)" label: "([^"]*)"', text):
        size = re.search(r"\\n(\d+) bytes \((static|dynamic|dynamic,bounded)\)", label)
        if size:
            sizes[title] = int(size.group(1))
    for source, target in re.findall(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"', text):
        calls.setdefault(source, set()).add(target)


def deepest(name, sizes, calls, known, way=(), again=False):
    """(bytes, the functions on the longest way) from `name` down; `again`: the way went through ONCE."""
    once = name.rpartition(":")[2] == ONCE  # of a local function the compiler names the file, too
    if once and again:
        return sizes[name], (name,)
    if (name, again) in way:
        raise RecursionError(" -> ".join(step for step, _ in (*way[way.index((name, again)) :], (name, again))))
    if (name, again) not in known:
        step, further = (*way, (name, again)), again or once
        below = [deepest(target, sizes, calls, known, step, further) for target in calls.get(name, ()) if target in sizes]
        most = max(below, default=(0, ()))
        known[name, again] = (sizes[name] + most[0], (name, *most[1]))
    return known[name, again]


def read_graphs(objects):
    """Of each object file, what the compiler left beside it."""
    sizes, calls = {}, {}
    for path in objects:
        with open(os.path.splitext(path)[0] + ".ci", encoding="utf-8") as file:
            read_graph(file.read(), sizes, calls)
    return sizes, calls


def check(sizes, calls, most, most_small):
    known, problems = {}, []
    entries = [name for name in sizes if name.startswith("talus_") and not name.startswith("talus_port_")]
    try:
        found = sorted((deepest(name, sizes, calls, known) for name in entries), reverse=True)
    except RecursionError as circle:
        return [f"it recurses: {circle}"]
    of_handlers = [one for one in found if one[1][0] in SMALL]
    for kind, limit, chosen in (("any call", most, found), ("handlers", most_small, of_handlers)):
        if not chosen:
            problems.append(f"{kind}: no function found")
            continue
        size, way = chosen[0]
        print(f"{kind}: {size} bytes at most, {limit} allowed: {' '.join(way)}")
        if size > limit:
            problems.append(f"{kind}: {way[0]} takes {size} bytes of stack, {limit} at most")
    return problems


def self_test():
    sizes = {"talus_malloc": 100, "f": 50, "g": 60, "talus_free_from_interrupt": 40, "talus_port_pin": 9000}
    calls = {"talus_malloc": {"f", "g", "memcpy"}, "g": {"f"}}
    return tree.expect_found(
        [
            (check(sizes, calls, 210, 40), None),
            (check(sizes, calls, 209, 40), "talus_malloc takes 210"),
            (check(sizes, calls, 210, 39), "talus_free_from_interrupt takes 40"),
            (check(sizes, {**calls, "f": {"g"}}, 1000, 1000), "recurses"),
            (check({**sizes, ONCE: 10}, {**calls, "f": {ONCE}, ONCE: {"f"}}, 280, 40), None),
            (check({**sizes, ONCE: 10}, {**calls, "f": {ONCE}, ONCE: {"f"}}, 279, 40), "talus_malloc takes 280"),
            (check({**sizes, f"a.c:{ONCE}": 10}, {**calls, "f": {f"a.c:{ONCE}"}, f"a.c:{ONCE}": {"f"}}, 280, 40), None),
            (check({}, {}, 1, 1), "no function"),
        ]
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("commands", nargs="?")
    parser.add_argument("target", nargs="?")
    parser.add_argument("--most", type=int)
    parser.add_argument("--handlers", type=int)
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    if arguments.self_test:
        return self_test()
    with open(arguments.commands, encoding="utf-8") as file:
        entries = json.load(file)
    objects = []
    for entry in entries:
        command = shlex.split(entry["command"])
        path = command[command.index("-o") + 1]
        if f"{arguments.target}.dir/" in path:
            objects.append(os.path.join(entry["directory"], path))
    return tree.report(check(*read_graphs(objects), arguments.most, arguments.handlers))


if __name__ == "__main__":
    sys.exit(main())
