"""`talus bench --plot`: the charts are XML, show what the JSON says, in bars, lines and dots of the right length and at the
right place, with one colour for each allocator in all of them, and stay on their page (R50). Argument: a build folder."""

import json
import math
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

import fake_load
import tree

SVG = "{http://www.w3.org/2000/svg}"
DOT = re.compile(r"(.*), (.*): (\S+) ([\d.]+) ns$")
ABOUT = re.compile(r"([^,]*), (.*): ([\d.]+) of the best")
GROUPS = {"one": "one thread", "many": "many threads", "real": "real programs", "all": "all"}
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


def points_of(line):
    """[(x, y)...] of a polyline, in pixels."""
    return [tuple(map(float, point.split(","))) for point in (line.get("points") or "").split()]


def check_page(name, root):
    """Nothing lies outside of the page."""
    width, height = map(float, root.get("viewBox").split()[2:])
    problems = []
    for element in root.iter():
        across = [number(element, key) for key in ("x", "x1", "x2", "cx") if element.get(key)]
        down = [number(element, key) for key in ("y", "y1", "y2", "cy") if element.get(key)]
        across += [x for x, _ in points_of(element)]
        down += [y for _, y in points_of(element)]
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


def check_scale(name, pairs):
    """[(value, pixel)...] of one axis: pixels must grow evenly with values."""
    low, high = min(pairs), max(pairs)
    if low[0] == high[0]:
        return []
    slope = (high[1] - low[1]) / (high[0] - low[0])
    return [
        f"{name}: {value:.6g} stands at {pixel}, not at {low[1] + (value - low[0]) * slope:.1f}"
        for value, pixel in pairs
        if slope == 0 or abs(low[1] + (value - low[0]) * slope - pixel) > 0.3
    ]


def check_lines(name, text, expected):
    """`expected`: {panel: {allocator: [(x, y)...]}}; each panel has its own scale."""
    root = xml.fromstring(text)
    lines = {line.find(f"{SVG}title").text: points_of(line) for line in root.iter(f"{SVG}polyline")}
    problems = check_page(name, root)
    wanted = {f"{panel}, {allocator}" for panel, found in expected.items() for allocator in found}
    if lines.keys() != wanted:
        return [*problems, f"{name}: lines {sorted(lines.keys() ^ wanted)} are missing, or too many"]
    for panel, found in expected.items():
        across, down = [], []
        for allocator, points in found.items():
            drawn = lines[f"{panel}, {allocator}"]
            if len(drawn) != len(points):
                problems.append(f"{name}: {panel}, {allocator}: {len(drawn)} points, not {len(points)}")
            across += [(x, pixel) for (x, _), (pixel, _) in zip(points, drawn)]
            down += [(y, pixel) for (_, y), (_, pixel) in zip(points, drawn)]
        problems += check_scale(f"{name}: {panel}: x", across) + check_scale(f"{name}: {panel}: y", down)
    return problems


def check_dots(name, text, expected):
    """`expected`: {panel: {(allocator, quantile): ns}}; the scale is logarithmic."""
    root = xml.fromstring(text)
    dots = {}
    for dot in root.iter(f"{SVG}circle"):
        panel, allocator, quantile, ns = DOT.match(dot.find(f"{SVG}title").text).groups()
        dots.setdefault(panel, {})[allocator, quantile] = (float(ns), number(dot, "cy"))
    problems = check_page(name, root)
    if dots.keys() != expected.keys():
        problems.append(f"{name}: panels {sorted(dots)}, not {sorted(expected)}")
    for panel, found in dots.items():
        values = {key: value for key, (value, _) in found.items()}
        if values != expected.get(panel):
            problems.append(f"{name}: {panel} shows {values}, and is {expected.get(panel)}")
        problems += check_scale(f"{name}: {panel}", [(math.log(value), pixel) for value, pixel in found.values()])
    return problems


def check_colours(charts):
    """`charts`: {name: text}. Each allocator has one colour, and no two have the same."""
    colours = {}
    for text in charts.values():
        for element in xml.fromstring(text).iter():
            title = element.find(f"{SVG}title")
            if title is not None and element.tag != f"{SVG}svg":
                allocator = title.text.split(":" if ", " not in title.text else ", ", 1)[1].split(":")[0]
                colour = element.get("stroke") if element.tag == f"{SVG}polyline" else element.get("fill")
                colours.setdefault(allocator, set()).add(colour)
    problems = [f"{allocator} is drawn in {sorted(found)}" for allocator, found in colours.items() if len(found) != 1]
    if len(set().union(*colours.values())) < len(colours):
        problems.append(f"two allocators have the same colour: {colours}")
    return problems


def lines_expected(report):
    """What rss.svg and latency.svg must show, out of the JSON."""
    rss, latency = {}, {}
    for workload in report["workloads"]:
        for result in workload["results"]:
            if "rss" in result:
                points = [(ms, kib / 1024) for ms, kib in result["rss"][-1]]
                rss.setdefault(workload["name"], {})[result["allocator"]] = points
            for call in ("malloc", "free") if "latency" in result else ():
                panel = latency.setdefault(f"{workload['name']}: {call}", {})
                for quantile in ("p50", "p99", "p99.9", "max"):
                    panel[result["allocator"], quantile] = result["latency"][call][quantile]["median"]
    return rss, latency


