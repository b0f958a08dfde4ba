"""What people rely on when they run `talus stress`: what it finds in broken libraries and how it tells it, what it leaves
behind, how it ends. Each check runs the command and looks at what comes out."""

import argparse
import contextlib
import html.parser
import json
import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

RACE_SECONDS = 10  # within which the toy with the lost update must be caught
START_SECONDS = 60  # in which a suite begins its work
CALM = ("--preempt", "none")  # else so short a run on a busy machine may have too little pressure, and fails for that
REPLAYS = 5  # of a printed line, one of which must fail again: nobody can repeat the scheduler


class Wrong(Exception):
    pass


def want(condition, what, said=""):
    if not condition:
        raise Wrong(f"{what}\n{said}")


def run(arguments, **more):
    """Runs the command to its end; standard error and output as text."""
    return subprocess.run(arguments, capture_output=True, text=True, timeout=100, check=False, **more)


@contextlib.contextmanager
def started(arguments):
    """Runs the command in a group of its own, of which nothing is left."""
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          start_new_session=True) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def suites_at_work(pid):
    """The suites' processes whose workers run, of the command; none when it has ended."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [child for child in file.read().split() if len(os.listdir(f"/proc/{child}/task")) > 1]
    except (FileNotFoundError, ProcessLookupError):
        return []


def wait_for_suites(process, count):
    """Until the workers of so many suites run; returns the suites' processes."""
    limit = time.monotonic() + START_SECONDS
    while len(running := suites_at_work(process.pid)) < count:
        want(process.poll() is None and time.monotonic() < limit, f"{len(running)} suites of {count} ran")
        time.sleep(0.005)
    return running


def library(options, name):
    return os.path.join(options.libraries, f"lib{name}.so")


def stress(options, *arguments):
    return [options.stress, "--seed", options.seed, "--threads", "8", *arguments]


def replay_line(said):
    found = re.search(r"^  again: (.*)$", said, re.M)
    want(found, "no line that repeats the run", said)
    return shlex.split(found.group(1))


def repeat(line, pattern):
    """Runs the printed line until it fails in the same way."""
    for _ in range(REPLAYS):
        again = run(line)
        if again.returncode == 1 and re.search(pattern, again.stderr):
            return
    raise Wrong(f"{REPLAYS} runs of the printed line found nothing: {line}\n{again.stderr}")


def race(options):
    """The lost update is caught in time; the report says all; the printed line finds it again."""
    begin = time.monotonic()
    found = run(stress(options, "--target", library(options, "toy_race"), "--seconds", str(RACE_SECONDS), "--suite", "fastpath"))
    took = time.monotonic() - begin
    said = found.stderr
    want(found.returncode == 1, f"status {found.returncode}, wanted 1", said)
    want(took < RACE_SECONDS, f"it took {took:.1f} s", said)
    want(re.search(r"FAILED: (overlap|corrupt)", said), "neither overlap nor damage is told", said)
    if "FAILED: overlap" in said:
        want(re.search(r"block 0x\w+, \d+ bytes, of worker (\d+): the granule at 0x\w+ (belongs to worker \d+,\s+"
                       r"block of \d+ bytes|is nobody's),\s+granules 0x\w+ to 0x\w+", said),
             "owners, sizes, addresses are missing", said)
    want(re.search(r"last operations of worker \d+ \(which reports this\):\n\s+\d+ (alloc|free)", said), "no operations", said)
    want(f"--seed {options.seed}" in said and "--target " in said, "the line lacks seed or target", said)
    repeat(replay_line(said), r"FAILED: (overlap|corrupt|crash)")


def right(options):
    """The same library with a lock around its lists passes: it is the race that was caught."""
    found = run(stress(options, "--target", library(options, "toy_right"), "--seconds", "0.6",
                       "--suite", "fastpath,remote,churn,flow"))
    want(found.returncode == 0, f"status {found.returncode}, wanted 0", found.stderr)
    want(re.search(r"flow +skipped: .* has no heap instances", found.stderr), "what was skipped is not told", found.stderr)
    want("of 4 suites 3 passed, 1 skipped" in found.stderr, "the sum is wrong", found.stderr)


