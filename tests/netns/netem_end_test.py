# SPDX-License-Identifier: Apache-2.0
"""How a netem fault ends under traffic: numbered datagrams, sent all the time, tell what was lost
and what was overtaken."""

import os
import re
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

from driven_fault import drain
from kernel_has import has_tcx, need_netem
from namespaces import inside, ip, keep_order
from run_tests import run_tests
from sandbox import Sandbox, fault, need_root
from slow import SLOW, scaled, wait_until

PORT = 9001


class Stream:
    """Datagrams from one namespace to another, some hundred a second, from each CPU in turn, until
    stop()."""

    def __init__(self, near, far, address, pause=0.002):
        with inside(far):
            self.receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with inside(near):
            self.sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.receiver.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)  # SO_RCVBUFFORCE
        self.receiver.bind((address, PORT))
        self.address, self.pause = address, pause
        self.sent, self.times, self.arrived, self.going = 0, [], [], True
        self.thread = threading.Thread(target=self.send)
        self.thread.start()

    def send(self):
        cpus = sorted(os.sched_getaffinity(0))
        while self.going:
            os.sched_setaffinity(0, {cpus[self.sent % len(cpus)]})
            self.times.append(time.monotonic_ns())
            self.sent += 1
            self.sender.sendto(struct.pack("!I", self.sent), (self.address, PORT))
            self.arrived += drain(self.receiver, 0)
            time.sleep(self.pause)

    def stop(self):
        """Numbers in the order of their arrival."""
        self.going = False
        self.thread.join()
        self.arrived += drain(self.receiver, scaled(0.5), self.sent - len(self.arrived))
        self.sender.close()
        self.receiver.close()
        return self.arrived


def inversions(numbers):
    highest, count = 0, 0
    for each in numbers:
        count += each < highest
        highest = max(highest, each)
    return count


class End(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need_root()
        need_netem()

    def setUp(self):
        self.box = Sandbox(victims=0)
        self.addCleanup(self.box.close)
        # Without tcx a clsact qdisc is made, which costs packets; the plan says so. Not here.
        if not has_tcx(self.box.near):
            subprocess.run(["tc", "-n", self.box.near, "qdisc", "add", "dev", "eth0", "clsact"],
                           check=True)
        keep_order(self.box.far, "eth0")
        self.stream = Stream(self.box.near, self.box.far, "10.77.0.2")
        self.before = self.box.state()

    def netem(self, **more):
        return fault("netem", target={"interface": "eth0", "namespace": self.box.near},
                     match={"port": PORT}, **more)

    def all_arrived(self):
        arrived = self.stream.stop()
        lost = sorted(set(range(1, self.stream.sent + 1)) - set(arrived))
        self.assertEqual([], lost, f"of {self.stream.sent} lost {self.around(lost)}")
        self.assertEqual(len(arrived), len(set(arrived)), "twice")
        self.assertEqual([], self.box.changed(self.before))
        return arrived

    def around(self, numbers):
        """What the run did when these were sent."""
        times = [self.stream.times[number - 1] for number in numbers]
        return [*times, *((each["monotonic_ns"], each["event"]) for each in self.box.events())]

    def test_a_normal_end_loses_nothing_and_keeps_the_order(self):
        done = self.box.run("run", self.box.scenario([self.netem(delay="300ms", duration="3s")]),
                            "--yes", limit=60)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertEqual(0, inversions(self.all_arrived()))
        self.assertIn("confirmed", done.stdout)

    def test_a_ramp_changes_the_delay_without_a_loss(self):
        ramp = {"delay": {"to": "200ms", "over": "2s"}}
        done = self.box.run("run", self.box.scenario([self.netem(delay="1ms", duration="3s",
                                                                 ramp=ramp)]), "--yes", limit=60)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.all_arrived()

    def test_an_abort_is_at_once_and_tells_what_was_inside(self):
        """Also where that takes longer than the lease lasts, 2 s."""
        self.box.start("run", self.box.scenario([self.netem(delay="4s")]), "--yes")
        self.box.wait_for_event("fault_active")
        enough = self.stream.sent + 100
        wait_until(lambda: self.stream.sent > enough, 20)
        self.box.started.send_signal(signal.SIGINT)
        self.assertEqual(4, self.box.started.wait(scaled(20)))
        self.all_arrived()
        inside_then = self.box.events("draining")
        self.assertTrue(inside_then, "nothing was inside?")
        self.assertRegex(inside_then[0]["what"], r"\d+ packets? (is|are) on their way")
        self.assertEqual([], self.box.events("watchdog_rolled_back"))

    def test_killed_with_the_watchdog_is_recovered(self):
        self.box.start("run", self.box.scenario([self.netem(delay="300ms")]), "--yes")
        self.box.wait_for_event("fault_active")
        self.box.kill_all()
        self.box.started.wait()
        done = self.box.run("recover", limit=60)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.all_arrived()

    def test_a_deleted_interface_ends_the_run(self):
        self.box.start("run", self.box.scenario([self.netem(delay="10ms")]), "--yes")
        self.box.wait_for_event("fault_active")
        self.stream.stop()
        ip("-n", self.box.far, "link", "delete", "eth0")
        self.assertEqual(4, self.box.started.wait(scaled(20)), self.box.said())
        self.assertIn("interface 'eth0'", self.box.said())
        self.assertIn("is gone", self.box.said())
        links = subprocess.run(["ip", "-n", self.box.near, "link"], text=True,
                               capture_output=True, check=True).stdout
        self.assertIsNone(re.search(r"\bsq\w+@", links), links)


if __name__ == "__main__":
    run_tests()
