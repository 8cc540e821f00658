# SPDX-License-Identifier: Apache-2.0
#
# memory_pressure as the kernel accounts for it: resident memory of the workers and use of a
# cgroup are read by this test, never asked of squall. At most 512 MiB at a time.
#
# On kernel 6.1 only: what the oldest accounts for, all do.

import json
import os
import signal
import tempfile
import time
import unittest
from pathlib import Path

from driven_fault import Driven, drive
from memory_figures import amount, children
from run_tests import run_tests
from sandbox import need_root
from slow import SLOW, scaled, wait_until
from victims import OwnCgroup, mounted_at, state, unified_root

MIB = 1 << 20
MARK = f"{os.getpid() & 0xffffff:06x}"
WORKER = f"squall-{MARK}00"
RSS = {"anonymous": "RssAnon", "shared": "RssShmem", "page_cache": "RssFile"}


def start(**settings):
    return Driven("memory_pressure", mark=MARK, **settings)


def plan(**settings):
    words = [f"{name.replace('__', '.')}={value}" for name, value in settings.items()]
    return drive("--plan", "memory_pressure", f"mark={MARK}", *words)


def workers(fault):
    return children(fault.process.pid)


def resident(fault, memory="anonymous"):
    """Of this kind, in bytes, over all workers."""
    kinds = ["RssFile", "RssShmem"] if memory == "page_cache" else [RSS[memory]]
    return sum(amount(f"/proc/{pid}/status", kind) for pid in workers(fault) for kind in kinds)


def is_held(fault, size, memory="anonymous", within=0.01):
    """Within 1%, and what a process has anyway."""
    return lambda: abs(resident(fault, memory) - size) <= max(size * within, 8 * MIB)


class MemoryGroup:
    """A group of our own that counts memory, by v2 where it does, else by v1."""

    def __init__(self, test, limit=None):
        root = unified_root()
        controllers = Path(root, "cgroup.controllers").read_text().split() if root else []
        self.v2 = "memory" in controllers
        if self.v2:
            control = Path(root, "cgroup.subtree_control")
            if "memory" not in control.read_text().split():
                control.write_text("+memory")
                test.addCleanup(control.write_text, "-memory")
        else:
            root = mounted_at(lambda kind, options: kind == "cgroup" and "memory" in options)
            if not root:
                test.skipTest("no cgroup hierarchy counts memory")
        self.group = OwnCgroup(root)
        test.addCleanup(self.group.close)
        self.path = self.group.path
        self.name = f"/{self.group.name}"
        if limit is not None:
            self.file("memory.max", "memory.limit_in_bytes").write_text(str(limit))

    def file(self, v2, v1):
        return self.path / (v2 if self.v2 else v1)

    def use(self):
        return int(self.file("memory.current", "memory.usage_in_bytes").read_text())

    def members(self):
        return [int(pid) for pid in (self.path / "cgroup.procs").read_text().split()]


