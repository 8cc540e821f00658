# SPDX-License-Identifier: Apache-2.0
#
# In the guest, in two parts with a power-off between them. 'begin' starts a run whose
# state lies on the disk, and has the plug pulled at a chosen moment; 'settle' is the
# next boot: what the boot unit does must leave a clean, usable machine.

import os
import shutil
import sys
import time
import unittest
from pathlib import Path

import host_state
from sandbox import Sandbox
from slow import wait_until

PART = os.environ["SQUALL_POWER_OFF"]
AT = os.environ["SQUALL_POWER_OFF_AT"]
DISK = Path("/run/state")
JOB = Path("/run/job")


def on_disk(box):
    box.environment["SQUALL_STATE_DIR"] = str(DISK / "squall")
    box.environment["SQUALL_RUN_DIR"] = "/run/squall"


def journal_lines():
    return sum(file.read_bytes().count(b"\n") for file in DISK.glob("squall/runs/*/journal*"))


def events():
    return "".join(file.read_text() for file in DISK.glob("squall/runs/*/events.jsonl"))


def begin():
    shutil.rmtree(DISK / "squall", ignore_errors=True)
    os.sync()
    box = Sandbox()
    on_disk(box)
    length = "2s" if AT == "rolling_back" else "60s"
    faults = box.overlapping(length)
    runner = box.start("run", box.scenario(faults), "--yes")
    if AT == "injecting":
        wait_until(lambda: journal_lines() >= 2, 10, "something is owed")
    elif AT == "active":
        wait_until(lambda: events().count('"fault_active"') == len(faults), 10, "all are active")
    else:
        wait_until(lambda: '"fault_ended"' in events(), 10, "the first fault has ended")
    (JOB / "pull_the_plug").touch()
    time.sleep(60)
    sys.exit(f"nobody pulled the plug; exit code of the run: {runner.poll()}")


class AfterThePowerOff(unittest.TestCase):
    def test_recover(self):
        self.assertGreaterEqual(journal_lines(), 2, "the journal outlived the power-off")
        box = Sandbox()
        self.addCleanup(box.close)
        on_disk(box)
        before = box.state()
        recovered = box.run("recover")
        self.assertEqual(recovered.returncode, 0, recovered.stdout + recovered.stderr)
        self.assertEqual(host_state.differences(before, box.state()), [])
        # Nothing bars the next run, and it works.
        after = box.run("run", box.scenario([box.loss(duration="100ms")]), "--yes")
        self.assertEqual(after.returncode, 0, after.stdout + after.stderr)
        again = box.run("recover")
        self.assertEqual(again.returncode, 0, again.stdout + again.stderr)
        self.assertEqual(host_state.differences(before, box.state()), [])


if __name__ == "__main__":
    if PART == "begin":
        begin()
    unittest.main()
