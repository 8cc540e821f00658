# SPDX-License-Identifier: Apache-2.0
#
# Limits that hold on slow machines too: the VM tier emulates its processor and says by
# SQUALL_SLOW how many times longer things take there. Only for limits of waiting, never
# for what a test claims about squall itself.

import os
import time

SLOW = float(os.environ.get("SQUALL_SLOW") or 1)


def scaled(seconds):
    return seconds * SLOW


def wait_until(condition, limit=5.0, what="the condition", pause=0.002):
    """Polls until condition() is true and returns its value; fails after scaled(limit)."""
    end = time.monotonic() + scaled(limit)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {scaled(limit):.0f} s: {what}")
        time.sleep(pause)
