# SPDX-License-Identifier: Apache-2.0
#
# cpu_throttle on a group of this test's, v2 or v1: what its victims get is measured by
# themselves, and the files are read by this test.

import json
import os
import unittest
from pathlib import Path

from driven_fault import Driven, drive
from limited import BUSY, LimitedGroup, share
from run_tests import run_tests
from sandbox import Sandbox, fault as fault_text, need_root
from slow import scaled, wait_until


class CpuThrottle(unittest.TestCase):
    def setUp(self):
        need_root()
        self.group = LimitedGroup("cpu")
        self.addCleanup(self.group.close)
        self.quota_file = "cpu.max" if self.group.v2 else "cpu.cfs_quota_us"
        self.weight_file = "cpu.weight" if self.group.v2 else "cpu.shares"
        self.before = {name: self.group.read(name) for name in (self.quota_file, self.weight_file)}

    def throttle(self, **settings):
        return Driven("cpu_throttle", target__cgroup=self.group.target, **settings)

    def assert_as_before(self):
        self.assertEqual(self.before, {name: self.group.read(name) for name in self.before})
        self.assertEqual([], self.group.marks())

    def test_a_busy_loop_gets_its_quota_and_no_more_and_all_again(self):
        victim = self.group.start(BUSY)
        with self.throttle(quota="20%") as fault:
            self.assertEqual("20000 100000" if self.group.v2 else "20000",
                             self.group.read(self.quota_file))
            self.assertEqual("present", fault.ask("verify")["reading"])
            self.assertLess(share(victim), 0.25)
            self.assertGreater(self.group.number("cpu.stat", "nr_throttled"), 0)
            effect = fault.ask("measure")
            self.assertEqual("confirmed", effect["verdict"], effect)
            self.assertEqual("20%", effect["measures"]["CPU time"]["requested"])
            self.assertTrue(fault.ask("adjust quota=5%")["adjusted"])
            self.assertLess(share(victim, skip=2), 0.08)
            self.assertEqual([], fault.ask("revert")["left"])
            self.assertEqual("absent", fault.ask("verify")["reading"])
        self.assert_as_before()
        throttled = self.group.number("cpu.stat", "nr_throttled")
        share(victim)
        self.assertEqual(throttled, self.group.number("cpu.stat", "nr_throttled"))

    def test_one_that_wants_less_is_inconclusive(self):
        with self.throttle(quota="50%") as fault:
            self.group.start(BUSY.replace("while True:", "while not time.sleep(0.1):"))
            victim = self.group.started[-1]
            self.assertLess(share(victim), 0.5)
            effect = fault.ask("measure")
            self.assertEqual("inconclusive", effect["verdict"], effect)
            self.assertIn("never wanted more", effect["why"])

    def test_a_weight_counts_beside_others_on_the_same_cpu(self):
        cpu = max(os.sched_getaffinity(0))
        neighbour = LimitedGroup("cpu")
        self.addCleanup(neighbour.close)
        mine, other = self.group.start(BUSY), neighbour.start(BUSY)
        for victim in (mine, other):
            share(victim, skip=0)  # Linux 6.1: on entering a group a process may use its CPUs again
            os.sched_setaffinity(victim.pid, {cpu})
        with self.throttle(weight=10) as fault:
            self.assertEqual("10" if self.group.v2 else "102", self.group.read(self.weight_file))
            got, left = share(mine, skip=2), share(other, skip=2)
            self.assertLess(got * 3, left, "a weight of 10 beside one of 100")
            self.assertEqual("inconclusive", fault.ask("measure")["verdict"])
        self.assert_as_before()

    def test_the_record_alone_puts_it_back_also_twice_and_so_does_the_mark(self):
        for means in ("record", "mark"):
            with self.subTest(means=means):
                fault = self.throttle(quota="30%", weight=50)
                records = fault.ask("records")
                fault.ask("adjust quota=10% weight=20")
                fault.kill()
                self.assertNotEqual(self.before[self.quota_file], self.group.read(self.quota_file))
                if means == "mark":
                    records = [each["record"] for each in drive("--strays", "cpu_throttle")
                               if each["record"]["values"]["cgroup"] == self.group.target]
                    self.assertEqual(2, len(records))
                for _ in range(2):
                    self.assertEqual([], drive("--revert", input=json.dumps(records))["left"])
                    self.assert_as_before()

    def test_what_others_set_meanwhile_stays(self):
        others = "70000 100000" if self.group.v2 else "70000"
        with self.throttle(quota="30%", weight=50) as fault:
            (self.group.path / self.quota_file).write_text(others)
            self.assertEqual("partial", fault.ask("verify")["reading"])
            self.assertEqual("mismatch", fault.ask("measure")["verdict"])
            self.assertIn("somebody else", fault.ask("adjust quota=20% weight=50")["error"])
            self.assertEqual([], fault.ask("revert")["left"])
        self.assertEqual(others, self.group.read(self.quota_file))
        self.assertEqual(self.before[self.weight_file], self.group.read(self.weight_file))
        self.assertEqual([], self.group.marks())

    def test_a_group_that_was_made_anew_is_left_alone(self):
        fault = self.throttle(quota="30%")
        records = fault.ask("records")
        self.group.path.rmdir()
        self.assertEqual("absent", fault.ask("verify")["reading"])
        self.group.path.mkdir()
        ours = "30000 100000" if self.group.v2 else "30000"
        (self.group.path / self.quota_file).write_text(ours)
        self.assertEqual("absent", fault.ask("verify")["reading"])
        self.assertIn("made anew", fault.ask("measure")["error"])
        self.assertEqual([], fault.ask("revert")["left"])
        self.assertEqual([], drive("--revert", input=json.dumps(records))["left"])
        self.assertEqual(ours, self.group.read(self.quota_file))
        fault.end()

    def test_what_cannot_be_throttled_is_refused(self):
        (self.group.path / self.quota_file).write_text("40000")
        for settings, said in (
                ({"quota": "40%"}, "would not lower it"),
                ({"quota": "0.5%"}, "less than 1ms"),
                ({"quota": "5%", "target__cgroup": "/"}, "the root cgroup is the whole host"),
                ({"quota": "5%", "target__cgroup": f"/{self.group.name[:-1]}"}, "did you mean")):
            with self.subTest(**settings), self.assertRaisesRegex(RuntimeError, said):
                Driven("cpu_throttle", **{"target__cgroup": self.group.target, **settings})

    def test_a_group_with_squall_in_it_is_refused(self):
        with self.assertRaisesRegex(RuntimeError, "holds what is spared"):
            # A process of ours beside the victims: drive_fault takes it for the operator's shell.
            home = Path("/proc/self/cgroup").read_text().splitlines()
            self.group.add(os.getpid())
            try:
                self.throttle(quota="5%")
            finally:
                self.move_home(home)

    def move_home(self, lines):
        for line in lines:
            _, names, path = line.split(":", 2)
            if names == ("" if self.group.v2 else "cpu"):
                (Path(str(self.group.path.parent) + path) / "cgroup.procs").write_text(str(os.getpid()))

    def test_a_run_that_is_killed_whole_is_recovered(self):
        sandbox = Sandbox(victims=0)
        self.addCleanup(sandbox.close)
        sandbox.start("run", "--yes", sandbox.scenario(
            [fault_text("cpu_throttle", target={"cgroup": self.group.target}, quota="30%",
                        duration="60s") + 'ramp = { quota = { to = "10%", over = "30s" } }\n']))
        sandbox.wait_for_event("fault_adjusted", count=2)
        sandbox.kill_all()
        sandbox.started.wait(scaled(10))
        self.assertNotEqual(self.before[self.quota_file], self.group.read(self.quota_file))
        done = sandbox.run("recover")
        self.assertEqual(0, done.returncode, done.stderr)
        self.assert_as_before()

    def test_a_run_proves_it_and_puts_it_back(self):
        self.group.start(BUSY)
        sandbox = Sandbox(victims=0)
        self.addCleanup(sandbox.close)
        done = sandbox.run("run", "--yes", sandbox.scenario(
            [fault_text("cpu_throttle", target={"cgroup": self.group.target}, quota="30%",
                        duration="2s")]))
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertIn("confirmed", done.stdout)
        self.assertIn("0 differences", done.stdout)
        self.assert_as_before()


if __name__ == "__main__":
    run_tests()
