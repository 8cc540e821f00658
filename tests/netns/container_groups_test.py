# SPDX-License-Identifier: Apache-2.0
#
# Faults on the control group of a real podman container: what it gets is measured inside it, and
# its neighbour does not notice.
#
# On kernel 6.12-rt only: to an engine they are all the same.

import os

from containers import OnContainers, own_containers
from driven_fault import Driven
from run_tests import run_tests


def setUpModule():
    own_containers()


class Groups(OnContainers):
    def test_cpu_is_throttled_inside_and_not_beside(self):
        name, _ = self.counting("busy", "beside")
        cpus = sorted(os.sched_getaffinity(0))
        if len(cpus) > 1:  # each its own, so that one that is held back is nobody's gain
            for short, cpu in zip(("busy", "beside"), (cpus[0], cpus[-1])):
                os.sched_setaffinity(self.containers.pid(self.containers.name(short)), {cpu})
        before, beside_before = self.rate("busy"), self.rate("beside")
        with Driven("cpu_throttle", target__container=name, quota="2%") as fault:
            self.assertLess(self.rate("busy"), 0.4 * before)
            self.assertGreater(self.rate("beside"), 0.5 * beside_before)
            effect = fault.ask("measure")
            self.assertEqual("confirmed", effect["verdict"], effect)
            self.assertEqual("present", fault.ask("verify")["reading"])
            self.assertEqual([], fault.ask("revert")["left"])
        self.assertGreater(self.rate("busy"), 0.5 * before)

    def test_memory_is_limited_inside_and_not_beside(self):
        names = [self.containers.run(short) for short in ("hungry", "beside")]
        for name in names:
            self.containers.podman("exec", name, "dd", "if=/dev/zero", "of=/dev/null", "bs=1M",
                                   "count=1")
        with Driven("memory_limit", target__container=names[0], max="8MiB") as fault:
            failed = self.containers.podman("exec", names[0], "dd", "if=/dev/zero", "of=/dev/null",
                                            "bs=64M", "count=1", check=False)
            self.assertEqual("", failed)
            effect = fault.ask("measure")
            self.assertGreater(effect["counters"]["oom_kill"], 0, effect)
            self.containers.podman("exec", names[1], "dd", "if=/dev/zero", "of=/dev/null",
                                   "bs=64M", "count=1")
        self.containers.podman("exec", names[0], "dd", "if=/dev/zero", "of=/dev/null", "bs=64M",
                               "count=1")


if __name__ == "__main__":
    run_tests()
