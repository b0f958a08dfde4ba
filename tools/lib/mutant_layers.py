"""The layers that tools/mutants runs: what each builds, which of its tests get to a seeded bug, and how a bug is found."""

import glob
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
AGAIN = 10  # runs within which a finding must come again
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
        """Configures, builds the targets; the folder."""
        folder = self.folder(name)
        if self.may_build:
            commands = [["cmake", "--preset", preset, "-B", folder, *arguments]]
            if targets:
                commands.append(["cmake", "--build", folder, "-j", "2", "--target", *targets])
            for command in commands:
                done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)
                if done.returncode != 0:
                    raise Unusable(f"{' '.join(command)}:\n{(done.stdout + done.stderr)[-3000:]}")
        return folder


def cpu_of_session(leader):
    """CPU seconds of the processes that a program started and that still run."""
    ticks = 0
    for path in glob.iglob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="ascii", errors="replace") as file:
                fields = file.read().rsplit(")", 1)[1].split()
        except OSError:  # it ended meanwhile
            continue
        if int(fields[3]) == leader:
            ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


class Run:
    """One program's end: whether it failed, how, and what it took."""

    def __init__(self, command, environment, seconds, folder=None):
        unwaited = 0.0
        begin, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                command, cwd=folder, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )
            try:
                self.status = process.wait(seconds)
            except subprocess.TimeoutExpired:
                unwaited = cpu_of_session(process.pid)
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                self.status = None
            output.seek(max(0, os.fstat(output.fileno()).st_size - TAIL_BYTES))
            self.output = output.read().decode("utf-8", "replace")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.wall = time.monotonic() - begin
        waited = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.cpu = max(waited, unwaited)  # what children of the one that was ended had used is not among the former

    # The first that fits says what was seen.
    SIGNS = (
        r"(wrong: .*|panic: cpu.*|exception: .*)",  # of an image
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
    """One program of a layer. `command` may hold {seed}. `passing`: what it ends with when it finds nothing; `unable`: when it
    could not run."""

    def __init__(self, name, command, folder=None, environment=None, passing=(0,), unable=None):
        self.name, self.command, self.folder, self.environment = name, command, folder, environment or {}
        self.passing, self.unable, self.seconds, self.reached = passing, unable, 0, b""

    def run(self, environment, seconds, seed=1):
        command = [part.replace("{seed}", str(seed)) for part in self.command]
        return Run(command, {**self.environment, **environment}, seconds, self.folder)

    def failed(self, done):
        """A suite whose pressure did not come has found nothing, either."""
        return done.status not in (*self.passing, self.unable) and done.how() != "pressure"

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


def is_of_order(name):
    """Whether the bug drops what this CPU keeps all the same: an order, or that an access is atomic."""
    return name.endswith(("_relaxed", "_plain"))


class Programs:
    """A layer of programs, each of which may be run with any bug switched on."""

    random = False  # another seed is another chance
    orders = False  # sees an order that this CPU keeps though nobody asked for it
    claims = None  # the tests of CTest that are made for one bug: where the others do not find it
    hang_seconds = 10  # more than ten times what a test takes: then it hangs

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
        found = self.attempt_all(setting, name)
        claimed = None if found["killed"] or self.claims is None else self.claims.attempt(setting, name)
        return claimed or found

    def is_found(self, test, name, limit, seed, done):
        """A machine that is busy may fail a test, too: the same run without the bug must pass; and with it one of a few more must
        fail again, a standstill at once."""
        if not test.failed(done):
            return False
        if test.failed(test.run({}, limit, seed)):
            return False
        is_slow = done.how().startswith(("hangs", "stuck"))
        again = [seed] if is_slow else range(seed, seed + AGAIN)
        runs = (test.run({"TALUS_MUTANT": name}, limit, one) for one in again)
        return any(test.failed(run) and (not is_slow or run.how() == done.how()) for run in runs)

    def attempt_all(self, setting, name):
        """Each test once, and then, where that is another chance, again until the budget is spent."""
        number = number_of(self.folder, name)
        tests = [test for test in self.all if number == 0 or test.reached[number : number + 1] == b"\1"]
        if not tests:
            return survivor("not reached")
        if is_of_order(name) and not self.orders:
            return survivor("order")
        first = suite_claims(setting.root).get(name)
        tests.sort(key=lambda test: test.name != first)
        cpu, wall, seed = 0.0, 0.0, 0
        while seed == 0 or (self.random and wall < setting.budget):
            seed += 1
            for test in tests:
                limit = self.hang_seconds + 10 * test.seconds
                done = test.run({"TALUS_MUTANT": name}, limit, seed)
                cpu, wall = cpu + done.cpu, wall + done.wall
                if self.is_found(test, name, limit, seed, done):
                    return {"killed": True, "by": test.name, "how": done.how(), "cpu": round(cpu, 2), "wall": round(wall, 2)}
                if seed > 1 and wall >= setting.budget:
                    break
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
    return setting.make("mutants", "release", any_arguments(), [f"tests/{folder}/all" for folder in folders])


class Claims:
    """The tests of CTest that are made for one bug: it is compiled in or switched on, and they pass when it is found."""

    def __init__(self, parts, place="release", mips_place=None):
        """`parts`: what their names begin with; `place`: the preset that has them, and the one for bugs of MIPS."""
        self.parts, self.place, self.mips_place = parts, place, mips_place
        self.names = {}  # of tests, by folder

    def attempt(self, setting, name):
        """What was found, or None: there is no such test."""
        place = self.mips_place if name.startswith("mips_") else self.place
        if place is None:
            return None
        folder = setting.folder(place)
        if folder not in self.names:
            setting.make(place, place, [], [])
            self.names[folder] = [test for test, _, _ in ctest(folder)]
        pattern = rf"(?:{'|'.join(self.parts)})\.(?:.*\.)?{name}(?:-can-fail)?"
        test = next((test for test in self.names[folder] if re.fullmatch(pattern, test)), None)
        return None if test is None else found_by(setting, place, test)


def found_by(setting, place, test, says=""):
    """Runs one test of CTest that passes when it finds its bug. What it must say, too."""
    folder = setting.make(place, place, [], programs_of(setting.folder(place), test))
    done = Run(["ctest", "--test-dir", folder, "-V", "-R", f"^{re.escape(test)}$", "-FA", "."], {}, 900)
    if done.status != 0 or "100% tests passed, 0 tests failed out of 1" not in done.output or not re.search(says, done.output):
        return survivor(f"{test} does not find it")
    return {"killed": True, "by": test, "how": "found", "cpu": round(done.cpu, 2), "wall": round(done.wall, 2)}


def programs_of(folder, test):
    """The targets that a test runs: the files of the build folder in its command."""
    for path in glob.iglob(os.path.join(folder, "**", "CTestTestfile.cmake"), recursive=True):
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line.startswith(f"add_test([=[{test}]=] ") or line.startswith(f"add_test({test} "):
                    return sorted(set(re.findall(rf"{re.escape(folder)}/(?:[\w.+-]+/)*([\w.+-]+)", line)))
    return []


class Steps(Programs):
    name = "unit"
    FOLDERS = ("unit", "api", "property", "misuse", "fail", "kernel", "small")
    about = "step by step, against what is expected: tests/{unit,api,property,misuse,fail,kernel,small}"
    claims = Claims(FOLDERS, mips_place="mipsel")

    def tests(self, setting):
        self.folder = any_tree(setting, self.FOLDERS)
        return plain_tests(self.folder, self.FOLDERS)


class Models(Programs):
    name = "model"
    about = "the protocols of sync/ in every memory order that C11 allows: tests/model, the litmus shapes among them"
    random, orders = False, True
    claims = Claims(("model",))

    LINE = r"^(?P<how>caught): (?P<shape>[\w.]+) with (?P<twin>\w+): .* after (?P<seconds>[\d.]+) s"

    def __init__(self):
        super().__init__()
        self.twins = Twins()

    def tests(self, setting):
        self.folder = any_tree(setting, ("model",))
        litmus = setting.make("release", "release", [], ["model_litmus"])
        self.twins.prepare(setting, [os.path.join(litmus, "tests", "model", "model_litmus"), "20000", "--twins"], self.LINE)
        return plain_tests(self.folder, ("model",))

    def attempt(self, setting, name):
        found = super().attempt(setting, name)
        return found if found["killed"] else twin_of(self.twins, name, found)


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
        environment = {"TSAN_OPTIONS": "halt_on_error=1"}
        yield Test(name, [program, "--suite", name, *bounds], environment=environment, unable=2)


class Stress(Programs):
    name = "stress"
    about = "the suites of stress/ under real preemption, judged by the oracle"
    random, hang_seconds = True, 30  # a suite has a patience of its own
    claims = Claims((r"stress\.mutant",))

    def tests(self, setting):
        self.folder = setting.make("release", "release", [], ["talus-stress-mutants"])
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
        folder = setting.make("release", "release", [], ["talus-litmus-twins"])
        self.twins.prepare(setting, [os.path.join(folder, "tests", "litmus", "talus-litmus-twins")], self.LINE)

    def attempt(self, setting, name):
        with open(os.path.join(setting.root, "tests", "litmus", "shapes.h"), encoding="utf-8") as file:
            is_tried = f"LITMUS_{name}," in file.read()
        return twin_of(self.twins, name, None if is_tried else survivor("not reached"))


def twin_of(twins, name, other=None):
    match = twins.found.get(name)
    if match is None:
        return other or survivor("order" if is_of_order(name) else "not reached")
    seconds = float(match.groupdict().get("seconds") or 0)
    return {"killed": True, "by": match["shape"], "how": match["how"], "cpu": seconds, "wall": seconds}


class Tsan(Programs):
    name = "tsan"
    about = "the suites of stress/ and the litmus shapes under ThreadSanitizer, with the core's assertions on"
    random, orders, hang_seconds = True, True, 60
    claims = Claims((r"stress\.mutant",), "tsan")

    def __init__(self):
        super().__init__()
        self.twins = Twins()

    def tests(self, setting):
        self.folder = setting.make("tsan", "tsan", [], ["talus-stress-mutants", "talus-litmus-twins"])
        self.twins.prepare(setting, [os.path.join(self.folder, "tests", "litmus", "talus-litmus-twins")], Litmus.LINE)
        return suites(setting, self.folder)

    def attempt(self, setting, name):
        found = twin_of(self.twins, name)
        return found if found["killed"] else super().attempt(setting, name)


class Explorer(Programs):
    """Status 2: not exhausted in the time, which is no finding."""

    name = "explore"
    about = "the whole core of a kernel's heap under all schedules of small scenarios with two preemptions: stress/explore"
    claims = Claims((r"explore\.mutant",))

    def tests(self, setting):
        self.folder = setting.make("mutants", "release", any_arguments(), ["talus-explore"])
        program = os.path.join(self.folder, "stress", "explore", "talus-explore")
        done = subprocess.run([program, "--list"], capture_output=True, text=True, check=False)
        for name in re.findall(r"^ *([a-z][a-z0-9-]+)", done.stdout, re.M):
            command = [program, "--scenario", name, "--seconds", str(max(1, int(setting.budget / 2))), "--jobs", "1"]
            yield Test(name, command, passing=(0, 2))


class Fuzz(Programs):
    name = "fuzz"
    about = "the corpus of the fuzz targets, which tools/fuzz adds to: tests/fuzz"
    claims = Claims(("fuzz",))

    def tests(self, setting):
        self.folder = any_tree(setting, ("fuzz",))
        return plain_tests(self.folder, ("fuzz",))


class ImageTest(Test):
    """A bug's name goes into the image's command line; the places that it got to are in what it says."""

    def run(self, environment, seconds, seed=1):
        words = [f"mutant={environment['TALUS_MUTANT']}"] if "TALUS_MUTANT" in environment else []
        return Run([*self.command, *words], {}, seconds, self.folder)

    def look(self):
        done = self.run({}, 300)
        if done.status != 0:
            raise Unusable(f"{self.name} fails without any bug: {done.how()}\n{done.output[-2000:]}")
        numbers = [number_of(self.built, name) for name in re.findall(r"^reached: (\w+)", done.output, re.M)]
        self.reached = bytes(number in numbers for number in range(max(numbers) + 1))
        self.seconds = done.wall
        return True


class Images(Programs):
    name = "images"
    about = "a kernel in QEMU, under interrupts between any two instructions, with the suites of stress/: tests/bare"
    claims = Claims((r"(?:machine|heap|stress)\.can-fail",), "kernel-x86_64", "kernel-mipsel")
    TESTS = r"(machine|heap)\.icount|machine\.one-cpu|stress\.(?!mttcg|deterministic)[a-z-]+"  # the same each time

    def tests(self, setting):
        self.folder = setting.make("kernel-mutants", "kernel-x86_64", ["-DTALUS_MUTANT=any"], ["machine"])
        for name, command, properties in ctest(self.folder):
            if command is not None and re.fullmatch(self.TESTS, name):
                command[command.index("--seconds") + 1] = "1000"  # the limits are ours
                test = ImageTest(name, command, properties.get("WORKING_DIRECTORY"))
                test.built = self.folder
                yield test


class Audit:
    name = "audit"
    about = "the instructions of the atomic operations, disassembled: tests/build/audit.py"

    def __init__(self):
        self.mutants = ()

    def prepare(self, setting):
        with open(os.path.join(setting.root, "tests", "build", "audit.py"), encoding="utf-8") as file:
            table = re.search(r"^MUTANTS = \{(.*?)^\}", file.read(), re.M | re.S)
        self.mutants = re.findall(r'^ +"(\w+)":', table.group(1), re.M)

    def attempt(self, setting, name):
        if name not in self.mutants:
            return survivor("not reached")
        # without a compiler for MIPS the test passes, and does not speak of the bug
        return found_by(setting, "release", "build.audit-can-fail", rf"{name}: (?!nothing found)")


LAYERS = [Steps(), Stress(), Litmus(), Tsan(), Models(), Explorer(), Fuzz(), Images(), Audit()]
