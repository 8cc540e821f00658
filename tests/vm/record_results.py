# SPDX-License-Identifier: Apache-2.0
#
# Runs one unittest file as if by hand and appends one JSON line per test to a file:
# record_results.py RESULTS NAME FILE [TEST…]. The file's own way of skipping as a whole (return
# code 77) is kept as the return code.

import json
import os
import runpy
import sys
import time
import unittest
import unittest.runner


class Recording(unittest.TextTestResult):
    """A test's outcome goes to the file at once: what ran before a crash is known."""

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def note(self, test, outcome, why=""):
        # A failed setUpModule arrives without startTest.
        took = time.monotonic() - getattr(self, "began", time.monotonic())
        name = test.id().removeprefix("__main__.")
        line = {"test": f"{NAME}: {name}", "outcome": outcome, "why": why, "took": round(took, 2)}
        RESULTS.write(json.dumps(line) + "\n")
        RESULTS.flush()

    def addSuccess(self, test):
        super().addSuccess(test)
        self.note(test, "ok")

    def addError(self, test, err):
        super().addError(test, err)
        self.note(test, "fail", self.errors[-1][1])

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.note(test, "fail", self.failures[-1][1])

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.note(test, "skip", reason)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.note(subtest, "fail", self._exc_info_to_string(err, test))


NAME, FILE, *CHOSEN = sys.argv[2:]
# Opened once: a test may go where the path means something else.
RESULTS = open(sys.argv[1], "a")
unittest.runner.TextTestRunner.resultclass = Recording
sys.argv = [FILE, "-v", *CHOSEN]
sys.path.insert(0, os.path.dirname(FILE))
runpy.run_path(FILE, run_name="__main__")
