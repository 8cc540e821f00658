# SPDX-License-Identifier: Apache-2.0
#
# In the guest, in two parts with a power-off between them. 'begin' starts a run whose
# state lies on the disk, and has the plug pulled at a chosen moment; 'settle' is the
# next boot: what the boot unit does must leave a clean, usable machine. At that moment
# the run is stopped, so that it is there still when the host gets round to the plug.

import json
import os
import shutil
import signal
import sys
import time
import unittest
from pathlib import Path

import host_state
from sandbox import Sandbox, kill
from slow import wait_until

PART = os.environ["SQUALL_POWER_OFF"]
AT = os.environ["SQUALL_POWER_OFF_AT"]
DISK = Path("/run/state")
JOB = Path("/run/job")


def on_disk(box):
    box.environment["SQUALL_STATE_DIR"] = str(DISK / "squall")
    box.environment["SQUALL_RUN_DIR"] = "/run/squall"


def owed():
    """How many changes the journals name that nobody has undone, read without squall."""
    lines = [json.loads(line) for file in DISK.glob("squall/runs/*/journal*")
             for line in file.read_bytes().rstrip(b"\0").split(b"\n") if line.endswith(b"}")]
    settled = {line["of"] for line in lines if line["kind"] == "settled"}
    return sum(line["kind"] == "owe" and line["seq"] not in settled for line in lines)


def marked():
    return len(list(DISK.glob("squall/unsettled/*")))


def events(name):
    return sum(file.read_text().count(f'"{name}"') for file in DISK.glob("squall/runs/*/events.jsonl"))


def begin():
    shutil.rmtree(DISK / "squall", ignore_errors=True)
    os.sync()
    box = Sandbox()
    on_disk(box)
    faults = box.overlapping("60s")
    if AT == "rolling_back":
        # One is undone, the others are not: these end later.
        faults[0] = box.loss(duration="1s")
    runner = box.start("run", box.scenario(faults), "--yes")
    if AT == "injecting":
        wait_until(owed, 10, "something is owed")
    elif AT == "active":
        wait_until(lambda: events("fault_active") == len(faults), 10, "all are active")
    else:
        wait_until(lambda: events("fault_ended"), 10, "the first fault has ended")
    for pid in box.processes():
        kill(pid, signal.SIGSTOP)
    if not owed() or not marked():
        sys.exit(f"nothing is owed at that moment: {owed()} changes, {marked()} runs marked")
    (JOB / "pull_the_plug").touch()
    time.sleep(60)
    sys.exit(f"nobody pulled the plug; exit code of the run: {runner.poll()}")


class AfterThePowerOff(unittest.TestCase):
    def test_recover(self):
        gone = owed()
        self.assertGreater(gone, 0, "the journal outlived the power-off")
        self.assertEqual(marked(), 1, "so did the mark of the run")
        box = Sandbox()
        self.addCleanup(box.close)
        on_disk(box)
        before = box.state()
        recovered = box.run("recover")
        self.assertEqual(recovered.returncode, 0, recovered.stdout + recovered.stderr)
        self.assertRegex(recovered.stdout, f"\\b{gone} changes? went away with the reboot")
        self.assertEqual((owed(), marked()), (0, 0))
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
