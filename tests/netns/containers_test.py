# SPDX-License-Identifier: Apache-2.0
#
# Faults on real podman containers, named by name, id or label: what one of them gets is measured
# inside it, and its neighbour does not notice.

import os
import subprocess
import time
import unittest

from containers import COUNTING, Containers
from driven_fault import Driven
from isolation import isolate
from run_tests import run_tests
from sandbox import ip, need_root
from slow import wait_until
from victims import state


def setUpModule():
    need_root()
    isolate("/var/lib/containers")


class OnContainers(unittest.TestCase):
    def setUp(self):
        self.containers = Containers()
        self.addCleanup(self.containers.close)

    def rate(self, short, seconds=2.0):
        """What COUNTING gets done in a second."""
        before, then = self.containers.counted(short), time.monotonic()
        time.sleep(seconds)
        return (self.containers.counted(short) - before) / (time.monotonic() - then)

    def counting(self, *shorts):
        names = [self.containers.run(short, "sh", "-c", COUNTING) for short in shorts]
        for short, name in zip(shorts, names):
            try:
                wait_until(lambda short=short: self.containers.counted(short), 5, "it counts")
            except AssertionError as why:
                raise AssertionError(f"{why}: {self.containers.trouble(name)}") from None
        return names


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


class Naming(OnContainers):
    def test_by_id_and_by_label(self):
        self.containers.run("front", options=("--label", f"tier={self.containers.prefix}"))
        self.containers.run("back", options=("--label", "tier=other"))
        full = self.containers.podman("inspect", "-f", "{{.Id}}", self.containers.name("front"))
        pid = self.containers.pid(self.containers.name("front"))
        label = f"tier={self.containers.prefix}"
        with self.assertRaisesRegex(RuntimeError, "no container with label.*podman.socket"):
            Driven("process_pause", target__container=label)
        self.containers.serve()
        for text in (full, full[:12], label):
            with self.subTest(container=text), Driven("process_pause", target__container=text):
                self.assertEqual("T", state(pid))

    def test_what_is_not_one_running_container_is_refused(self):
        for short in ("one", "two"):
            self.containers.run(short, options=("--label", f"of={self.containers.prefix}"))
        self.containers.run("idle")
        self.containers.podman("stop", "-t", "0", self.containers.name("idle"))
        self.containers.serve()
        prefix = self.containers.prefix
        for text, said in ((f"{prefix}-onn", f"did you mean '{prefix}-one'"),
                           (f"{prefix}-idle", f"container '{prefix}-idle' does not run"),
                           (f"of={prefix}", f"2 containers match 'of={prefix}': {prefix}-")):
            with self.subTest(container=text), self.assertRaisesRegex(RuntimeError, said):
                Driven("process_pause", target__container=text)


if __name__ == "__main__":
    run_tests()
