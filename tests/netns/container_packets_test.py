# SPDX-License-Identifier: Apache-2.0
#
# Faults on the packets of a real podman container, counted by its own ping: its neighbour's are not
# lost.
#
# On kernel 6.12-rt only: to an engine they are all the same.

import subprocess

from containers import OnContainers, own_containers
from driven_fault import Driven
from namespaces import ip
from run_tests import run_tests


def setUpModule():
    own_containers()


class Packets(OnContainers):
    def join(self, *names):
        """A link from this test's own namespace into each container, called eth0 there."""
        net = f"{self.containers.prefix}x"
        ip("netns", "add", net)
        self.addCleanup(ip, "netns", "del", net)
        for number, name in enumerate(names, 1):
            pid = str(self.containers.pid(name))
            ip("-n", net, "link", "add", f"to{number}", "type", "veth", "peer", "name", "eth0",
               "netns", pid)
            ip("-n", net, "address", "add", f"10.79.{number}.1/24", "dev", f"to{number}")
            ip("-n", net, "link", "set", f"to{number}", "up")
            inside = ("nsenter", "--target", pid, "--net", "ip")
            for words in (("address", "add", f"10.79.{number}.2/24", "dev", "eth0"),
                          ("link", "set", "eth0", "up")):
                subprocess.run([*inside, *words], check=True)

    def answered(self, name, number):
        """Of ten pings out of the container, as its own ping counts them."""
        said = self.containers.podman("exec", name, "ping", "-c", "10", "-i", "0.1", "-W", "1",
                                      f"10.79.{number}.1", check=False)
        line = next(line for line in said.splitlines() if "packets received" in line)
        return int(line.split(",")[1].split()[0])

    def test_they_are_lost_inside_and_not_beside_on_the_only_interface(self):
        names = [self.containers.run(short) for short in ("lossy", "beside")]
        self.join(*names)
        self.assertEqual(10, self.answered(names[0], 1))
        with Driven("packet_loss", target__container=names[0], loss="100%") as fault:
            self.assertEqual(0, self.answered(names[0], 1))
            self.assertEqual(10, self.answered(names[1], 2))
            self.assertEqual("confirmed", fault.ask("measure")["verdict"])
        self.assertEqual(10, self.answered(names[0], 1))

    def test_a_container_without_an_interface_is_refused(self):
        name = self.containers.run("alone")
        with self.assertRaisesRegex(RuntimeError, "has no interface but 'lo'"):
            Driven("packet_loss", target__container=name, loss="1%")


if __name__ == "__main__":
    run_tests()
