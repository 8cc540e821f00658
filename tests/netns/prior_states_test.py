# SPDX-License-Identifier: Apache-2.0
#
# On kernel 6.12 only: what others make of an interface is no different on the others.
"""Whatever an interface was when a fault began, it is that when the fault has ended, to the
handle, the class, the filter and its counters; and its own tree is left alone meanwhile. The
states are drawn by support/prior_states.py; SQUALL_SEED=N draws others, SQUALL_STATES=N so many:
hundreds take minutes where the processor is emulated.

How a run ends is drawn as well: it is aborted, or everything of it is killed and recovered."""

import os
import random
import re
import time
import unittest

import prior_states
from host_state import differences
from kernel_has import need_netem
from namespaces import inside, ip, without_ipv6
from run_tests import run_tests
from sandbox import Sandbox, fault, need_root
from slow import scaled, wait_until

SEED = int(os.environ.get("SQUALL_SEED") or 1)
QUIET = 1.5  # seconds
STATES = int(os.environ.get("SQUALL_STATES") or 0)
PORT, OTHER_PORT = 9001, 9002
# Where every module is, every kind of device and discipline has to be.
EVERYTHING = bool(os.environ.get("SQUALL_VM"))


def setUpModule():
    need_root()


class PriorStates:
    """With the fault `kind`, which `settings` make act on what it matches."""

    kind, settings, states = "", {}, 0
    # What the kernel itself lets begin anew when such a fault begins.
    begins_anew = re.compile(r"(?!)")

    @classmethod
    def setUpClass(cls):
        cls.box = Sandbox(victims=0)
        cls.addClassCleanup(cls.box.close)
        cls.nets = []
        with cls.namespace() as net:
            cls.kinds = prior_states.kinds_here(net)
        if missing := set(prior_states.devices(0)) - set(cls.kinds):
            assert not EVERYTHING, f"this kernel should have {missing}"
            print(f"this kernel has no {', '.join(sorted(missing))}")

    @classmethod
    def namespace(cls):
        return Namespace(f"{cls.box.name}s{len(cls.nets)}", cls.nets)

    def test_each_is_the_same_before_and_after(self):
        groups = prior_states.draw_states(SEED, STATES or self.states, self.kinds)
        # In a namespace of its own each group has a loopback device.
        for number, group in enumerate(groups):
            with self.subTest(group=number), self.namespace() as net:
                self.go_through(net, group, random.Random(SEED + number))
        print(f"{self.kind}: {sum(map(len, groups))} states of {len(self.kinds)} kinds of devices")

    def go_through(self, net, group, draw):
        prior_states.make(net, group, EVERYTHING)
        with inside(net):
            prior_states.send(group, (PORT, OTHER_PORT))
        before, counted = self.settled(net, group)
        runner = self.begin(net, group)
        with inside(net):
            prior_states.send(group, (PORT, OTHER_PORT))
        during = self.read(net, group)[0]
        self.assertEqual(prior_states.trees(before, group), prior_states.trees(during, group),
                         "the tree of others was changed meanwhile")
        self.end(runner, draw)
        after, counted_after = self.settled(net, group, until=before)
        self.assertEqual([], differences(before, after), self.of(before, after, group))
        self.assertEqual([], prior_states.shrunk(counted, counted_after), "counters began anew")
        grown = [name for name in counted if counted_after[name] > counted[name]]
        self.assertTrue(grown, "nothing was sent meanwhile")

    def begin(self, net, group):
        faults = [fault(self.kind, target={"interface": state.name, "namespace": net},
                        match={"direction": state.direction, "protocol": "udp", "port": PORT},
                        **self.settings) for state in group]
        seen = len(self.box.events("fault_active"))
        runner = self.box.start("run", self.box.scenario(faults), "--yes")
        self.box.wait_for_event("fault_active", seen + len(faults), 60)
        return runner

    def end(self, runner, draw):
        if draw.random() < 0.5:
            aborted = self.box.run("abort", limit=60)
            self.assertEqual(0, aborted.returncode, aborted.stdout + aborted.stderr)
            self.assertEqual(4, runner.wait(scaled(60)), self.box.said())
        else:
            self.box.kill_all()
            runner.wait()
            recovered = self.box.run("recover", limit=60)
            self.assertEqual(0, recovered.returncode, recovered.stdout + recovered.stderr)

    def read(self, net, group):
        lines, counted = prior_states.read(net, group)
        return [self.begins_anew.sub("", line) for line in lines], counted

    def settled(self, net, group, until=None):
        """The state when nothing moves any more, or when it is `until`. Kernel: whether a bridge or a
        bond is up is told up to a second after its ports are (linkwatch)."""
        last, since = self.read(net, group), time.monotonic()

        def the_same():
            nonlocal last, since
            before, last = last, self.read(net, group)
            if last[0] != before[0]:
                since = time.monotonic()
            return last[0] == until or (until is None and time.monotonic() > since + QUIET)
        try:
            wait_until(the_same, 3 + QUIET, "nothing moves", pause=0.1)
        except AssertionError:
            pass
        return last

    def of(self, before, after, group):
        """Which states a difference belongs to, so that it can be made again by hand."""
        text = "\n".join(differences(before, after))
        return "\n".join(f"{state.name} ({state.kind}): " + "; ".join(state.links + state.shape)
                         for state in group if f" {state.name} " in text or f" {state.name}:" in text)


class Namespace:
    def __init__(self, name, known):
        self.name = name
        known.append(name)

    def __enter__(self):
        ip("netns", "add", self.name)
        without_ipv6(self.name)
        return self.name

    def __exit__(self, *_):
        ip("netns", "del", self.name)


class PacketLoss(PriorStates, unittest.TestCase):
    kind, settings, states = "packet_loss", {"loss": "50%", "attach": "clsact"}, 95
    # Kernel: the interface is stopped to make a clsact qdisc, and what its disciplines hold is
    # dropped (dev_deactivate()); hfsc's classes then count their work from 0.
    begins_anew = re.compile(r" (rt)?work <n> bytes")


class Netem(PriorStates, unittest.TestCase):
    kind, settings, states = "netem", {"delay": "1ms", "loss": "10%"}, 57

    @classmethod
    def setUpClass(cls):
        need_netem()
        super().setUpClass()


if __name__ == "__main__":
    run_tests()
