# SPDX-License-Identifier: Apache-2.0
#
# process_kill on real processes of this test: what ends, and what is started again.

import json
import os
import subprocess
import time
import unittest
from pathlib import Path

from driven_fault import Driven, drive
from run_tests import run_tests
from sandbox import ip, need_root
from slow import scaled, wait_until
from victims import Victims, field, pids_of, state


class ProcessKill(unittest.TestCase):
    def setUp(self):
        need_root()
        self.victims = Victims()
        self.addCleanup(self.victims.close)

    def test_all_that_match_end_and_the_plan_says_that_this_is_not_undone(self):
        two = [self.victims.start() for _ in range(2)]
        plan = drive("--plan", "process_kill", f"target.name={self.victims.name}")
        self.assertIn("not undone", plan["intents"][0]["undo"])
        self.assertIn("not started again", plan["notes"][0])
        self.assertEqual(len(pids_of(self.victims.name)), 2)
        with Driven("process_kill", target__name=self.victims.name) as fault:
            self.assertEqual([each.wait(scaled(5)) for each in two], [-9, -9])
            self.assertEqual(fault.ask("measure")["verdict"], "confirmed")
            self.assertEqual(fault.ask("revert")["left"], [])
        self.assertEqual(pids_of(self.victims.name), [])

    def expect_one_again(self):
        return wait_until(lambda: pids_of(self.victims.name), what="it was started again")[0]

    def test_it_is_started_again_on_its_own_feet(self):
        net = f"pk{os.getpid()}"
        ip("netns", "add", net)
        self.addCleanup(ip, "netns", "del", net)
        victim = self.victims.start(before=["ip", "netns", "exec", net])
        fault = Driven("process_kill", target__name=self.victims.name, target__namespace=net,
                       restart=f"{self.victims.program},1001")
        victim.wait(scaled(5))
        self.assertEqual(fault.ask("revert")["left"], [])
        again = self.expect_one_again()
        fault.end()
        self.assertIn(state(again), "SR")
        self.assertEqual(Path(f"/proc/{again}/cmdline").read_text().split("\0")[1], "1001")
        self.assertEqual(os.stat(f"/proc/{again}/ns/net").st_ino, os.stat(f"/run/netns/{net}").st_ino)
        self.assertEqual(os.readlink(f"/proc/{again}/cwd"), os.getcwd())
        self.assertEqual(int(field(again, 6)), int(field(again, 5)), "a session of its own")
        self.assertNotEqual(int(field(again, 4)), fault.process.pid)
        self.assertEqual(sorted(os.listdir(f"/proc/{again}/fd")), ["0", "1", "2"])
        os.kill(again, 9)

    def test_after_a_kill_the_records_alone_start_it_again_but_only_once(self):
        victim = self.victims.start()
        fault = Driven("process_kill", target__name=self.victims.name,
                       restart=f"{self.victims.program},1001")
        records = fault.ask("records")
        fault.kill()
        victim.wait(scaled(5))
        for _ in range(2):
            self.assertEqual(drive("--revert", input=json.dumps(records))["left"], [])
            self.expect_one_again()
        self.assertEqual(len(pids_of(self.victims.name)), 1)

    def test_the_command_line_that_asked_for_it_does_not_count_as_running(self):
        victim = self.victims.start()
        with Driven("process_kill", target__command=self.victims.name,
                    restart=f"{self.victims.program},1001") as fault:
            victim.wait(scaled(5))
            self.assertEqual(fault.ask("revert")["left"], [])
            os.kill(self.expect_one_again(), 9)

    def test_what_its_supervisor_started_is_not_started_twice(self):
        victim = self.victims.start()
        with Driven("process_kill", target__pid=victim.pid, restart=f"{self.victims.program},1000"):
            victim.wait(scaled(5))
            new = self.victims.start().pid
        self.assertEqual(pids_of(self.victims.name), [new])

    def test_a_restart_that_fails_stays_owed(self):
        victim = self.victims.start()
        with Driven("process_kill", target__name=self.victims.name, restart="/nowhere/at-all") as fault:
            victim.wait(scaled(5))
            self.assertIn("/nowhere/at-all", fault.ask("revert")["left"][0])

    def test_one_that_ignores_the_signal_is_a_mismatch(self):
        stubborn = subprocess.Popen(["sh", "-c", "trap '' TERM; echo; while :; do sleep 1; done"],
                                    stdout=subprocess.PIPE)
        self.addCleanup(stubborn.stdout.close)
        self.addCleanup(stubborn.wait)
        self.addCleanup(stubborn.kill)
        stubborn.stdout.readline()
        begun = time.monotonic()
        with Driven("process_kill", target__pid=stubborn.pid, signal="term", within="150ms") as fault:
            effect = wait_until(lambda: (e := fault.ask("measure"))["verdict"] == "mismatch" and e,
                                what="the time is over")
            self.assertGreater(time.monotonic() - begun, 0.15)
            self.assertIn("within 150ms", effect["why"])
        self.assertIsNone(stubborn.poll())


if __name__ == "__main__":
    run_tests()
