# SPDX-License-Identifier: Apache-2.0
#
# A test in network and mount namespaces of its own, with a /run of its own (and other folders,
# where it names some): the usual lab can be made in it with its usual names and addresses, whatever
# the host has of its own.

import ctypes
import os
import subprocess

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000


def isolate(*folders):
    """This process and its children, from now on. Without root nothing happens."""
    if os.geteuid() != 0:
        return
    kernel = ctypes.CDLL(None, use_errno=True)
    check(kernel.unshare(CLONE_NEWNET | CLONE_NEWNS), "unshare")
    check(kernel.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "make mounts private")
    for folder in ("/run", *folders):
        os.makedirs(folder, exist_ok=True)
        check(kernel.mount(b"tmpfs", folder.encode(), b"tmpfs", 0, None), f"mount our own {folder}")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def check(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), what)
