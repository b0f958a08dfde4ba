"""redis-server with I/O threads under redis-benchmark, with values of mixed sizes."""

import csv
import io
import os
import socket

from process import Failure, Server, run, say

NAME = "redis"
PROGRAM = ["redis-server", "--version"]
# I/O threads spin while they wait: more of them than CPUs measures the scheduler, not the heap.
THREADS = max(2, min(4, os.cpu_count() or 2))

# What one round does: a name, arguments of redis-benchmark, and the requests of one second on a small idle machine. Steps run
# in this order against one server, so that later ones find a heap that earlier ones have filled and torn.
STEPS = [
    ("SET 16 bytes", ["-t", "set", "-d", "16", "-r", "200000", "-P", "16"], 350000),
    ("SET 100 bytes", ["-t", "set", "-d", "100", "-r", "200000", "-P", "16"], 300000),
    ("SET 1000 bytes", ["-t", "set", "-d", "1000", "-r", "50000", "-P", "8"], 150000),
    ("SET 10000 bytes", ["-t", "set", "-d", "10000", "-r", "10000", "-P", "4"], 40000),
    ("GET mixed", ["-t", "get", "-r", "200000", "-P", "16"], 350000),
    ("LPUSH, LPOP 64 bytes", ["-t", "lpush,lpop", "-d", "64", "-P", "16"], 150000),
    ("HSET, SADD, ZADD", ["-t", "hset,sadd,zadd", "-d", "200", "-r", "100000", "-P", "16"], 70000),
    ("MSET 10 x 300 bytes", ["-t", "mset", "-d", "300", "-r", "100000", "-P", "4"], 40000),
    ("SET 500 bytes, unpipelined", ["-t", "set", "-d", "500", "-r", "200000"], 60000),
    ("APPEND, growing strings", ["-r", "2000", "-P", "16", "APPEND", "grow:__rand_int__", "x" * 50], 250000),
]


def ask(port, *words):
    """One command in redis's own protocol; returns the raw reply, or None when nobody answers."""
    request = f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(request.encode())
            return connection.recv(65536).decode(errors="replace")
    except OSError:
        return None


def parse_benchmark(text):
    """redis-benchmark's CSV -> (requests per second over all its tests, worst p99 in ms, number of tests)."""
    rows = list(csv.DictReader(io.StringIO(text)))
    if not rows:
        raise Failure(f"redis-benchmark printed no result:\n{text}")
    seconds_per_request = sum(1 / float(row["rps"]) for row in rows) / len(rows)
    return 1 / seconds_per_request, max(float(row["p99_latency_ms"]) for row in rows), len(rows)


class Speed:
    """How fast this machine is, against the numbers in STEPS: measured once, so that both sides do the same work."""

    factor = None

    @classmethod
    def measure(cls, port):
        if cls.factor is None:
            probe = ["--csv", "-h", "127.0.0.1", "-p", str(port), "-c", "50", "-n", "30000"]
            rate, _, _ = parse_benchmark(run(["redis-benchmark", *probe, *STEPS[0][1]], 300))
            cls.factor = min(3.0, max(0.02, rate / STEPS[0][2]))
        return cls.factor


def run_side(side, library, folder, ports, seconds, stats_file):
    """One side of one round. Returns {"steps": {name: (rate, p99)}, "peak": bytes, "cpu": seconds,
    "requests": how many in all these steps}."""
    port = ports.get()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    command += ["--io-threads", str(THREADS), "--io-threads-do-reads", "yes", "--dir", folder]
    command += ["--daemonize", "no", "--protected-mode", "yes"]
    server = Server("redis-server", command, folder, library, f"stats_file={stats_file}" if stats_file else None)
    server.wait_until(lambda: (ask(port, "PING") or "").startswith("+PONG"))
    if not server.has_mapped(library):
        raise Failure(f"redis-server runs without {library}")

    speed = Speed.measure(port)
    idle = server.cpu_seconds()
    steps = {}
    total = 0
    for name, arguments, per_second in STEPS:
        requests = max(2000, int(per_second * speed * seconds / len(STEPS)))
        clients = ["--csv", "-h", "127.0.0.1", "-p", str(port), "-c", "50", "-n", str(requests)]
        output = run(["redis-benchmark", *clients, *arguments], 120 + 20 * seconds)
        *steps[name], tests = parse_benchmark(output)
        total += requests * tests
        server.check()
        say(f"    {side:<8} {name:<28} {steps[name][0]:>12,.0f} requests/s   p99 {steps[name][1]:.2f} ms")
    used = {"peak": server.memory("VmHWM"), "cpu": server.cpu_seconds() - idle, "requests": total}
    keys = ask(port, "DBSIZE")
    if not keys or int(keys.strip(":\r\n")) == 0:
        raise Failure("redis-server holds no keys after the load")
    status = server.stop()
    if status != 0:
        raise Failure(f"redis-server ended with status {status}; its last lines:\n{server.log_tail()}")
    return {"steps": steps, **used}


def version():
    return run(PROGRAM, 10).split(" sha=")[0].strip()


def available():
    return all(
        any(os.access(os.path.join(folder, name), os.X_OK) for folder in os.environ["PATH"].split(":"))
        for name in ("redis-server", "redis-benchmark")
    )
