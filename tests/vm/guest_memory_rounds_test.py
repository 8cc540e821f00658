# SPDX-License-Identifier: Apache-2.0
#
# 95% of what is available, again and again, and who dies of it: nobody may. SQUALL_ROUNDS says
# how often, for the benchmark; a few times where nothing is said.
#
# On kernel 6.12 only: it takes long.

import os
import time
import unittest

from driven_fault import Driven
from memory_figures import oom_kills
from run_tests import run_tests
from slow import wait_until

ROUNDS = int(os.environ.get("SQUALL_ROUNDS") or 3)


class Rounds(unittest.TestCase):
    def test_nobody_dies_of_it(self):
        before, took = oom_kills(), []
        for _ in range(ROUNDS):
            began = time.monotonic()
            with Driven("memory_pressure", share="95%") as fault:
                effect = wait_until(lambda: (each := fault.ask("measure"))["verdict"] == "confirmed"
                                    and each, 30, "it is held", pause=0.05)
                took.append(time.monotonic() - began)
                self.assertEqual(0, effect["counters"]["OOM kills of others"])
                self.assertEqual(0, effect["counters"]["OOM kills of ours"])
        print(f"{ROUNDS} rounds of {effect['measures']['memory']['achieved']}, each in "
              f"{sorted(took)[len(took) // 2]:.2f} s: {oom_kills() - before} OOM kills", flush=True)
        self.assertEqual(before, oom_kills())


if __name__ == "__main__":
    run_tests()
