"""`talus metrics`: medians, differences and ratios on a program that stands in for talus-metrics-load, whose figures are known;
then the real one: what glibc is known to spend on a block, instructions as `talus pathlen` counts them (R50).
Argument: a build folder."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

import plot
import tree

POINTS = 10
ROUNDS = 3
PRINTED = {
    "speed": ["malloc_small_ns", "free_small_ns", "malloc_large_ns", "free_large_ns"],
    "blocks-64": ["block_64_bytes"],
    "blocks-100": ["block_100_bytes"],
    "floor": ["floor_kib", "floor_private_kib", "own_metadata_kib"],
    "nothing": ["nothing_kib", "nothing_private_kib"],
    "idle-threads": ["idle_thread_kib"],
    "spawn": ["thread_us"],
    "fragmentation": [f"fragmentation_{point}" for point in range(1, POINTS + 1)],
}
FAKE = '''#!{python} -IB
import os, sys
sys.path.insert(0, {here!r})
import metrics
metrics.stand_in(sys.argv[1], os.environ.get("LD_PRELOAD", "/libc.so.6"), {folder!r})
'''


def known(key, library, round_of):
    """The figure that the stand-in gives in its run number `round_of`."""
    return 1 + sum(map(ord, key)) % 40 + 3 * (sum(map(ord, os.path.basename(library))) % 5) + 0.25 * (round_of**2 % 5)


def stand_in(mode, library, folder):
    count = os.path.join(folder, f"{mode}-{os.path.basename(library)}")
    with open(count, "a+", encoding="utf-8") as file:
        file.seek(0)
        runs = len(file.read())
        file.write("x")
    for key in PRINTED[mode]:
        if key != "own_metadata_kib" or "talus" in library:
            print("figure", key, known(key, library, runs))
    print("malloc", library)


def run(talus, folder, *arguments):
    path = os.path.join(folder, "metrics.json")
    command = [talus, "metrics", *arguments, "--json", path]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    report = {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            report = {one["allocator"]: one for one in json.load(file)["allocators"]}
        os.remove(path)
    return result, report


def expected(libraries):
    """{allocator: {key: number}} as the table must have it."""
    every = {}

    def median(key, library, rounds=range(ROUNDS)):
        return statistics.median(known(key, library, number) for number in rounds)

    for name, library in libraries.items():
        figures = {key: median(key, library) for mode, keys in PRINTED.items() for key in keys if mode != "nothing"}
        figures["global_kib"] = figures["floor_kib"] - median("nothing_kib", libraries["libc"])
        figures["global_private_kib"] = figures.pop("floor_private_kib") - median(
            "nothing_private_kib", libraries["libc"]
        )
        # libc runs as one of the allocators and as what threads are compared with: every second run is the other's.
        if name == "libc":
            figures["thread_us"] = median("thread_us", library, range(0, 2 * ROUNDS, 2))
        figures["thread_to_libc"] = figures["thread_us"] / median(
            "thread_us", libraries["libc"], range(1, 2 * ROUNDS, 2)
        )
        figures["fragmentation"] = [known(key, library, 0) for key in PRINTED["fragmentation"]]
        every[name] = figures
    return every


def check_figures(report, libraries):
    problems = []
    for name, figures in expected(libraries).items():
        for key, wanted in figures.items():
            if key.startswith("fragmentation_") or (key == "own_metadata_kib" and name != "talus"):
                continue
            found = report[name][key] if key == "fragmentation" else report[name][key]["median"]
            pairs = zip(found, wanted) if isinstance(wanted, list) else [(found, wanted)]
            if any(one is None or abs(one - other) > 1e-4 * abs(other) for one, other in pairs):
                problems.append(f"{name}: {key} is {found}, not {wanted}")
    return problems


def check_fake(build, folder):
    talus = shutil.copy(os.path.join(build, "tools/talus/talus"), folder)
    library = shutil.copy(os.path.join(build, "libtalus-malloc.so"), folder)
    program = os.path.join(folder, "talus-metrics-load")
    with open(program, "w", encoding="utf-8") as file:
        file.write(FAKE.format(python=sys.executable, here=os.path.dirname(os.path.abspath(__file__)), folder=folder))
    os.chmod(program, 0o755)
    libraries = {"libc": "/libc.so.6", "talus": library}
    modes = ",".join(mode for mode in PRINTED if mode != "nothing")
    some = ["--rounds", str(ROUNDS), "--allocators", "libc,talus", "--only", modes]
    charts = os.path.join(folder, "charts")
    result, report = run(talus, folder, *some, "--plot", charts)
    if result.returncode or not report:
        return [f"talus metrics: status {result.returncode}: {result.stderr}"]
    problems = check_figures(report, libraries)
    numbers = {
        name: list(zip(range(1, POINTS + 1), figures["fragmentation"])) for name, figures in expected(libraries).items()
    }
    title = "32 MiB live, sizes drift from 32 B to 16 KiB and back"
    problems += plot.check_lines("fragmentation.svg", tree.read(charts, "fragmentation.svg"), {title: numbers})
    wanted = expected(libraries)
    line = f"idle thread KiB {wanted['libc']['idle_thread_kib']:.1f} {wanted['talus']['idle_thread_kib']:.1f}".split()
    if line not in [text.split() for text in result.stdout.splitlines()]:
        problems.append(f"no line {line} in\n{result.stdout}")

    PRINTED["spawn"].append("nonsense")
    with open(program, "a", encoding="utf-8") as file:
        file.write('print("figure nonsense 3")\n')
    result, _ = run(talus, folder, "--only", "spawn", "--allocators", "libc")
    PRINTED["spawn"].remove("nonsense")
    if result.returncode != 1 or "spawn on libc: printed what cannot be read" not in result.stderr:
        problems.append(f"nonsense: status {result.returncode}: {result.stderr}")
    return problems


def check_real(build, folder):
    talus = os.path.join(build, "tools/talus/talus")
    modes = "speed,blocks-64,blocks-100,floor,idle-threads,spawn,instructions"
    some = ["--rounds", "1", "--calls", "40", "--only", modes, "--allocators", "libc,talus"]
    result, report = run(talus, folder, *some)
    no_ptrace = "ptrace is not allowed" in result.stderr or "x86-64 only" in result.stderr
    if not report or (result.returncode and not no_ptrace):
        return [f"talus metrics: status {result.returncode}: {result.stderr}"]
    libc, ours = ({key: one["median"] for key, one in report[name].items() if isinstance(one, dict)} for name in report)

    # glibc puts 8 bytes before a block and rounds up to 16.
    bounds = [
        ("libc", "block_64_bytes", 15.5, 17),
        ("libc", "block_100_bytes", 11.5, 13),
        ("talus", "block_64_bytes", 0.1, 8),
        ("talus", "block_100_bytes", 0.1, 14.5),
        ("libc", "global_private_kib", -16, 64),  # not global_kib: of files the system maps more pages or fewer each time
        ("talus", "global_private_kib", 4, 400),
        ("talus", "own_metadata_kib", 0.5, 400),
        ("talus", "idle_thread_kib", 0.5, 64),
        ("libc", "thread_to_libc", 0.05, 20),
    ]
    bounds += [(name, key, 0.5, 1e6) for name in report for key in PRINTED["speed"]]
    problems = []
    for name, key, low, high in bounds:
        found = (libc if name == "libc" else ours)[key]
        if found is None or not low <= found <= high:
            problems.append(f"{name}: {key} is {found}, not within {low} and {high}")
    if no_ptrace:
        return problems

    path = os.path.join(folder, "pathlen.json")
    command = [talus, "pathlen", "--allocators", "talus", "--calls", "40", "--json", path]
    subprocess.run(command, capture_output=True, check=False)
    with open(path, encoding="utf-8") as file:
        calls = {call["name"]: call["allocators"]["talus"] for call in json.load(file)["calls"]}
    pairs = {
        "malloc_small_instructions": calls["malloc 64"]["mean"],
        "free_large_instructions": calls["free 256 KiB"]["mean"],
        "path_length": max(call["max"] for name, call in calls.items() if not name.startswith("free")),
        "returning_path_length": max(
            call["max"]
            for name, call in calls.items()
            if not name.startswith("free") and "fail" not in name and "no mem" not in name
        ),
        "failing_path_length": max(call["max"] for name, call in calls.items() if "fail" in name or "no mem" in name),
    }
    for key, wanted in pairs.items():
        if abs(ours[key] - wanted) > 0.05 * wanted:
            problems.append(f"talus: {key} is {ours[key]}, talus pathlen says {wanted}")
    return problems


def check(build):
    build = os.path.abspath(build)
    with tempfile.TemporaryDirectory(prefix="talus-check-") as folder:
        problems = check_fake(build, folder) + check_real(build, folder)
        for arguments in (["--only", "spawn,nonesuch"], ["--rounds", "0"], ["--plot", "/nonexistent/folder"]):
            result, _ = run(os.path.join(build, "tools/talus/talus"), folder, *arguments)
            if result.returncode != 2 or arguments[1] not in result.stderr:
                problems.append(f"{arguments}: status {result.returncode}: {result.stderr}")
    return problems


def self_test():
    libraries = {"libc": "/libc.so.6", "talus": "libtalus-malloc.so"}

    def found(name, key, change):
        """Problems of a right report with one figure changed."""
        report = {
            one: {key: {"median": number} if key != "fragmentation" else number for key, number in figures.items()}
            for one, figures in expected(libraries).items()
        }
        change(report[name][key])
        return check_figures(report, libraries)

    faults = [
        (found("talus", "thread_us", lambda figure: None), None),
        (found("talus", "thread_us", lambda figure: figure.update(median=1)), "talus: thread_us is 1"),
        (found("libc", "global_kib", lambda figure: figure.update(median=None)), "libc: global_kib is None"),
        (found("talus", "own_metadata_kib", lambda figure: figure.update(median=0)), "own_metadata_kib is 0"),
        (found("talus", "fragmentation", lambda figure: figure.__setitem__(3, 9.9)), "talus: fragmentation is"),
    ]
    return tree.expect_found(faults)


if __name__ == "__main__":
    if sys.argv[1] == "--self-test":
        sys.exit(self_test())
    sys.exit(tree.report(check(sys.argv[1])))
