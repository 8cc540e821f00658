# SPDX-License-Identifier: Apache-2.0
#
# What no test may do on a real host: disturb an interface of the machine's own network
# namespace. The loss is counted by ping, and everything is killed on the way.

import re
import subprocess
import unittest
from pathlib import Path

from namespaces import ip, without_ipv6
from run_tests import run_tests
from sandbox import Sandbox, fault
from slow import scaled

FAR = "own-far"


def answers(count=10):
    """How many of `count` pings came back."""
    done = subprocess.run(["ping", "-n", "-q", "-i", "0.05", "-W", "1", "-c", str(count),
                           "10.78.0.2"], capture_output=True, text=True)
    return int(re.search(r"(\d+) received", done.stdout).group(1))


class OwnNetwork(unittest.TestCase):
    def setUp(self):
        self.box = Sandbox()
        self.addCleanup(self.box.close)
        ip("netns", "add", FAR)
        without_ipv6(FAR)
        self.addCleanup(ip, "netns", "del", FAR)
        ip("link", "add", "wire0", "type", "veth", "peer", "name", "eth0", "netns", FAR)
        Path("/proc/sys/net/ipv6/conf/wire0/disable_ipv6").write_text("1")
        ip("address", "add", "10.78.0.1/24", "dev", "wire0")
        ip("link", "set", "wire0", "up")
        ip("-n", FAR, "address", "add", "10.78.0.2/24", "dev", "eth0")
        ip("-n", FAR, "link", "set", "eth0", "up")
        self.assertEqual(answers(), 10)
        self.box.watched["nets"].append("")
        # The neighbour's first answer has settled by now.
        self.before = self.box.state()

    def begin(self, attach):
        faults = [fault("packet_loss", loss="100%", attach=attach, target={"interface": "wire0"},
                        match={"direction": "out", "protocol": "icmp"}),
                  fault("packet_loss", loss="100%", attach=attach, target={"interface": "wire0"},
                        match={"direction": "in", "protocol": "icmp"})]
        seen = len(self.box.events("fault_active"))
        runner = self.box.start("run", self.box.scenario(faults), "--yes")
        self.box.wait_for_event("fault_active", seen + 2, 20)
        self.assertEqual(answers(), 0)
        return runner

    def assert_as_before(self):
        self.assertEqual(self.box.left(self.before), [], self.box.said())
        self.assertEqual(answers(), 10)

    def test_aborted(self):
        runner = self.begin("automatic")
        aborted = self.box.run("abort")
        self.assertEqual(aborted.returncode, 0, aborted.stdout + aborted.stderr)
        self.assertEqual(runner.wait(scaled(20)), 4, self.box.said())
        self.assert_as_before()

    def test_everything_is_killed(self):
        for attach in ("automatic", "clsact"):
            with self.subTest(attach=attach):
                runner = self.begin(attach)
                self.box.kill_all()
                runner.wait()
                recovered = self.box.run("recover")
                self.assertEqual(recovered.returncode, 0, recovered.stdout + recovered.stderr)
                self.assert_as_before()


if __name__ == "__main__":
    run_tests()
