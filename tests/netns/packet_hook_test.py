# SPDX-License-Identifier: Apache-2.0
"""What packet_loss finds at its hooks: qdiscs of others, tunnels, packets whose headers are
not where they usually are."""

import socket
import struct
import subprocess
import unittest

import bpf_objects
from driven_fault import Driven, Pair, drive
from kernel_has import has_tcx
from namespaces import inside, ip
from packet_program import frame, ipv4, ipv6, ports
from run_tests import run_tests
from sandbox import need_root


class Found(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need_root()

    def setUp(self):
        self.pair = Pair()
        self.addCleanup(self.pair.close)

    def lossy(self, net=None, **settings):
        return Driven("packet_loss", target__interface="eth0", loss="100%",
                      target__namespace=net or self.pair.near, **settings)

    def gone(self, **more):
        return 20 - len(self.pair.sendable(20, 9001, **more))

    def test_an_ingress_qdisc_of_others_stays_as_it_is(self):
        """It excludes clsact. Incoming packets are reached through it, leaving ones by tcx only."""
        self.pair.tc("qdisc", "add", "dev", "eth0", "ingress")
        self.pair.tc("filter", "add", "dev", "eth0", "ingress", "prio", "9", "protocol", "ip",
                     "u32", "match", "ip", "dport", "9009", "0xffff", "classid", "1:1")
        before = self.pair.state()
        tcx = has_tcx(self.pair.near)
        for attach in ("clsact", "automatic", "tcx") if tcx else ("clsact", "automatic"):
            with self.subTest(attach):
                with self.lossy(attach=attach, match__direction="in") as fault:
                    self.assertEqual("present", fault.ask("verify")["reading"])
                    self.assertEqual(20, self.gone(start="far"))
                    self.assertEqual(0, self.gone())
                    self.assertEqual(1, len(drive("--strays", "packet_loss", self.pair.near)))
                for direction in ("out", "both"):
                    self.loses_or_refuses(attach != "clsact" and tcx, attach, direction)
                self.assertEqual(before, self.pair.state())

    def loses_or_refuses(self, loses, attach, direction):
        if not loses:
            with self.assertRaisesRegex(RuntimeError, "leaving eth0.*ingress qdisc.*clsact"):
                self.lossy(attach=attach, match__direction=direction)
            return
        with self.lossy(attach=attach, match__direction=direction):
            self.assertEqual(20, self.gone())

    def test_the_plan_names_tunnels_that_end_here(self):
        def notes(*more):
            plan = drive("--plan", "packet_loss", "target.interface=eth0",
                         f"target.namespace={self.pair.near}", "loss=1%", *more)
            return [each for each in plan["notes"] if "tunnel" in each]
        made = subprocess.run(["ip", "-n", self.pair.near, "link", "add", "inner", "type", "vxlan",
                               "id", "5", "dev", "eth0", "dstport", "4789"], capture_output=True)
        if made.returncode:
            self.skipTest("this kernel has no VXLAN")
        self.assertEqual([], notes(), "it is down")
        ip("-n", self.pair.near, "link", "set", "inner", "up")
        self.assertIn("'inner'", " ".join(notes()))
        self.assertEqual([], notes("match.port=9001"))

    def test_headers_in_page_fragments_are_read(self):
        """A frame of which only the link's header is linear, as some drivers hand it over."""
        padding = bytes(4800)
        ssh, other = (ipv4(protocol, ports(40000, port) + padding, Pair.FOUR["near"],
                           Pair.FOUR["far"]) for protocol, port in ((6, 22), (17, 9001)))
        deep = ipv6(60, bytes([6, 255]) + bytes(2046) + ports(40000, 22) + padding,
                    Pair.SIX["near"], Pair.SIX["far"])
        for net in (self.pair.near, self.pair.far):
            ip("-n", net, "link", "set", "eth0", "mtu", "9000")
        for direction, net in (("out", self.pair.near), ("in", self.pair.far)):
            for settings, expected in (
                    ({}, {"dropped": 5, "spared": 3, "unreadable": 2}),
                    ({"match__port": 9001}, {"dropped": 5, "spared": 0, "unreadable": 2}),
                    ({"match__port": 9001, "match__invert": "true"},
                     {"dropped": 0, "spared": 3, "unreadable": 2})):
                with self.subTest(direction, **settings), self.lossy(
                        match__direction=direction, net=net, **settings) as fault:
                    for payload, ethertype, count in ((ssh, 0x0800, 3), (other, 0x0800, 5),
                                                      (deep, 0x86dd, 2)):
                        for _ in range(count):
                            self.send_in_fragments(frame(payload, ethertype))
                    counters = fault.ask("measure")["counters"]
                    # The link's own neighbour discovery is spared as well.
                    self.assertGreaterEqual(counters["spared"], expected.pop("spared"))
                    self.assertEqual(expected, {name: counters[name] for name in expected})

    def send_in_fragments(self, packet):
        with inside(self.pair.near), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
            sender.bind(("eth0", 0))
            sender.setsockopt(263, 15, 1)  # SOL_PACKET, PACKET_VNET_HDR: says what is to be linear
            sender.send(struct.pack("BBHHHH", 0, 0, 14, 0, 0, 0) + packet)


if __name__ == "__main__":
    run_tests()
