"""`talus bench` on a program that stands in for talus-bench-load, whose figures are known: medians, tables, page faults,
latencies, limits and --check (R50). Argument: a build folder."""

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

import fake_load
import tree

PEERS = ("libc", "talus", "slow")
KEYS = {"p50": "p50", "p99": "p99", "p99.9": "p999", "max": "max"}
ROUNDS = 3
SLOW = "libheavy.so"  # its figures are worse than talus's, libc's are better: see fake_load.figures


def run(talus, folder, *arguments):
    path = os.path.join(folder, "bench.json")
    command = [talus, "bench", "--rounds", str(ROUNDS), "--allocators", ",".join(PEERS), *arguments]
    result = subprocess.run([*command, "--json", path], capture_output=True, text=True, check=False)
    report = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
        os.remove(path)
    return result, report


def known(workload, library):
    """What the rounds of a workload gave: [(numbers, latency, rss)...]."""
    return [fake_load.figures(workload, library, seed) for seed in range(1, ROUNDS + 1)]


def median(rounds, key):
    return statistics.median(numbers[key] for numbers, _, _ in rounds)


def check_json(report, libraries):
    problems = []

    def same(what, found, wanted):
        if found != wanted:
            problems.append(f"{what} is {found}, not {wanted}")

    for workload in report["workloads"]:
        for result in workload["results"]:
            name = f"{workload['name']}, {result['allocator']}"
            rounds = known(workload["name"], libraries[result["allocator"]])
            for key in ("ns", "cpu_ns", "peak_kib", "minor_faults", "major_faults"):
                same(f"{name}: {key}", result[key], [float(numbers[key]) for numbers, _, _ in rounds])
            same(f"{name}: median of faults", result["minor_faults_median"], median(rounds, "minor_faults"))
            same(f"{name}: settled", result["settled_kib"], rounds[-1][0]["settled_kib"])
            same(f"{name}: has latencies", "latency" in result, bool(rounds[0][1]))
            same(f"{name}: rss", result.get("rss", []), [[list(p) for p in rss] for _, _, rss in rounds if rss])
            for call in fake_load.CALLS if "latency" in result else ():
                for quantile, key in KEYS.items():
                    found, wanted = result["latency"][call][quantile], [one[1][call, key] for one in rounds]
                    same(f"{name}: {call} {quantile}", found["ns"], wanted)
                    same(f"{name}: {call} {quantile}, median", found["median"], statistics.median(wanted))
    return problems


def limits_missed(libraries):
    """{(where, figure): (ratio, limit)} that talus must be told of, worked out from the known figures."""
    missed = {}
    others = [peer for peer in PEERS if peer != "talus"]

    def compare(where, figure, limit, value):
        best = min(value(peer) for peer in others)
        if value("talus") > best * limit:
            missed[where, figure] = (value("talus") / best, limit)

    def mean(key, names, without=()):
        ratios = {}
        for peer in PEERS:
            ratios[peer] = 1.0
            for name in names:
                values = {one: median(known(name, libraries[one]), key) for one in PEERS}
                ratios[peer] *= values[peer] / min(values.values())
        return lambda peer: float("inf") if peer in without else ratios[peer] ** (1 / len(names))

    for name, group in fake_load.WORKLOADS.items():
        rounds = {peer: known(name, libraries[peer]) for peer in PEERS}
        compare(name, "time", 1.1 if group == "one" else 1.2, lambda peer: median(rounds[peer], "ns"))
        compare(name, "peak memory", 1.25, lambda peer: median(rounds[peer], "peak_kib"))
        compare(name, "settled memory", 1.1, lambda peer: rounds[peer][-1][0]["settled_kib"])
        for call in fake_load.CALLS if rounds["talus"][0][1] else ():
            for quantile in ("p99", "p99.9"):
                compare(
                    name,
                    f"{call} {quantile}",
                    1,
                    lambda peer: statistics.median(one[1][call, KEYS[quantile]] for one in rounds[peer]),
                )
    compare("geometric mean", "time", 0.88, mean("ns", fake_load.WORKLOADS))
    compare("geometric mean", "peak memory", 1, mean("peak_kib", fake_load.WORKLOADS, ("libc",)))
    return missed


def check_limits(report, text, libraries):
    missed = {(one["where"], one["figure"]): one for one in report["limits_missed"]}
    wanted = limits_missed(libraries)
    problems = [] if missed.keys() == wanted.keys() else [f"missed: {sorted(missed)}, not {sorted(wanted)}"]
    if not f"{len(wanted)} of {report['limits_checked']} missed" in text:
        problems.append(f"the text does not say that {len(wanted)} limits are missed")
    for (where, figure), (ratio, limit) in wanted.items():
        one = missed.get((where, figure), {"ratio": 0, "limit": 0})
        if abs(one["ratio"] - ratio) > 1e-4 or one["limit"] != limit:
            problems.append(f"{where}, {figure}: {one['ratio']} of {one['limit']}, not {ratio} of {limit}")
        if not re.search(f"^{where} +{re.escape(figure)} +{ratio:.3f} of .*at most {limit:.2f}$", text, re.M):
            problems.append(f"{where}, {figure}: not in the list\n{text}")
    return problems


def check_means(report, libraries):
    """The one workload with latencies: its ratios are the means."""
    problems = []
    for call in fake_load.CALLS:
        for quantile, key in KEYS.items():
            values = {
                peer: statistics.median(one[1][call, key] for one in known("tail", libraries[peer])) for peer in PEERS
            }
            found = report["geometric_means"][f"{call} {quantile}"]["all"]
            if any(abs(found[peer] - value / min(values.values())) > 1e-4 for peer, value in values.items()):
                problems.append(f"geometric mean of {call} {quantile}: {found}, of {values}")
    return problems


