# SPDX-License-Identifier: Apache-2.0
#
# The example with two services behind one bridge: the one that gets a bad line is slow, the
# other's answers take what they took before, and the owner's qdiscs on the bridge's ports are the
# same, with counters that went on.
#
# On kernel 6.12 only: netem itself is tested on all.

import json
import os
import re
import socket
import statistics
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from kernel_has import need_netem
from namespaces import inside
from run_tests import run_tests
from sandbox import need_root
from slow import SLOW, scaled, wait_until

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "09-one-of-two-services"
SQUALL = Path(os.environ["SQUALL_BUILD"]).resolve() / "squall"
PORTS = ("client", "orders", "prices")


def answers(address, count):
    """Seconds, each, that a TCP connection to the service takes."""
    times = []
    for _ in range(count):
        with inside("sqex-client"):
            client = socket.socket()
        with client:
            client.settimeout(scaled(3))
            began = time.monotonic()
            client.connect((address, 8000))
            times.append(time.monotonic() - began)
    return times


def qdiscs(port, *more):
    return subprocess.run(["tc", "-n", "sqex-bridge", *more, "qdisc", "show", "dev", port], text=True,
                          check=True, capture_output=True).stdout


def sent(port):
    """Packets of each qdisc, by its handle."""
    return {handle: int(count) for handle, count in
            re.findall(r"qdisc \w+ (\w+:) .*?Sent \d+ bytes (\d+) pkt", qdiscs(port, "-s"), re.S)}


class OneOfTwo(unittest.TestCase):
    def setUp(self):
        need_root()
        need_netem()
        self.state = tempfile.TemporaryDirectory()
        self.addCleanup(self.state.cleanup)
        self.addCleanup(subprocess.run, [EXAMPLE / "prepare.sh", "down"], check=True)
        subprocess.run([EXAMPLE / "prepare.sh", "up"], check=True)

    def events(self):
        files = list(Path(self.state.name).glob("runs/*/events.jsonl"))
        text = files[0].read_text() if files else ""
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]

    def test_the_other_service_does_not_notice(self):
        before = {port: qdiscs(port) for port in PORTS}
        counted = {port: sent(port) for port in PORTS}
        calm = {"orders": answers("10.79.0.2", 30), "prices": answers("10.79.0.3", 30)}
        run = subprocess.Popen(
            [SQUALL, "run", EXAMPLE / "scenario.toml", "--yes", "--set", "as_ever=400ms"], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            env={**os.environ, "SQUALL_STATE_DIR": self.state.name, "NO_COLOR": "1"})
        self.addCleanup(run.stdout.close)
        wait_until(lambda: any(each["event"] == "fault_active" for each in self.events()), 30,
                   "the fault is active")
        slow, other = answers("10.79.0.2", 10), answers("10.79.0.3", 30)
        for port in PORTS:
            during = qdiscs(port)
            self.assertEqual(before[port], "".join(line for line in during.splitlines(True)
                                                   if "clsact" not in line))
        said = run.communicate(timeout=scaled(60))[0]
        self.assertEqual(0, run.returncode, said)
        # An emulated processor delays by more than was asked.
        self.assertIn("confirmed" if SLOW == 1 else "mean delay", said)
        # Both ways, 20 ms ± 5 ms each: never under 30 ms more than before.
        self.assertGreater(min(slow), 0.030, said)
        self.assertGreater(statistics.median(slow), statistics.median(calm["orders"]) + 0.025)
        self.alike(calm["prices"], other)
        for port in PORTS:
            self.assertEqual(before[port], qdiscs(port))
            now = sent(port)
            self.assertEqual(counted[port].keys(), now.keys())
            for handle, count in counted[port].items():
                self.assertGreaterEqual(now[handle], count, (port, handle))

    def alike(self, calm, other):
        """Medians and the upper quartile within what scatters on this machine; far from 40 ms."""
        for quantile in (1, 2):
            then, now = (statistics.quantiles(each, n=4)[quantile] for each in (calm, other))
            self.assertLess(now, then * 1.5 + 0.008, f"{calm} {other}")


if __name__ == "__main__":
    run_tests()