def crash(options):
    """A library that crashes is a failure like others, the next suite runs all the same, and no core is left. The printed line
    finds the library from any folder, whatever its name."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(library(options, "toy_crash"), os.path.join(folder, "it's $HOME.so"))
        found = run(stress(options, "--target", "./it's $HOME.so", "--seconds", "2", "--suite", "fastpath,remote"), cwd=folder)
        want(os.listdir(folder) == ["it's $HOME.so"], f"left behind: {os.listdir(folder)}")
        want(found.returncode == 1, f"status {found.returncode}, wanted 1", found.stderr)
        repeat(replay_line(found.stderr), "FAILED: crash")
    want(found.returncode == 1, f"status {found.returncode}, wanted 1", found.stderr)
    want("FAILED: crash" in found.stderr and "SEGV" in found.stderr, "no crash is told", found.stderr)
    want("of 2 suites 0 passed, 2 failed" in found.stderr, "the second suite did not run", found.stderr)


def ended(options):
    """A library that ends the process with status 0 does not pass for that."""
    found = run(stress(options, "--target", library(options, "toy_exit"), "--seconds", "2", "--suite", "fastpath"))
    want(found.returncode == 1, f"status {found.returncode}, wanted 1", found.stderr)
    want("FAILED: ended by itself with status 0" in found.stderr, "the reason is missing", found.stderr)
    replay_line(found.stderr)


def standstill(options, name, suite, pattern, most):
    """It is told within `most` seconds, which have room for a busy machine, as a failure of its suite. Returns the line that
    repeats it."""
    begin = time.monotonic()
    found = run(stress(options, "--target", library(options, name), "--seconds", "0.3", "--patience", "1", "--suite", suite,
                       "--json"))
    took = time.monotonic() - begin
    want(found.returncode == 1, f"status {found.returncode}, wanted 1", found.stderr)
    want(re.search(r"FAILED: " + pattern, found.stderr), f"'{pattern}' is not told", found.stderr)
    want(took < most, f"it took {took:.1f} s", found.stderr)
    result = json.loads(found.stdout)
    want(result["result"] == "failed" and re.match(pattern.split(r"\n")[0], result["kind"]), "JSON tells it otherwise",
         found.stdout)
    if "did not come to its end" in found.stderr:
        want(re.search(rf"does not end is in:\n(?:.+\n)*?.*lib{name}\.so", found.stderr), "not told where it is", found.stderr)
    return replay_line(found.stderr)


def stop(options):
    """A library that stops the process, and with it who watches within."""
    pattern = r"stopped by signal 19 \(STOP\)"
    repeat(standstill(options, "toy_stop", "fastpath", pattern, 20), pattern)


def loop(options):
    """A library that never returns from one call, and keeps its lock: who watches within sees it."""
    pattern = r"stuck\n  (no operation finished|a thread did not come to its end)"
    repeat(standstill(options, "toy_loop", "fastpath", pattern, 20), pattern)


def hang(options):
    """The same where no worker runs: the parent sees it."""
    standstill(options, "toy_hang", "remote", "stuck: no end", 20)


def load(options):
    """A library whose constructor never returns, the same in LD_PRELOAD, and one whose constructor ends the process: they
    cannot be run."""
    for name, why in (("toy_load_hang", "loading it came to no end"), ("toy_load_exit", "it ended who loaded it, with status 0"),
                      ("toy_preload_hang", "LD_PRELOAD\ntalus-stress: --target [^\n]*: loading it came to no end")):
        begin = time.monotonic()
        found = run(stress(options, "--target", library(options, name), "--suite", "fastpath", "--patience", "1"))
        want(found.returncode == 2 and re.search(why, found.stderr), f"{name}: status {found.returncode}, wanted 2", found.stderr)
        want(time.monotonic() - begin < 20, "it took too long", found.stderr)
        want("fastpath" not in found.stderr, f"{name}: the suite ran", found.stderr)


def suspend(options):
    """As Ctrl-Z does it, and going on after more than anybody's patience: the time between does not count."""
    with started(stress(options, "--suite", "fastpath", "--target", "system", "--seconds", "0.6", "--patience", "1",
                        "--preempt", "none")) as process:
        wait_for_suites(process, 1)
        os.killpg(process.pid, signal.SIGSTOP)
        time.sleep(4.6)  # 4 * 0.6 s + 2 * 1 s, and a little
        want(process.poll() is None, "it did not stop")
        os.killpg(process.pid, signal.SIGCONT)
        _, said = process.communicate(timeout=60)
    want(process.returncode == 0, f"status {process.returncode}, wanted 0", said)


