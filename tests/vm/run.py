# SPDX-License-Identifier: Apache-2.0
#
# The VM tier: boots Debian kernels, runs the netns, bpf and guest tests in each as root,
# then pulls the plug during runs and looks at the machine after the next boot. Prints a
# table of kernels and tests. Ends with 0, 1, or 77 when this machine cannot run VMs.

import argparse
import fnmatch
import json
import os
import re
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import guest_run
import kernels
import machine

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
SKIPPED = 77
# When the plug is pulled, by the event that the guest's run has just reported.
POWER_OFF_AT = ("injecting", "active", "rolling_back")
# Seconds: for one file; for what the guest has to do before the first and after each; for all
# that one kernel is asked, which is less than CTest allows (tests/CMakeLists.txt).
STEP_LIMIT, MARGIN, TOTAL_LIMIT = 300, 60, 2100
BENCH_LIMIT = 1800
if os.environ.get("SQUALL_ROUNDS"):  # a benchmark
    STEP_LIMIT = TOTAL_LIMIT
# What a test file may say of itself in its first lines: which of the kernels it needs, where
# the others could not change its outcome, and which of its tests stand for all of them.
ONLY_ON = re.compile(r"(?m)^# On kernels? (\S+(?:, \S+)*) only: ")
ONLY_TESTS = re.compile(r"(?m)^# In a VM: (.*)$")


def main():
    options = read_options()
    if options.yielding:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    names = list(kernels.PACKAGES) if options.kernel == "all" else [options.kernel]
    try:
        machine.require_tools()
        chosen = [kernels.fetch(name) for name in names]
    except kernels.Unavailable as why:
        print(f"skipped: {why}")
        return SKIPPED
    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = dict(zip(names, pool.map(lambda kernel: run_kernel(kernel, options), chosen)))
    return report(outcomes)


def read_options():
    parser = argparse.ArgumentParser(description="runs the tests on other kernels, in VMs")
    parser.add_argument("--kernel", choices=[*kernels.PACKAGES, "all"], default="all")
    parser.add_argument("--only", default="*", help="shell pattern of test names (netns/kill, …)")
    parser.add_argument("--part", choices=["tests", "power_off", "all"], default="all")
    parser.add_argument("--bench", metavar="NAME", help="run tests/bench/NAME.py there instead")
    parser.add_argument("--yield", action="store_true", dest="yielding",
                        help="take only what others leave of the CPUs")
    parser.add_argument("--jobs", type=int, default=1, help="VMs at the same time")
    parser.add_argument("--keep", metavar="DIR", help="keep consoles and outputs there")
    parser.add_argument("--build", default=os.environ.get("SQUALL_BUILD"), help="build folder")
    options = parser.parse_args()
    if not options.build:
        parser.error("give the build folder with --build or SQUALL_BUILD")
    return options


def steps_of_tests(kernel, options):
    if options.bench:
        return [{"name": f"bench/{options.bench}", "file": str(TESTS / "bench" / f"{options.bench}.py"),
                 "limit": BENCH_LIMIT, "prints": True}]
    if options.part == "power_off":
        return []
    files = [("netns", path) for path in sorted((TESTS / "netns").glob("*_test.py"))]
    files += [("bpf", path) for path in sorted((TESTS / "bpf").glob("*_test.py"))]
    files += [("vm", path) for path in sorted(HERE.glob("guest_*_test.py"))]
    steps = []
    for tier, path in files:
        text = path.read_text()
        name = f"{tier}/{path.stem.removesuffix('_test').removeprefix('guest_')}"
        said = ONLY_ON.search(text)
        wanted = said[1].split(", ") if said and options.only == "*" else [kernel]
        if unknown := set(wanted) - set(kernels.PACKAGES):
            raise SystemExit(f"{path} asks for a kernel that is not there: {', '.join(unknown)}")
        if fnmatch.fnmatch(name, options.only) and kernel in wanted:
            tests = ONLY_TESTS.search(text)
            steps.append({"name": name, "file": str(path), "limit": STEP_LIMIT,
                          "tests": re.findall(r"[\w.]+", tests[1]) if tests else []})
    return steps


def power_off_step(part, at):
    return {"name": f"vm/power_off_{at}", "file": str(HERE / "power_off.py"),
            "limit": STEP_LIMIT,
            "environment": {"SQUALL_POWER_OFF": part, "SQUALL_POWER_OFF_AT": at}}


def run_kernel(kernel, options):
    """Results by test name: {'outcome', 'why', 'took'}."""
    print(f"{kernel.name:8} {kernel.release}: accelerator {machine.accelerator(kernel)}, times "
          f"scaled by {machine.slowness(kernel)}", flush=True)
    with tempfile.TemporaryDirectory(prefix="squall-vm-") as temporary:
        work = Path(options.keep) / kernel.name if options.keep else Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        results = Results(kernel.name, work / "job" / "results.jsonl", TOTAL_LIMIT)
        guest = machine.Machine(kernel, work)
        results.file.unlink(missing_ok=True)
        steps = steps_of_tests(kernel.name, options)
        plug = [at for at in POWER_OFF_AT if options.part != "tests" and not options.bench
                and fnmatch.fnmatch(f"vm/power_off_{at}", options.only)]
        # Each boot looks at what the power-off before it left, then waits for the next one.
        for at in plug:
            boot(guest, results, steps + [power_off_step("begin", at)], options, pull=at)
            steps = [power_off_step("settle", at)]
        if steps:
            boot(guest, results, steps, options)
        if options.bench:
            print(guest_run.log_of(guest.job / "output", steps[0]["name"]).read_text())
        return results.by_test


