# SPDX-License-Identifier: Apache-2.0
#
# However a run is killed, the machine is as before: by the watchdog's hand, by the
# kernel's, or by 'squall recover'. The oracle is a dump of the machine that squall has
# no part in (tests/support/host_state.py).

import os
import random
import shutil
import signal
import time
import unittest

from run_tests import run_tests
from sandbox import Sandbox, kill, need_root
from slow import SLOW, scaled, wait_until

SEED = int(os.environ.get("SQUALL_SEED") or 20260101)
# Random instants for each way to kill; fewer where every one takes seconds.
INSTANTS = int(os.environ.get("SQUALL_INSTANTS") or (12 if SLOW == 1 else 3))
LENGTH = f"{int(scaled(200))}ms"


def setUpModule():
    need_root()


class Killed(unittest.TestCase):
    def setUp(self):
        self.box = Sandbox()
        self.addCleanup(self.box.close)
        self.before = self.box.state()

    def begin(self, length="60s"):
        """A run of overlapping faults, all of them active."""
        faults = self.box.overlapping(length)
        seen = len(self.box.events("fault_active"))
        self.runner = self.box.start("run", self.box.scenario(faults), "--yes")
        self.box.wait_for_event("fault_active", seen + len(faults), 20)
        self.watchdog = self.box.watchdog()
        self.assertIsNotNone(self.watchdog, "there is a watchdog")
        self.assertNotEqual(self.box.changed(self.before), [], "the faults change the machine")

    def assert_clean(self, limit=10.0):
        self.assertEqual(self.box.left(self.before, limit), [], self.box.said())

    def assert_recovered(self):
        """Settles what is owed, twice: the second time there is nothing to do."""
        for _ in range(2):
            recovered = self.box.run("recover")
            self.assertEqual(recovered.returncode, 0, recovered.stdout + recovered.stderr)
            self.assert_clean()
        self.assertEqual(self.box.processes(), {})

    def test_runner(self):
        self.begin()
        self.runner.kill()
        self.runner.wait()
        self.assert_clean()
        wait_until(lambda: not self.box.processes(), what="the watchdog ends after its work")
        self.assert_recovered()

    def test_runner_when_its_state_is_gone(self):
        self.begin()
        shutil.rmtree(self.box.folder / "state")
        self.runner.kill()
        self.runner.wait()
        self.assert_clean()
        self.assert_recovered()

    def test_runner_while_the_watchdog_is_stopped(self):
        self.begin()
        kill(self.watchdog, signal.SIGSTOP)
        self.runner.kill()
        self.runner.wait()
        refused = self.box.run_once("run", self.box.folder / "scenario.toml", "--yes")
        self.assertEqual(refused.returncode, 3, refused.stdout + refused.stderr)
        self.assertIn(f"kill -9 {self.watchdog}", refused.stderr)
        self.assertNotIn("squall abort", refused.stderr)
        self.assert_recovered()

    def test_the_watchdog_goes_first_on_its_cpu(self):
        self.begin()
        self.assertEqual(os.sched_getscheduler(self.watchdog) & ~os.SCHED_RESET_ON_FORK, os.SCHED_RR)
        self.assertEqual(os.sched_getparam(self.watchdog).sched_priority, 60)
        self.runner.send_signal(signal.SIGINT)
        self.assertEqual(self.runner.wait(scaled(20)), 4, self.box.said())

    def test_watchdog(self):
        self.begin()
        kill(self.watchdog)
        self.assertEqual(self.runner.wait(scaled(20)), 4, self.box.said())
        self.assertIn("watchdog", self.box.said())
        self.assert_clean(0)
        self.assert_recovered()

    def test_both(self):
        self.begin()
        kill(self.watchdog)
        kill(self.runner.pid)
        self.runner.wait()
        aborted = self.box.run_once("abort")
        self.assertEqual(aborted.returncode, 5, aborted.stdout + aborted.stderr)
        self.assertIn("squall recover", aborted.stderr)
        self.assertIn(self.box.runs()[-1].name, aborted.stderr)
        self.assert_recovered()
        self.assertEqual(self.box.run_once("abort").returncode, 0)

    def test_both_the_other_way_round(self):
        self.begin()
        kill(self.runner.pid)
        kill(self.watchdog)
        self.runner.wait()
        self.assert_recovered()

    def test_every_process(self):
        self.begin()
        self.box.kill_all()
        self.runner.wait()
        self.assert_recovered()

    def test_every_process_and_the_journals(self):
        """Without any journal the marks are left to go by; a pause leaves none."""
        faults = [self.box.loss(), self.box.loss(direction="in"), self.box.loss(self.box.far, attach="clsact"),
                  self.box.load()]
        self.runner = self.box.start("run", self.box.scenario(faults), "--yes")
        self.box.wait_for_event("fault_active", len(faults), 20)
        self.box.kill_all()
        self.runner.wait()
        shutil.rmtree(self.box.folder / "state")
        self.assert_recovered()

    def test_recover_refuses_while_the_run_is_alive(self):
        self.begin()
        refused = self.box.run("recover")
        self.assertEqual(refused.returncode, 3, refused.stdout + refused.stderr)
        self.assertNotEqual(self.box.changed(self.before), [], "the run goes on")
        self.runner.send_signal(signal.SIGINT)
        self.assertEqual(self.runner.wait(scaled(20)), 4, self.box.said())
        self.assert_clean(0)

    def test_stopped_runner_loses_its_lease(self):
        self.begin()
        self.runner.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        self.assert_clean(2 + 10)
        print(f"lease: clean {time.monotonic() - began:.2f} s after SIGSTOP")
        # It must not go on when somebody continues it: the watchdog has killed it.
        self.assertEqual(self.runner.wait(scaled(10)), -signal.SIGKILL)
        self.assert_recovered()

    def test_stopped_watchdog_does_not_hold_up_the_end(self):
        self.begin()
        kill(self.watchdog, signal.SIGSTOP)
        self.runner.send_signal(signal.SIGINT)
        self.assertEqual(self.runner.wait(scaled(20)), 4, self.box.said())
        self.assert_clean(0)
        self.assert_recovered()

    def test_another_lock_directory_leaves_the_run_alone(self):
        """The state is shared, the lock is not: neither a recovery nor a run touches what lives."""
        self.begin()
        active = self.box.changed(self.before)
        own = self.box.environment
        self.box.environment = {**own, "SQUALL_RUN_DIR": str(self.box.folder / "another")}
        for words in (["recover"], ["run", self.box.folder / "scenario.toml", "--yes"]):
            refused = self.box.run_once(*words)
            self.assertEqual(refused.returncode, 3, refused.stdout + refused.stderr)
            self.assertIn("is active, with another SQUALL_RUN_DIR", refused.stderr)
            self.assertNotIn("nothing of squall", refused.stdout)
            self.assertEqual(self.box.changed(self.before), active)
        self.runner.kill()
        kill(self.watchdog)
        self.runner.wait()
        self.assert_recovered()
        self.box.environment = own

    def test_signals_of_the_operator(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            with self.subTest(signal=number.name):
                self.begin()
                self.runner.send_signal(number)
                self.assertEqual(self.runner.wait(scaled(20)), 4, self.box.said())
                self.assert_clean(0)
                self.assert_recovered()


class KilledAtRandom(unittest.TestCase):
    """Seeded instants over the whole life of a run, most while it injects or rolls back."""

    def setUp(self):
        self.box = Sandbox()
        self.addCleanup(self.box.close)
        self.before = self.box.state()
        self.random = random.Random(f"{SEED} {self.id()}")
        self.windows = self.measure_a_run()

    def measure_a_run(self):
        """When an undisturbed run injects, holds and rolls back, in seconds after its start."""
        began = time.monotonic()
        runner = self.box.start("run", self.scenario(), "--yes")
        self.assertEqual(runner.wait(scaled(30)), 0, self.box.said())
        ended = time.monotonic() - began
        self.assertEqual(self.box.left(self.before, 0), [], self.box.said())
        at = {event["event"]: event["monotonic_ns"] / 1e9 - began for event in self.box.events()}
        first = min(event["monotonic_ns"] for event in self.box.events("fault_active")) / 1e9 - began
        gone = [event["monotonic_ns"] / 1e9 - began for event in self.box.events("fault_ended")]
        return [(0, first), (first * 0.7, at["fault_active"]), (at["fault_active"], min(gone)),
                (min(gone), at["rolled_back"]), (min(gone), ended)]

    def scenario(self):
        return self.box.scenario(self.box.overlapping(LENGTH))

    def kill_at_random(self, choose):
        for number in range(INSTANTS):
            low, high = self.windows[number % len(self.windows)]
            instant = self.random.uniform(low, high)
            with self.subTest(number=number, instant=round(instant, 5)):
                began = time.monotonic()
                runner = self.box.start("run", self.scenario(), "--yes")
                time.sleep(max(0, began + instant - time.monotonic()))
                for pid in choose(runner.pid):
                    kill(pid)
                runner.wait(scaled(20))
                self.settle()

    def settle(self):
        # A watchdog that still lives works on, and holds the lock until it is done.
        wait_until(lambda: not self.box.processes(), 20, "every process of the run has ended")
        recovered = self.box.run("recover")
        self.assertEqual(recovered.returncode, 0, recovered.stdout + recovered.stderr)
        self.assertEqual(self.box.left(self.before, 2), [], recovered.stdout + self.box.said())

    def test_runner(self):
        self.kill_at_random(lambda runner: [runner])

    def test_watchdog(self):
        self.kill_at_random(lambda _: [pid for pid in [self.box.watchdog()] if pid])

    def test_every_process(self):
        self.kill_at_random(lambda runner: [runner, *self.box.processes()])

    def test_every_process_watchdog_first(self):
        self.kill_at_random(lambda runner: [*reversed(self.box.processes()), runner])


if __name__ == "__main__":
    run_tests()
