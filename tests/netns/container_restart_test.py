# SPDX-License-Identifier: Apache-2.0
#
# A run whose target is a real podman container that is started anew: it stops, or follows, as the
# scenario says.
#
# On kernel 6.12-rt only: to an engine they are all the same.

import signal
from pathlib import Path

from containers import OnContainers, own_containers
from run_tests import run_tests
from sandbox import Sandbox, fault
from slow import scaled
from victims import unified_root


def setUpModule():
    own_containers()


class Restarted(OnContainers):
    def setUp(self):
        super().setUp()
        self.box = Sandbox(victims=0)
        self.addCleanup(self.box.close)
        self.name = self.containers.run("again")
        # A look may fall between its end and its start.
        self.lost = f"container '{self.name}' (was restarted|does not run)"

    def weight(self):
        """Of the group that the container is in now."""
        groups = Path(f"/proc/{self.containers.pid(self.name)}/cgroup").read_text().splitlines()
        v2 = next((line[3:] for line in groups if line.startswith("0::")), None)
        file = Path(f"{unified_root()}{v2}", "cpu.weight")
        if v2 and file.exists():
            return int(file.read_text())
        v1 = next(line.split(":")[2] for line in groups if "cpu" in line.split(":")[1].split(","))
        return int(Path(f"/sys/fs/cgroup/cpu{v1}", "cpu.shares").read_text())

    def begin(self, on_restart):
        held = fault("cpu_throttle", target={"container": self.name}, weight=10, on_restart=on_restart)
        self.before = self.weight()
        self.box.start("run", self.box.scenario([held]), "--yes")
        self.box.wait_for_event("fault_active")
        self.assertLess(self.weight(), self.before)
        self.containers.podman("restart", "-t", "0", self.name)

    def test_follows(self):
        self.begin("follow")
        self.box.wait_for_event("fault_active", 2, 20)
        self.assertRegex(self.box.events("fault_lost")[0]["why"], self.lost)
        self.assertLess(self.weight(), self.before)
        self.box.started.send_signal(signal.SIGINT)
        self.assertEqual(4, self.box.started.wait(scaled(20)), self.box.said())
        self.assertEqual(self.before, self.weight())

    def test_stops(self):
        self.begin("stop")
        self.assertEqual(4, self.box.started.wait(scaled(20)), self.box.said())
        self.assertRegex(self.box.said(), self.lost)
        self.assertEqual(self.before, self.weight())


if __name__ == "__main__":
    run_tests()
