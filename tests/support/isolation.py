# SPDX-License-Identifier: Apache-2.0
#
# A test in network and mount namespaces of its own, with a /run of its own: the usual lab
# can be made in it with its usual names and addresses, whatever the host has of its own.

import os
import sys

SETTING = "SQUALL_TEST_ISOLATED"


def isolate():
    """Starts this program again inside; returns only there, or without root."""
    if os.geteuid() != 0 or SETTING in os.environ:
        return
    # Nothing at /run survives in there but what the C library needs to resolve names.
    script = "mount -t tmpfs tmpfs /run && ip link set lo up && exec \"$0\" \"$@\""
    environment = {**os.environ, SETTING: "1"}
    os.execvpe("unshare", ["unshare", "--net", "--mount", "--propagation", "private", "sh", "-c",
                           script, sys.executable, "-B", *sys.argv], environment)
