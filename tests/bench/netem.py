# SPDX-License-Identifier: Apache-2.0
#
# P7 to P9 for netem: does the sidecar lose, delay and end as asked, beside plain netem on the
# root qdisc in the same run, turn by turn, as a receiver of numbered and timed packets sees it.
# Where the kernel is emulated, counts and ratios are valid, and times are not.

import contextlib
import json
import math
import os
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

import measuring
from driven_fault import Driven, Pair
from kernel_has import need_netem
from namespaces import inside, keep_order
from sandbox import need_root
from slow import scaled, wait_until

PORT, OTHER_PORT, TCP_PORT = 9001, 9002, 9003
UDP_SEQUENCE = Path(os.environ["SQUALL_BUILD"]).resolve() / "examples/victim/udp-sequence"
ROUNDS = measuring.rounds(3)
WAYS = ("squall", "tc")


@contextlib.contextmanager
def disturbed(pair, way, words, **match):
    """The same netem, by a fault or on the root qdisc: 'delay 5ms' is delay=5ms for the fault."""
    if way == "tc":
        pair.tc("qdisc", "add", "dev", "eth0", "root", "netem", "limit", "200000",
                *" ".join(f"{name} {value}" for name, value in words.items())
                .replace(" jitter", "").split())
        try:
            yield None
        finally:
            pair.tc("qdisc", "del", "dev", "eth0", "root")
    elif way == "squall":
        with Driven("netem", target__interface="eth0", target__namespace=pair.near,
                    limit=200000, **{**match, **words}) as fault:
            yield fault
    else:
        yield None


class Flow:
    """Numbered datagrams, from the near end to a receiver at the far end."""

    def __init__(self, pair, count, rate, port=PORT):
        self.folder = tempfile.TemporaryDirectory()
        listens = Path(self.folder.name) / "port"
        self.receiver = subprocess.Popen(
            ["ip", "netns", "exec", pair.far, UDP_SEQUENCE, "receive", "--port", str(port), "--count",
             str(count), "--idle", f"{scaled(1):.0f}s", "--port-file", listens],
            stdout=subprocess.PIPE, text=True)
        wait_until(listens.exists, what="the receiver listens")
        self.began = time.monotonic()
        self.sender = subprocess.Popen(
            ["ip", "netns", "exec", pair.near, UDP_SEQUENCE, "send", "--to",
             f"{Pair.FOUR['far']}:{port}", "--count", str(count), "--rate", str(rate)],
            stdout=subprocess.PIPE, text=True)
        self.count = count

    def end(self):
        sent = json.loads(self.sender.communicate()[0])
        took = time.monotonic() - self.began
        seen = json.loads(self.receiver.communicate()[0])
        self.folder.cleanup()
        return {**seen, "refused": sent["refused"], "rate": self.count / took}


def flow(pair, count, rate, port=PORT):
    return Flow(pair, count, rate, port).end()


def shares(pair):
    count, rows = 20_000, []
    for percent in (1, 5, 20):
        for way in WAYS:
            with disturbed(pair, way, {"loss": f"{percent}%"}, match__port=PORT):
                seen = flow(pair, count, 2500)
            share = percent / 100
            z = (seen["lost"] - count * share) / math.sqrt(count * share * (1 - share))
            bursts = sum(seen["bursts"].values())
            rows.append([way, f"{percent}%", f"{count:,}", f"{seen['lost']:,}",
                         f"{100 * seen['lost'] / count:.3f}%", f"{z:+.2f}",
                         "inside" if abs(z) < 2.576 else "OUTSIDE",
                         f"{seen['lost'] / max(1, bursts):.3f}", f"{1 / (1 - share):.3f}"])
    measuring.print_table("P7: share of datagrams lost, by a receiver; 99 % interval",
                          ["by", "asked", "packets", "lost", "share", "z", "interval", "mean burst",
                           "expected"], rows)


class Holes(threading.Thread):
    """Looks at the segments that arrive: a hole in front of new data is a burst of losses."""

    def __init__(self, pair, segment):
        super().__init__()
        with inside(pair.far):
            self.tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
            self.tap.bind(("eth0", 0x0800))
        self.tap.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
        self.tap.settimeout(0.2)
        self.segment, self.bursts, self.next, self.going = segment, [], None, True
        self.largest = 0

    def run(self):
        while True:
            try:
                head = self.tap.recv(64)
            except TimeoutError:
                if not self.going:
                    return
                continue
            length, at = struct.unpack_from("!H", head, 2)[0], 4 * (head[0] & 15)
            if head[9] != 6 or struct.unpack_from("!H", head, at + 2)[0] != TCP_PORT:
                continue
            number = struct.unpack_from("!I", head, at + 4)[0]
            carried = length - at - 4 * (head[at + 12] >> 4)
            if carried > 0:
                self.take(number, carried)

    def take(self, number, carried):
        self.largest = max(self.largest, carried)
        ahead = (number - self.next + (1 << 31)) % (1 << 32) - (1 << 31) if self.next is not None else 0
        if ahead > 0:
            self.bursts.append(math.ceil(ahead / self.segment))
        if self.next is None or ahead >= 0:
            self.next = (number + carried) % (1 << 32)

    def end(self):
        self.going = False
        self.join()
        self.tap.close()


