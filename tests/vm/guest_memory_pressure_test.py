# SPDX-License-Identifier: Apache-2.0
#
# memory_pressure where it hurts: nearly all memory of the machine, and the OOM killer. Only in a
# guest, which has nobody else to harm.
#
# On kernel 6.1 only: the OOM killer of later ones is no different.

import os
import subprocess
import sys
import unittest
from pathlib import Path

from driven_fault import Driven
from memory_figures import amount, children, oom_kills
from run_tests import run_tests
from slow import wait_until
from victims import OwnCgroup, state

MIB = 1 << 20
ROOT = "/sys/fs/cgroup"
MARK = f"{os.getpid() & 0xffffff:06x}"

# Takes so many MiB, says so, takes as many more when told to, and says that too.
GROWING = """
import os, sys
kept = []
for line in sys.stdin:
    kept.append(os.urandom(1 << 20) * int(line))
    print(len(kept), flush=True)
"""

def held_by(made):
    """Anonymous memory of the workers, in bytes."""
    return sum(amount(f"/proc/{pid}/status", "RssAnon") for pid in children(made.process.pid))


class Growing:
    def __init__(self, test, group=None):
        self.process = subprocess.Popen([sys.executable, "-c", GROWING], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        test.addCleanup(self.process.communicate)
        test.addCleanup(self.process.kill)
        # In the group only once it runs: with little memory it would take long to get there.
        self.take(1)
        self.has_taken()
        if group:
            group.add(self.process.pid)

    def take(self, mib):
        self.process.stdin.write(f"{mib}\n")
        self.process.stdin.flush()

    def has_taken(self):
        return self.process.stdout.readline().strip()


class Pressed(unittest.TestCase):
    def group(self, limit):
        group = OwnCgroup(ROOT)
        self.addCleanup(group.close)
        (group.path / "memory.max").write_text(str(limit))
        return group

    def start(self, **settings):
        made = Driven("memory_pressure", mark=MARK, **settings)
        self.addCleanup(made.end)
        return made

    def confirmed(self, made):
        return wait_until(lambda: made.ask("measure")["verdict"] == "confirmed", 30,
                          "it is held", pause=0.1)

    def test_nearly_all_memory_is_held_and_nobody_dies_of_it(self):
        before = oom_kills()
        made = self.start(share="95%")
        self.confirmed(made)
        reserve = max(64 * MIB, amount("/proc/meminfo", "MemTotal") // 50)
        self.assertGreater(amount("/proc/meminfo", "MemAvailable"), reserve // 2)
        # What others need is given back.
        other = Growing(self)
        other.take(150)
        self.assertEqual("2", other.has_taken())
        wait_until(lambda: made.ask("measure")["counters"]["bytes given back"] > 50 * MIB, 5,
                   "some is given back")
        self.assertEqual(before, oom_kills())
        self.assertEqual([], made.ask("revert")["left"])

    def test_the_reserve_stops_it_and_gives_back(self):
        # All but a little of what is available counts as reserved.
        reserve = amount("/proc/meminfo", "MemAvailable") - 200 * MIB
        made = self.start(size="64MiB", reserve=f"{reserve}B")
        self.confirmed(made)
        made.ask("adjust size=900MiB")
        stopped = wait_until(lambda: "are kept for others" in (each := made.ask("measure"))["why"]
                             and each, 10, "it says that it stopped")
        self.assertEqual("mismatch", stopped["verdict"])
        self.assertGreater(amount("/proc/meminfo", "MemAvailable"), reserve - 32 * MIB)
        before = stopped["counters"]["bytes held"]
        self.assertGreater(before, 100 * MIB)
        other = Growing(self)
        other.take(100)
        other.has_taken()
        wait_until(lambda: held_by(made) < before - 50 * MIB, 5, "some is given back")
        self.assertGreater(made.ask("measure")["counters"]["bytes given back"], 50 * MIB)
        other.process.kill()
        wait_until(lambda: held_by(made) > before - 32 * MIB, 10, "and taken again")

    def test_in_a_cgroup_the_worker_dies_first_and_that_is_said(self):
        group = self.group(300 * MIB)
        victim = Growing(self, group)
        victim.take(60)
        victim.has_taken()
        made = self.start(share="90%", target__cgroup=f"/{group.name}")
        self.confirmed(made)
        victim.take(100)
        self.assertEqual("3", victim.has_taken(), "the victim got its memory")
        self.assertIn(state(victim.process.pid), "SR")
        effect = wait_until(lambda: (each := made.ask("measure"))["verdict"] == "mismatch" and each,
                            5, "the loss is noticed")
        self.assertIn("given back by the OOM killer, for which it stands first in line",
                      effect["why"])
        self.assertEqual(0, effect["counters"]["OOM kills of others"], effect)
        self.assertEqual([], made.ask("revert")["left"])

    def test_an_oom_kill_of_others_is_noticed_and_named(self):
        group = self.group(50 * MIB)
        made = self.start(size="64MiB")
        self.confirmed(made)
        other = Growing(self, group)
        other.take(100)
        wait_until(lambda: other.process.poll() is not None, 10, "it was killed")
        effect = made.ask("measure")
        self.assertEqual("mismatch", effect["verdict"])
        self.assertIn("the OOM killer ended 1 process of others", effect["why"])
        self.assertIn(f"(pid {other.process.pid})", effect["why"])
        self.assertEqual(0, effect["counters"]["OOM kills of ours"])

    def test_a_v2_group_that_vanishes_takes_it_along(self):
        group = self.group(300 * MIB)
        made = self.start(share="50%", target__cgroup=f"/{group.name}")
        self.confirmed(made)
        (group.path / "cgroup.kill").write_text("1")
        wait_until(lambda: not (group.path / "cgroup.procs").read_text(), what="it is empty")
        group.path.rmdir()
        effect = made.ask("measure")
        self.assertEqual("mismatch", effect["verdict"])
        self.assertEqual([], made.ask("revert")["left"])
        self.assertEqual("absent", made.ask("verify")["reading"])
        group.path.mkdir()


if __name__ == "__main__":
    run_tests()
