# SPDX-License-Identifier: Apache-2.0
#
# cpu_pressure on one CPU of this machine, as the scheduler accounts for it: the workers'
# CPU time is read by this test, from /proc, never asked of squall.
#
# Alone: it states shares of a CPU.

import json
import os
import signal
import statistics
import subprocess
import time
import unittest
from pathlib import Path

from driven_fault import Driven, drive
from run_tests import run_tests
from sandbox import need_root
from slow import SLOW, scaled, wait_until
from victims import OwnCgroup, Victims, cpu_time, field, start_time, state, unified_root

CPU = max(os.sched_getaffinity(0))
MARK = f"{os.getpid() & 0xffffff:06x}"
WORKER = f"squall-{MARK}00"
# An emulated processor stands still whenever its host has other work.
POINTS = 1 if SLOW == 1 else 15


def workers(fault):
    children = Path(f"/proc/{fault.process.pid}/task/{fault.process.pid}/children")
    return [int(pid) for pid in children.read_text().split()]


def windows(pid, count, length=1.0):
    """Shares of `count` windows, in per cent."""
    shares = []
    spent, then = cpu_time(pid)
    for _ in range(count):
        time.sleep(length)
        spent_now, now = cpu_time(pid)
        shares.append((spent_now - spent) / (now - then) * 100)
        spent, then = spent_now, now
    return shares


def settled(pid):
    """Median of three windows: the first holds the change itself, another may be spoilt."""
    return statistics.median(windows(pid, 3))


def start(load, **more):
    return Driven("cpu_pressure", load=load, cpus=CPU, mark=MARK, **more)


