"""Stands in for talus-bench-load beside a copy of `talus`: prints figures that a check can work out for itself.
Every figure depends on the workload, the library in front of malloc and the seed."""

import os
import shutil
import sys

CALLS = ("malloc", "free")
QUANTILES = ("p50", "p99", "p999", "max")
WORKLOADS = {"calm": "one", "tail": "one", "idle": "many"}
BAD = "bad"  # a workload that prints nonsense


def figures(workload, library, seed):
    """What a run says: {key: number}, {(call, quantile): ns}, [(ms, KiB)]."""
    which = sum(map(ord, workload)) % 7 + 1
    slow = 1 + sum(map(ord, os.path.basename(library))) % 5
    numbers = {
        "ns": (8 + 2 * slow * (which - 1)) * 1000000 + seed * 70000,
        "cpu_ns": (9 + slow) * 1000000 + seed * 50000,
        "ops": 100000 * which,
        "peak_kib": 2000 + 300 * slow * which + 8 * seed,
        "settled_kib": 600 + 200 * slow,
        "minor_faults": 90 + 1000 * slow * (which - 1) + seed,
        "major_faults": seed % 2,
        "nonsense": 5,
        "clock_ns": 17 + seed,
    }
    latency, rss = {}, []
    if workload == "tail":
        for c, call in enumerate(CALLS):
            for q, quantile in enumerate(QUANTILES):
                latency[call, quantile] = (20 + 3 * slow + c) * 7**q + seed
    if workload != "calm":
        rss = [(ms, 1500 + 40 * slow * ((ms // 50) % (5 + which)) + seed) for ms in range(0, 400 + 20 * slow, 20)]
    return numbers, latency, rss


def library(build, folder, name):
    """A copy of talus's malloc under another name: another allocator."""
    return shutil.copy(os.path.join(build, "libtalus-malloc.so"), os.path.join(folder, name))


def install(build, folder):
    """`talus` with this file as its load program; returns its path."""
    talus = shutil.copy(os.path.join(build, "tools/talus/talus"), folder)
    library(build, folder, "libtalus-malloc.so")
    program = os.path.join(folder, "talus-bench-load")
    with open(program, "w", encoding="utf-8") as file:
        file.write(f"#!{sys.executable} -IB\nimport sys\nsys.path.insert(0, {os.path.dirname(__file__)!r})\n")
        file.write("import fake_load\nfake_load.main()\n")
    os.chmod(program, 0o755)
    return talus


def main():
    if sys.argv[1] == "--list":
        for name, group in WORKLOADS.items():
            print(f"{name}\t{group}\tusual\ta fake")
        print(f"{BAD}\tone\textra\ta fake")
        return
    library = os.environ.get("LD_PRELOAD", "/libc.so.6")
    numbers, latency, rss = figures(sys.argv[1], library, int(sys.argv[sys.argv.index("--seed") + 1]))
    if sys.argv[1] == BAD:
        print("rss soon much")
    for call in CALLS if latency else ():
        text = " ".join(f"{quantile} {latency[call, quantile]}" for quantile in QUANTILES)
        print(f"latency {call} {text} samples 5000")
    for ms, kib in rss:
        print(f"rss {ms} {kib}")
    print(f"load {sys.argv[1]} {' '.join(f'{key} {number}' for key, number in numbers.items())} malloc {library}")