def prefix(options):
    """--prefix finds the names; without it there is no malloc, and libc's does not stand in for it."""
    names = library(options, "toy_prefixed")
    found = run(stress(options, "--target", names, "--prefix", "je_", "--seconds", "0.5", "--suite", "fastpath", *CALM))
    want(found.returncode == 0, f"status {found.returncode}, wanted 0", found.stderr)
    found = run(stress(options, "--target", names, "--seconds", "0.5"))
    want(found.returncode == 2 and "no malloc" in found.stderr, f"status {found.returncode}, wanted 2", found.stderr)


def preload(options):
    """A library that must be there from the start is put into LD_PRELOAD."""
    found = run(stress(options, "--target", library(options, "toy_static_tls"), "--seconds", "0.5", "--suite", "fastpath", *CALM))
    want("starting again with it in LD_PRELOAD" in found.stderr, "it did not start again", found.stderr)
    want(found.returncode == 0 and "fastpath  passed" in found.stderr, f"status {found.returncode}, wanted 0", found.stderr)


def refused(options):
    """Wrong usage ends with status 2 and names the culprit."""
    for arguments, culprit in (
        (["--target", "nothing"], "nothing"),
        (["--target", "/nonexistent/lib.so"], "/nonexistent/lib.so"),
        (["--target", options.stress + ".so"], options.stress),
        (["--prefix", "je_"], "je_"),
        (["--suite", "fastpath,nothing"], "nothing"),
        (["--suite", "fastpth"], "did you mean 'fastpath'"),
        (["--suite", ""], "--suite"),
        (["--suite", "walk", "--target", "system", "--seconds", "0.1"], "no suite could run on target system"),
        (["--preempt", "signal,hope"], "hope"),
        (["--preempt", "none,signal"], "none,signal"),
        (["--seconds", "nan"], "nan"),
        (["--period", "x"], "--period"),
        (["--seconds", "0"], "--seconds"),
        (["--jobs", "0"], "--jobs"),
        (["--jobs", "65"], "--jobs"),
        (["--jobs", "two"], "two"),
        (["--jobs", "2", "--self-test"], "--jobs"),
        (["--jobs", "2", "--expect-caught", "1"], "--jobs"),
        (["--suite", "fastpath", "--seconds", "0.1", *CALM, "--junit", "/dev/full"], "/dev/full"),  # at the end
    ):
        found = run(stress(options, *arguments))
        want(found.returncode == 2, f"{arguments}: status {found.returncode}, wanted 2", found.stderr)
        want(culprit in found.stderr, f"{arguments}: {culprit} is not named", found.stderr)


def unwritable(options):
    """A file that cannot be written ends the run before its first suite, and leaves others as they were."""
    with tempfile.TemporaryDirectory() as folder:
        fresh, kept = os.path.join(folder, "fresh"), os.path.join(folder, "kept")
        with open(kept, "w", encoding="utf-8") as file:
            file.write("of before")
        for option, path, other, good in (("--junit", "/nonexistent/a.xml", "--report", fresh),
                                          ("--report", "/nonexistent/a.html", "--junit", fresh),
                                          ("--report", folder, "--junit", kept)):
            begin = time.monotonic()
            found = run(stress(options, "--suite", "fastpath", "--seconds", "60", option, path, other, good))
            want(found.returncode == 2, f"{option} {path}: status {found.returncode}, wanted 2", found.stderr)
            want(f"cannot write {path}: " in found.stderr, f"{option} {path} is not named", found.stderr)
            want(time.monotonic() - begin < 50 and "fastpath" not in found.stderr, "the suite ran", found.stderr)
            want(os.listdir(folder) == ["kept"], f"{option}: left behind: {os.listdir(folder)}")
        with open(kept, encoding="utf-8") as file:
            want(file.read() == "of before", "a file was changed by a run that was refused")


