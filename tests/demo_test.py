# SPDX-License-Identifier: Apache-2.0
#
# The README's first command, as a newcomer types it: it must end well and say so, in a
# network of the test's own.

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from isolation import isolate
from run_tests import run_tests

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "release"


def setUpModule():
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root: the demo makes network namespaces")
    if Path(os.environ["SQUALL_BUILD"]).resolve() != BUILD:
        raise unittest.SkipTest("another build is tested: the demo makes and runs the release build")
    isolate()


class Demo(unittest.TestCase):
    def test_it_ends_well_and_leaves_nothing(self):
        with tempfile.TemporaryDirectory() as state:
            done = subprocess.run([ROOT / "scripts" / "demo.sh"], text=True, capture_output=True,
                                  stdin=subprocess.DEVNULL, timeout=110,
                                  env={**os.environ, "SQUALL_STATE_DIR": state})
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, 0, said)
        for sentence in ("the lab before and after the run: ", "the host before and after everything: ",
                         "The hypothesis held, and nothing is left."):
            self.assertIn(sentence, said)
        self.assertNotIn("DIFFERENT", said)


if __name__ == "__main__":
    run_tests()