class MemoryPressure(unittest.TestCase):
    def setUp(self):
        need_root()

    def test_each_kind_is_held_within_a_hundredth_in_a_second_per_gib(self):
        for memory in ("anonymous", "shared", "page_cache"):
            size = 256 * MIB
            with self.subTest(memory=memory), start(size="256MiB", memory=memory) as fault:
                wait_until(is_held(fault, size, memory), 5, f"{memory} is held")
                effect = wait_until_confirmed(fault)
                self.assertEqual("256MiB", effect["measures"]["memory"]["requested"])
                self.assertIn("memory pressure (PSI) some", effect["why"])
                self.assertEqual(0, effect["counters"]["OOM kills of others"])

    def test_small_pages_are_held_as_well(self):
        with start(size="128MiB", huge_pages="off") as fault:
            wait_until(is_held(fault, 128 * MIB), 5, "it is held")
            for pid in workers(fault):
                self.assertEqual(0, amount(f"/proc/{pid}/smaps_rollup", "AnonHugePages"))

    def test_the_workers_are_first_in_line_and_what_they_seem(self):
        with start(size="64MiB") as fault:
            for pid in workers(fault):
                self.assertEqual("1000", Path(f"/proc/{pid}/oom_score_adj").read_text().strip())
                self.assertEqual(WORKER, Path(f"/proc/{pid}/comm").read_text().strip())
            # Squall itself is kept in memory, so that it acts when the machine thrashes.
            locked = amount(f"/proc/{fault.process.pid}/status", "VmLck")
            self.assertGreater(locked, MIB)
            self.assertEqual("present", fault.ask("verify")["reading"])
            self.assertEqual([], fault.ask("revert")["left"])
            self.assertEqual("absent", fault.ask("verify")["reading"])

    def test_it_grows_and_shrinks_with_an_adjust(self):
        with start(size="64MiB") as fault:
            for size in (256, 96, 160):
                fault.ask(f"adjust size={size}MiB")
                wait_until(is_held(fault, size * MIB), 5, f"{size} MiB are held")
                wait_until_confirmed(fault)

    def test_growth_keeps_its_rate(self):
        began = time.monotonic()
        with start(size="200MiB", rate="100MiB/s") as fault:
            time.sleep(0.8)
            passed = time.monotonic() - began
            self.assertLess(resident(fault), (passed * 100 + 20) * MIB)
            effect = fault.ask("measure")
            self.assertEqual("inconclusive", effect["verdict"], effect)
            self.assertIn("still grows", effect["why"])
            wait_until(is_held(fault, 200 * MIB), 10, "it is held in the end")
            self.assertGreater(time.monotonic() - began, 1.8)

    def test_a_swept_page_is_looked_at_again(self):
        with start(size="64MiB", memory="page_cache", touch_every="100ms") as fault:
            wait_until(is_held(fault, 64 * MIB, "page_cache"), 5, "it is held")
            count = len(workers(fault))
            for pid in workers(fault):
                Path(f"/proc/{pid}/clear_refs").write_text("1")
            wait_until(lambda: all(amount(f"/proc/{pid}/smaps_rollup", "Referenced")
                                   >= 64 * MIB // count for pid in workers(fault)),
                       5, "every page was looked at")

    def test_the_file_has_no_name(self):
        with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
            with start(size="64MiB", memory="page_cache", directory=folder) as fault:
                wait_until(is_held(fault, 64 * MIB, "page_cache"), 5, "it is held")
                self.assertEqual([], os.listdir(folder))
                held = [os.readlink(each) for pid in workers(fault)
                        for each in Path(f"/proc/{pid}/fd").iterdir()]
                self.assertTrue(any(each.startswith(folder) and each.endswith("(deleted)")
                                    for each in held), held)

    def test_a_numa_node_is_kept_to(self):
        if not Path("/sys/devices/system/node/node0").exists():
            self.skipTest("this kernel knows no NUMA nodes")
        with start(size="64MiB", numa_node=0) as fault:
            wait_until_confirmed(fault)
            wait_until(lambda: fault.ask("measure")["counters"]["thousandths on the node"] == 1000,
                       5, "all of it is on the node")

    def test_in_a_cgroup_its_use_reaches_the_share_of_the_limit(self):
        group = MemoryGroup(self, limit=400 * MIB)
        with start(share="80%", target__cgroup=group.name) as fault:
            wait_until(lambda: abs(group.use() - 320 * MIB) < 4 * MIB, 5, "80% are used")
            self.assertEqual(sorted(workers(fault)), sorted(group.members()))
            effect = wait_until_confirmed(fault)
            use, = (each for name, each in effect["measures"].items() if "use of cgroup" in name)
            self.assertEqual("80%", use["requested"])
            fault.ask("adjust share=50%")
            wait_until(lambda: abs(group.use() - 200 * MIB) < 4 * MIB, 5, "50% are used")
        self.assertEqual([], group.members())

    def test_the_limit_above_a_cgroup_counts(self):
        group = MemoryGroup(self, limit=300 * MIB)
        if group.v2:
            (group.path / "cgroup.subtree_control").write_text("+memory")
        below = group.path / "below"
        below.mkdir()
        self.addCleanup(lambda: (wait_until(lambda: not (below / "cgroup.procs").read_text()),
                                 below.rmdir()))
        with start(share="50%", target__cgroup=f"{group.name}/below") as fault:
            wait_until(lambda: abs(group.use() - 150 * MIB) < 4 * MIB, 5, "half of it is used")

    def test_a_cgroup_that_vanishes_is_said_to(self):
        group = MemoryGroup(self, limit=300 * MIB)
        with start(share="50%", target__cgroup=group.name) as fault:
            wait_until_confirmed(fault)
            for pid in workers(fault):
                os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not group.members(), what="the group is empty")
            group.path.rmdir()
            effect = fault.ask("measure")
            self.assertEqual("mismatch", effect["verdict"], effect)
            self.assertIn("ended, and not by the OOM killer", effect["why"])
            self.assertIn(f"cgroup '{group.name}' is gone", effect["why"])
            self.assertEqual([], fault.ask("revert")["left"])
            self.assertEqual("absent", fault.ask("verify")["reading"])
            group.path.mkdir()
        self.assertIn(f"there is no cgroup '{group.name}x'",
                      plan(share="50%", target__cgroup=group.name + "x")["error"])

    def test_a_worker_that_was_moved_away_is_found_out(self):
        group = MemoryGroup(self, limit=300 * MIB)
        with start(share="50%", target__cgroup=group.name) as fault:
            (group.path.parent / "cgroup.procs").write_text(str(workers(fault)[0]))
            self.assertIn("moved a worker out", fault.ask("measure")["why"])
            self.assertEqual("partial", fault.ask("verify")["reading"])

    def test_the_workers_die_with_us_and_a_record_ends_them(self):
        fault = start(size="64MiB")
        pids = workers(fault)
        records = fault.ask("records")
        fault.process.send_signal(signal.SIGSTOP)
        self.assertEqual([], drive("--revert", input=json.dumps(records))["left"])
        self.assertEqual({"Z"}, {state(pid) for pid in pids}, "their stopped parent will reap them")
        fault.kill()
        fault = start(size="64MiB")
        pids = workers(fault)
        fault.kill()
        wait_until(lambda: all(state(pid) in ("gone", "Z") for pid in pids),
                   what="they died with their maker")

    def test_what_cannot_be_is_refused_with_figures(self):
        total = amount("/proc/meminfo", "MemTotal") // MIB
        cases = [({"size": "15TiB"}, r"cannot be held: \d+MiB are available, of which \d+MiB are"),
                 ({"size": "64MiB", "reserve": "16TiB"}, f"more than the memory there is, {total}MiB"),
                 ({"size": "64MiB", "numa_node": "77"}, "there is no NUMA node '77'"),
                 ({"size": "64MiB", "memory": "page_cache", "directory": "/nowhere"}, "'/nowhere'"),
                 ({"size": "64MiB", "memory": "page_cache", "directory": "/dev/shm"}, "a tmpfs")]
        for settings, sentence in cases:
            with self.subTest(settings=settings):
                self.assertRegex(plan(**settings)["error"], sentence)
        group = MemoryGroup(self, limit=100 * MIB)
        self.assertRegex(plan(size="200MiB", target__cgroup=group.name)["error"],
                         "its limit is 100MiB, of which 0B are in use")
        group.file("memory.max", "memory.limit_in_bytes").write_text("max" if group.v2 else "-1")
        self.assertIn("has no memory limit",
                      plan(share="50%", target__cgroup=group.name)["error"])

    def test_release_takes_a_tenth_of_a_second_per_gib(self):
        # The fastest of some: who else wants the CPUs at that moment is not squall's doing.
        times = []
        for _ in range(5):
            with start(size="384MiB") as fault:
                wait_until_confirmed(fault, 20)
                pids = workers(fault)
                began = time.monotonic()
                self.assertEqual([], fault.ask("revert")["left"])
                times.append(time.monotonic() - began)
                self.assertEqual({"gone"}, {state(pid) for pid in pids})
        self.assertLess(min(times), 0.1 * 384 / 1024 + scaled(0.01), times)


def wait_until_confirmed(fault, limit=5):
    effects = []

    def confirmed():
        effects.append(fault.ask("measure"))
        return effects[-1]["verdict"] == "confirmed"
    try:
        wait_until(confirmed, limit, "confirmed")
    except AssertionError as why:
        raise AssertionError(f"{why}; {effects[-1]}") from None
    return effects[-1]


if __name__ == "__main__":
    run_tests()
