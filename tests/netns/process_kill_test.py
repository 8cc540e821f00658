# SPDX-License-Identifier: Apache-2.0
#
# process_kill on real processes of this test: what ends, and what is started again.
#
# On kernel 6.1 only: signals and control groups of later ones are no different.

import json
import os
import subprocess
import time
import unittest
from pathlib import Path

from driven_fault import Driven, drive
from namespaces import ip
from run_tests import run_tests
from sandbox import need_root
from slow import scaled, wait_until
from victims import (OwnCgroup, Victims, field, pids_of, state, systemd_root,
                     unified_root)


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
        # Until its program has been read from the disk it is in state D.
        wait_until(lambda: state(again) in ("S", "R"), what="it runs")
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

    def revert(self, records):
        return drive("--revert", input=json.dumps(records))["left"]

    def killed(self, **target):
        """What an inject whose process was killed left owed; the victims have ended."""
        fault = Driven("process_kill", restart=f"{self.victims.program},1001", **target)
        records = fault.ask("records")
        fault.kill()
        for each in self.victims.started:
            each.wait(scaled(5))
        return records

    def test_one_of_two_alike_is_started_again_once(self):
        first, second = (self.victims.start() for _ in range(2))
        fault = Driven("process_kill", target__pid=first.pid,
                       restart=f"{self.victims.program},1000")
        records = fault.ask("records")
        fault.kill()
        first.wait(scaled(5))
        for _ in range(2):
            self.assertEqual(self.revert(records), [])
            self.assertEqual(len(pids_of(self.victims.name)), 2)
        self.assertIsNone(second.poll())

    def test_its_mark_tells_that_it_was_started_and_is_no_stray(self):
        other = Victims()
        self.addCleanup(other.close)
        victim = self.victims.start()
        fault = Driven("process_kill", target__name=self.victims.name,
                       restart=f"{other.program},1001", mark="c0ffee", slot=5)
        records = fault.ask("records")
        fault.kill()
        victim.wait(scaled(5))
        for _ in range(2):
            self.assertEqual(self.revert(records), [])
            again, = pids_of(other.name)
        mark = next(each for each in Path(f"/proc/{again}/environ").read_text().split("\0")
                    if each.startswith("SQUALL_RESTARTED="))
        self.assertRegex(mark, f"=c0ffee/5/{victim.pid}@[0-9]+$")
        for kind in ("process_kill", "cpu_pressure"):
            self.assertNotIn(str(again), json.dumps(drive("--strays", kind)))

    def test_the_namespace_of_the_killed_process_is_kept_for_the_new_one(self):
        victim = self.victims.start(before=["unshare", "--net"])
        inode = os.stat(f"/proc/{victim.pid}/ns/net").st_ino
        self.assertNotEqual(inode, os.stat("/proc/self/ns/net").st_ino)
        with Driven("process_kill", target__name=self.victims.name, target__namespace=victim.pid,
                    restart=f"{self.victims.program},1001") as fault:
            victim.wait(scaled(5))
            for _ in range(2):
                self.assertEqual(fault.ask("revert")["left"], [])
                self.assertEqual(os.stat(f"/proc/{self.expect_one_again()}/ns/net").st_ino, inode)
        self.assertEqual(len(pids_of(self.victims.name)), 1)

    def test_a_namespace_that_has_another_name_now_is_found(self):
        old, new = f"pk{os.getpid()}old", f"pk{os.getpid()}new"
        ip("netns", "add", old)
        self.addCleanup(ip, "netns", "del", new)
        self.victims.start(before=["ip", "netns", "exec", old])
        inode = os.stat(f"/run/netns/{old}").st_ino
        records = self.killed(target__name=self.victims.name, target__namespace=old)
        Path(f"/run/netns/{new}").touch()
        subprocess.run(["mount", "--bind", f"/run/netns/{old}", f"/run/netns/{new}"], check=True)
        ip("netns", "del", old)
        ip("netns", "add", old)  # a stranger of the old name
        self.addCleanup(ip, "netns", "del", old)
        self.assertEqual(self.revert(records), [])
        self.assertEqual(os.stat(f"/proc/{self.expect_one_again()}/ns/net").st_ino, inode)

    def test_without_its_namespace_it_is_not_started_until_that_is_repaired_by_hand(self):
        victim = self.victims.start(before=["unshare", "--net"])
        records = self.killed(target__name=self.victims.name, target__namespace=victim.pid)
        left, = self.revert(records)
        self.assertIn(f"the network namespace of process {victim.pid} it ran in is gone", left)
        self.assertEqual(pids_of(self.victims.name), [])
        mark = next(each["values"]["mark"] for each in records if "mark" in each["values"])
        by_hand = subprocess.Popen([self.victims.program, "1002"],
                                   env={**os.environ, **dict([mark.split("=", 1)])})
        self.victims.started.append(by_hand)
        wait_until(lambda: pids_of(self.victims.name), what="it runs")
        self.assertEqual(self.revert(records), [])
        self.assertEqual(pids_of(self.victims.name), [by_hand.pid])

    def test_it_comes_back_into_its_control_groups(self):
        roots = [each for each in (unified_root(), systemd_root()) if each]
        if not roots:
            self.skipTest("neither cgroup2 nor systemd's hierarchy is mounted")
        groups = [OwnCgroup(each) for each in roots]
        victim = self.victims.start()
        for each in groups:
            each.add(victim.pid)
        records = self.killed(target__name=self.victims.name)
        self.assertEqual(self.revert(records), [])
        again = self.expect_one_again()
        for each in groups:
            self.assertEqual((each.path / "cgroup.procs").read_text().split(), [str(again)])
        os.kill(again, 9)
        for each in groups:
            each.close()
        self.assertEqual(self.revert(records), [])
        self.expect_one_again()

    def test_what_systemd_runs_is_started_by_systemd(self):
        root = unified_root() or systemd_root()
        if not root:
            self.skipTest("neither cgroup2 nor systemd's hierarchy is mounted")
        group = OwnCgroup(root, f"own{os.getpid()}.service")
        self.addCleanup(group.close)
        victim = self.victims.start()
        group.add(victim.pid)
        at = next(line.split(":", 2)[2] for line
                  in Path(f"/proc/{victim.pid}/cgroup").read_text().splitlines()
                  if line.endswith(".service"))
        asked = self.victims.folder / "asked"
        systemctl = self.victims.folder / "systemctl"
        systemctl.write_text(f"#!/bin/sh\necho \"$@\" >>{asked}\n"
                             f"echo MainPID={victim.pid}\necho ControlGroup={at}\n")
        systemctl.chmod(0o755)
        path = os.environ["PATH"]
        self.addCleanup(os.environ.update, PATH=path)
        os.environ["PATH"] = f"{self.victims.folder}:{path}"
        plan = drive("--plan", "process_kill", f"target.name={self.victims.name}", "restart=true")
        self.assertIn(f"unit '{group.name}'", plan["notes"][0])
        with Driven("process_kill", target__name=self.victims.name,
                    restart=f"{self.victims.program},1001") as fault:
            victim.wait(scaled(5))
            self.assertEqual(fault.ask("revert")["left"], [])
        self.assertEqual(pids_of(self.victims.name), [])
        self.assertEqual(asked.read_text().splitlines()[-1], f"--no-block start {group.name}")

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
        stubborn = subprocess.Popen(["sh", "-c", "trap '' TERM; echo; exec sleep 1000"],
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