class Page(html.parser.HTMLParser):
    """Counts what a page consists of, and what it asks of others."""

    def __init__(self):
        super().__init__()
        self.tags, self.foreign = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.foreign += [value for name, value in attrs if name in ("src", "href")]
        want(tag not in ("script", "link", "img"), f"<{tag}> in the page")


def check_files(folder, outcomes):
    """The files tell the same: {suite: result}."""
    cases = xml.etree.ElementTree.parse(os.path.join(folder, "r.xml")).getroot()
    names = {"failed": "failure", "skipped": "skipped", "interrupted": "skipped", "error": "error"}
    found = {case.get("name"): [child.tag for child in case] for case in cases.iter("testcase")}
    want(found == {suite: [names[result]] if result in names else [] for suite, result in outcomes.items()},
         f"JUnit has {found}, wanted {outcomes}")
    suite = next(cases.iter("testsuite"))
    want(int(suite.get("failures")) == list(outcomes.values()).count("failed"), "JUnit's count of failures")
    for failure in cases.iter("failure"):
        want("--seed" in failure.get("message") and "last operations" in failure.text, "JUnit's failure lacks its text")
    with open(os.path.join(folder, "r.html"), encoding="utf-8") as file:
        text = file.read()
    page = Page()
    page.feed(text)
    want(page.foreign == [], f"the page asks for {page.foreign}")
    for name, result in outcomes.items():
        want(re.search(rf'<tr class="{result}"><td>{name}</td>', text), f"the page lacks {name}: {result}")
    return page, text


def files(options):
    """--json, --junit and --report tell of passed, failed and skipped suites; the pictures show the rates."""
    with tempfile.TemporaryDirectory() as folder:
        out = ["--json", "--junit", os.path.join(folder, "r.xml"), "--report", os.path.join(folder, "r.html")]
        found = run(stress(options, "--suite", "fastpath,mixed", "--seconds", "2", *out))
        want(found.returncode == 0, f"status {found.returncode}, wanted 0", found.stderr)
        objects = [json.loads(line) for line in found.stdout.splitlines()]
        want([o["suite"] for o in objects] == ["fastpath", "mixed"], "JSON lacks a suite", found.stdout)
        want(all(o["operations"] > 0 and o["preemptions_inside"] > 0 for o in objects), "JSON lacks rates", found.stdout)
        page, text = check_files(folder, {"fastpath": "passed", "mixed": "passed"})
        want(page.tags.count("svg") == 4, "the page has no pictures of the rates")
        for points in re.findall(r'<polyline[^>]* points="([^"]*)"', text):
            want(len(points.split()) >= 2, f"a picture of nothing: {points}")
        found = run(stress(options, "--suite", "fastpath,oom", "--seconds", "8", "--target", library(options, "toy_race"), *out))
        want(found.returncode == 1, f"status {found.returncode}, wanted 1", found.stderr)
        objects = [json.loads(line) for line in found.stdout.splitlines()]
        want([o["result"] for o in objects] == ["failed", "skipped"], "JSON has other results", found.stdout)
        want("last operations" in objects[0]["failure"], "JSON lacks the failure", found.stdout)
        want("--seed" in objects[0]["replay"], "JSON lacks the line that repeats it", found.stdout)
        check_files(folder, {"fastpath": "failed", "oom": "skipped"})
        for other in (out[2], os.path.join(folder, "..", os.path.basename(folder), "r.xml")):  # it exists
            found = run(stress(options, "--suite", "fastpath", "--junit", out[2], "--report", other))
            want(found.returncode == 2 and "the file of --junit" in found.stderr, "one file for two reports", found.stderr)
        for name, told in (("h\u00e4rte-\u4e16-\U0001f600.so".encode(), "h\u00e4rte-\u4e16-\U0001f600.so"),
                           (b"\xc0\xaf\xed\xa0\x80\xe4.so", "\ufffd" * 6 + ".so")):  # no UTF-8
            path = os.path.join(os.fsencode(folder), name)
            os.symlink(library(options, "toy_right"), path)
            found = subprocess.run(stress(options, "--suite", "fastpath", "--seconds", "0.2", "--target", path, *out),
                                   capture_output=True, check=False)
            want(json.loads(found.stdout.decode())["target"].endswith(told), "JSON has another name", str(found.stdout))
            page, text = check_files(folder, {"fastpath": "passed"})
            want(told in text, "the page has another name", text)


