"""Processes of the comparison: started in the background, watched, and stopped whatever happens."""

import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


class Failure(Exception):
    """What went wrong, in words for whoever runs the tool."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def die_with_parent():
    # Even if this tool is killed outright, the kernel stops what it started.
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Ports:
    """Free TCP and UDP ports on the loopback: found by the system, or counted up from a given one."""

    def __init__(self, first):
        self.next = first

    def get(self):
        wanted = self.next or 0
        if self.next:
            self.next += 1
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, socket.socket(
                socket.AF_INET, socket.SOCK_DGRAM
            ) as udp:
                tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                tcp.bind(("127.0.0.1", wanted))
                udp.bind(("127.0.0.1", tcp.getsockname()[1]))
                return tcp.getsockname()[1]
        except OSError as error:
            if wanted:
                raise Failure(
                    f"port {wanted} on 127.0.0.1 cannot be used ({error.strerror}): "
                    "choose another with --port, or leave --port out to have a free one found"
                ) from error
            return self.get()


class Server:
    """A server process with a malloc of our choice in front of its own."""

    def __init__(self, name, command, folder, preload=None, options=None):
        self.name = name
        self.log_path = os.path.join(folder, f"{name}.log")
        environment = dict(os.environ)
        environment.pop("LD_PRELOAD", None)
        environment.pop("TALUS_OPTIONS", None)
        if preload:
            environment["LD_PRELOAD"] = preload
        if options:
            environment["TALUS_OPTIONS"] = options
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=folder,
                preexec_fn=die_with_parent,
                start_new_session=True,
            )
        running.append(self)

    def log_tail(self):
        with open(self.log_path, errors="replace") as log:
            return "".join(log.readlines()[-15:])

    def check(self):
        if self.process.poll() is not None:
            raise Failure(
                f"{self.name} ended with status {self.process.returncode}; its last lines:\n{self.log_tail()}"
            )

    def wait_until(self, ready, seconds=15):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.check()
            if ready():
                return
            time.sleep(0.05)
        raise Failure(f"{self.name} did not answer within {seconds} s; its last lines:\n{self.log_tail()}")

    def memory(self, field):
        """VmHWM or VmRSS of the process, in bytes."""
        with open(f"/proc/{self.process.pid}/status") as status:
            match = re.search(rf"^{field}:\s+(\d+) kB", status.read(), re.M)
        return int(match.group(1)) * 1024

    def cpu_seconds(self):
        """Processor time that the process has used, in user and kernel mode, all threads."""
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def has_mapped(self, library):
        with open(f"/proc/{self.process.pid}/maps") as maps:
            return os.path.realpath(library) in maps.read()

    def stop(self):
        """Asks it to end, and makes it end. Returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self in running:
            running.remove(self)
        return self.process.returncode


running = []


def stop_all():
    for server in list(running):
        server.process.kill()
        server.process.wait()
        running.remove(server)


def run(command, seconds, output=None):
    """Runs a load generator to its end and returns what it wrote, or writes it to the file `output`."""
    environment = dict(os.environ)
    environment.pop("LD_PRELOAD", None)
    target = open(output, "wb") if output else subprocess.PIPE
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=target,
        stderr=subprocess.PIPE,
        env=environment,
        preexec_fn=die_with_parent,
    )
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Failure(f"{command[0]} did not finish within {seconds} s") from None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if output:
            target.close()
    if process.returncode != 0:
        raise Failure(f"{command[0]} failed with status {process.returncode}:\n{err.decode(errors='replace')}")
    return (out or b"").decode(errors="replace")


def libc_path():
    """The C library that this machine's programs use, by its path."""
    with open("/proc/self/maps") as maps:
        for line in maps:
            if re.search(r"/libc(-[\d.]+)?\.so(\.6)?$", line.rstrip()):
                return line.split(maxsplit=5)[5].strip()
    raise Failure("no libc.so.6 found in /proc/self/maps")


def malloc_provider(program, preload):
    """Asks the dynamic linker which library a program's malloc is bound to: the proof of who serves.
    Returns {function: library}."""
    with tempfile.TemporaryDirectory(prefix="talus-run-") as folder:
        environment = dict(os.environ, LD_PRELOAD=preload, LD_BIND_NOW="1", LD_DEBUG="bindings")
        environment["LD_DEBUG_OUTPUT"] = os.path.join(folder, "bindings")
        environment.pop("TALUS_OPTIONS", None)
        subprocess.run(
            program, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=30
        )
        found = {}
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), errors="replace") as bindings:
                for line in bindings:
                    match = re.search(
                        rf"binding file (?:\S*/)?{re.escape(os.path.basename(program[0]))} \[0\] to (\S+) \[0\]: "
                        r"normal symbol `(malloc|calloc|realloc|free)'",
                        line,
                    )
                    if match:
                        found[match.group(2)] = match.group(1)
    return found


def require_malloc(program, preload):
    """Fails unless every malloc-family function that the program calls comes from `preload`."""
    found = malloc_provider(program, preload)
    wrong = {name: path for name, path in found.items() if os.path.realpath(path) != os.path.realpath(preload)}
    if not found or wrong:
        raise Failure(f"{program[0]} does not take its malloc from {preload}: {wrong or 'no binding seen'}")
    return ", ".join(sorted(found))