def transfer(pair, length):
    """Bytes by TCP from near to far; the size of a segment."""
    with pair.make_socket("far", socket.SOCK_STREAM) as server, \
            pair.make_socket("near", socket.SOCK_STREAM) as client:
        server.bind((Pair.FOUR["far"], TCP_PORT))
        server.listen(1)
        client.connect((Pair.FOUR["far"], TCP_PORT))
        taken, _ = server.accept()
        segment = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
        holes = Holes(pair, segment)
        holes.start()

        def pull():
            while taken.recv(1 << 20):
                pass

        reader = threading.Thread(target=pull)
        reader.start()
        client.sendall(bytes(length))
        client.shutdown(socket.SHUT_WR)
        reader.join()
        taken.close()
        holes.end()
        return holes


def tcp_bursts(pair):
    rows = []
    for way in WAYS:
        with disturbed(pair, way, {"loss": "1%"}, match__protocol="tcp"):
            seen = [transfer(pair, 12 << 20) for _ in range(ROUNDS)]
        bursts = [each for one in seen for each in one.bursts]
        mean = statistics.fmean(bursts) if bursts else 0
        rows.append([way, f"{ROUNDS} × 12 MiB", f"{sum(bursts):,}", f"{len(bursts):,}", f"{mean:.3f}",
                     f"{max(bursts, default=0)}", "met" if mean < 1.05 else "MISSED"])
    measuring.print_table("P7: lengths of bursts at 1 % on TCP with GSO on, by the holes that arrive",
                          ["by", "sent", "segments lost", "bursts", "mean burst", "longest", "below 1.05"],
                          rows)


def delays(pair):
    rows = []
    for words in ({"delay": "5ms"}, {"delay": "20ms"}, {"delay": "20ms", "jitter": "4ms"}):
        found = {way: [] for way in ("nothing", *WAYS)}
        for _ in range(ROUNDS):
            for way in found:
                with disturbed(pair, way, words, match__port=PORT):
                    found[way].append(flow(pair, 2000, 500))
        middle = {way: statistics.median(each["transit_p50_us"] for each in seen)
                  for way, seen in found.items()}
        spread = {way: statistics.median(each["transit_p99_us"] - each["transit_p50_us"] for each in seen)
                  for way, seen in found.items()}
        apart = abs(middle["squall"] - middle["tc"]) / middle["tc"]
        rows.append([" ".join(words.values()), f"{middle['squall'] / middle['tc']:.3f}",
                     f"{spread['squall'] / max(1, spread['tc']):.3f}",
                     str(sum(each["lost"] for each in found["squall"])),
                     "met" if apart <= 0.1 else "MISSED"])
    measuring.print_table("P8: delay through the sidecar over that of netem on the root qdisc",
                          ["asked", "median, ratio", "p99 less median, ratio", "lost",
                           "median within 10 %"], rows)


def bystanders(pair):
    """What does not match: as fast as it can be sent, with the fault and without, in turn."""
    rates = {"nothing": [], "squall": []}
    for _ in range(2 * ROUNDS + 1):
        for way, seen in rates.items():
            with disturbed(pair, way, {"delay": "20ms"}, match__port=PORT, match__direction="both"):
                seen.append(flow(pair, 20_000, 10_000_000, OTHER_PORT)["rate"])
    ratio = max(rates["squall"]) / max(rates["nothing"])
    pairs = statistics.median(a / b for a, b in zip(rates["squall"], rates["nothing"]))
    measuring.print_table("P8: datagrams a second that do not match, over those without a fault",
                          ["rounds", "best of each, ratio", "median of pairs", "within 1 %"],
                          [[str(len(rates["squall"])), f"{ratio:.4f}", f"{pairs:.4f}",
                            "met" if ratio >= 0.99 else "MISSED"]])


def gently(fault):
    """As a run ends: asked again until nothing is inside any more."""
    while fault.ask("ease_off")["again_ns"] > 0:
        time.sleep(0.002)
    fault.ask("revert")


def ends(pair):
    keep_order(pair.far, "eth0")
    rows = []
    for rate, count in ((2_000, 8_000), (50_000, 60_000)):
        for way, how in (("squall", "gently"), ("squall", "at once"), ("tc", "qdisc del")):
            with disturbed(pair, way, {"delay": "300ms"}, match__port=PORT) as fault:
                going = Flow(pair, count, rate)
                time.sleep(max(1.0, count / rate / 2))
                inside_then = str(fault.ask("measure")["counters"]["waiting"]) if fault else "-"
                if how == "gently":
                    gently(fault)
                elif how == "at once":
                    fault.ask("revert")
                else:
                    pair.tc("qdisc", "del", "dev", "eth0", "root")
                still = going.sender.poll() is None
                seen = going.end()
                if way == "tc":
                    pair.tc("qdisc", "add", "dev", "eth0", "root", "pfifo")
            good = not seen["lost"] and (how == "at once" or not seen["reordered"])
            goal = "" if way == "tc" else "met" if good else "MISSED"
            rows.append([f"{way}, {how}", f"{rate:,}", f"{seen['rate']:,.0f}", f"{count:,}", inside_then,
                         str(seen["lost"]), str(seen["reordered"]), "yes" if still else "no", goal])
    measuring.print_table("P9: what the end of 300 ms of delay costs a stream of datagrams",
                          ["end", "asked a second", "achieved", "packets", "inside then", "lost",
                           "reordered", "under traffic", "0 lost (gently: 0 reordered)"], rows)


def main():
    try:
        need_root()
        need_netem()
    except unittest.SkipTest as why:
        measuring.skip(str(why))
    parts = {each.__name__: each for each in (shares, tcp_bursts, delays, bystanders, ends)}
    for name in sys.argv[2:] or parts:
        pair = Pair()
        try:
            parts[name](pair)
        finally:
            pair.close()


if __name__ == "__main__":
    main()
