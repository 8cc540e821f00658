# SPDX-License-Identifier: Apache-2.0
#
# Whether this kernel has netem: asked in a namespace, where nobody minds.

import subprocess
import unittest

from driven_fault import Pair


def need_netem():
    pair = Pair()
    try:
        pair.tc("qdisc", "add", "dev", "eth0", "root", "netem")
    except subprocess.CalledProcessError:
        raise unittest.SkipTest("this kernel has no netem") from None
    finally:
        pair.close()
