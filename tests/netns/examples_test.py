# SPDX-License-Identifier: Apache-2.0
#
# Every numbered example, run against a lab as a newcomer would, after its prepare.sh where it
# has one: it ends with the exit code and says the lines that its `expect` file names, and
# leaves the lab as it was.
#
# Alone: examples state latencies.

import json
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import host_state
from isolation import isolate
from run_tests import run_tests
from slow import SLOW, scaled, wait_until

ROOT = Path(__file__).resolve().parents[2]
SQUALL = str(Path(os.environ["SQUALL_BUILD"]).resolve() / "squall")
FIGURES = Path("/run/squall/lab/order-client.json")
NETWORKS = [f"/run/netns/sqlab-{each}" for each in ("gw", "client", "web")]


def squall(*words):
    return subprocess.run([SQUALL, *words], text=True, capture_output=True, cwd=ROOT,
                          stdin=subprocess.DEVNULL, timeout=scaled(90),
                          env={**os.environ, "NO_COLOR": "1"})


def expectation(folder):
    """First line 'exit N', then texts that have to be said, in any order."""
    first, *lines = (folder / "expect").read_text().splitlines()
    return int(re.fullmatch(r"exit (\d+)", first).group(1)), [each for each in lines if each]


def client_is_well():
    if not FIGURES.exists():
        return False
    figures = json.loads(FIGURES.read_text())
    return figures["connected"] and figures["acked"] and not figures["lost"]


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("needs root: makes network namespaces")
        if SLOW > 1:
            raise unittest.SkipTest("states latencies that an emulated processor does not keep")
        cls.state = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.state.cleanup)
        os.environ["SQUALL_STATE_DIR"] = cls.state.name
        made = squall("lab", "up")
        assert made.returncode == 0, made.stderr
        cls.addClassCleanup(squall, "lab", "down")

    def run_example(self, folder):
        code, lines = expectation(folder)
        prepare = folder / "prepare.sh"
        if prepare.exists():
            self.addCleanup(subprocess.run, [prepare, "down"], check=True)
            subprocess.run([prepare, "up"], check=True)
        wait_until(client_is_well, 10, "the client is well before the run", pause=0.1)
        before = host_state.dump(nets=["", *NETWORKS])
        done = squall("run", str(folder.relative_to(ROOT) / "scenario.toml"), "--yes")
        said = done.stdout + done.stderr
        if lacking := re.search(r"this kernel has no .*", said) if done.returncode == 3 else None:
            self.skipTest(lacking[0])
        self.assertEqual(done.returncode, code, said)
        for line in lines:
            self.assertIn(line, said)
        left = host_state.wait_until_equal(before, 5, nets=["", *NETWORKS])
        self.assertEqual(left, [], said)
        self.assertEqual(squall("recover").returncode, 0)
        again = squall("lab", "up")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("already", again.stdout, "the run cost the lab a part of it")


def add_tests():
    for folder in sorted((ROOT / "examples").glob("[0-9]*")):
        name = "test_" + folder.name.replace("-", "_")
        setattr(Examples, name, lambda self, folder=folder: self.run_example(folder))


if __name__ == "__main__":
    isolate()
    add_tests()
    run_tests()
