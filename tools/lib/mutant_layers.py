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

    def __init__(self, root, options):
        self.root, self.build, self.release = root, os.path.abspath(options.build), options.release
        self.budget, self.may_build = options.budget, not options.no_build
        self.suites = options.suites.split(",") if options.suites else None

    def folder(self, name):
        return self.release if name == "release" and self.release else os.path.join(self.build, name)

    def make(self, name, preset, arguments, targets):
        """Configures and builds; the folder."""
        folder = self.folder(name)
        if self.may_build:
            configure = ["cmake", "--preset", preset, "-B", folder, *arguments]
            for command in (configure, ["cmake", "--build", folder, "-j", "2", *targets]):
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
    """One program of a layer. `command` may hold {seed}. `passing`: what it ends with when it finds nothing."""

    def __init__(self, name, command, folder=None, environment=None, passing=(0,)):
        self.name, self.command, self.folder, self.environment = name, command, folder, environment or {}
        self.passing, self.seconds, self.reached = passing, 0, b""

    def run(self, environment, seconds, seed=1):
        command = [part.replace("{seed}", str(seed)) for part in self.command]
        return Run(command, {**self.environment, **environment}, seconds, self.folder)

    def look(self):
        """Without a bug: it must pass. Which places it gets to, and how long it takes."""
        with tempfile.NamedTemporaryFile() as reached:
            done = self.run({"TALUS_MUTANTS_REACHED": reached.name}, 300)
            if done.status == 77:
                return False
            if done.status not in self.passing:
                raise Unusable(f"{self.name} fails without any bug: {done.how()}\n{done.output[-2000:]}")
            self.reached, self.seconds = reached.read(), done.wall
        return True


def number_of(folder, name):
    """As the build counts them: arch/mutants.h may have changed since. 0: none."""
    with open(os.path.join(folder, "any_mutant_names.h"), encoding="utf-8") as file:
        match = re.search(rf"^#define TL_MUTANT_{name} tl_mutant_is\((\d+)\)$", file.read(), re.M)
    return int(match.group(1)) if match else 0


def survivor(why):
    return {"killed": False, "why": why}


class Programs:
    """A layer of programs, each of which may be run with any bug switched on."""

    random = False  # another seed is another chance
    orders = False  # sees an order that this CPU keeps though nobody asked for it

    def __init__(self):
        self.all, self.folder = [], ""

    def prepare(self, setting):
        self.all = [test for test in self.tests(setting) if test.look()]
        self.all.sort(key=lambda test: test.seconds)
        if not self.all:
            raise Unusable(f"{self.name}: no test to run")

    def tests(self, setting):
        raise NotImplementedError

    def attempt(self, setting, name):
        number = number_of(self.folder, name)
        tests = [test for test in self.all if number == 0 or test.reached[number : number + 1] == b"\1"]
        if not tests:
            return survivor("not reached")
        first = suite_claims(setting.root).get(name)
        tests.sort(key=lambda test: test.name != first)
        cpu, wall, seed = 0.0, 0.0, 0
        while seed == 0 or (self.random and wall < setting.budget):
            seed += 1
            for test in tests:
                limit = 30 + 10 * test.seconds
                done = test.run({"TALUS_MUTANT": name}, limit, seed)
                cpu, wall = cpu + done.cpu, wall + done.wall
                # a machine that is busy may fail a test, too: the same run without the bug must pass
                if done.status not in test.passing and test.run({}, limit, seed).status in test.passing:
                    return {"killed": True, "by": test.name, "how": done.how(), "cpu": round(cpu, 2), "wall": round(wall, 2)}
                if self.random and wall >= setting.budget:
                    break
        if name.endswith("_relaxed") and not self.orders:
            return survivor("order")
        return survivor(f"{wall:.0f} s" if self.random else f"{len(tests)} test" + "s" * (len(tests) > 1))


