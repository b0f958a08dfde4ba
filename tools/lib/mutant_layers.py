"""The layers that tools/mutants runs: what each builds, which of its tests get to a seeded bug, and how a bug is found."""

import json
import os
import re
import resource
import signal
import subprocess
import tempfile
import time

BASE_SECONDS = 2  # of each stress suite, for every attempt
THREADS = 8
TAIL_BYTES = 65536


class Unusable(Exception):
    """Nothing can be said: wrong usage, or something could not be built or run."""


class Setting:
    """Where things lie, and how long to try."""

    def __init__(self, root, build, budget, may_build):
        self.root, self.build, self.budget, self.may_build = root, os.path.abspath(build), budget, may_build

    def folder(self, name):
        return os.path.join(self.build, name)

    def make(self, name, preset, arguments, targets):
        """Configures and builds; the folder."""
        folder = self.folder(name)
        if self.may_build:
            for command in (["cmake", "--preset", preset, "-B", folder, *arguments], ["cmake", "--build", folder, "-j", "2", *targets]):
                done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)
                if done.returncode != 0:
                    raise Unusable(f"{' '.join(command)}:\n{(done.stdout + done.stderr)[-3000:]}")
        return folder


class Run:
    """One program's end: whether it failed, how, and what it took."""

    def __init__(self, command, environment, seconds, folder=None):
        begin, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                command, cwd=folder, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )
            try:
                self.status = process.wait(seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                self.status = None
            output.seek(max(0, os.fstat(output.fileno()).st_size - TAIL_BYTES))
            self.output = output.read().decode("utf-8", "replace")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.wall = time.monotonic() - begin
        self.cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    # The first that fits says what was seen.
    SIGNS = (
        r"SUMMARY: (ThreadSanitizer: [a-z -]+)",
        r"FAILED: ([a-z ]+)",
        r"talus: (misuse[^0-9(]*)",
        r"talus: (assertion.*)",
        r"(assertion .* failed)",
        r"model: failed: ([A-Z ]+)",
        r"\[  FAILED  \] (\w+)",
    )

    def how(self):
        if self.status is None:
            return "hangs"
        for sign in self.SIGNS:
            match = re.search(sign, self.output)
            if match:
                return match.group(1).strip()[:60]
        return signal.Signals(-self.status).name if self.status < 0 else f"ended with {self.status}"


class Test:
    """One program of a layer. `command` may hold {seed}."""

    def __init__(self, name, command, folder=None, environment=None, usual=0):
        self.name, self.command, self.folder, self.environment = name, command, folder, environment or {}
        self.seconds, self.reached, self.usual = usual, b"", usual

    def run(self, environment, seconds, seed=1):
        command = [part.replace("{seed}", str(seed)) for part in self.command]
        return Run(command, {**self.environment, **environment}, seconds, self.folder)

    def look(self):
        """Without a bug: it must pass. Which places it gets to, and how long it takes."""
        with tempfile.NamedTemporaryFile() as reached:
            done = self.run({"TALUS_MUTANTS_REACHED": reached.name}, 300)
            if done.status == 77:
                return False
            if done.status != 0:
                raise Unusable(f"{self.name} fails without any bug: {done.how()}\n{done.output[-2000:]}")
            self.reached, self.seconds = reached.read(), done.wall
        return True


def number_of(root, name):
    with open(os.path.join(root, "arch", "mutants.h"), encoding="utf-8") as file:
        names = re.findall(r"^#define TL_MUTANT_([a-z0-9_]+) 0", file.read(), re.M)
    return names.index(name) + 1 if name in names else 0


def survivor(why):
    return {"killed": False, "why": why}


class Programs:
    """A layer of programs, each of which may be run with any bug switched on."""

    random = False  # another seed is another chance
    orders = False  # sees an order that this CPU keeps though nobody asked for it

    def __init__(self):
        self.all = []

    def prepare(self, setting):
        self.all = [test for test in self.tests(setting) if test.look()]
        self.all.sort(key=lambda test: test.seconds)
        if not self.all:
            raise Unusable(f"{self.name}: no test to run")

    def tests(self, setting):
        raise NotImplementedError

    def attempt(self, setting, name):
        number = number_of(setting.root, name)
        tests = [test for test in self.all if number == 0 or test.reached[number : number + 1] == b"\1"]
        if not tests:
            return survivor("not reached")
        cpu, wall, seed, rounds = 0.0, 0.0, 1, 0
        while True:
            for test in tests:
                done = test.run({"TALUS_MUTANT": name, "TSAN_OPTIONS": "halt_on_error=1"}, 30 + 10 * test.seconds, seed)
                cpu, wall = cpu + done.cpu, wall + done.wall
                if done.status != 0:
                    return {"killed": True, "by": test.name, "how": done.how(), "cpu": round(cpu, 2), "wall": round(wall, 2)}
                if self.random and wall >= setting.budget:
                    break
            seed, rounds = seed + 1, rounds + 1
            if not self.random or wall >= setting.budget:
                break
        if name.endswith("_relaxed") and not self.orders:
            return survivor("order")
        return survivor(f"{wall:.0f} s" if self.random else f"{len(tests)} tests")


def ctest(folder):
    """The tests of a build, as CTest would run them."""
    done = subprocess.run(["ctest", "--test-dir", folder, "--show-only=json-v1"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unusable(f"{folder}: {done.stderr.strip()}; is it built?")
    for test in json.loads(done.stdout)["tests"]:
        properties = {entry["name"]: entry["value"] for entry in test.get("properties", [])}
        if "command" in test:
            yield test["name"], test["command"], properties


def plain_tests(folder, labels):
    """Those that pass when their program ends with 0."""
    for name, command, properties in ctest(folder):
        if not set(labels) & set(properties.get("LABELS", [])) or "PASS_REGULAR_EXPRESSION" in properties:
            continue
        if re.search(r"can-fail|\.mutant\.", name):
            continue
        environment = dict(entry.split("=", 1) for entry in properties.get("ENVIRONMENT", []))
        yield Test(name, command, properties.get("WORKING_DIRECTORY"), environment)


def any_tree(setting, folders):
    targets = [f"tests/{folder}/all" for folder in folders]
    return setting.make("mutants", "release", ["-DTALUS_MUTANT=any", "-DTALUS_SKIP_TESTS=real;build;litmus"], ["--target", *targets])


class Steps(Programs):
    name = "unit"
    FOLDERS = ("unit", "api", "property", "misuse", "fail", "kernel", "small")
    about = "step by step, against what is expected: tests/{unit,api,property,misuse,fail,kernel,small}"

    def tests(self, setting):
        return plain_tests(any_tree(setting, self.FOLDERS), self.FOLDERS)


class Models(Programs):
    name = "model"
    about = "the protocols of sync/ in every memory order that C11 allows: tests/model, the litmus shapes among them"
    random, orders = False, True

    def tests(self, setting):
        return plain_tests(any_tree(setting, ("model",)), ("model",))


def suites(setting, folder):
    program = os.path.join(folder, "stress", "talus-stress-mutants")
    done = subprocess.run([program, "--list"], capture_output=True, text=True, check=False)
    names = re.findall(r"^  (\w+) ", done.stdout.split("targets:")[0], re.M)
    if not names:
        raise Unusable(f"{program} lists no suites")
    for name in names:
        bounds = ["--seconds", str(BASE_SECONDS), "--threads", str(THREADS), "--seed", "{seed}"]
        yield Test(name, [program, "--suite", name, *bounds], environment={"TSAN_OPTIONS": "halt_on_error=1"})


class Stress(Programs):
    name = "stress"
    about = "the suites of stress/ under real preemption, judged by the oracle"
    random = True

    def tests(self, setting):
        return suites(setting, setting.make("release", "release", [], ["--target", "talus-stress-mutants"]))


class Twins:
    """The litmus shapes with one bug each: one run tells of them all."""

    def __init__(self):
        self.found = {}

    def prepare(self, setting, command, line):
        done = Run(command, {"TSAN_OPTIONS": "halt_on_error=1"}, 900)
        if done.status != 0:
            raise Unusable(f"{command[0]} fails: {done.output[-2000:]}")
        for match in re.finditer(line, done.output, re.M):
            self.found.setdefault(match["twin"], match)
        if not self.found:
            raise Unusable(f"{command[0]} tells of no seeded bug")


class Litmus:
    name = "litmus"
    about = "the protocols of sync/ by threads of this CPU, over millions of outcomes: tests/litmus"
    LINE = r"^(?P<shape>[\w.]+) +(?P<twin>\w+) +(?P<how>race reported|forbidden outcome) after (?P<seconds>[\d.]+) s"

    def __init__(self):
        self.twins = Twins()

    def prepare(self, setting):
        folder = setting.make("release", "release", [], ["--target", "talus-litmus-twins"])
        self.twins.prepare(setting, [os.path.join(folder, "tests", "litmus", "talus-litmus-twins")], self.LINE)

    def attempt(self, setting, name):
        return twin_of(self.twins, name)


def twin_of(twins, name):
    match = twins.found.get(name)
    if match is None:
        return survivor("order" if name.endswith("_relaxed") else "not reached")
    seconds = float(match.groupdict().get("seconds") or 0)
    return {"killed": True, "by": match["shape"], "how": match["how"], "cpu": seconds, "wall": seconds}


class Tsan(Programs):
    name = "tsan"
    about = "the suites of stress/ and the litmus shapes under ThreadSanitizer, with the core's assertions on"
    random, orders = True, True

    def __init__(self):
        super().__init__()
        self.twins = Twins()

    def tests(self, setting):
        folder = setting.make("tsan", "tsan", [], ["--target", "talus-stress-mutants", "talus-litmus-twins"])
        self.twins.prepare(setting, [os.path.join(folder, "tests", "litmus", "talus-litmus-twins")], Litmus.LINE)
        return suites(setting, folder)

    def attempt(self, setting, name):
        found = twin_of(self.twins, name)
        return found if found["killed"] else super().attempt(setting, name)


class Claims:
    """Bugs that tests of a build have compiled in: those tests run; nothing is tried that none claims."""

    def __init__(self, name, about, folder, target, why):
        self.name, self.about, self.place, self.target, self.why = name, about, folder, target, why
        self.tests = {}

    def prepare(self, setting):
        folder = setting.folder(self.place)
        for name, command, properties in ctest(folder):
            match = re.search(self.target, name)
            if match:
                self.tests.setdefault(match.group(1), Test(name, command, properties.get("WORKING_DIRECTORY")))

    def attempt(self, setting, name):
        test = self.tests.get(name)
        if test is None:
            return survivor(self.why)
        done = test.run({}, 600)
        if done.status != 0:
            raise Unusable(f"{test.name} does not find its bug: {done.output[-1000:]}")
        return {"killed": True, "by": test.name, "how": "found", "cpu": round(done.cpu, 2), "wall": round(done.wall, 2)}


LAYERS = [
    Steps(),
    Stress(),
    Litmus(),
    Tsan(),
    Models(),
    Claims("images", "kernels in QEMU, build/kernel-x86_64: the bugs that tests/bare claims", "kernel-x86_64",
           r"^(?:machine|heap|stress)\.can-fail\.(\w+)$", "not tried"),
]
