# SPDX-License-Identifier: Apache-2.0
"""packet_loss on real links: what arrives is counted by the receiver, by sequence number.
Everything is done twice, at a tcx hook and at a clsact hook, where the kernel has both."""

import json
import signal
import socket
import struct
import subprocess
import threading
import unittest

import bpf_objects
from driven_fault import Driven, OnAPair, Pair, drive
from namespaces import inside, ip
from run_tests import run_tests
from sandbox import need_root
from slow import scaled, wait_until

MANY = 4000


def datagram(port):
    """Ethertype, IPv4 and UDP, as far as they are looked at."""
    return (struct.pack("!HBBHHHBBH", 0x0800, 0x45, 0, 28, 0, 0, 64, 17, 0)
            + socket.inet_aton(Pair.FOUR["near"]) + socket.inet_aton(Pair.FOUR["far"])
            + struct.pack("!HHHH", 7, port, 8, 0))


class Tcx(OnAPair, unittest.TestCase):
    kind = "packet_loss"
    attach = "tcx"

    @classmethod
    def setUpClass(cls):
        need_root()
        program = bpf_objects.load_pass_program("probe")
        cls.pair = Pair()
        with inside(cls.pair.near):
            link = bpf_objects.attach_tcx(program, socket.if_nametoindex("eth0"))
        if cls.attach == "tcx" and link is None:
            cls.pair.close()
            raise unittest.SkipTest("this kernel has no tcx (6.6 has)")
        for each in filter(None, (program, link)):
            socket.close(each)

    @classmethod
    def tearDownClass(cls):
        cls.pair.close()

    def lossy(self, net=None, **settings):
        return Driven("packet_loss", target__interface="eth0",
                      target__namespace=net or self.pair.near, attach=self.attach, **settings)

    def gone(self, count, port, **more):
        arrived = self.pair.sendable(count, port, **more)
        self.assertEqual(arrived, sorted(set(arrived)), "out of order or twice")
        return count - len(arrived)

    def test_leaving_packets_are_lost_at_the_rate_asked(self):
        with self.lossy(loss="20%", match__protocol="udp") as fault:
            self.assertEqual("present", fault.ask("verify")["reading"])
            lost = self.gone(MANY, 9001)
            self.within(lost, MANY, 0.2)
            effect = fault.ask("measure")
            self.assertEqual("confirmed", effect["verdict"], effect)
            self.assertEqual(lost, effect["counters"]["dropped"])
            self.assertEqual(MANY, effect["counters"]["matched"])
            self.assertEqual(0, self.gone(200, 9001, start="far"), "the other way is untouched")
        self.assertEqual(0, self.gone(500, 9001))

    def test_incoming_packets_are_lost(self):
        with self.lossy(loss="30%", match__direction="in", net=self.pair.far):
            self.within(self.gone(MANY, 9001), MANY, 0.3)

    def test_both_directions_are_lost_and_not_alike(self):
        with self.lossy(loss="50%", match__direction="both", match__port=9001) as fault:
            out = self.pair.sendable(MANY, 9001)
            back = self.pair.sendable(MANY, 9001, start="far")
            self.within(MANY - len(out), MANY, 0.5)
            self.within(MANY - len(back), MANY, 0.5)
            self.assertNotEqual(out, back)
            self.assertEqual(2 * MANY, fault.ask("measure")["counters"]["matched"])

    def test_ipv6(self):
        with self.lossy(loss="100%", match__destination=Pair.SIX["far"] + "/128"):
            self.assertEqual(100, self.gone(100, 9001, family=socket.AF_INET6))
            self.assertEqual(0, self.gone(100, 9001))

    def test_selectors(self):
        cases = [({"match__port": "9001"}, {"port": 9001}, {"port": 9002}),
                 ({"match__destination_port": "1-8999,9001-9100"}, {"port": 9001}, {"port": 9000}),
                 ({"match__source_port": "7001"}, {"source_port": 7001}, {"source_port": 7002}),
                 ({"match__source": "10.78.0.1"}, {}, {"family": socket.AF_INET6}),
                 ({"match__address": "10.78.0.0/24"}, {}, {"family": socket.AF_INET6}),
                 ({"match__dscp": "ef"}, {"tos": 46 << 2}, {"tos": 45 << 2}),
                 ({"match__port": "9002", "match__invert": "true"}, {}, {"port": 9002})]
        for match, hit, missed in cases:
            with self.subTest(match=match), self.lossy(loss="100%", **match):
                self.assertEqual(20, self.gone(20, **{"port": 9001, **hit}))
                self.assertEqual(0, self.gone(20, **{"port": 9001, **missed}))

    def test_tagged_packets_are_matched_by_what_they_carry(self):
        for direction, net in (("out", self.pair.near), ("in", self.pair.far)):
            for tags in (b"\x81\0\0\5", b"\x88\xa8\0\6\x81\0\0\5"):
                with self.lossy(loss="100%", match__port=9001, match__direction=direction,
                                net=net) as fault, inside(self.pair.near):
                    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
                        sender.bind(("eth0", 0))
                        for port in (9001, 9002, 9001):
                            sender.send(bytes(range(2, 14)) + tags + datagram(port))
                    effect = fault.ask("measure")
                    self.assertEqual(2, effect["counters"]["dropped"], effect)

    def test_exact_models(self):
        cases = [({"model": "every_nth", "every": 10}, [n for n in range(1, 101) if n % 10]),
                 ({"model": "burst", "every": 50, "burst": 5},
                  [n for n in range(1, 101) if (n - 1) % 50 < 45]),
                 ({"model": "ranges", "ranges": "3-5,90"},
                  [n for n in range(1, 101) if n not in (3, 4, 5, 90)])]
        for settings, expected in cases:
            with self.subTest(settings), self.lossy(match__port=9001, **settings) as fault:
                self.assertEqual(expected, self.pair.sendable(100, 9001))
                self.assertEqual("confirmed", fault.ask("measure")["verdict"])

    def test_bursts_of_gilbert_elliott(self):
        with self.lossy(model="gilbert_elliott", enter_bad="2%", leave_bad="20%",
                        match__port=9001) as fault:
            lost = set(range(1, 20001)) - set(self.pair.sendable(20000, 9001))
            bursts = sum(1 for n in lost if n - 1 not in lost)
            self.assertAlmostEqual(len(lost) / bursts, 5, delta=0.8)
            effect = fault.ask("measure")
            self.assertEqual("confirmed", effect["verdict"], effect)
            self.assertEqual(bursts, effect["counters"]["bursts"])

    def test_the_same_seed_loses_the_same_packets(self):
        def arrived(seed):
            with self.lossy(loss="30%", correlation="20%", match__port=9001, seed=seed):
                return self.pair.sendable(1000, 9001)
        first = arrived(7)
        self.assertEqual(first, arrived(7))
        self.assertNotEqual(first, arrived(8))

    def test_a_partition_keeps_the_way_in(self):
        """Neighbours are found and SSH connects; other connections do not."""
        servers = [self.pair.make_socket("far", socket.SOCK_STREAM) for _ in range(2)]
        for server, port in zip(servers, (22, 9022)):
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind((Pair.FOUR["far"], port))
            server.listen()
        try:
            with self.lossy(loss="100%", match__direction="both") as fault:
                ip("-n", self.pair.near, "neighbour", "flush", "dev", "eth0")
                self.assertTrue(self.connects(22))
                self.assertFalse(self.connects(9022))
                self.assertGreater(fault.ask("measure")["counters"]["spared"], 4)
            with self.lossy(loss="100%", match__direction="both", without="ssh"):
                self.assertFalse(self.connects(22))
            self.assertTrue(self.connects(9022))
        finally:
            for server in servers:
                server.close()

    def connects(self, port):
        with self.pair.make_socket("near", socket.SOCK_STREAM) as client:
            client.settimeout(scaled(0.4))
            try:
                client.connect((Pair.FOUR["far"], port))
                return True
            except TimeoutError:
                return False

    def test_the_sender_is_not_told(self):
        """With IP_RECVERR a datagram that the device refuses is an error of send()."""
        with self.lossy(loss="100%", match__port=9001), self.pair.make_socket("near") as sender:
            sender.setsockopt(socket.IPPROTO_IP, 11, 1)  # IP_RECVERR
            for _ in range(20):
                sender.sendto(b"x", (Pair.FOUR["far"], 9001))

    def test_strength_changes_in_place(self):
        with self.lossy(loss="0%", match__port=9001) as fault:
            self.assertEqual(0, self.gone(500, 9001))
            fault.ask("adjust loss=100%")
            self.assertEqual(500, self.gone(500, 9001))
            fault.ask("adjust loss=50%")
            self.within(self.gone(MANY, 9001), MANY, 0.5)
            effect = fault.ask("measure")
            self.assertEqual("confirmed", effect["verdict"], effect)

    def test_nothing_matched_is_inconclusive(self):
        with self.lossy(loss="100%", match__port=9) as fault:
            self.gone(10, 9001)
            effect = fault.ask("measure")
            self.assertEqual("inconclusive", effect["verdict"])
            self.assertIn("no packet matched", effect["why"])

    def test_faults_compose_on_one_hook(self):
        with self.lossy(loss="100%", match__port=9001, slot=0):
            with self.lossy(loss="100%", match__port=9002, slot=1):
                self.assertEqual(20, self.gone(20, 9001))
                self.assertEqual(20, self.gone(20, 9002))
                self.assertEqual(0, self.gone(20, 9003))
            self.assertEqual(20, self.gone(20, 9001))
            self.assertEqual(0, self.gone(20, 9002))

    def test_a_filter_of_others_goes_on_counting(self):
        self.pair.tc("qdisc", "add", "dev", "eth0", "clsact")
        ip("-n", self.pair.near, "link", "add", "sink", "type", "veth", "peer", "name", "knis")
        ip("-n", self.pair.near, "link", "set", "sink", "up")
        self.pair.tc("filter", "add", "dev", "eth0", "egress", "prio", "9", "protocol", "ip", "u32",
                     "match", "u32", "0", "0", "action", "mirred", "egress", "mirror", "dev", "sink")
        try:
            filters = self.pair.tc("filter", "show", "dev", "eth0", "egress")
            with self.lossy(loss="100%", match__port=9001):
                self.gone(10, 9001)
                seen = self.mirrored()
                self.gone(50, 9002)
                self.assertEqual(50, self.mirrored() - seen)
            self.gone(5, 9001)
            self.assertEqual(55, self.mirrored() - seen)
            self.assertEqual(filters, self.pair.tc("filter", "show", "dev", "eth0", "egress"))
            self.assertIn("clsact", self.pair.tc("qdisc", "show", "dev", "eth0"))
        finally:
            self.pair.tc("qdisc", "del", "dev", "eth0", "clsact")
            ip("-n", self.pair.near, "link", "del", "sink")

    def mirrored(self):
        shown = self.pair.tc("-s", "-j", "filter", "show", "dev", "eth0", "egress")
        found = [action["stats"]["packets"] for each in json.loads(shown)
                 for action in each.get("options", {}).get("actions", [])]
        self.assertEqual(1, len(found))
        return found[0]

    def test_another_process_reverts_from_the_records_alone(self):
        fault = self.lossy(loss="100%", match__direction="both")
        records = fault.ask("records")
        fault.process.send_signal(signal.SIGSTOP)
        self.assertEqual([], drive("--revert", input=json.dumps(records))["left"])
        self.assertEqual(0, self.gone(20, 9001))
        self.assertEqual([], drive("--revert", input=json.dumps(records))["left"], "a second time")
        fault.kill()

    def test_after_a_kill_the_kernel_is_the_undo(self):
        """The loss ends by itself; at clsact a filter that does nothing is found by its mark."""
        fault = self.lossy(loss="100%", match__direction="both", match__protocol="udp")
        self.assertEqual(20, self.gone(20, 9001))
        fault.kill()
        wait_until(lambda: self.gone(1, 9001) == 0, what="packets pass")
        self.assertEqual(0, self.gone(200, 9001))
        self.assertEqual({"tcx": 0, "clsact": 2}[self.attach],
                         len(self.strays("--remove")))

    def test_by_hand(self):
        """The command that a plan shows removes the program."""
        fault = self.lossy(loss="100%")
        command = self.strays()[0]["by_hand"]
        try:
            subprocess.run(command, shell=True, check=True, stdout=subprocess.DEVNULL)
            self.assertEqual(0, self.gone(20, 9001))
        finally:
            fault.end()

    def test_an_interface_that_was_replaced_is_left_alone(self):
        pair = Pair()
        try:
            fault = self.lossy(loss="100%", net=pair.near)
            records = fault.ask("records")
            ip("-n", pair.near, "link", "del", "eth0")
            ip("-n", pair.near, "link", "add", "eth0", "index", "99", "type", "veth", "peer",
               "name", "other")
            pair.tc("qdisc", "add", "dev", "eth0", "clsact")
            self.assertEqual([], drive("--revert", input=json.dumps(records))["left"])
            self.assertEqual([], fault.ask("revert")["left"])
            fault.end()
            self.assertIn("clsact", pair.tc("qdisc", "show", "dev", "eth0"))
        finally:
            pair.close()

    def test_a_namespace_that_is_gone_owes_nothing(self):
        pair = Pair()
        fault = self.lossy(loss="100%", net=pair.near)
        records = fault.ask("records")
        pair.close()
        self.assertEqual([], drive("--revert", input=json.dumps(records))["left"])
        fault.end()

    def test_a_tcp_transfer_survives_loss(self):
        server = self.pair.make_socket("far", socket.SOCK_STREAM)
        server.bind((Pair.FOUR["far"], 9033))
        server.listen()
        server.settimeout(scaled(10))
        size, received = 2_000_000, []

        def serve():
            connection, _ = server.accept()
            connection.settimeout(scaled(10))
            with connection:
                while chunk := connection.recv(65536):
                    received.append(len(chunk))
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        # So much fits into some 30 packets of 64 KiB, which the link does not cut up: of 10 of
        # them one is lost for certain, at random perhaps none.
        with server, self.lossy(model="every_nth", every=10, match__port=9033) as fault:
            with self.pair.make_socket("near", socket.SOCK_STREAM) as client:
                client.settimeout(scaled(10))
                client.connect((Pair.FOUR["far"], 9033))
                client.sendall(bytes(size))
            thread.join(scaled(30))
            counters = fault.ask("measure")["counters"]
            self.assertGreater(counters["dropped"], 0)
            self.assertGreaterEqual(counters["dropped_segments"], counters["dropped"])
        self.assertEqual(size, sum(received))


class Clsact(Tcx):
    attach = "clsact"


if __name__ == "__main__":
    run_tests()