class CpuPressure(unittest.TestCase):
    def setUp(self):
        need_root()

    def test_each_second_is_within_a_point(self):
        # Real-time, so that other work on this machine cannot take the share away. A virtual
        # machine may itself stand still for a moment: that may spoil one second of five.
        for load in (5, 25, 50, 75, 90):
            with self.subTest(load=load), start(f"{load}%", priority="fifo") as fault:
                shares = windows(workers(fault)[0], 5)
                errors = sorted(abs(share - load) for share in shares)
                self.assertLessEqual(errors[-2], POINTS, f"{shares}")
                self.assertLessEqual(errors[-1], 5 * POINTS, f"{shares}")

    def test_the_load_follows_an_adjust(self):
        with start("10%", priority="fifo") as fault:
            pid = workers(fault)[0]
            self.assertAlmostEqual(settled(pid), 10, delta=POINTS)
            fault.ask("adjust load=60%")
            self.assertAlmostEqual(settled(pid), 60, delta=POINTS)

    def test_a_worker_is_what_it_was_asked_to_be(self):
        with start("1%", priority="batch", nice=5) as fault:
            pid, = workers(fault)
            status = Path(f"/proc/{pid}/status").read_text()
            self.assertIn(f"Cpus_allowed_list:\t{CPU}\n", status)
            self.assertIn(f"Name:\t{WORKER}\n", status)
            self.assertEqual(int(field(pid, 19)), 5)
            self.assertEqual(int(field(pid, 41)), os.SCHED_BATCH)
            self.assertEqual(Path(f"/proc/{pid}/oom_score_adj").read_text().strip(), "1000")
            # It closes the one by which it said that it is ready, at its own low priority.
            wait_until(lambda: sorted(os.listdir(f"/proc/{pid}/fd")) == ["0", "1", "2", "3"],
                       what="it holds nothing of ours but its lifeline")
            self.assertEqual(Path(f"/proc/{pid}/cmdline").read_text().strip("\0"), WORKER)
            self.assertEqual(fault.ask("verify")["reading"], "present")
            self.assertEqual(fault.ask("revert")["left"], [])
            self.assertEqual(fault.ask("verify")["reading"], "absent")
            self.assertEqual(state(pid), "gone")

    def test_a_second_without_the_load_is_a_mismatch_though_the_mean_is_right(self):
        with start("50%", priority="fifo") as fault:
            pid, = workers(fault)
            time.sleep(0.3)  # the stop is to be inside the worker's first second
            os.kill(pid, signal.SIGSTOP)
            time.sleep(0.25)
            os.kill(pid, signal.SIGCONT)
            time.sleep(12)  # what was lost is below 1% of this
            effect = fault.ask("measure")
            self.assertEqual("mismatch", effect["verdict"], effect)
            self.assertIn("worst second", effect["why"])

    def test_an_idle_load_leaves_the_cpu_to_those_who_want_it(self):
        # Of another session: with autogroups its tasks and ours compete as groups.
        rival = subprocess.Popen(["sh", "-c", "while :; do :; done"], start_new_session=True)
        self.addCleanup(rival.wait)
        self.addCleanup(rival.kill)
        os.sched_setaffinity(rival.pid, {CPU})
        with start("100%", priority="idle") as fault:
            pid, = workers(fault)
            self.assertLess(settled(pid), 10)

    def test_in_a_cgroup_it_stays_on_its_cpu(self):
        root = unified_root()
        control = Path(root, "cgroup.subtree_control") if root else None
        if not root or "cpuset" not in Path(root, "cgroup.controllers").read_text().split():
            self.skipTest("cgroup v2 has no cpuset controller here")
        if "cpuset" not in control.read_text().split():
            control.write_text("+cpuset")
            self.addCleanup(control.write_text, "-cpuset")
        group = OwnCgroup(root)
        self.addCleanup(group.close)
        with start("5%", cgroup=f"/{group.name}") as fault:
            pid, = workers(fault)
            self.assertEqual({CPU}, os.sched_getaffinity(pid))
            self.assertEqual("present", fault.ask("verify")["reading"])
            os.sched_setaffinity(pid, os.sched_getaffinity(0) | {CPU, 0})
            self.assertEqual("partial", fault.ask("verify")["reading"])
        (group.path / "cpuset.cpus").write_text("0")
        with self.assertRaisesRegex(RuntimeError, f"CPU '{CPU}' cannot be used in cgroup"):
            start("5%", cgroup=f"/{group.name}")

    def test_the_workers_die_with_us(self):
        fault = start("5%")
        pid, = workers(fault)
        records = fault.ask("records")
        fault.kill()
        wait_until(lambda: state(pid) in ("gone", "Z"), what="the worker died with its maker")
        self.assertEqual(drive("--revert", input=json.dumps(records))["left"], [])

    def test_records_end_them_while_their_maker_stands_still(self):
        fault = start("5%")
        self.addCleanup(fault.kill)
        pid, = workers(fault)
        records = fault.ask("records")
        fault.process.send_signal(signal.SIGSTOP)
        self.assertEqual(drive("--revert", input=json.dumps(records))["left"], [])
        self.assertEqual(state(pid), "Z", "dead; its stopped parent has yet to reap it")

    def test_a_record_ends_nobody_else(self):
        victims = Victims()
        self.addCleanup(victims.close)
        victim = victims.start()
        values = {"worker": WORKER, "pid": str(victim.pid), "start": start_time(victim.pid)}
        records = [{"fault": "cpu_pressure", "values": values}]
        self.assertEqual(drive("--revert", input=json.dumps(records))["left"], [])
        self.assertEqual(state(victim.pid), "S")

    def test_a_stray_is_found_by_its_name_but_a_held_worker_is_none(self):
        victims = Victims()
        self.addCleanup(victims.close)
        name = f"squall-{MARK}7f"
        program = victims.folder / name
        Path(victims.program).rename(program)
        stray = subprocess.Popen([program, "1000"])
        self.addCleanup(stray.wait)
        self.addCleanup(stray.kill)
        wait_until(lambda: Path(f"/proc/{stray.pid}/comm").read_text().strip() == name,
                   what="the stray runs")
        with start("5%") as fault:
            held, = workers(fault)
            found = [each["record"]["values"] for each in drive("--strays", "cpu_pressure")]
            self.assertIn(str(stray.pid), [each["pid"] for each in found])
            self.assertNotIn(str(held), [each["pid"] for each in found])
            mine = [{"fault": "cpu_pressure", "values": each} for each in found
                    if each["pid"] == str(stray.pid)]
            self.assertEqual(drive("--revert", input=json.dumps(mine))["left"], [])
            self.assertEqual(stray.wait(scaled(5)), -9)

    def test_in_a_targets_cgroup_its_limit_holds(self):
        root = unified_root()
        controllers = Path(root, "cgroup.controllers").read_text().split() if root else []
        if "cpu" in controllers:
            control = Path(root, "cgroup.subtree_control")
            if "cpu" not in control.read_text().split():
                control.write_text("+cpu")
                self.addCleanup(control.write_text, "-cpu")
            group = OwnCgroup(root)
            self.addCleanup(group.close)
            (group.path / "cpu.max").write_text("20000 100000")
        elif Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us").exists() or Path(
                "/sys/fs/cgroup/cpu/tasks").exists():
            group = OwnCgroup("/sys/fs/cgroup/cpu")
            self.addCleanup(group.close)
            if not (group.path / "cpu.cfs_quota_us").exists():
                self.skipTest("this kernel has no CPU bandwidth limits (CFS_BANDWIDTH)")
            (group.path / "cpu.cfs_quota_us").write_text("20000")
        else:
            self.skipTest("no cgroup hierarchy has the cpu controller")
        with start("60%", nice=-10, cgroup=f"/{group.name}") as fault:
            pid, = workers(fault)
            self.assertIn(f"/{group.name}\n", Path(f"/proc/{pid}/cgroup").read_text())
            self.assertLess(settled(pid), 20 + max(5, POINTS))
            effect = fault.ask("measure")
            self.assertEqual(effect["verdict"], "mismatch")
            self.assertIn("limit", effect["why"])


if __name__ == "__main__":
    run_tests()