def check_text(text, libraries):
    problems = []
    rows = {
        "tail": [median(known("tail", libraries[peer]), "minor_faults") for peer in PEERS],
        "  free p99.9": [
            statistics.median(one[1]["free", "p999"] for one in known("tail", libraries[peer])) for peer in PEERS
        ],
    }
    for name, values in rows.items():
        numbers = r"\s+".join(f"{value:.0f}" for value in [min(values), *values])
        if not re.search(f"^{name} +{numbers} ", text, re.M):
            problems.append(f"no line '{name} {numbers}' in\n{text}")
    return problems


def check(build):
    with tempfile.TemporaryDirectory(prefix="talus-check-") as folder:
        talus = fake_load.install(build, folder)
        slow = fake_load.library(build, folder, SLOW)
        libraries = {"libc": "/libc.so.6", "slow": slow, "talus": os.path.join(folder, "libtalus-malloc.so")}
        result, report = run(talus, folder, "--peer", f"slow={slow}", "--check")
        if not report:
            return [f"status {result.returncode}: {result.stderr}"]
        wanted = limits_missed(libraries)
        problems = check_json(report, libraries) + check_text(result.stdout, libraries)
        problems += check_limits(report, result.stdout, libraries) + check_means(report, libraries)
        if not wanted or result.returncode != 1:
            problems.append(f"--check with {len(wanted)} misses: status {result.returncode}: {result.stderr}")
        result, _ = run(talus, folder, "--peer", f"slow={slow}")
        if result.returncode != 0:
            problems.append(f"misses without --check: status {result.returncode}: {result.stderr}")
        ahead = ["--only", "tail", "--allocators", "slow,talus", "--peer", f"slow={slow}", "--check"]
        result, report = run(talus, folder, *ahead)
        if result.returncode != 0 or report["limits_missed"] or "0 of 9 missed" not in result.stdout:
            problems.append(f"--check without misses: status {result.returncode}: {result.stdout}{result.stderr}")
        result, report = run(talus, folder, "--settle", "0", "--peer", f"slow={slow}")
        if any(one["figure"] == "settled memory" for one in report["limits_missed"]):
            problems.append("a limit on what has settled, without time to settle")
        result, _ = run(talus, folder, "--allocators", "libc", "--check")
        if result.returncode != 2 or "--check" not in result.stderr:
            problems.append(f"--check without talus: status {result.returncode}: {result.stderr}")
        result, _ = run(talus, folder, "--only", fake_load.BAD, "--allocators", "libc")
        if result.returncode != 1 or "cannot be read: 'rss soon much'" not in result.stderr:
            problems.append(f"nonsense: status {result.returncode}: {result.stderr}")
    return problems


def self_test():
    libraries = {"libc": "/libc.so.6", "slow": SLOW, "talus": "libtalus-malloc.so"}
    wanted = limits_missed(libraries)

    def found(change=lambda report: None, text=lambda text: text):
        """Problems of a right report that was changed."""
        missed = [
            {"where": where, "figure": figure, "ratio": ratio, "limit": limit}
            for (where, figure), (ratio, limit) in wanted.items()
        ]
        lines = [
            f"{one['where']}  {one['figure']}  {one['ratio']:.3f} of x's, at most {one['limit']:.2f}" for one in missed
        ]
        lines.append(f"{len(missed)} of 99 missed")
        results = [{"allocator": "talus"}]
        rounds = known("tail", libraries["talus"])
        for key in ("ns", "cpu_ns", "peak_kib", "minor_faults", "major_faults"):
            results[0][key] = [float(numbers[key]) for numbers, _, _ in rounds]
        results[0]["minor_faults_median"] = median(rounds, "minor_faults")
        results[0]["settled_kib"] = rounds[-1][0]["settled_kib"]
        results[0]["rss"] = [[list(point) for point in rss] for _, _, rss in rounds]
        results[0]["latency"] = {call: {} for call in fake_load.CALLS}
        for call, quantiles in results[0]["latency"].items():
            for quantile, key in KEYS.items():
                ns = [one[1][call, key] for one in rounds]
                quantiles[quantile] = {"ns": ns, "median": statistics.median(ns)}
        report = {"limits_checked": 99, "limits_missed": missed, "workloads": [{"name": "tail", "results": results}]}
        change(report)
        return check_limits(report, text("\n".join(lines)), libraries) + check_json(report, libraries)

    def result(report):
        return report["workloads"][0]["results"][0]

    faults = [
        (found(), None),
        (found(lambda report: report["limits_missed"].pop()), "missed: "),
        (found(lambda report: report["limits_missed"][0].update(ratio=9)), ": 9 of"),
        (found(text=lambda text: text.replace("tail  peak", "idle  peak")), "tail, peak memory: not in the list"),
        (found(text=lambda text: text.replace(" of 99", " of 98")), "the text does not say"),
        (found(lambda report: result(report).update(minor_faults_median=1)), "median of faults is 1"),
        (found(lambda report: result(report)["ns"].pop()), "tail, talus: ns is"),
        (found(lambda report: result(report)["rss"][1].pop()), "tail, talus: rss is"),
        (found(lambda report: result(report).pop("latency")), "has latencies is False"),
        (found(lambda report: result(report)["latency"]["free"]["p99"].update(median=3)), "free p99, median is 3"),
    ]
    return tree.expect_found(faults)


if __name__ == "__main__":
    if sys.argv[1] == "--self-test":
        sys.exit(self_test())
    sys.exit(tree.report(check(sys.argv[1])))
