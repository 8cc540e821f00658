# SPDX-License-Identifier: Apache-2.0
#
# unittest.main() that says 'skipped' to CTest (return code 77, with the reasons printed)
# when not a single test could run.

import sys
import unittest


def run_tests():
    result = unittest.main(exit=False).result
    for test, reason in result.skipped:
        print(f"skipped: {test}: {reason}")
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if result.skipped and result.testsRun <= len(result.skipped) else 0)
