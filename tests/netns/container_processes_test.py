# SPDX-License-Identifier: Apache-2.0
#
# Faults on the processes of a real podman container, one that is started anew, and one that ends.
#
# On kernel 6.12-rt only: to an engine they are all the same.

from containers import OnContainers, own_containers
from driven_fault import Driven
from run_tests import run_tests
from slow import wait_until
from victims import state


def setUpModule():
    own_containers()


class ProcessesOfOne(OnContainers):
    def test_all_of_them_stand_still_and_go_on(self):
        name, _ = self.counting("paused", "beside")
        with Driven("process_pause", target__container=name) as fault:
            self.assertEqual("T", state(self.containers.pid(name)))
            self.assertEqual(0, self.rate("paused", 1))
            self.assertGreater(self.rate("beside", 1), 0)
            self.assertEqual("present", fault.ask("verify")["reading"])
        wait_until(lambda: self.rate("paused", 0.5), 10, "it goes on")

    def test_a_restart_is_seen_and_nothing_is_left_of_the_fault(self):
        name, = self.counting("again")
        with Driven("cpu_throttle", target__container=name, quota="10%") as fault:
            self.containers.podman("restart", "-t", "0", name)
            seen = fault.ask("verify")
            self.assertEqual("absent", seen["reading"])
            self.assertEqual(f"container '{name}' was restarted", seen["lost"])
            self.assertEqual([], fault.ask("revert")["left"])

    def test_an_end_is_seen(self):
        name = self.containers.run("ending")
        with Driven("process_pause", target__container=name) as fault:
            self.containers.podman("kill", name)
            wait_until(lambda: fault.ask("verify").get("lost"), 20, "the end is seen", 0.2)


if __name__ == "__main__":
    run_tests()
