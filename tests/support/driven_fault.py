# SPDX-License-Identifier: Apache-2.0
#
# One fault held by tests/netns/drive_fault.cpp, and two network namespaces joined by a
# link to hold it in. Sockets are made inside a namespace and stay there.

import json
import math
import os
import select
import signal
import socket
import struct
import subprocess
from pathlib import Path

from namespaces import inside, ip, ip_each
from slow import SLOW

DRIVE = Path(os.environ.get("SQUALL_BUILD", "build/dev")).resolve() / "tests" / "drive_fault"
# A datagram crosses a veth link while it is sent: one that is not there yet was lost.
SILENCE = 0.1 if SLOW == 1 else 0.2
_made = 0


class Pair:
    """Namespaces `near` and `far`, each with an eth0 that leads to the other."""

    FOUR = {"near": "10.78.0.1", "far": "10.78.0.2"}
    SIX = {"near": "fd78::1", "far": "fd78::2"}

    def __init__(self):
        global _made
        _made += 1
        self.near, self.far = (f"p{os.getpid()}n{_made}{side}" for side in "ab")
        for net in (self.near, self.far):
            ip("netns", "add", net)
        ip_each(self.near, f"link add eth0 type veth peer name eth0 netns {self.far}")
        for side, net in (("near", self.near), ("far", self.far)):
            ip_each(net, f"address add {self.FOUR[side]}/24 dev eth0",
                    f"address add {self.SIX[side]}/64 dev eth0 nodad",
                    "link set lo up", "link set eth0 up")

    def close(self):
        for net in (self.near, self.far):
            ip("netns", "del", net)

    def make_socket(self, side, kind=socket.SOCK_DGRAM, family=socket.AF_INET):
        with inside(getattr(self, side)):
            return socket.socket(family, kind)

    def tc(self, *words, net=None):
        with inside(net or self.near):
            return subprocess.run(["tc", *words], text=True, check=True, capture_output=True).stdout

    def state(self):
        found = []
        for net in (self.near, self.far):
            with inside(net):
                found += subprocess.run(
                    ["tc", "-force", "-batch", "-"], text=True, capture_output=True,
                    input="qdisc show dev eth0\nfilter show dev eth0 ingress\n"
                          "filter show dev eth0 egress\n").stdout.splitlines()
        return found

    def sendable(self, count, port, start="near", family=socket.AF_INET, tos=0, source_port=0):
        """Sends `count` numbered datagrams; the list of the numbers that arrived."""
        addresses = self.FOUR if family == socket.AF_INET else self.SIX
        end = "far" if start == "near" else "near"
        sender, receiver = self.make_socket(start, family=family), self.make_socket(end, family=family)
        with sender, receiver:
            receiver.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)  # SO_RCVBUFFORCE
            receiver.bind((addresses[end], port))
            sender.bind((addresses[start], source_port))
            if tos:
                sender.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
            arrived = []
            for number in range(1, count + 1):
                sender.sendto(struct.pack("!I", number), (addresses[end], port))
                if number % 200 == 0:
                    arrived += drain(receiver, 0)
            arrived += drain(receiver, SILENCE, count - len(arrived))
            return arrived + drain(receiver, 0)


class OnAPair:
    """For tests on a pair, cls.pair, of the fault cls.kind: nothing of ours is left after each."""

    def setUp(self):
        self.before = self.pair.state()

    def tearDown(self):
        self.assertEqual(self.before, self.pair.state(), "something of ours is left")
        self.assertEqual([], self.strays("--remove"))

    def strays(self, *words):
        return drive("--strays", self.kind, self.pair.near, *words)

    def within(self, count, of, share, more=0):
        """Inside the 99.9 % interval of a binomial, or so many more where it is a narrow one."""
        self.assertLess(abs(count - of * share), 3.291 * math.sqrt(of * share * (1 - share)) + more,
                        f"{count} of {of}")


def drain(receiver, wait, most=None):
    """What arrives until nothing does for `wait` seconds, or as many as `most`."""
    numbers = []
    while len(numbers) != most and select.select([receiver], [], [], wait)[0]:
        numbers.append(struct.unpack("!I", receiver.recv(64))[0])
    return numbers


class Driven:
    """A fault in force. With `with`: reverted at the end."""

    def __init__(self, kind, **settings):
        words = [f"{name.replace('__', '.')}={value}" for name, value in settings.items()]
        self.process = subprocess.Popen([str(DRIVE), kind, *words], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.answer = self.read()
        if "error" in self.answer:
            self.process.communicate()
            raise RuntimeError(f"{self.answer['error']} ({self.answer['hint']})")

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"drive_fault ended with {self.process.wait()}")
        return json.loads(line)

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.read()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def end(self):
        if self.process.poll() is None:
            self.process.communicate()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def drive(*words, **more):
    """A call of drive_fault that answers once."""
    return json.loads(subprocess.run([str(DRIVE), *words], text=True, check=True,
                                     stdout=subprocess.PIPE, **more).stdout)