def interrupt(options):
    """Ctrl-C: what there is until then is printed and written, status 130; SIGTERM alike. A suite that then complains only
    that its time was short (reserve) has found nothing."""
    for number, suites, target in ((signal.SIGINT, ("oom", "remote"), "system"), (signal.SIGTERM, ("reserve",), "talus")):
        with tempfile.TemporaryDirectory() as folder:
            out = ["--json", "--junit", os.path.join(folder, "r.xml"), "--report", os.path.join(folder, "r.html")]
            with started(stress(options, "--suite", ",".join(suites), "--target", target, "--seconds", "60", *out)) as process:
                wait_for_suites(process, 1)
                if number == signal.SIGINT:
                    os.killpg(process.pid, number)  # as a terminal does it: all of them get it
                else:
                    process.send_signal(number)
                begin = time.monotonic()
                stdout, said = process.communicate(timeout=60)
            want(process.returncode == 128 + number, f"status {process.returncode}, wanted {128 + number}", said)
            want(time.monotonic() - begin < 20, "it went on for the rest of its time", said)
            want("1 interrupted" in said and "FAILED" not in said, "the partial result is missing", said)
            outcomes = dict(zip(suites, ["skipped", "interrupted"] if len(suites) == 2 else ["interrupted"]))
            results = {o["suite"]: o["result"] for o in map(json.loads, stdout.splitlines())}
            want(results == outcomes, f"JSON has {results}")
            check_files(folder, outcomes)


def at_once(results):
    """The largest number of suites that ran at the same time."""
    spans = [(o["began"], o["began"] + o["seconds"]) for o in results if o["result"] != "skipped"]
    return max(sum(begin <= moment < end for begin, end in spans) for moment, _ in spans)


def jobs(options):
    """So many suites at the same time, not more; lines say whose they are, results keep the order of the suites."""
    suites = ["churn", "fastpath", "oom", "remote"]  # oom is skipped, and so over before the first
    common = ["--suite", ",".join(suites), "--target", "system", "--seconds", "1", "--json"]
    for count, estimate in ((1, 3), (2, 2)):
        found = run(stress(options, *common, "--jobs", str(count)))
        said, objects = found.stderr, [json.loads(line) for line in found.stdout.splitlines()]
        want(found.returncode == 0, f"status {found.returncode}, wanted 0", said)
        most = at_once(objects)
        want(most == count, f"--jobs {count}: {most} suites ran at the same time", found.stdout + said)
        want(f"3 suites, {count} at once, will take about {estimate}.0 seconds" in said, "no estimate", said)
        results = [(o["suite"], o["result"]) for o in objects]
        want(results == [(suite, "skipped" if suite == "oom" else "passed") for suite in suites], f"JSON has {results}", said)
        told = re.findall(r"^(\w+) +(?:passed|skipped): ", said, re.M)
        want(told == suites, f"the lines have {told}", said)
        named = re.findall(r"^(\w+) +  pressure all: ", said, re.M)
        want(sorted(named) == (["churn", "fastpath", "remote"] if count > 1 else []), f"lines of {named}", said)


