# SPDX-License-Identifier: Apache-2.0
#
# P3: from the reason to stop until the last of 16 faults is gone, as an observer sees it
# in the kernel: SIGINT, a breached guard, a breached probe. The guard's and the probe's
# command stamp the instant of their failure themselves. Beside it a shell script whose
# trap deletes 16 tc filters.

import shlex
import signal
import subprocess
import time

import measuring
from measuring import p99
from sandbox import Sandbox, need_root

TRAP = """
for prio in $(seq 16); do
  tc -n {net} filter add dev lo egress protocol ip prio $prio u32 match u32 0 0 flowid :1
done
trap 'for prio in $(seq 16); do tc -n {net} filter del dev lo egress prio $prio; done; exit' INT
echo ready; while :; do sleep 1 & wait; done
"""


class Failing:
    """A command that succeeds until told otherwise, and then notes when it failed."""

    def __init__(self, box):
        self.go, self.stamp = box.folder / "go", box.folder / "stamp"
        self.script = box.folder / "health"
        # Asked again after the rollback it fails again: the first stamp counts. Killed by
        # itself, so that no time passes between the stamp and its end.
        self.script.write_text(f"#!/bin/sh\n[ -e {shlex.quote(str(self.go))} ] || exit 0\n"
                               f"date +%s%N >>{shlex.quote(str(self.stamp))}\nkill -9 $$\n")
        self.script.chmod(0o755)

    def toml(self):
        return f'command = ["{self.script}"]'

    def reset(self):
        self.go.unlink(missing_ok=True)
        self.stamp.unlink(missing_ok=True)


def begin(box, observer, more=""):
    for run in box.runs():
        (run / "events.jsonl").unlink(missing_ok=True)
    faults = measuring.sixteen_faults(box)
    runner = box.start("run", box.scenario(faults, more=more), "--yes")
    while observer.changes() < len(faults):
        if runner.poll() is not None:
            raise SystemExit(f"the run ended early: {box.said()}")
        time.sleep(0.001)
    return runner


def by_signal(box, count):
    times = []
    for _ in range(count):
        with measuring.Observer(box, [victim.pid for victim in box.victims]) as observer:
            runner = begin(box, observer)
            began = time.monotonic_ns()
            runner.send_signal(signal.SIGINT)
            times.append(observer.wait_until_clean() - began)
            expect_aborted(box, runner)
    return times


def by_command(box, count, more):
    health = Failing(box)
    times = []
    for _ in range(count):
        health.reset()
        with measuring.Observer(box, [victim.pid for victim in box.victims]) as observer:
            runner = begin(box, observer, more.replace("COMMAND", health.toml()))
            health.go.touch()
            gone = observer.wait_until_clean(clock=time.time_ns)
            expect_aborted(box, runner)
            times.append(gone - int(health.stamp.read_text().split()[0]))
    return times


def expect_aborted(box, runner):
    if runner.wait(20) not in (1, 4):
        raise SystemExit(f"exit code {runner.returncode}: {box.said()}")


def by_trap(box, count):
    subprocess.run(["tc", "-n", box.near, "qdisc", "add", "dev", "lo", "clsact"], check=True)
    times = []
    for _ in range(count):
        script = subprocess.Popen(["bash", "-c", TRAP.format(net=box.near)],
                                  stdout=subprocess.PIPE)
        script.stdout.readline()
        began = time.monotonic_ns()
        script.send_signal(signal.SIGINT)
        script.wait()
        times.append(time.monotonic_ns() - began)
        script.stdout.close()
    return times


GUARD = '[[guard]]\nkind = "command"\nCOMMAND\n'
PROBE = '[[probe]]\nname = "health"\nkind = "command"\nCOMMAND\nevery = "20ms"\n'


def main():
    need_root()
    box = Sandbox(victims=4)
    try:
        count = measuring.rounds(100)
        rows = [measuring.row("SIGINT", by_signal(box, count), "p99 1 ms, must 10", p99, 1e6),
                measuring.row("breached guard", by_command(box, count, GUARD),
                              "p99 1 ms, must 10", p99, 1e6),
                measuring.row("breached probe", by_command(box, count, PROBE),
                              "p99 1 ms, must 10", p99, 1e6),
                measuring.row("shell trap, 16 tc filters", by_trap(box, min(count, 20)))]
        measuring.print_table("P3 abort: until the last of 16 faults is gone", measuring.TIMES,
                              rows)
    finally:
        box.close()


if __name__ == "__main__":
    main()
