# SPDX-License-Identifier: Apache-2.0
#
# Memory that is asked for and memory that is held: after a second per GiB, and how long its
# release takes. Beside it stress-ng, turn by turn. Seen in /proc/<pid>/status. With the words
# `vm KERNEL` it is the other promise: 100 times 95% of what is available, in a virtual machine,
# and who dies of it.

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measuring
from driven_fault import Driven
from memory_figures import amount, children
from sandbox import need_root
from slow import wait_until

MIB, GIB = 1 << 20, 1 << 30
SIZES = (256 * MIB, GIB)
MARK = f"{os.getpid() & 0xffffff:06x}"
TESTS = Path(__file__).resolve().parent.parent


def resident(pids):
    return sum(amount(f"/proc/{pid}/status", "RssAnon") for pid in pids)


def until(instant):
    time.sleep(max(0, instant - time.monotonic()))


def by_squall(size, pages):
    began = time.monotonic()
    with Driven("memory_pressure", size=f"{size}B", huge_pages=pages, mark=MARK) as fault:
        pids = children(fault.process.pid)
        until(began + size / GIB)
        error = resident(pids) - size
        wait_until(lambda: fault.ask("measure")["verdict"] == "confirmed", 60, "it is held")
        began = time.monotonic()
        left = fault.ask("revert")["left"]
        took = time.monotonic() - began
        assert not left, left
    return abs(error) / size * 100, took * GIB / size


def by_stress_ng(size, _):
    began = time.monotonic()
    process = subprocess.Popen(["stress-ng", "--vm", "1", "--vm-bytes", str(size), "--vm-keep",
                                "--vm-hang", "0", "--vm-populate", "--quiet"])
    try:
        until(began + size / GIB)
        pids = [each for child in children(process.pid) for each in [child, *children(child)]]
        error = resident(pids) - size
    finally:
        began = time.monotonic()
        process.terminate()
        process.wait()
    return abs(error) / size * 100, (time.monotonic() - began) * GIB / size


def line(name, size, pages, found):
    errors, times = zip(*found)
    worst, slowest = max(errors), max(times)
    ours = name == "squall"
    return [name, f"{size // MIB} MiB", pages, str(len(found)), f"{statistics.median(errors):.2f}",
            f"{worst:.2f}", ("met" if worst <= 1 else "MISSED") if ours else "",
            f"{statistics.median(times) * 1000:.0f}", f"{slowest * 1000:.0f}",
            ("met" if slowest <= 0.1 else "MISSED") if ours else ""]


def on_this_machine():
    count = measuring.rounds(5)
    means = [("squall", "preferred", by_squall), ("squall", "off", by_squall)]
    if shutil.which("stress-ng"):
        means.append(("stress-ng", "", by_stress_ng))
    found = {}
    for size in SIZES:
        for _ in range(count):
            for name, pages, run in means:
                found.setdefault((name, size, pages), []).append(run(size, pages))
    measuring.print_table(
        "Memory held after a second per GiB, and its release",
        ["by", "asked", "huge pages", "n", "median error, %", "worst, %", "goal: 1%",
         "release, ms per GiB", "worst", "goal: 100 ms"],
        [line(*key, each) for key, each in found.items()],
        [f"load average of the machine meanwhile: {os.getloadavg()[0]:.1f}"])


def in_a_machine(kernel, count):
    with tempfile.TemporaryDirectory() as kept:
        done = subprocess.run(
            [sys.executable, "-B", TESTS / "vm" / "run.py", "--kernel", kernel, "--only",
             "vm/memory_rounds", "--keep", kept],
            env={**os.environ, "SQUALL_ROUNDS": str(count)})
        log = Path(kept) / kernel / "job" / "output" / "vm_memory_rounds.log"
        print(log.read_text(errors="replace") if log.exists() else "it said nothing")
    sys.exit(done.returncode)


def main():
    need_root()
    if sys.argv[1:2] == ["vm"]:
        in_a_machine(sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 100)
    on_this_machine()


if __name__ == "__main__":
    main()
