# SPDX-License-Identifier: Apache-2.0
#
# SIGKILL at every system call of a short run, of runner and watchdog together, and of
# the recovery itself; then recover, then compare. Enumerated by call name and occurrence
# with strace. By default a sample spread evenly over all points; SQUALL_SWEEP=all takes
# every one, SQUALL_SWEEP=N about N per sweep. It says how many points, and how long.

import collections
import os
import re
import shutil
import subprocess
import time
import unittest

from run_tests import run_tests
from sandbox import Sandbox, need_root
from slow import SLOW, scaled, wait_until

SWEEP = os.environ.get("SQUALL_SWEEP") or "30"
# Ends the process or cannot be counted: killing at it is killing after the call before.
NOT_A_POINT = {"exit", "exit_group", "execve", "restart_syscall", "rt_sigreturn"}
# Calls that change nothing outside the process. Dying at the second of two such in a row
# leaves the same machine and the same files as dying at the first: one point for both.
LOOKS = {"read", "pread64", "close", "fstat", "newfstatat", "statx", "lseek", "getdents64", "mmap",
         "munmap", "brk", "mprotect", "readlink", "readlinkat", "access", "getpid", "getuid",
         "geteuid", "gettid", "uname", "fcntl", "ioctl", "rt_sigaction", "rt_sigprocmask",
         "getrandom", "clock_gettime", "getsockname", "getsockopt", "socket", "recvmsg"}


def setUpModule():
    need_root()
    if not shutil.which("strace"):
        raise unittest.SkipTest("strace is not installed")
    if SLOW > 1:
        raise unittest.SkipTest("strace on an emulated processor: each run outlasts its lease")


def points_of(trace, mark):
    """[(name, occurrence)] over all processes, from the first call that names `mark` on."""
    counts = collections.defaultdict(collections.Counter)
    points = {}
    begun = looked = False
    for line in trace.splitlines():
        call = re.match(r"(?:(\d+) +)?(\w+)\(", line)
        if not call:
            continue
        process, name = call.groups()
        counts[process][name] += 1
        begun = begun or mark in line
        looks = name in LOOKS or (name == "openat" and "O_RDONLY" in line)
        if begun and name not in NOT_A_POINT and not (looks and looked):
            points[name, counts[process][name]] = None
        looked = looks
    return list(points)


def sample(points):
    if SWEEP == "all":
        return points
    step = max(1, len(points) // int(SWEEP))
    return points[::step]


class KillEverywhere(unittest.TestCase):
    def setUp(self):
        self.box = Sandbox(victims=1)
        self.addCleanup(self.box.close)
        self.before = self.box.state()
        self.trace = self.box.folder / "trace"

    def strace(self, options, command):
        return subprocess.run(["strace", *options, "-o", self.trace, *command],
                              env=self.box.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=scaled(60))

    def sweep(self, command, follow, prepare=lambda: None, expected=(0,)):
        """`follow` is what makes strace trace, and so kill, the children as well."""
        prepare()
        done = self.strace(["-f"] if follow else [], command)
        self.assertIn(done.returncode, expected, done.stdout + done.stderr)
        self.assert_settled()
        points = points_of(self.trace.read_text(errors="replace"), str(self.box.folder))
        self.assertGreater(len(points), 20, "the trace shows the run's system calls")
        chosen = sample(points)
        began = time.monotonic()
        killed = 0
        for name, occurrence in chosen:
            with self.subTest(call=name, occurrence=occurrence):
                prepare()
                inject = f"inject={name}:signal=KILL:when={occurrence}"
                done = self.strace([*(["-f"] if follow else []), "-e", inject], command)
                killed += done.returncode in (-9, 137)
                self.assert_settled()
        print(f"{self.id()}: {len(chosen)} of {len(points)} points, {killed} of the runs killed, "
              f"{time.monotonic() - began:.0f} s")
        self.assertGreater(killed, len(chosen) // 2, "the kills happen")

    def assert_settled(self):
        wait_until(lambda: not self.box.processes(), 20, "the watchdog has done its work")
        recovered = self.box.run("recover")
        self.assertEqual(recovered.returncode, 0, recovered.stdout + recovered.stderr)
        self.assertEqual(self.box.left(self.before, 1), [], recovered.stdout + recovered.stderr)

    def loss(self):
        return self.box.command("inject", "packet_loss", "--interface", "eth0", "--namespace",
                                self.box.near, "--loss", "50%", "--attach", "clsact", "--for", "0s",
                                "--yes")

    def pause(self):
        return self.box.command("inject", "process_pause", "--pid", self.box.victims[0].pid,
                                "--for", "0s", "--yes")

    def test_runner_with_packet_loss(self):
        self.sweep(self.loss(), follow=False)

    def test_runner_with_process_pause(self):
        self.sweep(self.pause(), follow=False)

    def test_runner_and_watchdog_with_packet_loss(self):
        self.sweep(self.loss(), follow=True)

    def test_runner_and_watchdog_with_process_pause(self):
        self.sweep(self.pause(), follow=True)

    def test_recovery(self):
        self.sweep(self.box.command("recover"), follow=True, prepare=self.leave_a_dead_run)

    def leave_a_dead_run(self):
        faults = [self.box.loss(attach="clsact"), self.box.pause(), self.box.load()]
        seen = len(self.box.events("fault_active"))
        runner = self.box.start("run", self.box.scenario(faults), "--yes")
        self.box.wait_for_event("fault_active", seen + len(faults), 20)
        self.box.kill_all()
        runner.wait()


if __name__ == "__main__":
    run_tests()
