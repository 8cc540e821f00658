# SPDX-License-Identifier: Apache-2.0
#
# A machine that thrashes while squall holds nearly all of its memory, with swap and without:
# an abort takes no longer than it may, and neither does the watchdog of a killed runner.
#
# On kernel 6.1 only: it takes long.

import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

from memory_figures import amount, children
from run_tests import run_tests
from sandbox import Sandbox, fault
from slow import scaled, wait_until
from victims import comm, state

MIB = 1 << 20
# From the word to the last worker's end: 100 ms for each GiB that is held, and as much again.
RELEASE_LIMIT = 0.4

# Goes round in its own memory, and in files, which together are more than is left.
THRASHING = """
import mmap, sys
rounds = []
for file in sys.argv[2:]:
    with open(file, "rb") as opened:
        rounds.append((mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ), False))
own = int(sys.argv[1]) << 20
if own:
    rounds.append((mmap.mmap(-1, own, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS), True))
while True:
    for held, write in rounds:
        for at in range(0, len(held), 4096):
            if write:
                held[at] = 1
            else:
                held[at]
"""


def stalled_us():
    """Of some task, for memory, since boot."""
    return int(Path("/proc/pressure/memory").read_text().split("total=")[1].split()[0])


def workers(pid):
    return [each for each in children(pid) if comm(each) != "squall-watchdog"]


class Thrashing(unittest.TestCase):
    """Squall holds nearly everything, without a reserve, and somebody goes round in the rest."""

    swapping = False

    def setUp(self):
        self.box = Sandbox()
        self.addCleanup(self.box.close)
        self.before = self.box.state()

    def thrash(self):
        faults = [self.box.pause(0, duration="200s"),
                  fault("memory_pressure", share="93%", reserve="0B", touch_every="500ms",
                        duration="200s")]
        self.runner = self.box.start("run", self.box.scenario(faults), "--yes")
        self.box.wait_for_event("fault_active", len(faults), 20)
        wait_until(lambda: amount("/proc/meminfo", "MemAvailable") < 160 * MIB, 60, "it is full")
        own = amount("/proc/meminfo", "MemAvailable") // MIB + 16 if self.swapping else 0
        files = [] if self.swapping else sorted(self.box.build.glob("*.a"))
        stalled = stalled_us()
        self.hog = subprocess.Popen([sys.executable, "-c", THRASHING, str(own), *files])
        self.addCleanup(self.calm)
        Path(f"/proc/{self.hog.pid}/oom_score_adj").write_text("-1000")
        wait_until(lambda: stalled_us() > stalled + 200_000, 10, "somebody waits for memory")
        self.assertEqual(None, self.runner.poll(), self.box.said())

    def calm(self):
        self.hog.kill()
        self.hog.wait()

    def swap(self):
        self.swapping = True
        file = Path("/run/state/swap")  # on the disk
        file.write_bytes(bytes(32 * MIB))
        file.chmod(0o600)
        self.addCleanup(file.unlink)
        for command in ("mkswap", "swapon"):
            subprocess.run([command, file], check=True, capture_output=True)
        self.addCleanup(subprocess.run, ["swapoff", file], check=True)

    def check_abort(self):
        self.thrash()
        held = workers(self.runner.pid)
        self.assertGreater(len(held), 0, "none was given back by the OOM killer")
        began = time.monotonic()
        self.runner.send_signal(signal.SIGTERM)
        wait_until(lambda: all(state(pid) in ("gone", "Z") for pid in held), 30, "all is released")
        took = time.monotonic() - began
        self.calm()
        print(f"abort while it thrashes: released after {took:.2f} s", flush=True)
        self.assertLess(took, scaled(RELEASE_LIMIT))
        self.assertEqual(4, self.runner.wait(scaled(30)), self.box.said())
        self.assertEqual([], self.box.left(self.before, 10), self.box.said())

    def check_watchdog(self):
        self.thrash()
        held = workers(self.runner.pid)
        self.assertGreater(len(held), 0, "none was given back by the OOM killer")
        watchdog = self.box.watchdog()
        for pid in (watchdog, self.runner.pid):
            self.assertGreater(amount(f"/proc/{pid}/status", "VmLck"), MIB)
            self.assertLess(amount(f"/proc/{pid}/status", "VmSwap"), MIB)
        began = time.monotonic()
        self.runner.kill()
        wait_until(lambda: all(state(pid) in ("gone", "Z") for pid in held), 30, "all is released")
        wait_until(lambda: self.box.events("watchdog_rolled_back"), 30, "the watchdog has acted")
        took = time.monotonic() - began
        self.calm()
        print(f"runner killed while it thrashes: rolled back after {took:.2f} s", flush=True)
        self.assertLess(took, scaled(RELEASE_LIMIT))
        self.assertEqual([], self.box.left(self.before, 10), self.box.said())
        self.assertEqual(0, self.box.run("recover").returncode)

    def test_an_abort_without_swap(self):
        self.check_abort()

    def test_an_abort_with_swap(self):
        self.swap()
        self.check_abort()

    def test_a_killed_runner_with_swap(self):
        self.swap()
        self.check_watchdog()


if __name__ == "__main__":
    run_tests()
