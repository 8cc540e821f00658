# SPDX-License-Identifier: Apache-2.0
#
# Processes to pause and kill, with names of their own, and /proc as an outsider reads it.

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from slow import wait_until

_made = 0


def field(pid, number):
    """Of /proc/<pid>/stat, counted from 1 as in proc(5)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[number - 3]


def state(pid):
    try:
        return field(pid, 3)
    except (FileNotFoundError, ProcessLookupError):
        return "gone"


def start_time(pid):
    return field(pid, 22)


def cpu_time(pid):
    """Nanoseconds on a CPU, and when that was read; as near to each other as can be."""
    readings = []
    for _ in range(100):
        before = time.monotonic_ns()
        spent = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
        after = time.monotonic_ns()
        readings.append((after - before, spent, (before + after) // 2))
        if after - before < 1_000_000:
            break
    return min(readings)[1:]


def comm(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def pids_of(name):
    return [int(each.name) for each in Path("/proc").iterdir()
            if each.name.isdigit() and comm(each.name) == name
            and state(each.name) not in ("Z", "gone")]


class Victims:
    """A program of a unique name, and what was started of it."""

    def __init__(self):
        global _made
        _made += 1
        self.name = f"vic{os.getpid()}n{_made}"
        self.folder = Path(tempfile.mkdtemp(prefix="victims-"))
        self.program = str(self.folder / self.name)
        shutil.copy(shutil.which("sleep"), self.program)
        self.started = []

    def start(self, before=(), length="1000"):
        process = subprocess.Popen([*before, self.program, length])
        self.started.append(process)
        wait_until(lambda: comm(process.pid) == self.name, what="the victim runs")
        return process

    def close(self):
        for process in self.started:
            process.kill()
            process.wait()
        for pid in pids_of(self.name):  # started again by a fault
            os.kill(pid, 9)
        shutil.rmtree(self.folder)


class OwnCgroup:
    """A group that nobody else has; `directory` is where hierarchies may be."""

    def __init__(self, directory, name=None):
        self.name = name or f"own{os.getpid()}"
        self.path = Path(directory) / self.name
        self.path.mkdir()

    def add(self, pid):
        (self.path / "cgroup.procs").write_text(str(pid))

    def close(self):
        wait_until(lambda: not (self.path / "cgroup.procs").read_text(), what="the group is empty")
        self.path.rmdir()


def mounted_at(fits):
    mounts = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    return next((words[1] for words in mounts if fits(words[2], words[3].split(","))), None)


def unified_root():
    """Where cgroup2 is mounted, or None."""
    return mounted_at(lambda kind, _: kind == "cgroup2")


def systemd_root():
    """Where systemd's own v1 hierarchy is mounted, or None."""
    return mounted_at(lambda kind, options: kind == "cgroup" and "name=systemd" in options)
