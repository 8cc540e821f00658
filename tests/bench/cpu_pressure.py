# SPDX-License-Identifier: Apache-2.0
#
# P11: is the load of cpu_pressure what was asked, in each second. Beside it stress-ng, turn
# by turn. Seen by the scheduler's own account of each worker (/proc/<pid>/schedstat), on the
# last CPU; both run in a real-time class, so that other work on the machine does not decide.

import os
import shutil
import statistics
import subprocess
import time
from pathlib import Path

import measuring
from driven_fault import Driven
from sandbox import need_root
from slow import wait_until
from victims import comm, cpu_time

CPU = max(os.sched_getaffinity(0))
LOADS = (5, 25, 50, 75, 90)
MARK = f"{os.getpid() & 0xffffff:06x}"


def children(pid):
    return [int(each) for each in
            Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wakeups(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("voluntary_ctxt_switches"):
            return int(line.split()[1])
    return 0


def seconds(pid, count):
    """The share of each second in per cent, and wake-ups per second."""
    time.sleep(0.5)  # both need a moment to find their pace
    shares = []
    woken = wakeups(pid)
    spent, then = begun = cpu_time(pid)
    for number in range(1, count + 1):
        time.sleep(max(0, (begun[1] + number * 1e9 - time.monotonic_ns()) / 1e9))
        spent_now, now = cpu_time(pid)
        shares.append((spent_now - spent) / (now - then) * 100)
        spent, then = spent_now, now
    return shares, (wakeups(pid) - woken) / (then - begun[1]) * 1e9


def by_squall(load, count):
    with Driven("cpu_pressure", load=f"{load}%", cpus=CPU, priority="fifo", mark=MARK) as fault:
        return seconds(children(fault.process.pid)[0], count)


def by_stress_ng(load, count):
    process = subprocess.Popen(
        ["stress-ng", "--cpu", "1", "--cpu-load", str(load), "--taskset", str(CPU), "--sched",
         "fifo", "--sched-prio", "1", "--timeout", f"{count + 5}s", "--quiet"])
    try:
        pid = wait_until(lambda: next((each for each in children(process.pid)
                                       if comm(each).startswith("stress-ng")), None),
                         what="stress-ng has started its worker")
        return seconds(pid, count)
    finally:
        process.terminate()
        process.wait()


def line(name, load, shares, woken):
    errors = [abs(share - load) for share in shares]
    worst = max(errors)
    verdict = ("met" if worst <= 1 else "MISSED") if name == "squall" else ""
    return [name, f"{load}%", str(len(shares)), f"{statistics.fmean(shares):.2f}%",
            f"{statistics.fmean(errors):.2f}", f"{worst:.2f}", f"{woken:.0f}", verdict]


def main():
    need_root()
    count = measuring.rounds(5)
    means = [("squall", by_squall)]
    if shutil.which("stress-ng"):
        means.append(("stress-ng", by_stress_ng))
    rows = [line(name, load, *run(load, count)) for load in LOADS for name, run in means]
    measuring.print_table(
        f"CPU load on CPU {CPU}: how far each second is from what was asked",
        ["by", "asked", "seconds", "mean", "mean error, points", "worst second, points",
         "wake-ups a second", "goal: 1 point"], rows,
        [f"load average of the machine meanwhile: {os.getloadavg()[0]:.1f}"])


if __name__ == "__main__":
    main()
