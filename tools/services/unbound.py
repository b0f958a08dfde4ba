"""unbound, a DNS resolver with several threads, under dnsperf.

Every query for a name that the cache does not hold is forwarded to a second unbound on the loopback, which makes up the answer;
the resolver parses it, allocates a cache entry and evicts an older one, which another thread may have allocated. The second
unbound always runs on the system's malloc and is the same for both sides."""

import os
import random
import re
import socket
import struct

from process import Failure, Server, run, say

NAME = "unbound"
PROGRAM = ["unbound", "-V"]
THREADS = 4
NAMES = 300000
ANSWER_BYTES = [10, 60, 200, 240]

COMMON = """
server:
    interface: 127.0.0.1
    port: {port}
    directory: "{folder}"
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    logfile: ""
    verbosity: 0
    do-daemonize: no
    do-ip6: no
    do-not-query-localhost: no
    access-control: 127.0.0.0/8 allow
    module-config: "iterator"
    so-reuseport: yes
    num-threads: {threads}
    use-caps-for-id: no
"""
RESOLVER = """
    msg-cache-size: 24m
    rrset-cache-size: 48m
    msg-cache-slabs: 4
    rrset-cache-slabs: 4
    infra-cache-slabs: 4
    outgoing-range: 900
    num-queries-per-thread: 450
    cache-min-ttl: 0
    local-zone: "test." nodefault
forward-zone:
    name: "."
    forward-addr: 127.0.0.1@{upstream}
remote-control:
    control-enable: no
"""
UPSTREAM = """
{zones}
remote-control:
    control-enable: no
"""


def answers(port):
    """True when the server answers a query for a.z0.test."""
    question = b"\x01a\x02z0\x04test\x00" + struct.pack(">HH", 16, 1)
    packet = struct.pack(">HHHHHH", 0x1234, 0x0100, 1, 0, 0, 0) + question
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(0.5)
            udp.connect(("127.0.0.1", port))
            udp.send(packet)
            reply = udp.recv(4096)
        return reply[:2] == packet[:2] and reply[3] & 15 == 0 and reply[7] > 0
    except OSError:
        return False


def start(name, text, folder, library=None, options=None):
    path = os.path.join(folder, f"{name}.conf")
    with open(path, "w") as file:
        file.write(text)
    return Server(name, ["unbound", "-d", "-c", path], folder, library, options)


def write_queries(path):
    """Names under zones with answers of different sizes: half of the queries ask for one of few names, half for one of many."""
    source = random.Random(1)
    with open(path, "w") as file:
        for _ in range(NAMES):
            few = source.random() < 0.5
            number = source.randrange(2000) if few else source.randrange(10**9)
            label = f"host-{number}" + "x" * (number % 20)
            file.write(f"{label}.z{number % len(ANSWER_BYTES)}.test TXT\n")


def read_latencies(path):
    """dnsperf -v writes a line for every answer that came, its latency last."""
    latencies = []
    with open(path, errors="replace") as file:
        for line in file:
            if line.startswith("> "):
                last = line.rsplit(None, 1)[1]
                if re.fullmatch(r"\d+\.\d+", last):
                    latencies.append(float(last))
    return sorted(latencies)


def load(port, folder, seconds):
    queries = os.path.join(folder, "queries")
    if not os.path.exists(queries):
        write_queries(queries)
    output = os.path.join(folder, "dnsperf.out")
    command = ["dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", queries, "-l", str(seconds), "-c", "16"]
    run([*command, "-q", "200", "-t", "5", "-v"], seconds + 60, output)
    latencies = read_latencies(output)
    with open(output, errors="replace") as file:
        summary = file.read()
    os.unlink(output)
    numbers = dict(re.findall(r"^  (Queries [\w ]+|Queries per second):\s+([\d.]+)", summary, re.M))
    if not latencies or "Queries per second" not in numbers:
        raise Failure(f"dnsperf printed no result:\n{summary[-2000:]}")
    lost = float(numbers.get("Queries lost", 0)) / float(numbers["Queries sent"])
    if lost > 0.01:
        raise Failure(f"{lost:.1%} of the queries were lost: the machine is overloaded, or the resolver fails")
    return float(numbers["Queries per second"]), latencies[int(len(latencies) * 0.99)] * 1000, len(latencies)


def run_side(side, library, folder, ports, seconds, stats_file):
    """One side of one round: the resolver on `library`. Returns {"steps": {name: (rate, p99)}, "peak": bytes, "cpu": seconds,
    "requests": how many in all these steps}."""
    zones = "".join(
        f'    local-zone: "z{n}.test." redirect\n    local-data: \'z{n}.test. 300 IN TXT "{"t" * size}"\'\n'
        for n, size in enumerate(ANSWER_BYTES)
    )
    upstream_port, port = ports.get(), ports.get()
    common = COMMON.format(port=upstream_port, folder=folder, threads=1)
    upstream = start("upstream", common + UPSTREAM.format(zones=zones), folder)
    upstream.wait_until(lambda: answers(upstream_port))
    text = COMMON.format(port=port, folder=folder, threads=THREADS) + RESOLVER.format(upstream=upstream_port)
    server = start("unbound", text, folder, library, f"stats_file={stats_file}" if stats_file else None)
    server.wait_until(lambda: answers(port))
    if not server.has_mapped(library):
        raise Failure(f"unbound runs without {library}")

    steps = {}
    total = 0
    for name, share in (("cache filling", 0.4), ("cache full, evicting", 0.6)):
        *steps[name], answered = load(port, folder, max(1, round(seconds * share)))
        total += answered
        server.check()
        say(f"    {side:<8} {name:<28} {steps[name][0]:>12,.0f} queries/s    p99 {steps[name][1]:.2f} ms")
    used = {"peak": server.memory("VmHWM"), "cpu": server.cpu_seconds(), "requests": total}
    status = server.stop()
    upstream.stop()
    if status != 0:
        raise Failure(f"unbound ended with status {status}; its last lines:\n{server.log_tail()}")
    return {"steps": steps, **used}


def version():
    return run(PROGRAM, 10).splitlines()[0].strip()


def available():
    return all(
        any(os.access(os.path.join(folder, name), os.X_OK) for folder in os.environ["PATH"].split(":"))
        for name in ("unbound", "dnsperf")
    )
