# SPDX-License-Identifier: Apache-2.0
#
# process_pause on real processes of this test, as /proc and their own output show it.

import json
import os
import select
import signal
import subprocess
import unittest

from driven_fault import Driven, drive
from namespaces import ip
from run_tests import run_tests
from sandbox import need_root
from slow import scaled, wait_until
from victims import OwnCgroup, Victims, start_time, state, unified_root

GOING = "SR"  # one that was continued runs for a moment before it sleeps again


class ProcessPause(unittest.TestCase):
    def setUp(self):
        need_root()
        self.victims = Victims()
        self.addCleanup(self.victims.close)

    def test_a_paused_family_says_nothing_and_then_goes_on(self):
        talker = subprocess.Popen(["sh", "-c", f"while :; do {self.victims.program} 0.01; echo x; done"],
                                  stdout=subprocess.PIPE, start_new_session=True)
        self.addCleanup(talker.stdout.close)
        self.addCleanup(talker.wait)
        self.addCleanup(os.killpg, talker.pid, signal.SIGKILL)
        os.read(talker.stdout.fileno(), 2)
        with Driven("process_pause", target__pid=talker.pid, children="true"):
            while select.select([talker.stdout], [], [], 0)[0]:
                os.read(talker.stdout.fileno(), 1 << 16)
            self.assertFalse(select.select([talker.stdout], [], [], scaled(0.3))[0], "it still talks")
        self.assertTrue(select.select([talker.stdout], [], [], scaled(5))[0], "it does not go on")

    def test_by_name_what_was_stopped_before_is_left_as_it_is(self):
        three = [self.victims.start().pid for _ in range(3)]
        os.kill(three[1], signal.SIGSTOP)
        wait_until(lambda: state(three[1]) == "T", what="it is stopped")
        plan = drive("--plan", "process_pause", f"target.name={self.victims.name}")
        self.assertEqual(len(plan["intents"]), 2)
        self.assertIn("stopped already", plan["notes"][0])
        with Driven("process_pause", target__name=self.victims.name) as fault:
            self.assertEqual([state(pid) for pid in three], ["T", "T", "T"])
            self.assertEqual(fault.ask("verify")["reading"], "present")
            self.assertEqual(fault.ask("measure")["verdict"], "confirmed")
            fault.ask("revert")
            self.assertEqual(fault.ask("verify")["reading"], "absent")
        self.assertEqual([state(pid) in GOING for pid in three], [True, False, True])

    def test_after_a_kill_the_records_alone_continue_it(self):
        victim = self.victims.start().pid
        fault = Driven("process_pause", target__pid=victim)
        records = fault.ask("records")
        fault.kill()
        self.assertEqual(state(victim), "T")
        for _ in range(2):
            self.assertEqual(drive("--revert", input=json.dumps(records))["left"], [])
            self.assertIn(state(victim), GOING)

    def test_another_process_with_the_pid_is_left_alone(self):
        victim = self.victims.start().pid
        os.kill(victim, signal.SIGSTOP)
        wait_until(lambda: state(victim) == "T", what="it is stopped")
        earlier = {"pid": str(victim), "start": str(int(start_time(victim)) - 1)}
        records = [{"fault": "process_pause", "values": earlier}]
        self.assertEqual(drive("--revert", input=json.dumps(records))["left"], [])
        self.assertEqual(state(victim), "T")

    def test_one_that_ends_meanwhile_is_no_error(self):
        first, second = self.victims.start(), self.victims.start()
        with Driven("process_pause", target__name=self.victims.name) as fault:
            first.kill()
            first.wait()
            self.assertEqual(fault.ask("measure")["verdict"], "confirmed")
            self.assertEqual(fault.ask("revert")["left"], [])
        self.assertIn(state(second.pid), GOING)

    def test_somebody_elses_continue_is_seen(self):
        first, second = self.victims.start().pid, self.victims.start().pid
        with Driven("process_pause", target__name=self.victims.name) as fault:
            os.kill(first, signal.SIGCONT)
            wait_until(lambda: state(first) in GOING, what="it goes on")
            self.assertEqual(fault.ask("verify")["reading"], "partial")
            effect = fault.ask("measure")
            self.assertEqual(effect["verdict"], "mismatch")
            self.assertIn("somebody else", effect["why"])
        self.assertIn(state(second), GOING)

    def expect_paused(self, victim, **target):
        with Driven("process_pause", **target) as fault:
            self.assertEqual(state(victim), "T", target)
            self.assertEqual(len(fault.ask("records")), 1, target)
        self.assertIn(state(victim), GOING, target)

    def test_by_command_line_and_namespace(self):
        inside, outside = f"pp{os.getpid()}", self.victims.start(length="2001").pid
        ip("netns", "add", inside)
        self.addCleanup(ip, "netns", "del", inside)
        victim = self.victims.start(before=["ip", "netns", "exec", inside], length="2002").pid
        self.expect_paused(victim, target__command=f"{self.victims.name} 2002")
        self.expect_paused(outside, target__command=f"~{self.victims.name} [0-9]*1$")
        self.expect_paused(victim, target__name=self.victims.name, target__namespace=inside)
        self.expect_paused(victim, target__name=self.victims.name, target__namespace=str(victim))

    def test_by_cgroup_and_unit(self):
        root = unified_root()
        if not root:
            self.skipTest("no cgroup2 is mounted")
        group = OwnCgroup(root, f"own{os.getpid()}.service")
        victim, other = self.victims.start(), self.victims.start().pid
        group.add(victim.pid)
        self.expect_paused(victim.pid, target__cgroup=f"/{group.name}")
        self.expect_paused(victim.pid, target__cgroup=str(group.path))
        self.expect_paused(victim.pid, target__unit=group.name.removesuffix(".service"))
        self.assertIn(state(other), GOING)
        victim.kill()
        victim.wait()
        group.close()

    def refusal(self, *settings):
        answer = drive("--plan", "process_pause", *settings)
        self.assertIn("error", answer)
        return answer["error"]

    def test_refusals_name_what_is_wrong(self):
        self.victims.start()
        self.victims.start()
        name = self.victims.name
        self.assertIn(f"did you mean '{name}'", self.refusal(f"target.name={name[:-1]}x"))
        self.assertIn("2 processes match", self.refusal(f"target.name={name}", "target.at_most=1"))
        self.assertIn("is init", self.refusal("target.pid=1"))
        self.assertIn("spared", self.refusal(f"target.pid={os.getpid()}"))
        self.assertIn("no network namespace 'nowhere'",
                      self.refusal(f"target.name={name}", "target.namespace=nowhere"))
        # Told before anything is planned.
        with self.assertRaises(subprocess.CalledProcessError) as wrong:
            drive("--plan", "process_pause", "target.command=~[", stderr=subprocess.PIPE)
        self.assertEqual(wrong.exception.returncode, 2)
        self.assertIn("not a regular expression", wrong.exception.stderr)


if __name__ == "__main__":
    run_tests()