def expectations(report):
    """What each chart of bars must show, out of the JSON."""
    charts = {"time": {}, "peak": {}, "settled": {}, "faults": {}, "means": {}}
    for workload in report["workloads"]:
        results = [result for result in workload["results"] if "problem" not in result]
        settled = [result["settled_kib"] for result in results]
        faults = [result["minor_faults_median"] for result in results]
        for result in results:
            key = (workload["name"], result["allocator"])
            charts["time"][key] = [result["time_to_best"]]
            charts["peak"][key] = [result["peak_to_best"]]
            charts["settled"][key] = [result["settled_kib"] / min(settled)]
            if min(faults) > 0:
                charts["faults"][key] = [result["minor_faults_median"] / min(faults)]
    for figure in ("time", "peak", "settled", "faults"):
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


def check_fake(build, folder):
    """Charts of figures that are known: those of a program that stands in for talus-bench-load."""
    talus = fake_load.install(build, folder)
    charts = os.path.join(folder, "fake-charts")
    result, report = bench(talus, folder, "--rounds", "3", "--allocators", "libc,talus", "--plot", charts)
    if result.returncode:
        return [f"talus bench: status {result.returncode}: {result.stderr}"]
    rss, latency = lines_expected(report)
    texts = {name: tree.read(charts, name) for name in sorted(os.listdir(charts))}
    problems = check_charts(charts, report) + check_colours(texts)
    if set(rss) != {"tail", "idle"} or set(latency) != {"tail: malloc", "tail: free"}:
        problems.append(f"the JSON lost something: {set(rss)}, {set(latency)}")
    problems += check_lines("rss.svg", texts["rss.svg"], rss)
    problems += check_dots("latency.svg", texts["latency.svg"], latency)

    # Where there is nothing to draw, no chart of an earlier run may be left.
    bench(talus, folder, "--only", "calm", "--allocators", "talus", "--plot", charts)
    left = {"rss.svg", "latency.svg"} & set(os.listdir(charts))
    return [*problems, f"charts of an earlier run: {left}"] if left else problems


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
        problems += check_charts(charts, report) + check_fake(build, folder)

        nowhere = os.path.join(folder, "no", "such")
        result, _ = bench(talus, folder, "--only", "pair-16", "--plot", nowhere)
        if result.returncode != 2 or nowhere not in result.stderr or "pair-16" in result.stderr:
            problems.append(f"a directory that cannot be made: status {result.returncode}: {result.stderr}")
    return problems


def planted_bars():
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
    return [(lambda text=text: check_chart("a.svg", text, expected), wanted) for text, wanted in faults]


def planted_lines():
    good = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 500 90">'
        '<polyline stroke="red" points="10,80 20,70 40,60 "><title>tail, a</title></polyline>'
        '<polyline stroke="blue" points="10,80 "><title>tail, b</title></polyline></svg>'
    )
    expected = {"tail": {"a": [(0, 0), (1, 5), (3, 10)], "b": [(0, 0)]}}
    faults = [
        (good, None),
        (good.replace("40,60", "40,62"), "5 stands at 70.0, not at 71.0"),
        (good.replace("20,70", "30,70"), "x: 1 stands at 30.0"),
        (good.replace(" 40,60", ""), "a: 2 points, not 3"),
        (good.replace("tail, b", "tail, c"), "are missing"),
        (good.replace("40,60", "501,60"), "outside of the page"),
    ]
    colours = [
        (good, None),
        (good.replace("blue", "red"), "the same colour"),
        (good.replace("tail, b", "idle, a"), "a is drawn in ['blue', 'red']"),
    ]
    return [(lambda text=text: check_lines("a.svg", text, expected), wanted) for text, wanted in faults] + [
        (lambda text=text: check_colours({"a.svg": text}), wanted) for text, wanted in colours
    ]


def planted_dots():
    good = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 500 90">'
        '<circle cx="10" cy="70" fill="red"><title>tail: malloc, a: p50 10 ns</title></circle>'
        '<circle cx="20" cy="60" fill="red"><title>tail: malloc, a: p99 100 ns</title></circle>'
        '<circle cx="30" cy="50" fill="red"><title>tail: malloc, a: max 1000 ns</title></circle></svg>'
    )
    expected = {"tail: malloc": {("a", "p50"): 10.0, ("a", "p99"): 100.0, ("a", "max"): 1000.0}}
    faults = [
        (good, None),
        (good.replace("p99 100", "p99 101"), "shows"),
        (good.replace('cy="60"', 'cy="69"'), "stands at 69.0, not at 60.0"),
        (good.replace(": free", ": malloc").replace("tail: malloc", "idle: malloc"), "panels ['idle: malloc']"),
    ]
    return [(lambda text=text: check_dots("a.svg", text, expected), wanted) for text, wanted in faults]


def self_test():
    planted = planted_bars() + planted_lines() + planted_dots()
    return tree.expect_found([(found_by(), wanted) for found_by, wanted in planted])


if __name__ == "__main__":
    if sys.argv[1] == "--self-test":
        sys.exit(self_test())
    sys.exit(tree.report(check(sys.argv[1])))