def boot(guest, results, steps, options, pull=None):
    environment = {"SQUALL_BUILD": str(Path(options.build).resolve()),
                   "PYTHONPATH": str(TESTS / "support"), "SQUALL_VM": guest.kernel.name,
                   "SQUALL_SLOW": str(machine.slowness(guest.kernel)),
                   "SQUALL_ROUNDS": os.environ.get("SQUALL_ROUNDS", "")}
    (guest.job / "job.json").write_text(json.dumps({"environment": environment, "steps": steps}))
    pulled_at = guest.job / "pull_the_plug"
    pulled_at.unlink(missing_ok=True)
    results.begin()

    def watch():
        results.read()
        if pull and pulled_at.exists():
            guest.cut_power()
            return ""
        return results.overdue(steps)

    guest.boot()
    complaint = guest.wait(watch)
    missing = [step["name"] for step in steps if step["name"] not in results.done
               and step.get("environment", {}).get("SQUALL_POWER_OFF") != "begin"]
    if missing or complaint:
        name = missing[0] if missing else "vm/boot"
        complaint = complaint or "the guest went off before its end"
        results.add({"test": name, "outcome": "fail", "took": 0,
                     "why": f"{complaint}; last words:\n{last_words(guest, name)}"})
    elif pull and not pulled_at.exists():
        results.add({"test": f"vm/power_off_{pull}", "outcome": "fail", "took": 0,
                     "why": "the run in the guest never got there:\n" + guest.tail()})


def last_words(guest, step):
    log = guest_run.log_of(guest.job / "output", step)
    said = log.read_text(errors="replace").splitlines()[-15:] if log.exists() else []
    return "\n".join([*said, "on the console:", guest.tail()])


class Results:
    """Reads the guest's lines as they come, and shows each."""

    def __init__(self, kernel, file, limit):
        self.end = time.monotonic() + limit
        self.kernel = kernel
        self.file = file
        self.by_test = {}
        self.done = set()
        self.seen = 0
        self.grown = time.monotonic()
        with open(HERE / "expected_skips.toml", "rb") as expected:
            self.expected = [skip for skip in tomllib.load(expected).get("skip", [])
                             if skip["kernel"] in (kernel, "all")]

    def begin(self):
        self.done.clear()
        self.grown = time.monotonic()

    def overdue(self, steps):
        """Why the guest has had long enough, if so: it would hold everything up for hours."""
        now = time.monotonic()
        step = next((each for each in steps if each["name"] not in self.done), None)
        silence = (step["limit"] if step else 0) + MARGIN
        if now > self.grown + silence:
            return f"no result for {silence} s"
        return f"not done within {TOTAL_LIMIT} s in all" if now > self.end else ""

    def read(self):
        text = self.file.read_text() if self.file.exists() else ""
        lines = text[:text.rfind("\n") + 1].splitlines()
        for line in lines[self.seen:]:
            found = json.loads(line)
            if "done" in found:
                self.done.add(found["done"])
            else:
                self.add(found)
        if len(lines) > self.seen:
            self.grown = time.monotonic()
        self.seen = len(lines)

    def add(self, found):
        if found["outcome"] == "skip" and not self.skip_is_expected(found["test"]):
            found["outcome"] = "fail"
            found["why"] = "skipped, though this machine should run it: " + found["why"]
        self.by_test[found["test"]] = found
        print(f"{self.kernel:8} {found['outcome']:5} {found['took']:7.1f} s  {found['test']}",
              flush=True)
        if found["outcome"] != "ok":
            print("         " + found["why"].strip().replace("\n", "\n         "), flush=True)

    def skip_is_expected(self, test):
        return any(fnmatch.fnmatch(test, skip["test"]) for skip in self.expected)


def report(outcomes):
    tests = list(dict.fromkeys(test for results in outcomes.values() for test in results))
    width = max((len(test) for test in tests), default=4)
    print("\n" + "test".ljust(width) + "".join(f"  {name:>8}" for name in outcomes))
    for test in tests:
        cells = [results[test]["outcome"] if test in results else "-"
                 for results in outcomes.values()]
        print(test.ljust(width) + "".join(f"  {cell:>8}" for cell in cells))
    slowest = sorted(((found["took"], name, test) for name, results in outcomes.items()
                      for test, found in results.items()), reverse=True)[:5]
    print("\nslowest:")
    for took, name, test in slowest:
        print(f"  {took:7.1f} s  {name:8} {test}")
    everything = [found["outcome"] for results in outcomes.values() for found in results.values()]
    print("\n" + ", ".join(f"{everything.count(kind)} {kind}" for kind in ("ok", "skip", "fail")))
    return 1 if "fail" in everything or not everything else 0


if __name__ == "__main__":
    began = time.monotonic()
    code = main()
    print(f"{time.monotonic() - began:.0f} s")
    sys.exit(code)
