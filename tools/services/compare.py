"""Runs real services under load on talus and on the system's malloc in turn, and prints both side by side."""

import argparse
import json
import math
import os
import shutil
import signal
import statistics
import sys
import tempfile
import time

import redis
import unbound
from process import Failure, Ports, libc_path, require_malloc, say, stop_all

SERVICES = {"redis": redis, "unbound": unbound}


def parse(arguments):
    parser = argparse.ArgumentParser(prog="tools/run", add_help=False, allow_abbrev=False)
    parser.add_argument("--talus", help=argparse.SUPPRESS)
    parser.add_argument("--service", choices=[*SERVICES, "all"], default="all")
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--library")
    parser.add_argument("--against")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    if options.quick:
        options.seconds, options.rounds = 4, 1
    if options.seconds < 1 or options.rounds < 1:
        parser.error("--seconds and --rounds are at least 1")
    if not 0 <= options.port <= 65000:
        parser.error("--port is between 1 and 65000")
    for path in (options.library, options.against):
        if path and not os.path.exists(path):
            parser.error(f"there is no file '{path}'")
    return options


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def run_service(service, sides, options, ports, folder):
    """All rounds of one service. Returns {"steps": [...], "peak": {side: bytes}, "rate": {...}, "p99": {...}}."""
    results = {name: [] for name, _ in sides}
    for number in range(options.rounds):
        order = sides if number % 2 == 0 else sides[::-1]
        for name, library in order:
            say(f"{service.NAME}: round {number + 1} of {options.rounds}, on {name}")
            place = tempfile.mkdtemp(dir=folder)
            stats = os.path.join(folder, f"{service.NAME}.stats") if library == options.talus else None
            results[name].append(service.run_side(name, library, place, ports, options.seconds, stats))
            shutil.rmtree(place)
    steps = []
    for step in results[sides[0][0]][0]["steps"]:
        row = {"step": step, "rate": {}, "p99_ms": {}}
        for name, _ in sides:
            row["rate"][name] = statistics.median(one["steps"][step][0] for one in results[name])
            row["p99_ms"][name] = statistics.median(one["steps"][step][1] for one in results[name])
        steps.append(row)
    total = {"rate": {}, "p99_ms": {}, "peak_bytes": {}, "cpu_us": {}}
    for name, _ in sides:
        total["rate"][name] = geometric_mean([row["rate"][name] for row in steps])
        total["p99_ms"][name] = geometric_mean([max(row["p99_ms"][name], 0.001) for row in steps])
        total["peak_bytes"][name] = max(one["peak"] for one in results[name])
        total["cpu_us"][name] = statistics.median(1e6 * one["cpu"] / one["requests"] for one in results[name])
    return {"service": service.NAME, "version": service.version(), "steps": steps, "total": total}


def ratio(row, first, second):
    return f"{row[first] / row[second]:.2f}" if row[second] else "-"


def print_table(result, first, second):
    line = "{:<32}{:>14}{:>14}{:>8}   {:>9}{:>9}{:>8}"
    print(f"\n{result['version']}, {result['threads']} threads")
    print(line.format("", "per second", "per second", "", "p99 ms", "p99 ms", ""))
    print(line.format("", first, second, "ratio", first, second, "ratio"))
    rows = [(row["step"], row) for row in result["steps"]]
    for name, row in [*rows, ("geometric mean", result["total"])]:
        rate, p99 = row["rate"], row["p99_ms"]
        print(
            line.format(
                name,
                f"{rate[first]:,.0f}",
                f"{rate[second]:,.0f}",
                ratio(rate, first, second),
                f"{p99[first]:.2f}",
                f"{p99[second]:.2f}",
                ratio(p99, first, second),
            )
        )
    peak = result["total"]["peak_bytes"]
    mib = {name: f"{bytes / 2**20:,.1f} MiB" for name, bytes in peak.items()}
    cpu = result["total"]["cpu_us"]
    print(line.format("CPU per request", f"{cpu[first]:.2f} us", f"{cpu[second]:.2f} us", ratio(cpu, first, second), "", "", ""))
    print(line.format("peak memory (VmHWM)", mib[first], mib[second], ratio(peak, first, second), "", "", ""))


def print_all(report, first, second):
    for result in report["services"]:
        print_table(result, first, second)
        if result.get("stats"):
            print(f"\ntalus's own statistics of its last {result['service']} run:")
            print("\n".join("    " + text for text in result["stats"].splitlines()))
    print(
        f"\nMedians of {report['rounds']} interleaved rounds. Ratio of rates: above 1 {first} is faster;"
        f" of latency, CPU and memory: below 1 {first} needs less."
    )


def compare(options, folder):
    talus_name = "talus" if not options.library else os.path.basename(options.library).split(".so")[0]
    other_name = "system" if not options.against else os.path.basename(options.against).split(".so")[0]
    sides = [
        (talus_name, os.path.abspath(options.library or options.talus)),
        (other_name, os.path.abspath(options.against or libc_path())),
    ]
    chosen = list(SERVICES.values()) if options.service == "all" else [SERVICES[options.service]]
    ports = Ports(options.port)
    report = {"rounds": options.rounds, "seconds": options.seconds, "sides": dict(sides), "services": []}
    for service in chosen:
        if not service.available():
            raise Failure(f"{service.NAME} or its load generator is not installed: run tools/setup services")
        program = [shutil.which(service.PROGRAM[0]), *service.PROGRAM[1:]]
        for name, library in sides:
            names = require_malloc(program, library)
            say(f"{service.NAME}: on {name} the dynamic linker binds {names} to {library}")
        result = run_service(service, sides, options, ports, folder)
        result["threads"] = service.THREADS
        stats = os.path.join(folder, f"{service.NAME}.stats")
        if not options.library:
            if not os.path.exists(stats):
                raise Failure(f"talus wrote no statistics when {service.NAME} ended")
            with open(stats, errors="replace") as file:
                result["stats"] = file.read().rstrip()
        report["services"].append(result)
    if options.json:
        print(json.dumps(report, indent=2))
    else:
        print_all(report, *(name for name, _ in sides))


def on_signal(number, _frame):
    raise SystemExit(128 + number)


def main():
    options = parse(sys.argv[1:])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    folder = tempfile.mkdtemp(prefix="talus-run-")
    started = time.monotonic()
    try:
        compare(options, folder)
        say(f"run: done in {time.monotonic() - started:.0f} s")
        return 0
    except Failure as failure:
        print(f"run: {failure}", file=sys.stderr)
        return 1
    finally:
        stop_all()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
