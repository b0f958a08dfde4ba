"""`talus bench --plot`: the charts are XML, show what the JSON says, in bars of the right length, and stay on their page (R50).
Argument: a build folder."""

import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

import tree

SVG = "{http://www.w3.org/2000/svg}"
ABOUT = re.compile(r"([^,]*), (.*): ([\d.]+) of the best")
GROUPS = {"one": "one thread", "many": "many threads", "all": "all"}
AWKWARD = 'a<b&"c'  # the name of an allocator, and none of XML's business


def number(element, name):
    return float(element.get(name))


def bars_of(root):
    """{(workload, allocator): [(ratio, width)...]}, in the order of the chart."""
    bars = {}
    for box in root.iter(f"{SVG}rect"):
        title = box.find(f"{SVG}title")
        if title is None:
            continue
        match = ABOUT.match(title.text)
        key = (match.group(1), match.group(2)) if match else (title.text, "")
        bars.setdefault(key, []).append((float(match.group(3)) if match else 0.0, number(box, "width")))
    return bars


def check_page(name, root):
    """Nothing lies outside of the page."""
    width, height = map(float, root.get("viewBox").split()[2:])
    problems = []
    for element in root.iter():
        across = [number(element, key) for key in ("x", "x1", "x2") if element.get(key)]
        down = [number(element, key) for key in ("y", "y1", "y2") if element.get(key)]
        if element.tag == f"{SVG}rect":
            across.append(across[0] + number(element, "width"))
            down.append(down[0] + number(element, "height"))
        if any(x < 0 or x > width for x in across) or any(y < 0 or y > height for y in down):
            problems.append(f"{name}: outside of the page: {xml.tostring(element).decode()[:200]}")
    return problems


def check_lengths(name, bars):
    """One scale for all bars; those that are cut are the longest."""
    shown = [bar for found in bars.values() for bar in found]
    if not shown or min(shown)[0] <= 0:
        return [f"{name}: no bars, or a bar without a ratio"]
    ratio, width = min(shown)
    scale, longest = width / ratio, max(width for _, width in shown)
    return [
        f"{name}: a bar of {ratio} is {width} wide, at {scale:.1f} for 1"
        for ratio, width in shown
        if abs(width - min(ratio * scale, longest)) > 0.5
    ]


def check_chart(name, text, expected):
    """`expected`: {(workload, allocator): [ratio...]}."""
    try:
        root = xml.fromstring(text)
    except xml.ParseError as error:
        return [f"{name}: no XML: {error}"]
    bars = bars_of(root)
    problems = check_page(name, root) + check_lengths(name, bars)
    for key in sorted(bars.keys() | expected.keys()):
        drawn = [ratio for ratio, _ in bars.get(key, [])]
        wanted = expected.get(key, [])
        if len(drawn) != len(wanted) or any(abs(a - b) > 0.001 * b + 0.0006 for a, b in zip(drawn, wanted)):
            problems.append(f"{name}: {key} is drawn as {drawn}, and is {wanted}")
    return problems


def expectations(report):
    """What each chart must show, out of the JSON."""
    charts = {"time": {}, "peak": {}, "settled": {}, "means": {}}
    for workload in report["workloads"]:
        results = [result for result in workload["results"] if "problem" not in result]
        settled = [result["settled_kib"] for result in results]
        for result in results:
            key = (workload["name"], result["allocator"])
            charts["time"][key] = [result["time_to_best"]]
            charts["peak"][key] = [result["peak_to_best"]]
            charts["settled"][key] = [result["settled_kib"] / min(settled)]
    for figure in ("time", "peak", "settled"):
        for group, label in GROUPS.items():
            for allocator, mean in report["geometric_means"][figure][group].items():
                if allocator != "workloads" and mean is not None:
                    charts["means"].setdefault((label, allocator), []).append(mean)
    return charts


def bench(talus, folder, *arguments):
    command = [talus, "bench", "--rounds", "1", "--scale", "0.02", "--settle", "10", *arguments]
    path = os.path.join(folder, "bench.json")
    result = subprocess.run([*command, "--json", path], capture_output=True, text=True, check=False)
    report = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
    return result, report


def check_charts(folder, report):
    problems = []
    for name, expected in expectations(report).items():
        path = f"{name}.svg"
        there = os.path.exists(os.path.join(folder, path))
        if there != bool(expected):
            problems.append(f"{path}: {'of nothing' if there else 'missing'}")
        elif there:
            problems += check_chart(path, tree.read(folder, path), expected)
    return problems


def check(build):
    talus, library = (os.path.join(build, path) for path in ("tools/talus/talus", "libtalus-malloc.so"))
    with tempfile.TemporaryDirectory(prefix="talus-check-") as folder:
        charts = os.path.join(folder, "charts")
        usual = ["--only", "pair-16,pair-64,flow-1-1", "--allocators", "libc,talus", "--plot", charts]
        result, report = bench(talus, folder, *usual, "--peer", f"{AWKWARD}={library}")
        problems = [f"talus bench: status {result.returncode}: {result.stderr}"] if result.returncode else []
        problems += check_charts(charts, report)
        if not any(AWKWARD in key for key in expectations(report)["means"]):
            problems.append(f"no means for {AWKWARD}")

        # What failed has no bar but a word, and makes means impossible: no chart of the run before may be left.
        result, report = bench(talus, folder, *usual, "--peer", f"broken={__file__}")
        if result.returncode != 1 or "failed" not in tree.read(charts, "time.svg"):
            problems.append(f"an allocator that fails: status {result.returncode}, or not said in the chart")
        problems += check_charts(charts, report)

        nowhere = os.path.join(folder, "no", "such")
        result, _ = bench(talus, folder, "--only", "pair-16", "--plot", nowhere)
        if result.returncode != 2 or nowhere not in result.stderr or "pair-16" in result.stderr:
            problems.append(f"a directory that cannot be made: status {result.returncode}: {result.stderr}")
    return problems


def self_test():
    good = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 500 90">'
        '<rect x="0" y="0" width="100" height="9"><title>pair, a: 1.000 of the best, 3 MiB</title></rect>'
        '<rect x="0" y="9" width="250" height="9"><title>pair, b: 2.500 of the best, 7 MiB</title></rect>'
        '<rect x="0" y="18" width="400" height="9"><title>pair, c: 9.000 of the best, 7 MiB</title></rect></svg>'
    )
    expected = {("pair", "a"): [1.0], ("pair", "b"): [2.5], ("pair", "c"): [9.0]}
    faults = [
        (good, None),
        (good.replace("</svg>", ""), "no XML"),
        (good.replace("pair, a", "pair & a"), "no XML"),
        (good.replace("2.500", "2.400").replace("250", "240"), "is drawn as [2.4]"),
        (good.replace("pair, b", "pair, d"), "('pair', 'b') is drawn as []"),
        (good.replace('"250"', '"260"'), "a bar of 2.5 is 260.0 wide"),
        (good.replace("0 0 500", "0 0 399"), "outside of the page"),
        (good.replace('y="18"', 'y="-1"'), "outside of the page"),
    ]
    missed = 0
    for number_of, (text, wanted) in enumerate(faults):
        found = check_chart("a.svg", text, expected)
        if not (any(wanted in problem for problem in found) if wanted else not found):
            missed += 1
            print(f"fault {number_of}: expected {wanted!r}, found {found}")
    print(f"{len(faults)} faults planted, {missed} not found")
    return 1 if missed else 0


if __name__ == "__main__":
    if sys.argv[1] == "--self-test":
        sys.exit(self_test())
    sys.exit(tree.report(check(sys.argv[1])))
