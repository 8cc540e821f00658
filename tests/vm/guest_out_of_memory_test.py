# SPDX-License-Identifier: Apache-2.0
#
# The machine runs out of memory while faults are active, and the kernel kills the
# runner. The watchdog is locked in memory, out of the kernel's reach, and rolls back.

import re
import signal
import subprocess
import sys
import unittest
from pathlib import Path

from run_tests import run_tests
from sandbox import Sandbox
from slow import scaled, wait_until

HOG = """
kept = []
while True:
    kept.append(bytearray(32 << 20))
"""


class OutOfMemory(unittest.TestCase):
    def test_the_watchdog_outlives_it(self):
        box = Sandbox()
        self.addCleanup(box.close)
        before = box.state()
        faults = box.overlapping("200s")
        runner = box.start("run", box.scenario(faults), "--yes")
        box.wait_for_event("fault_active", len(faults), 20)
        watchdog = box.watchdog()
        self.assertEqual(Path(f"/proc/{watchdog}/oom_score_adj").read_text().strip(), "-1000")
        locked = re.search(r"VmLck:\s*(\d+)", Path(f"/proc/{watchdog}/status").read_text())
        self.assertGreater(int(locked.group(1)), 0)

        # The kernel shall choose the runner first, then the hog.
        Path(f"/proc/{runner.pid}/oom_score_adj").write_text("1000")
        hog = subprocess.Popen([sys.executable, "-c", HOG], stderr=subprocess.DEVNULL)
        self.addCleanup(hog.wait)
        self.addCleanup(hog.kill)
        self.assertEqual(runner.wait(scaled(30)), -signal.SIGKILL, box.said())
        self.assertEqual(hog.wait(scaled(30)), -signal.SIGKILL)
        self.assertEqual(box.left(before, 10), [], box.said())
        wait_until(lambda: not box.processes(), what="the watchdog ends after its work")
        recovered = box.run("recover")
        self.assertEqual(recovered.returncode, 0, recovered.stdout + recovered.stderr)


if __name__ == "__main__":
    run_tests()
