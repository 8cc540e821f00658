# SPDX-License-Identifier: Apache-2.0
#
# A control group with a controller, in v2 where that has it and in v1 otherwise, and victims in
# it that measure themselves what they get.

import os
import subprocess
import sys
import unittest
from pathlib import Path

from victims import OwnCgroup, mounted_at, unified_root

_made = 0

# Uses all the CPU that it gets, and says so: a share of one CPU for each second, a line each.
BUSY = """
import time
used, then = time.process_time(), time.monotonic()
while True:
    for _ in range(2000): pass
    now = time.monotonic()
    if now - then >= 1:
        print((time.process_time() - used) / (now - then), flush=True)
        used, then = time.process_time(), now
"""

# Takes orders: "take N" MiB of memory, touched; "file PATH N": writes N MiB, each to the disk, so
# that its pages can be taken back; "quit". Answers with the seconds that it took.
HUNGRY = """
import os, sys, time
kept = []
print("ready", flush=True)
for line in sys.stdin:
    words = line.split()
    if words[0] == "quit": break
    then = time.monotonic()
    if words[0] == "take":
        for _ in range(int(words[1])):
            piece = bytearray(1 << 20)
            piece[::4096] = b"x" * 256
            kept.append(piece)
    if words[0] == "file":
        with open(words[1], "wb") as out:
            for _ in range(int(words[2])):
                out.write(b"x" * (1 << 20))
                out.flush()
                os.fdatasync(out.fileno())
    print(time.monotonic() - then, flush=True)
"""


class LimitedGroup(OwnCgroup):
    """`close` also ends what was started in it."""

    def __init__(self, controller):
        global _made
        _made += 1
        root = unified_root()
        self.v2 = bool(root) and controller in Path(root, "cgroup.controllers").read_text().split()
        if self.v2:
            control = Path(root, "cgroup.subtree_control")
            if controller not in control.read_text().split():
                control.write_text(f"+{controller}")
        else:
            root = mounted_at(lambda kind, options: kind == "cgroup" and controller in options)
        if not root:
            raise unittest.SkipTest(f"no cgroup hierarchy has the controller {controller}")
        self.controller = controller
        self.started = []
        super().__init__(root, f"limited{os.getpid()}n{_made}")
        # Under its own name, so that it is found in whichever hierarchy it is.
        self.target = f"/{self.name}"

    def read(self, file):
        return (self.path / file).read_text().removesuffix("\n")

    def number(self, file, key):
        pairs = (line.split() for line in self.read(file).splitlines())
        return next(int(value) for name, value in pairs if name == key)

    def marks(self):
        return [each for each in os.listxattr(self.path) if "squall" in each]

    def start(self, code, *words):
        victim = subprocess.Popen(
            [sys.executable, "-c", "import os, sys\n"
             "open(sys.argv[1], 'w').write(str(os.getpid()))\n" + code,
             self.path / "cgroup.procs", *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.started.append(victim)
        return victim

    def close(self):
        for victim in self.started:
            victim.kill()
            victim.wait()
            victim.stdin.close()
            victim.stdout.close()
        super().close()


def share(victim, skip=1):
    """Of one CPU, in a whole second that begins after those that are skipped."""
    for _ in range(skip):
        victim.stdout.readline()
    return float(victim.stdout.readline())


def order(victim, *words):
    """The seconds that it took; None when the victim died of it."""
    victim.stdin.write(" ".join(map(str, words)) + "\n")
    victim.stdin.flush()
    answer = victim.stdout.readline()
    return float(answer) if answer else None
