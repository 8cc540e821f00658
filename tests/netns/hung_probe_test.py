# SPDX-License-Identifier: Apache-2.0
#
# A file on a mount whose server takes requests and answers none, so that whoever looks is
# stuck in the kernel and survives SIGKILL: the probe costs its timeout, the run ends and
# leaves nothing, and so does its watchdog after a kill -9.

import ctypes
import os
import signal
import struct
import subprocess
import threading
import unittest

from run_tests import run_tests
from sandbox import Sandbox, need_root
from slow import scaled, wait_until

INIT = 26


def setUpModule():
    need_root()
    if not os.path.exists("/dev/fuse"):
        raise unittest.SkipTest("needs /dev/fuse, for a file system that hangs")


class Hung:
    """Mounted on a folder; every name in it hangs until close()."""

    def __init__(self, folder):
        folder.mkdir()
        self.folder = folder
        self.stuck = threading.Event()
        self.server = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        means = f"fd={self.server},rootmode=40000,user_id=0,group_id=0".encode()
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b"hung", bytes(folder), b"fuse", 0, means) != 0:
            os.close(self.server)
            raise unittest.SkipTest("cannot mount fuse: " + os.strerror(ctypes.get_errno()))
        threading.Thread(target=self.take, daemon=True).start()

    def take(self):
        try:
            while True:
                request = os.read(self.server, 1 << 17)
                _, kind, number = struct.unpack_from("=IIQ", request)
                if kind != INIT:
                    self.stuck.set()
                    continue
                said = struct.pack("=IIIIHHIIHHI28x", 7, 31, 0, 0, 0, 0, 4096, 1, 0, 0, 0)
                os.write(self.server, struct.pack("=IiQ", 16 + len(said), 0, number) + said)
        except OSError:
            pass

    def close(self):
        subprocess.run(["umount", "-f", "-l", self.folder], check=True)
        os.close(self.server)


class HungFile(unittest.TestCase):
    def setUp(self):
        self.box = Sandbox()
        self.addCleanup(self.box.close)
        self.before = self.box.state()
        self.hung = Hung(self.box.folder / "hung")
        self.addCleanup(self.let_go)

    def let_go(self):
        self.hung.close()
        wait_until(lambda: not self.stuck(), 10, "those that were stuck have ended")

    def scenario(self, on_breach):
        probe = (f'[[probe]]\nname = "figures"\nkind = "file"\npath = "{self.hung.folder}/figures"\n'
                 f'every = "200ms"\ntimeout = "100ms"\nwhen = ["during"]\nbreaches = 2\n'
                 f'on_breach = "{on_breach}"\n')
        return self.box.scenario([self.box.pause(duration="60s"), self.box.loss(duration="60s")],
                                 more=probe)

    def stuck(self):
        return [pid for pid, name in self.box.processes().items() if name == "squall-look"]

    def assert_unchanged(self):
        """The one that is stuck apart."""
        changed = [each for each in self.box.left(self.before, 0) if "squall-look" not in each]
        self.assertEqual(changed, [], self.box.said())

    def test_a_run_ends_and_the_next_one_may_begin(self):
        for _ in range(2):
            done = self.box.run("run", self.scenario("abort"), "--yes")
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertIn("no answer within 100ms", done.stdout)
            self.assertTrue(self.hung.stuck.is_set())
            self.assertTrue(self.stuck(), "else this file system does not hang enough")
            self.assert_unchanged()

    def test_the_watchdog_rolls_back_a_run_that_is_killed(self):
        runner = self.box.start("run", self.scenario("record"), "--yes")
        self.box.wait_for_event("fault_active", 2, 20)
        self.assertTrue(self.hung.stuck.wait(scaled(10)))
        runner.send_signal(signal.SIGKILL)
        self.assertEqual(runner.wait(scaled(10)), -signal.SIGKILL)
        wait_until(lambda: self.box.watchdog() is None, 10, "the watchdog has rolled back")
        self.assert_unchanged()


if __name__ == "__main__":
    run_tests()
