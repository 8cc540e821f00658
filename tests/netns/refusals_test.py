# SPDX-License-Identifier: Apache-2.0
#
# What is refused before any change, what goes wrong while a run is on its way, and the
# one case in which the host is not clean: each ends with the right exit code, says what
# to do, and leaves what the contract promises.
#
# On kernel 6.1 only: it is squall that refuses.

import json
import signal
import subprocess
import unittest
import zlib

from namespaces import ip
from run_tests import run_tests
from sandbox import Sandbox, fault, need_root
from slow import scaled, wait_until


def setUpModule():
    need_root()


class Boxed(unittest.TestCase):
    def setUp(self):
        self.box = Sandbox()
        self.addCleanup(self.box.close)
        self.before = self.box.state()

    def begin(self, faults):
        runner = self.box.start("run", self.box.scenario(faults), "--yes")
        self.box.wait_for_event("fault_active", len(faults), 20)
        return runner

    def assert_unchanged(self, limit=0.0):
        self.assertEqual(self.box.left(self.before, limit), [], self.box.said())

    def assert_refused(self, done, *words):
        text = done.stdout + done.stderr
        self.assertEqual(done.returncode, 3, text)
        for word in words:
            self.assertIn(word, text)
        self.assert_unchanged()

    def one_run(self, length="50ms"):
        return self.box.run("run", self.box.scenario(self.box.overlapping(length)), "--yes")

    def small_state_dir(self):
        """The state folder on a file system of 2 MB of its own; its path."""
        folder = self.box.folder / "state"
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", self.box.name, folder], check=True)
        self.addCleanup(subprocess.run, ["umount", folder], check=True)
        return folder


class RefusedBeforeAnyChange(Boxed):
    def test_invalid_scenario(self):
        file = self.box.scenario([self.box.loss(duration="50ms")])
        file.write_text(file.read_text().replace("max_duration", "max_duratoin"))
        done = self.box.run("run", file, "--yes")
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertIn(str(file), done.stderr)
        self.assertEqual(self.box.runs(), [])

    def test_second_run_names_the_holder(self):
        first = self.begin([self.box.loss()])
        second = self.box.run("run", self.box.scenario([self.box.pause()]), "--yes")
        text = second.stdout + second.stderr
        self.assertEqual(second.returncode, 3, text)
        self.assertIn(str(first.pid), text)
        self.assertIn(self.box.runs()[0].name, text)
        self.assertIsNone(first.poll(), "the first run goes on")
        first.send_signal(signal.SIGINT)
        self.assertEqual(first.wait(scaled(20)), 4, self.box.said())
        self.assert_unchanged()

    def test_full_disk(self):
        folder = self.small_state_dir()
        fill(folder / "ballast")
        self.assert_refused(self.one_run(), str(folder))
        (folder / "ballast").unlink()
        self.assertEqual(self.one_run().returncode, 0)
        self.assert_unchanged()

    def test_state_dir_is_a_file(self):
        (self.box.folder / "state").write_text("")
        self.assert_refused(self.one_run(), "SQUALL_STATE_DIR", str(self.box.folder / "state"))

    def test_state_dir_is_read_only(self):
        folder = self.small_state_dir()
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        self.assert_refused(self.one_run(), "SQUALL_STATE_DIR", str(folder))

    def test_run_dir_is_a_file(self):
        (self.box.folder / "run").write_text("")
        self.assert_refused(self.one_run(), str(self.box.folder / "run"))

    def test_missing_interface(self):
        file = self.box.scenario([self.box.loss().replace('"eth0"', '"eth9"')])
        self.assert_refused(self.box.run("run", file, "--yes"), "eth9", "eth0")

    def test_vanished_target(self):
        self.box.victims[0].kill()
        self.box.victims[0].wait()
        self.before = self.box.state()
        done = self.box.run("run", self.box.scenario([self.box.pause(0)]), "--yes")
        self.assert_refused(done, str(self.box.victims[0].pid))

    def test_one_bad_fault_among_good_ones(self):
        faults = self.box.overlapping("50ms")
        faults[3] = faults[3].replace(f'"pid": {self.box.victims[0].pid}', '"pid": 1') \
                             .replace(f"pid = {self.box.victims[0].pid}", "pid = 1")
        self.assert_refused(self.box.run("run", self.box.scenario(faults), "--yes"))

    def test_steady_state_not_met(self):
        probe = '[[probe]]\nname = "nobody answers"\nkind = "tcp"\naddress = "127.0.0.1:1"\n'
        file = self.box.scenario([self.box.loss(duration="50ms")], more=probe)
        self.assert_refused(self.box.run("run", file, "--yes"), "nobody answers")