def ctest(folder):
    """The tests of a build, as CTest would run them."""
    done = subprocess.run(["ctest", "--test-dir", folder, "--show-only=json-v1"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unusable(f"{folder}: {done.stderr.strip()}; is it built?")
    for test in json.loads(done.stdout)["tests"]:
        properties = {entry["name"]: entry["value"] for entry in test.get("properties", [])}
        yield test["name"], test.get("command"), properties  # without one: its program is not built


def plain_tests(folder, labels):
    """Those that pass when their program ends with 0."""
    for name, command, properties in ctest(folder):
        if command is None or not set(labels) & set(properties.get("LABELS", [])) or "PASS_REGULAR_EXPRESSION" in properties:
            continue
        if re.search(r"can-fail|\.mutant\.", name):
            continue
        environment = dict(entry.split("=", 1) for entry in properties.get("ENVIRONMENT", []))
        yield Test(name, command, properties.get("WORKING_DIRECTORY"), environment)


def any_arguments():
    return ["-DTALUS_MUTANT=any", "-DTALUS_SKIP_TESTS=real;build;litmus"]


def any_tree(setting, folders):
    targets = [f"tests/{folder}/all" for folder in folders]
    return setting.make("mutants", "release", any_arguments(), ["--target", *targets])


class Steps(Programs):
    name = "unit"
    FOLDERS = ("unit", "api", "property", "misuse", "fail", "kernel", "small")
    about = "step by step, against what is expected: tests/{unit,api,property,misuse,fail,kernel,small}"

    def tests(self, setting):
        self.folder = any_tree(setting, self.FOLDERS)
        return plain_tests(self.folder, self.FOLDERS)


class Models(Programs):
    name = "model"
    about = "the protocols of sync/ in every memory order that C11 allows: tests/model, the litmus shapes among them"
    random, orders = False, True

    LINE = r"^(?P<how>caught): (?P<shape>[\w.]+) with (?P<twin>\w+):"

    def __init__(self):
        super().__init__()
        self.twins = Twins()

    def tests(self, setting):
        self.folder = any_tree(setting, ("model",))
        litmus = setting.make("release", "release", [], ["--target", "model_litmus"])
        self.twins.prepare(setting, [os.path.join(litmus, "tests", "model", "model_litmus"), "20000", "--twins"], self.LINE)
        return plain_tests(self.folder, ("model",))

    def attempt(self, setting, name):
        found = super().attempt(setting, name)
        return found if found["killed"] else twin_of(self.twins, name, found)


# Where each layer's tests say which bugs they have compiled in, or switch on, and must find: every name in these files.
CLAIMS = {
    "unit": [f"tests/{folder}/CMakeLists.txt" for folder in Steps.FOLDERS]
    + ["tests/unit/sync.cmake"],
    "stress": ["stress/mutants.h"],
    "litmus": [],
    "tsan": [],
    "model": ["tests/model/CMakeLists.txt", "tests/litmus/shapes.h"],
    "explore": ["stress/explore/mutants.h"],
    "fuzz": ["tests/fuzz/CMakeLists.txt"],
    "images": ["tests/bare/CMakeLists.txt"],
    "audit": ["tests/build/audit.py"],
}


def claimed(root, names):
    """Bug -> the layers that have a test of their own for it in CTest."""
    result = {}
    for layer, paths in CLAIMS.items():
        for path in paths:
            if not os.path.exists(os.path.join(root, path)):
                continue
            with open(os.path.join(root, path), encoding="utf-8") as file:
                text = file.read()
            for name in names:
                entry = r"_MUTANT\(" if path.endswith("mutants.h") else "(?<![a-z0-9])"
                match = re.search(rf"{entry}{name}\b(, tsan)?", text)
                if match:
                    result.setdefault(name, set()).add("tsan" if match.group(1) else layer)
    return result


def suite_claims(root):
    """The suite that says it finds a bug: tried first."""
    with open(os.path.join(root, "stress", "mutants.h"), encoding="utf-8") as file:
        return dict(re.findall(r"ST_MUTANT\(([a-z0-9_]+), [a-z]+, ([a-z]+),", file.read()))


def suites(setting, folder):
    program = os.path.join(folder, "stress", "talus-stress-mutants")
    done = subprocess.run([program, "--list"], capture_output=True, text=True, check=False)
    run_here = {name for name, _, _ in ctest(folder)}  # some suites are not for every build
    names = [name for name in re.findall(r"^  (\w+) ", done.stdout.split("targets:")[0], re.M) if f"stress.{name}" in run_here]
    if not names:
        raise Unusable(f"{folder} runs no suites")
    for name in setting.suites or names:
        bounds = ["--seconds", str(BASE_SECONDS), "--threads", str(THREADS), "--seed", "{seed}"]
        yield Test(name, [program, "--suite", name, *bounds], environment={"TSAN_OPTIONS": "halt_on_error=1"})


class Stress(Programs):
    name = "stress"
    about = "the suites of stress/ under real preemption, judged by the oracle"
    random = True

    def tests(self, setting):
        self.folder = setting.make("release", "release", [], ["--target", "talus-stress-mutants"])
        return suites(setting, self.folder)


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
        with open(os.path.join(setting.root, "tests", "litmus", "shapes.h"), encoding="utf-8") as file:
            is_tried = f"LITMUS_{name}," in file.read()
        return twin_of(self.twins, name, None if is_tried else survivor("not reached"))


def twin_of(twins, name, other=None):
    match = twins.found.get(name)
    if match is None:
        return other or survivor("order" if name.endswith("_relaxed") else "not reached")
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
        self.folder = setting.make("tsan", "tsan", [], ["--target", "talus-stress-mutants", "talus-litmus-twins"])
        self.twins.prepare(setting, [os.path.join(self.folder, "tests", "litmus", "talus-litmus-twins")], Litmus.LINE)
        return suites(setting, self.folder)

    def attempt(self, setting, name):
        found = twin_of(self.twins, name)
        return found if found["killed"] else super().attempt(setting, name)


class Explorer(Programs):
    """Status 2: not exhausted in the time, which is no finding."""

    name = "explore"
    about = "the whole core of a kernel's heap under all schedules of small scenarios with two preemptions: stress/explore"

    def tests(self, setting):
        self.folder = setting.make("mutants", "release", any_arguments(), ["--target", "talus-explore"])
        program = os.path.join(self.folder, "stress", "explore", "talus-explore")
        done = subprocess.run([program, "--list"], capture_output=True, text=True, check=False)
        for name in re.findall(r"^ *([a-z][a-z0-9-]+)", done.stdout, re.M):
            command = [program, "--scenario", name, "--seconds", str(max(1, int(setting.budget / 2))), "--jobs", "1"]
            yield Test(name, command, passing=(0, 2))


class Claims:
    """Bugs that tests of a build have compiled in: those tests run; nothing is tried that none claims."""

    def __init__(self, name, about, folder, target, why):
        self.name, self.about, self.place, self.target, self.why = name, about, folder, target, why
        self.tests = {}

    def prepare(self, setting):
        folder = setting.folder(self.place)
        for name, command, properties in ctest(folder):
            match = re.search(self.target, name)
            if match and command is not None:
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
    Explorer(),
    Claims("images", "kernels in QEMU, build/kernel-x86_64: the bugs that tests/bare claims", "kernel-x86_64",
           r"^(?:machine|heap|stress)\.can-fail\.(\w+)$", "not tried"),
]
