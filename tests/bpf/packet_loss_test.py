# SPDX-License-Identifier: Apache-2.0
"""The loaded packet_loss program on whole packets: what the verifier let through and the
JIT made of it decides as the tests of the same code on the host say."""

import os
import unittest

import bpf_objects
import packet_program
from driven_fault import Driven, Pair
from packet_program import DROP_IN, DROP_OUT, PASS, frame, ipv4, ipv6, ports
from run_tests import run_tests
from sandbox import need_root

V4, V6 = 0x0800, 0x86dd
UDP4 = frame(ipv4(17, ports(5000, 9001)), V4)
UDP6 = frame(ipv6(17, ports(5000, 9001)), V6)
SSH = frame(ipv4(6, ports(40000, 22)), V4)
ARP = frame(bytes(28), 0x0806)
SOLICITATION = frame(ipv6(58, bytes([135]) + bytes(23)), V6)
ECHO6 = frame(ipv6(58, bytes([128]) + bytes(23)), V6)
FRAGMENT = frame(ipv4(17, ports(5000, 9001), fragment=185), V4)
EXTENDED = frame(ipv6(0, bytes([60, 0]) + bytes(6) + bytes([17, 0]) + bytes(6)
                      + ports(5000, 9001)), V6)
LATER = frame(ipv6(44, bytes([17, 0, 0, 64]) + bytes(4) + ports(5000, 9001)), V6)
LLDP = frame(bytes(40), 0x88cc)
TCP_LATER = frame(ipv4(6, ports(40000, 23), fragment=185), V4)
DEEP = frame(ipv6(60, (bytes([60]) + bytes(7)) * 4 + bytes([6]) + bytes(7) + ports(40000, 22)), V6)
DEEP_TAGS = frame(ipv4(6, ports(40000, 22)), V4, tags=(5, 6, 7))

# settings, packets that must go, packets that must pass
CASES = [
    ({}, [UDP4, UDP6, FRAGMENT, ECHO6, LLDP],
     [SSH, ARP, SOLICITATION, TCP_LATER, DEEP, DEEP_TAGS]),
    ({"without": "ssh,neighbours"},
     [UDP4, SSH, ARP, SOLICITATION, TCP_LATER, DEEP, DEEP_TAGS], []),
    ({"match__protocol": "udp"}, [UDP4, UDP6, FRAGMENT, LATER], [ECHO6, LLDP, SSH]),
    ({"match__protocol": "icmp"}, [ECHO6], [UDP4, UDP6, SOLICITATION]),
    ({"match__port": "9001"}, [UDP4, UDP6, EXTENDED], [FRAGMENT, LATER, ECHO6, LLDP]),
    ({"match__port": "9001"}, [frame(ipv4(17, ports(1, 9001)), V4, tags=(5,)),
                               frame(ipv4(17, ports(1, 9001)), V4, tags=(5, 6))],
     [frame(ipv4(17, ports(1, 9002)), V4, tags=(5,))]),
    ({"match__source_port": "1-10,4990-5010"}, [UDP4], [frame(ipv4(17, ports(9001, 5000)), V4)]),
    ({"match__source": "10.0.0.0/8"}, [UDP4], [UDP6]),
    ({"match__source": "2001:db8::/32", "match__destination": "fd00::/16"}, [UDP6], [UDP4]),
    ({"match__address": ",".join(f"10.9.{i}.0/24" for i in range(31)) + ",192.168.0.9"}, [UDP4],
     [UDP6, frame(ipv4(17, ports(1, 2), source="10.10.0.1", destination="10.9.31.1"), V4)]),
    ({"match__port": ",".join(str(port) for port in range(8970, 9002))}, [UDP4, UDP6],
     [frame(ipv4(17, ports(8969, 9002)), V4)]),
    ({"match__dscp": "ef"}, [frame(ipv4(17, ports(1, 2), tos=46 << 2), V4),
                             frame(ipv6(17, ports(1, 2), traffic_class=46 << 2), V6)], [UDP4]),
    ({"match__port": "9001", "match__invert": "true"}, [ECHO6, LLDP],
     [UDP4, SSH, ARP, FRAGMENT, LATER]),
]


class PacketLossProgram(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need_root()
        cls.pair = Pair()

    @classmethod
    def tearDownClass(cls):
        cls.pair.close()

    def loaded(self, **settings):
        mark = f"{os.getpid() & 0xffffff:06x}"
        fault = Driven("packet_loss", target__interface="eth0", mark=mark,
                       target__namespace=self.pair.near, **settings)
        return fault, packet_program.open_program(f"squall_{mark}00")

    def test_verdicts(self):
        for direction, drop in (("out", DROP_OUT), ("in", DROP_IN)):
            for settings, go, stay in CASES:
                with self.subTest(direction=direction, **settings):
                    fault, program = self.loaded(loss="100%", match__direction=direction,
                                                 **settings)
                    with fault:
                        for packet in go:
                            self.assertEqual(drop, packet_program.run(program, packet)[0])
                        for packet in stay:
                            self.assertEqual(PASS, packet_program.run(program, packet)[0])
                    os.close(program)

    def test_every_model_loads_and_counts(self):
        for settings in ({"loss": "5%"}, {"loss": "5%", "correlation": "50%"},
                         {"model": "gilbert_elliott", "enter_bad": "1%", "leave_bad": "10%"},
                         {"model": "every_nth", "every": 7},
                         {"model": "burst", "every": 100, "burst": 9},
                         {"model": "ranges", "ranges": ",".join(f"{100 * i + 1}-{100 * i + 50}"
                                                                for i in range(64))}):
            with self.subTest(**settings):
                fault, program = self.loaded(**settings)
                with fault:
                    dropped = sum(packet_program.run(program, UDP4)[0] == DROP_OUT
                                  for _ in range(5000))
                    effect = fault.ask("measure")
                    self.assertEqual("confirmed", effect["verdict"], effect)
                    # The link's own traffic may have added a packet or two.
                    self.assertAlmostEqual(dropped, effect["counters"]["dropped"], delta=3)
                os.close(program)


if __name__ == "__main__":
    run_tests()
