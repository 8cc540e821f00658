# SPDX-License-Identifier: Apache-2.0
#
# Real podman containers for tests: busybox in a directory, no image, no registry. Those of one
# test are named after it and removed again.

import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from isolation import isolate
from sandbox import need_root
from slow import scaled, wait_until
from victims import unified_root

_made = 0
TOOLS = ("sh", "sleep", "cat", "echo", "ping", "dd")
# Counts what it gets done, a byte each, as fast as it may.
COUNTING = "while :; do i=0; while [ $i -lt 200 ]; do i=$((i+1)); done; echo -n x >>/count; done"


class Containers:
    def __init__(self):
        global _made
        _made += 1
        for tool in ("podman", "busybox"):
            if not shutil.which(tool):
                raise unittest.SkipTest(f"{tool} is not installed")
        self.prefix = f"sqc{os.getpid()}n{_made}"
        self.folder = Path(tempfile.mkdtemp(prefix="containers-", dir="/run"))
        self.made = []
        # crun knows no mixed hierarchies, runc does.
        self.runtime = "crun" if unified_root() == "/sys/fs/cgroup" else "runc"
        self.service = None

    def name(self, short):
        return f"{self.prefix}-{short}"

    def root(self, short):
        return self.folder / short

    def podman(self, *words, check=True):
        done = subprocess.run(
            ["podman", "--runtime", self.runtime, "--cgroup-manager", "cgroupfs",
             "--log-level", "error", *map(str, words)], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=scaled(60),
            cwd=self.folder,  # where conmon notes a death for want of memory
            env={**os.environ, "STORAGE_DRIVER": "vfs"})
        if check and done.returncode != 0:
            raise AssertionError(f"podman {words}: {done.stderr}")
        return done.stdout.strip()

    def run(self, short, *command, options=()):
        """Starts one, and returns its full name."""
        root = self.root(short)
        for folder in ("bin", "proc", "sys", "dev", "tmp", "etc", "run"):
            (root / folder).mkdir(parents=True)
        shutil.copy(shutil.which("busybox"), root / "bin" / "busybox")
        for tool in TOOLS:
            (root / "bin" / tool).symlink_to("busybox")
        name = self.name(short)
        self.made.append(name)
        self.podman("run", "-d", "--name", name, "--network=none", "--cap-add", "NET_RAW",
                    "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", *options,
                    "--rootfs", root,
                    *(command or ("sleep", "100000")))
        return name

    def trouble(self, name):
        """What podman knows of one that does not do its work."""
        return "\n".join((self.podman("ps", "-a", check=False),
                          self.podman("logs", name, check=False),
                          self.podman("inspect", "-f", "{{.State}}", name, check=False)))

    def pid(self, name):
        return int(self.podman("inspect", "-f", "{{.State.Pid}}", name))

    def counted(self, short):
        """What COUNTING has got done so far in the container."""
        file = self.root(short) / "count"
        return file.stat().st_size if file.exists() else 0

    def serve(self):
        """podman's socket, which alone tells labels."""
        Path("/run/podman").mkdir(exist_ok=True)
        self.service = subprocess.Popen(
            ["podman", "--runtime", self.runtime, "--cgroup-manager", "cgroupfs", "system",
             "service", "--time=0", "unix:///run/podman/podman.sock"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "STORAGE_DRIVER": "vfs"})
        wait_until(Path("/run/podman/podman.sock").exists, 20, "podman serves its socket", 0.05)

    def close(self):
        if self.service:
            self.service.send_signal(signal.SIGTERM)
            self.service.wait()
            Path("/run/podman/podman.sock").unlink(missing_ok=True)
        for name in self.made:
            self.podman("rm", "-f", "-t", "0", name, check=False)
        shutil.rmtree(self.folder)


def own_containers():
    """For setUpModule: the engine's folders are this test's alone."""
    need_root()
    isolate("/var/lib/containers")


class OnContainers(unittest.TestCase):
    def setUp(self):
        self.containers = Containers()
        self.addCleanup(self.containers.close)

    def rate(self, short, seconds=2.0):
        """What COUNTING gets done in a second."""
        before, then = self.containers.counted(short), time.monotonic()
        time.sleep(seconds)
        return (self.containers.counted(short) - before) / (time.monotonic() - then)

    def counting(self, *shorts):
        names = [self.containers.run(short, "sh", "-c", COUNTING) for short in shorts]
        for short, name in zip(shorts, names):
            try:
                wait_until(lambda short=short: self.containers.counted(short), 5, "it counts")
            except AssertionError as why:
                raise AssertionError(f"{why}: {self.containers.trouble(name)}") from None
        return names
