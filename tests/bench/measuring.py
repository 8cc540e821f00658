# SPDX-License-Identifier: Apache-2.0
#
# What the benchmarks share: a sandbox, an observer that asks the kernel and never
# squall, percentiles, and one form of table.

import errno
import os
import signal
import socket
import struct
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))

import bpf_objects  # noqa: E402

SKIPPED = 77
PROG_QUERY = 16
RTM_GETTFILTER, NLMSG_ERROR, NLMSG_DONE = 46, 2, 3


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def rounds(default):
    """How often to measure: the first argument, or the default."""
    return int(sys.argv[1]) if len(sys.argv) > 1 else default


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def milliseconds(nanoseconds):
    return f"{nanoseconds / 1e6:.3f}"


def row(name, values, goal="", verdict_of=None, limit=None):
    """One line of a table of times in ms; `limit` is what must hold, of verdict_of(values)."""
    verdict = ""
    if limit is not None:
        seen = verdict_of(values)
        verdict = "met" if seen <= limit else f"MISSED ({milliseconds(seen)})"
    return [name, str(len(values)), *(milliseconds(percentile(values, share))
                                      for share in (0.5, 0.99)), milliseconds(max(values)),
            goal, verdict]


TIMES = ["what", "n", "p50 ms", "p99 ms", "max ms", "goal", "result"]


def p50(values):
    return percentile(values, 0.5)


def p99(values):
    return percentile(values, 0.99)


def print_table(title, head, rows, notes=()):
    widths = [max(len(line[column]) for line in [head, *rows]) for column in range(len(head))]
    print(f"\n### {title}\n")
    for number, line in enumerate([head, *rows]):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |")
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
    for note in notes:
        print(f"\n{note}")
    sys.stdout.flush()


class Observer:
    """Sees when the last change of a sandbox's near side is gone: programs attached to eth0 of
    the namespace, by filters or by tcx, and stopped victims. Spins: it wants the instant."""

    def __init__(self, box, victims):
        self.stats = [os.open(f"/proc/{pid}/stat", os.O_RDONLY) for pid in victims]
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.there = os.open(f"/run/netns/{box.near}", os.O_RDONLY)
        number = int(os.popen(f"ip -n {box.near} -o link show eth0").read().split(":")[0])
        self.queries = [struct.pack("IIIIQI", number, where, 0, 0, 0, 0)
                        for where in (bpf_objects.TCX_INGRESS, bpf_objects.TCX_EGRESS)]

        self.dumps = [struct.pack("IHHIIBxxxiIII", 36, RTM_GETTFILTER, 0x301, 0, 0, 0, number, 0,
                                  parent, 0) for parent in (0xFFFFFFF2, 0xFFFFFFF3)]

    def __enter__(self):
        bpf_objects.enter_network(self.there)
        self.route = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
        return self

    def __exit__(self, *_):
        self.route.close()
        bpf_objects.enter_network(self.home)
        for each in (self.home, self.there, *self.stats):
            os.close(each)

    def programs(self):
        return sum(map(self.filters, self.dumps)) + sum(map(self.links, self.queries))

    def links(self, query):
        try:
            return struct.unpack_from("I", bpf_objects.bpf(PROG_QUERY, query)[1], 24)[0]
        except OSError as why:
            if why.errno in (errno.EINVAL, errno.ENOENT):  # no tcx, or never used here
                return 0
            raise

    def filters(self, dump):
        """Of clsact, by netlink; their classifiers announce themselves with handle 0."""
        self.route.send(dump)
        count = 0
        while True:
            answer = self.route.recv(1 << 16)
            at = 0
            while at < len(answer):
                length, kind = struct.unpack_from("IH", answer, at)
                if kind in (NLMSG_ERROR, NLMSG_DONE):
                    return count
                count += struct.unpack_from("I", answer, at + 24)[0] != 0
                at += (length + 3) & ~3

    def stopped(self):
        return sum(b") T " in os.pread(stat, 128, 0) for stat in self.stats)

    def changes(self):
        return self.programs() + self.stopped()

    def wait_until_clean(self, clock=time.monotonic_ns, limit_s=10):
        """The instant at which nothing was left, by `clock`; None after the limit."""
        give_up = time.monotonic() + limit_s
        while time.monotonic() < give_up:
            if not self.programs() and not self.stopped():
                return clock()
        return None


def sixteen_faults(box, count=16):
    """Twelve programs on eth0, by port and direction, and four paused processes."""
    faults = []
    for number in range(count - len(box.victims)):
        direction = ("out", "in")[number % 2]
        faults.append(box.loss(direction=direction).replace(
            f'"{direction}"', f'"{direction}", protocol = "udp", port = {9001 + number}'))
    return faults + [box.pause(number) for number in range(len(box.victims))]


def end(process):
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.wait()
