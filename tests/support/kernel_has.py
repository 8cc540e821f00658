# SPDX-License-Identifier: Apache-2.0
#
# Whether this kernel has netem, and tcx: asked in a namespace, where nobody minds.

import socket
import subprocess
import unittest

import bpf_objects
from driven_fault import Pair
from namespaces import inside


def need_netem():
    pair = Pair()
    try:
        pair.tc("qdisc", "add", "dev", "eth0", "root", "netem")
    except subprocess.CalledProcessError:
        raise unittest.SkipTest("this kernel has no netem") from None
    finally:
        pair.close()


def has_tcx(net):
    program = bpf_objects.load_pass_program("probe")
    with inside(net):
        link = bpf_objects.attach_tcx(program, socket.if_nametoindex("eth0"))
    for each in filter(None, (program, link)):
        socket.close(each)
    return link is not None