def jobs_fail(options):
    """Beside others each failure is found and told as the suite's own: a crash, and a standstill that the parent sees. The line
    repeats the suite alone."""
    both = ["--suite", "fastpath,remote", "--jobs", "2", "--json"]
    found = run(stress(options, *both, "--target", library(options, "toy_crash"), "--seconds", "2"))
    want(found.returncode == 1, f"status {found.returncode}, wanted 1", found.stderr)
    for suite in ("fastpath", "remote"):
        want(re.search(rf"^{suite} +talus-stress: FAILED: crash$", found.stderr, re.M), f"no crash of {suite}", found.stderr)
        line = re.search(rf"^{suite} +again: (.*)$", found.stderr, re.M)
        want(line and f"--suite {suite} " in line.group(1) and "--jobs" not in line.group(1), "no line, or another", found.stderr)
        repeat(shlex.split(line.group(1)), "FAILED: crash")
    begin = time.monotonic()
    found = run(stress(options, *both, "--target", library(options, "toy_hang"), "--seconds", "0.3", "--patience", "1"))
    want(found.returncode == 1 and time.monotonic() - begin < 20, f"status {found.returncode}, or late", found.stderr)
    want(re.search(r"^remote +talus-stress: FAILED: stuck: no end$", found.stderr, re.M), "no standstill", found.stderr)
    results = [o["result"] for o in map(json.loads, found.stdout.splitlines())]
    want(results == ["passed", "failed"], f"JSON has {results}", found.stderr)


def jobs_interrupt(options):
    """Ctrl-C ends all that run, none begins, and what there is is told."""
    with started(stress(options, "--suite", "fastpath,realloc,remote", "--jobs", "2", "--seconds", "60", "--json")) as process:
        running = wait_for_suites(process, 2)
        begin = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        out, said = process.communicate(timeout=60)
    want(process.returncode == 130, f"status {process.returncode}, wanted 130", said)
    want(time.monotonic() - begin < 20 and "of 3 suites 0 passed, 2 interrupted, 1 not begun" in said, "the partial result", said)
    results = {o["suite"]: o["result"] for o in map(json.loads, out.splitlines())}
    want(results == {"fastpath": "interrupted", "realloc": "interrupted"}, f"JSON has {results}", said)
    want(not any(os.path.exists(f"/proc/{pid}") for pid in running), "a suite is left", said)


def read_all(descriptor):
    """What comes until the other end is closed; a terminal says that by an error."""
    said = b""
    try:
        while piece := os.read(descriptor, 4096):
            said += piece
    except OSError:
        pass
    return said.decode()


def progress(options):
    """A line every few seconds on a terminal; every ten elsewhere, so none yet."""
    arguments = stress(options, "--suite", "fastpath", "--seconds", "3.6")
    line = r"  fastpath: \d+ of 4 s, \d+ operations"
    master, slave = pty.openpty()
    on_pipe = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)
    on_terminal = subprocess.Popen(arguments, stderr=slave)
    os.close(slave)
    said = read_all(master)
    on_terminal.wait()
    want(re.search(line, said), "no progress on a terminal", said)
    _, said = on_pipe.communicate()
    want("fastpath  passed" in said and not re.search(line, said), "progress too often", said)


def preempt(options):
    """What is asked for comes, and nothing else; where yields are named, they fall inside of the algorithms."""
    def one(mode, target="talus"):
        found = run(stress(options, "--suite", "fastpath", "--seconds", "1", "--json", "--preempt", mode, "--target", target))
        want(found.returncode == 0, f"{mode}: status {found.returncode}, wanted 0", found.stderr)
        return json.loads(found.stdout)

    none, cut, marked = one("none"), one("signal"), one("yield")
    want(none["preemptions"] == 0 and none["yields"] == 0, "pressure without any", str(none))
    want(cut["preemptions"] > 0 and cut["yields"] == 0, "signal: no cuts, or yields", str(cut))
    want(marked["preemptions"] == 0 and marked["yields"] > 0, "yield: cuts, or no yields", str(marked))
    want("talus-stress-yield" in marked["replay"], "the program with marked points is not the one named", str(marked))
    whole = one("all")
    want(whole["preemptions"] > 0, "all: no cuts", str(whole))
    want("talus-stress-yield" not in whole["replay"], "all is not the core as it is shipped", str(whole))
    want("talus-stress-yield" not in one("signal,yield", "system")["replay"], "another heap has no marked points")
    found = run(stress(options, "--suite", "reserve,fastpath", "--seconds", "0.3", "--preempt", "pin"))
    want(found.returncode == 0, f"pin: status {found.returncode}, wanted 0", found.stderr)
    want(re.search(r"^reserve +skipped: .* no handlers without --preempt signal$", found.stderr, re.M),
         "the suite of handlers ran, or was left out in silence", found.stderr)
    want("of 2 suites 1 passed, 1 skipped" in found.stderr, "the sum is wrong", found.stderr)


