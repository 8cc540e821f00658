# SPDX-License-Identifier: Apache-2.0
#
# memory_limit on a group of this test's, v2 or v1, whose victims take memory and write files:
# what they can take, and how long it takes them, is measured by themselves.

import json
import os
import tempfile
import unittest
from pathlib import Path

from driven_fault import Driven, drive
from limited import HUNGRY, LimitedGroup, order
from run_tests import run_tests
from sandbox import need_root

MIB = 1 << 20
# A file system with a page cache: the VM tier's share of the host has none.
DISK = "/run/state" if os.environ.get("SQUALL_VM") else None


class MemoryLimit(unittest.TestCase):
    def setUp(self):
        need_root()
        self.group = LimitedGroup("memory")
        self.addCleanup(self.group.close)
        v2 = self.group.v2
        self.max_file = "memory.max" if v2 else "memory.limit_in_bytes"
        self.use_file = "memory.current" if v2 else "memory.usage_in_bytes"
        names = [self.max_file, "memory.high"] if v2 else [self.max_file]
        self.before = {name: self.group.read(name) for name in names}
        self.victim = self.group.start(HUNGRY)
        self.assertEqual("ready\n", self.victim.stdout.readline())
        # What it used before it came here counts elsewhere.
        self.assertIsNotNone(order(self.victim, "take", 8))

    def limit(self, **settings):
        return Driven("memory_limit", target__cgroup=self.group.target, **settings)

    def use(self):
        return int(self.group.read(self.use_file))

    def assert_as_before(self):
        self.assertEqual(self.before, {name: self.group.read(name) for name in self.before})
        self.assertEqual([], self.group.marks())

    def write_file(self, mebibytes):
        folder = tempfile.TemporaryDirectory(dir=DISK)
        self.addCleanup(folder.cleanup)
        return order(self.victim, "file", f"{folder.name}/file", mebibytes)

    def test_files_are_kept_below_a_maximum_and_may_fill_it_again(self):
        self.write_file(32)
        most = (self.use() // MIB + 16) * MIB
        with self.limit(max=f"{most // MIB}MiB") as fault:
            self.assertEqual(str(most), self.group.read(self.max_file))
            self.assertEqual("present", fault.ask("verify")["reading"])
            self.assertIsNotNone(self.write_file(64))
            self.assertLessEqual(self.use(), most)
            effect = fault.ask("measure")
            self.assertEqual("confirmed", effect["verdict"], effect)
            self.assertIn("it wanted more", effect["why"])
            self.assertEqual(0, effect["counters"]["oom_kill"])
            self.assertEqual([], fault.ask("revert")["left"])
        self.assert_as_before()
        self.write_file(64)
        self.assertGreater(self.use(), most)

    def test_who_takes_too_much_is_killed_which_the_effect_says(self):
        neighbour = LimitedGroup("memory")
        self.addCleanup(neighbour.close)
        other = neighbour.start(HUNGRY)
        other.stdout.readline()
        most = (self.use() // MIB + 24) * MIB
        with self.limit(max=f"{most // MIB}MiB") as fault:
            self.assertIsNotNone(order(self.victim, "take", 8))
            self.assertIsNotNone(order(other, "take", 64), "a neighbour does not notice")
            self.assertIsNone(order(self.victim, "take", 64))
            self.assertEqual(-9, self.victim.wait())
            effect = fault.ask("measure")
            self.assertEqual("confirmed", effect["verdict"], effect)
            self.assertEqual(1, effect["counters"]["oom_kill"], effect)
            self.assertIn("the kernel killed 1 process in it", effect["why"])
        self.assert_as_before()

    def test_above_high_it_is_slowed_down_and_not_killed(self):
        if not self.group.v2:
            with self.assertRaisesRegex(RuntimeError, "is of v1, which knows no 'high'"):
                self.limit(high="32MiB")
            return
        usual = order(self.victim, "take", 8)
        with self.limit(high="50%") as fault:
            slowed = order(self.victim, "take", 8)
            self.assertIsNotNone(slowed)
            self.assertGreater(slowed, 5 * usual)
            self.assertGreater(self.group.number("memory.events", "high"), 0)
            effect = fault.ask("measure")
            self.assertEqual("confirmed", effect["verdict"], effect)
            self.assertIn("slowed down", effect["why"])
        self.assert_as_before()
        self.assertIsNotNone(order(self.victim, "take", 8))

    def test_a_ramp_squeezes_a_cache_out(self):
        if not self.group.v2:
            self.skipTest("v1 has no memory.high")
        self.write_file(96)
        full = self.use()
        with self.limit(high="90%") as fault:
            for percent in (70, 50):
                self.assertTrue(fault.ask(f"adjust high={percent}%")["adjusted"])
                self.assertLessEqual(self.use(), full * percent // 100)
            effect = fault.ask("measure")
            self.assertEqual("confirmed", effect["verdict"], effect)
        self.assert_as_before()

    def test_a_maximum_below_the_use_is_refused_also_in_a_ramp(self):
        order(self.victim, "take", 32)
        with self.assertRaisesRegex(RuntimeError, "the kernel would kill its processes"):
            self.limit(max="16MiB")
        with self.limit(max="200%") as fault:
            self.assertIn("would kill", fault.ask("adjust max=50%")["error"])
            self.assertEqual("present", fault.ask("verify")["reading"])
        self.assert_as_before()

    def test_the_record_alone_puts_it_back_also_twice_and_so_does_the_mark(self):
        for means in ("record", "mark"):
            with self.subTest(means=means):
                fault = self.limit(max="300%")
                records = fault.ask("records")
                fault.ask("adjust max=200%")
                fault.kill()
                if means == "mark":
                    records = [each["record"] for each in drive("--strays", "memory_limit")
                               if each["record"]["values"]["cgroup"] == self.group.target]
                    self.assertEqual(1, len(records))
                for _ in range(2):
                    self.assertEqual([], drive("--revert", input=json.dumps(records))["left"])
                    self.assert_as_before()

    def test_a_group_that_vanished_is_no_error(self):
        fault = self.limit(max="200%")
        self.victim.stdin.write("quit\n")
        self.victim.stdin.flush()
        self.victim.wait()
        self.group.path.rmdir()
        self.assertEqual("absent", fault.ask("verify")["reading"])
        self.assertEqual([], fault.ask("revert")["left"])
        fault.end()
        Path(self.group.path).mkdir()


if __name__ == "__main__":
    run_tests()
