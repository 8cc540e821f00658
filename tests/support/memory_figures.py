# SPDX-License-Identifier: Apache-2.0
#
# Memory as the kernel tells of it.

from pathlib import Path


def amount(path, key):
    """Bytes, of a line "MemAvailable: 123 kB" or "Node 0 MemFree: 123 kB"; 0 without one."""
    for line in Path(path).read_text().splitlines():
        name, colon, rest = line.partition(":")
        if colon and name.split()[-1:] == [key]:
            return int(rest.split()[0]) * 1024
    return 0


def oom_kills():
    """Since boot."""
    return next(int(line.split()[1]) for line in Path("/proc/vmstat").read_text().splitlines()
                if line.startswith("oom_kill "))


def children(pid):
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