def installed(options):
    """`talus stress` and `talus explore` find their programs in the build and in an installed tree."""
    with tempfile.TemporaryDirectory() as folder:
        put = run([options.cmake, "--install", options.build, "--prefix", folder])
        want(put.returncode == 0, "cmake --install failed", put.stderr)
        for command in (options.talus, os.path.join(folder, "bin", "talus")):
            for mode in ("none", "yield"):
                found = run([command, "stress", "--suite", "fastpath", "--seconds", "0.3", "--threads", "4", "--preempt", mode])
                want(found.returncode == 0 and "fastpath  passed" in found.stderr, f"{command} stress: status {found.returncode}",
                     found.stderr)
            found = run([command, "stress", "--nonsense"])
            want(found.returncode == 2, f"{command} stress --nonsense: status {found.returncode}", found.stderr)
            found = run([command, "explore", "--nonsense"])
            want(found.returncode == 2, f"{command} explore --nonsense: status {found.returncode}", found.stderr)
            if options.explorer == "1": # it begins with its name, as the lines do that replay
                want(os.access(found.stderr.split(":")[0], os.X_OK), "the program's name is none to paste", found.stderr)
            else:
                want("talus-explore is not beside this program" in found.stderr, "another reason", found.stderr)


def compare(options):
    """The table has a cell for each allocator and suite, and tells a broken one from one that holds."""
    toy = "toy=" + library(options, "toy_race")
    found = run([options.talus, "stress", "--compare", "--allocators", "talus,libc", "--peer", toy,
                 "--seconds", "1", "--suite", "fastpath,oom", "--seed", options.seed, "--threads", "8"])
    want(found.returncode == 0, f"status {found.returncode}, wanted 0", found.stderr)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in found.stdout.splitlines() if line.startswith("|")]
    table = {(row[0], name): cell for row in rows[2:] for name, cell in zip(rows[0][1:], row[1:])}
    lacks = "skipped: no heap instances"
    want({key: cell for key, cell in table.items() if key != ("`fastpath`", "toy")} == {
        ("`fastpath`", "libc"): "held", ("`fastpath`", "talus"): "held",
        ("`oom`", "libc"): lacks, ("`oom`", "talus"): "held", ("`oom`", "toy"): lacks}, "other cells", found.stdout)
    want(table[("`fastpath`", "toy")].startswith("**failed**: "), "the toy held", found.stdout)
    want(re.search(r"toy, fastpath; again:\n\n    .*--seed", found.stdout), "no line that repeats it", found.stdout)
    found = run([options.talus, "stress", "--compare", "--nonsense"])
    want(found.returncode == 2, f"status {found.returncode}, wanted 2", found.stderr)
    want(found.stderr.count("--nonsense") == 1, "it is told for each allocator", found.stderr)


CHECKS = {"race": race, "right": right, "crash": crash, "exit": ended, "stop": stop, "loop": loop, "hang": hang, "load": load,
          "suspend": suspend, "prefix": prefix, "preload": preload,
          "refused": refused, "unwritable": unwritable, "files": files, "interrupt": interrupt, "jobs": jobs,
          "jobs-fail": jobs_fail, "jobs-interrupt": jobs_interrupt, "progress": progress,
          "preempt": preempt, "installed": installed, "compare": compare}


def main():
    parser = argparse.ArgumentParser()
    for name in ("stress", "talus", "libraries", "build", "cmake", "seed", "explorer"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("check", choices=CHECKS)
    options = parser.parse_args()
    try:
        CHECKS[options.check](options)
    except Wrong as wrong:
        print(wrong)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
