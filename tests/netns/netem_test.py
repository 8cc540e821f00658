# SPDX-License-Identifier: Apache-2.0
"""netem through a sidecar, on real links: what the receiver sees of numbered and timed datagrams,
and what is left of the interface's own qdiscs."""

import re
import socket
import statistics
import struct
import subprocess
import time
import unittest

from driven_fault import Driven, OnAPair, Pair, drain, drive
from kernel_has import need_netem
from namespaces import ip
from run_tests import run_tests
from sandbox import need_root
from slow import SLOW, wait_until

MANY = 2000


class Netem(OnAPair, unittest.TestCase):
    kind = "netem"

    @classmethod
    def setUpClass(cls):
        need_root()
        need_netem()
        cls.pair = Pair()
        # A tree with classes, as the interface's owner might have.
        for words in ("qdisc add dev eth0 root handle 1: htb default 10",
                      "class add dev eth0 parent 1: classid 1:10 htb rate 10gbit",
                      "qdisc add dev eth0 parent 1:10 handle 10: pfifo limit 10000"):
            cls.pair.tc(*words.split())

    @classmethod
    def tearDownClass(cls):
        cls.pair.close()

    def netem(self, net=None, **settings):
        return Driven("netem", target__interface="eth0",
                      target__namespace=net or self.pair.near, **settings)

    def round_trips(self, count=20, port=9001):
        """Seconds, each, of datagrams that the far end sends back."""
        near, far = self.pair.make_socket("near"), self.pair.make_socket("far")
        times = []
        with near, far:
            far.bind((Pair.FOUR["far"], port))
            near.settimeout(2)
            far.settimeout(2)
            for number in range(count):
                began = time.monotonic()
                near.sendto(struct.pack("!I", number), (Pair.FOUR["far"], port))
                data, sender = far.recvfrom(64)
                far.sendto(data, sender)
                self.assertEqual(data, near.recv(64))
                times.append(time.monotonic() - began)
        return times

    def test_delay_of_what_matches_and_of_nothing_else(self):
        plain = statistics.median(self.round_trips())
        # The effect is confirmed within a tenth; an emulated CPU stands still for some milliseconds.
        delay = 0.040 if SLOW == 1 else 0.200
        with self.netem(delay=f"{delay * 1000:.0f}ms", match__port=9001) as fault:
            self.assertEqual("present", fault.ask("verify")["reading"])
            slow = statistics.median(self.round_trips())
            other = statistics.median(self.round_trips(port=9002))
            self.assertLess(abs(slow - plain - delay), 0.008 * SLOW)
            self.assertLess(other, plain + 0.008 * SLOW)
            effect = fault.ask("measure")
            self.assertEqual("confirmed", effect["verdict"], effect)
            self.assertEqual(20, effect["counters"]["entered"], effect)

    def test_incoming_packets_are_delayed(self):
        with self.netem(delay="40ms", match__direction="in", match__port=9001):
            self.assertGreater(min(self.round_trips()), 0.040)

    def test_loss_at_the_rate_asked_both_ways_and_from_a_seed(self):
        with self.netem(loss="20%", match__direction="both", match__protocol="udp") as fault:
            out = self.pair.sendable(MANY, 9001)
            back = self.pair.sendable(MANY, 9001, start="far")
            effect = fault.ask("measure")
        self.within(MANY - len(out), MANY, 0.2)
        self.within(MANY - len(back), MANY, 0.2)
        self.assertNotEqual(out, back)
        self.assertEqual("confirmed", effect["verdict"], effect)
        self.assertEqual(2 * MANY - len(out) - len(back), effect["counters"]["lost"], effect)
        if "no seed" in effect["why"]:
            return
        with self.netem(loss="20%", match__direction="both", match__protocol="udp"):
            self.assertEqual(out, self.pair.sendable(MANY, 9001), "the same seed, other losses")

    def test_the_owners_tree_is_the_same_and_its_counters_go_on(self):
        def sent():
            text = self.pair.tc("-s", "qdisc", "show", "dev", "eth0")
            return int(re.search(r"qdisc htb 1: .*?Sent \d+ bytes (\d+) pkt", text, re.S)[1])

        before, first = self.pair.tc("qdisc", "show", "dev", "eth0"), sent()
        with self.netem(delay="5ms", match__direction="both"):
            self.pair.sendable(100, 9001)
            during = self.pair.tc("qdisc", "show", "dev", "eth0")
            self.assertEqual(before, "".join(line for line in during.splitlines(True)
                                             if "clsact" not in line))
            self.assertGreaterEqual(sent(), first + 100)
        self.assertGreaterEqual(sent(), first + 100)

    def test_mark_and_priority_come_back(self):
        """A class that is chosen by mark or priority is chosen for what was in the sidecar too."""
        self.pair.tc("filter", "add", "dev", "eth0", "parent", "1:", "prio", "1", "handle", "77",
                     "fw", "classid", "1:20")
        self.pair.tc("class", "add", "dev", "eth0", "parent", "1:", "classid", "1:20", "htb",
                     "rate", "10gbit")
        self.addCleanup(self.pair.tc, "class", "del", "dev", "eth0", "classid", "1:20")
        self.addCleanup(self.pair.tc, "filter", "del", "dev", "eth0", "parent", "1:")

        def sent(of):
            text = self.pair.tc("-s", "class", "show", "dev", "eth0", "classid", of)
            return int(re.search(r"Sent \d+ bytes (\d+) pkt", text)[1])

        with self.netem(delay="1ms", match__protocol="udp") as fault:
            for option, value, chosen in ((socket.SO_MARK, 77, "1:20"),
                                          (socket.SO_PRIORITY, 0x10020, "1:20"),
                                          (socket.SO_MARK, 78, "1:10")):
                with self.subTest(value=value), self.pair.make_socket("near") as sender:
                    before = sent(chosen)
                    sender.setsockopt(socket.SOL_SOCKET, option, value)
                    for _ in range(10):
                        sender.sendto(b"x" * 32, (Pair.FOUR["far"], 9001))
                    wait_until(lambda: fault.ask("measure")["counters"]["waiting"] == 0)
                    wait_until(lambda: sent(chosen) == before + 10, what="10 packets more")
        self.before = self.pair.state()

    def test_tcp_loses_single_segments(self):
        with self.netem(loss="1%", match__protocol="tcp") as fault:
            self.assertEqual(4 << 20, self.stream(4 << 20))
            counters = fault.ask("measure")["counters"]
            self.assertGreater(counters["matched_segments"], counters["matched"], "no GSO here")
            self.assertGreaterEqual(counters["entered"], 2000, counters)
            self.within(counters["lost"], counters["entered"], 0.01, more=1)

    def rename(self, name, other):
        """Before 6.2 a link has to be down for it."""
        for words in (("dev", name, "down"), ("dev", name, "name", other), ("dev", other, "up")):
            ip("-n", self.pair.near, "link", "set", *words)

    def links(self):
        return subprocess.run(["ip", "-n", self.pair.near, "link", "show"], text=True, check=True,
                              capture_output=True).stdout

    def stream(self, length):
        """So many bytes by TCP from near to far; how many arrived."""
        with self.pair.make_socket("far", socket.SOCK_STREAM) as server, \
                self.pair.make_socket("near", socket.SOCK_STREAM) as client:
            server.bind((Pair.FOUR["far"], 9003))
            server.listen(1)
            client.connect((Pair.FOUR["far"], 9003))
            taken, _ = server.accept()
            with taken:
                client.setblocking(False)
                left, arrived, block = length, 0, bytes(1 << 16)
                taken.settimeout(0.05)
                end = time.monotonic() + 60 * SLOW
                while arrived < length and time.monotonic() < end:
                    try:
                        left -= client.send(block[:left]) if left else 0
                    except BlockingIOError:
                        pass
                    try:
                        arrived += len(taken.recv(1 << 20))
                    except TimeoutError:
                        pass
                return arrived

    def test_duplicates_and_reordering(self):
        with self.netem(duplicate="30%", match__port=9001) as fault:
            arrived = self.pair.sendable(MANY, 9001)
            self.assertEqual(MANY, len(set(arrived)))
            self.within(len(arrived) - MANY, MANY, 0.3)
            self.assertEqual("confirmed", fault.ask("measure")["verdict"])
        with self.netem(delay="20ms", reorder="25%", gap=5, match__port=9001) as fault:
            arrived = self.pair.sendable(200, 9001)
            self.assertEqual(200, len(arrived))
            self.assertNotEqual(sorted(arrived), arrived)
            effect = fault.ask("measure")
            self.assertLess(abs(effect["counters"]["early"] - 200 / (4 + 4)), 12, effect)

    def test_damage_is_seen_by_the_receivers_checksum(self):
        with self.netem(corrupt="100%", match__port=9001, match__direction="in",
                        net=self.pair.far):
            arrived = self.pair.sendable(300, 9001)
        # What was hit in its Ethernet address, or in a part that no checksum covers, arrives.
        self.assertLess(len(arrived), 200)

    def test_what_tc_shows_is_what_was_asked(self):
        asked = [
            ({"loss_model": "four_state", "p13": "2%", "p31": "40%", "p32": "20%", "p23": "50%", "p14": "1%"},
             "loss state p13 2% p31 40% p32 20% p23 50% p14 1%"),
            ({"loss_model": "gilbert_elliott", "enter_bad": "1%", "leave_bad": "30%",
              "loss_in_bad": "80%", "loss_in_good": "0.5%"},
             "loss gemodel p 1% r 30% 1-h 80% 1-k 0.5%"),
            ({"loss": "5%", "loss_correlation": "25%", "ecn": "true"}, "loss 5% 25% ecn"),
            ({"rate": "10Mbit", "packet_overhead": "20", "cell_size": "48", "cell_overhead": "5"},
             "rate 10Mbit packetoverhead 20 cellsize 48 celloverhead 5"),
            ({"slot__min_delay": "1ms", "slot__max_delay": "3ms", "slot__max_packets": "16"},
             "slot 1ms 3ms packets 16"),
            ({"delay": "10ms", "jitter": "2ms", "delay_correlation": "25%", "distribution": "normal"},
             "delay 10ms 2ms 25%")]
        for settings, words in asked:
            with self.subTest(words), self.netem(match__port=9001, **settings):
                shown = next(line for line in self.pair.tc("qdisc", "show").splitlines()
                             if "netem" in line)
                self.assertIn(words, re.sub(r"\s+", " ", shown))

    def test_a_full_queue_is_a_mismatch(self):
        with self.netem(delay="500ms", limit=50, match__port=9001) as fault:
            arrived = self.pair.sendable(200, 9001)
            effect = fault.ask("measure")
            self.assertEqual("mismatch", effect["verdict"], effect)
            self.assertIn("raise 'limit'", effect["why"])
            self.assertEqual(200 - 50, effect["counters"]["over_limit"], effect)
        del arrived

    def test_several_compose(self):
        """The first that matches has it; with compose = all each one in turn."""
        for attach in ("automatic", "clsact"):
            with self.netem(delay="30ms", match__port=9001, slot=0, attach=attach):
                for compose, low, high in (("first", 0.030, 0.055), ("all", 0.060, 0.100)):
                    with self.subTest(compose, attach=attach), \
                            self.netem(delay="30ms", match__port=9001, slot=1, attach=attach,
                                       compose=compose):
                        got = statistics.median(self.round_trips(5))
                        self.assertGreater(got, low)
                        self.assertLess(got, high * SLOW)

    def test_at_once_nothing_is_lost(self):
        fault = self.netem(delay="200ms", match__port=9001)
        with self.pair.make_socket("near") as sender, self.pair.make_socket("far") as receiver:
            receiver.bind((Pair.FOUR["far"], 9001))
            for number in range(100):
                sender.sendto(struct.pack("!I", number), (Pair.FOUR["far"], 9001))
            self.assertEqual([], drain(receiver, 0))
            fault.end()
            self.assertEqual(list(range(100)), sorted(drain(receiver, 0.1, 100)))

    def test_killed_packets_pass_and_those_inside_arrive(self):
        fault = self.netem(delay="300ms", match__port=9001, attach="clsact")
        with self.pair.make_socket("near") as sender, self.pair.make_socket("far") as receiver:
            receiver.bind((Pair.FOUR["far"], 9001))
            sender.sendto(struct.pack("!I", 1), (Pair.FOUR["far"], 9001))
            fault.kill()
            sender.sendto(struct.pack("!I", 2), (Pair.FOUR["far"], 9001))
            self.assertEqual([2, 1], drain(receiver, 2, 2))
        self.assertNotEqual([], self.strays("--remove"))
        self.assertNotEqual([], drive("--strays", "packet_loss", self.pair.near, "--remove"))

    def test_what_is_lost_is_said(self):
        fault = self.netem(delay="1ms")
        with self.subTest("the sidecar is deleted"):
            name = re.search(r"(sq\w+oa)@", self.links())[1]
            ip("-n", self.pair.near, "link", "delete", name)
            seen = fault.ask("verify")
            self.assertIn(f"our sidecar '{name[:-1]}' was deleted by others", seen["lost"])
        fault.end()
        fault = self.netem(delay="1ms")
        with self.subTest("the interface is renamed"):
            self.rename("eth0", "eth7")
            self.addCleanup(self.rename, "eth7", "eth0")
            self.assertIn("was renamed to 'eth7'", fault.ask("verify")["lost"])
        fault.end()
        self.doCleanups()


if __name__ == "__main__":
    run_tests()