class DuringTheRun(Boxed):
    def test_disk_fills_up(self):
        folder = self.small_state_dir()
        runner = self.begin(self.box.overlapping("60s"))
        fill(folder / "ballast")
        runner.send_signal(signal.SIGTERM)
        self.assertEqual(runner.wait(scaled(20)), 4, self.box.said())
        self.assert_unchanged()
        recovered = self.box.run("recover")
        self.assertEqual(recovered.returncode, 0, recovered.stdout + recovered.stderr)
        self.assert_unchanged()

    def test_disk_fills_up_and_all_are_killed(self):
        folder = self.small_state_dir()
        runner = self.begin(self.box.overlapping("60s"))
        fill(folder / "ballast")
        self.box.kill_all()
        runner.wait()
        recovered = self.box.run("recover")
        self.assertEqual(recovered.returncode, 0, recovered.stdout + recovered.stderr)
        self.assert_unchanged()

    def test_interface_is_deleted(self):
        faults = self.box.overlapping("2s")
        runner = self.begin(faults)
        ip("-n", self.box.near, "link", "del", "eth0")
        # What went with the interface needs no undoing: that is clean, not an error.
        self.assertIn(runner.wait(scaled(20)), (0, 1, 4), self.box.said())
        self.assert_only_network_differs()

    def test_namespace_is_deleted(self):
        runner = self.begin(self.box.overlapping("2s"))
        ip("netns", "del", self.box.near)
        self.assertIn(runner.wait(scaled(20)), (0, 1, 4), self.box.said())
        self.assert_only_network_differs()

    def test_interface_is_replaced_by_one_of_the_same_name(self):
        runner = self.begin([self.box.loss(duration="2s")])
        ip("-n", self.box.near, "link", "del", "eth0")
        ip("-n", self.box.near, "link", "add", "eth0", "type", "veth", "peer", "name", "other")
        subprocess.run(["tc", "-n", self.box.near, "qdisc", "add", "dev", "eth0", "clsact"], check=True)
        replaced = self.box.state()
        self.assertIn(runner.wait(scaled(20)), (0, 1, 4), self.box.said())
        self.box.run("recover")
        self.assertEqual([line for line in self.box.left(replaced, 2) if "qdisc" in line], [])

    def test_target_exits(self):
        runner = self.begin(self.box.overlapping("1s"))
        self.box.victims[0].kill()
        self.box.victims[0].wait()
        self.assertIn(runner.wait(scaled(20)), (0, 1, 4), self.box.said())
        gone = f"pid {self.box.victims[0].pid}: "
        self.assertEqual([line for line in self.box.left(self.before, 0) if gone not in line], [])

    def assert_only_network_differs(self):
        ours = [line for line in self.box.left(self.before, 1)
                if not line.startswith(("+ net ", "- net ", "- namespace "))]
        self.assertEqual(ours, [], self.box.said())
        left = [line for line in self.box.left(self.before, 0)
                if line.startswith("+") and ("squall" in line or "7f17" in line or "sq" in line)]
        self.assertEqual(left, [])
        recovered = self.box.run("recover")
        self.assertEqual(recovered.returncode, 0, recovered.stdout + recovered.stderr)


class NotClean(Boxed):
    """A rollback made impossible: a record of a fault that this program does not know."""

    def test_recover_says_how_to_repair_by_hand(self):
        runner = self.begin([self.box.pause()])
        self.box.kill_all()
        runner.wait()
        by_hand = "rm -f /nowhere/squall-volcano"
        append_owed(next(self.box.runs()[0].glob("journal*")), "volcano", by_hand)
        done = self.box.run("recover")
        self.assertEqual(done.returncode, 5, done.stdout + done.stderr)
        self.assertIn(by_hand, done.stderr)
        self.assertIn("volcano", done.stderr)
        # One that cannot be undone never keeps the others from being undone.
        self.assert_unchanged(2)
        self.assert_refused(self.one_run(), "recover")
        self.assertEqual(self.box.run("recover").returncode, 5)


    def test_an_undo_that_hangs_is_ended_and_the_others_are_done(self):
        tools = self.box.folder / "tools"
        tools.mkdir()
        (tools / "systemctl").write_text("#!/bin/sh\nexec sleep 3600\n")
        (tools / "systemctl").chmod(0o755)
        self.box.environment["PATH"] = f"{tools}:{self.box.environment['PATH']}"
        killed = subprocess.Popen(["sleep", "36001"])
        self.addCleanup(killed.kill)
        runner = self.begin([
            self.box.loss(), fault("process_kill", target={"pid": killed.pid}, restart_unit="no-such-unit")])
        killed.wait()
        runner.send_signal(signal.SIGTERM)
        # Each try takes a second: its lease is renewed meanwhile, or the watchdog would end it.
        self.assertEqual(runner.wait(scaled(30)), 5, self.box.said())
        self.assertIn("systemctl start no-such-unit", self.box.said())
        self.assert_unchanged(2)
        (tools / "systemctl").write_text("#!/bin/sh\nexit 0\n")
        recovered = self.box.run("recover")
        self.assertEqual(recovered.returncode, 0, recovered.stdout + recovered.stderr)


def fill(ballast):
    """Until not one byte more goes in."""
    with open(ballast, "wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                pass


def append_owed(journal, fault, by_hand):
    """As a version of squall that knows this fault would have written it."""
    text = journal.read_bytes().rstrip(b"\0")
    last = json.loads(text.splitlines()[-1])
    line = {"seq": last["seq"] + 1, "kind": "owe", "fault": fault, "sentence": "erupt",
            "undo": "cool down", "by_hand": by_hand, "survives_reboot": False, "values": {}}
    body = json.dumps(line, separators=(",", ":"))[:-1]
    seal = f',"sum":"{zlib.crc32(body.encode()):08x}"}}\n'
    with open(journal, "r+b") as file:
        file.seek(len(text))
        file.write((body + seal).encode())


if __name__ == "__main__":
    run_tests()
