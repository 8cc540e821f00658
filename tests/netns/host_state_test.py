# SPDX-License-Identifier: Apache-2.0
#
# The dump of the machine (tests/support/host_state.py) notices each kind of leftover. A
# comparison that never saw a leak would prove nothing.

import os
import signal
import socket
import subprocess
import sys
import unittest
from pathlib import Path

import bpf_objects
import host_state
from namespaces import inside
from run_tests import run_tests
from slow import wait_until

NAME = f"hs{os.getpid()}"
NET = f"/run/netns/{NAME}"


def ip(*command):
    subprocess.run(["ip", "-n", NAME, *command], check=True)


def tc(*command):
    subprocess.run(["tc", "-n", NAME, *command], check=True)


def attach_in_namespace(program):
    """A tcx link on eth0 of the namespace, or None without tcx."""
    with inside(NAME):
        return bpf_objects.attach_tcx(program, socket.if_nametoindex("eth0"))


class Notices(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("needs root: makes a network namespace")
        subprocess.run(["ip", "netns", "add", NAME], check=True)
        ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
        ip("link", "set", "eth0", "up")
        cls.victim = subprocess.Popen(["sleep", "1000"])

    @classmethod
    def tearDownClass(cls):
        cls.victim.kill()
        cls.victim.wait()
        subprocess.run(["ip", "netns", "del", NAME], check=True)

    def setUp(self):
        # The peer of a link that was just set up gets its IPv6 address a moment later.
        self.before = host_state.dump(**self.what())

    def what(self):
        return {"nets": [NET], "pids": [self.victim.pid]}

    def assert_noticed(self, *words):
        found = host_state.differences(self.before, host_state.dump(**self.what()))
        self.assertTrue(any(all(word in line for word in words) for line in found),
                        f"{words} not in {found}")

    def assert_gone(self):
        self.assertEqual(host_state.wait_until_equal(self.before, **self.what()), [])

    def test_nothing(self):
        self.assert_gone()

    def test_link(self):
        ip("link", "add", "sqa", "type", "veth", "peer", "name", "sqb")
        self.assert_noticed("+ net", "sqa")
        ip("link", "del", "sqa")
        self.assert_gone()

    def test_link_is_down(self):
        ip("link", "set", "eth0", "down")
        self.assert_noticed("+ net", "eth0", "state DOWN")
        ip("link", "set", "eth0", "up")
        self.assert_gone()

    def test_qdisc(self):
        tc("qdisc", "add", "dev", "eth0", "root", "handle", "7f17:", "pfifo")
        self.assert_noticed("+ net", "qdisc pfifo 7f17:")
        tc("qdisc", "del", "dev", "eth0", "root")
        self.assert_gone()

    def test_clsact_and_filter(self):
        tc("qdisc", "add", "dev", "eth0", "clsact")
        self.assert_noticed("+ net", "qdisc clsact")
        tc("filter", "add", "dev", "eth0", "egress", "protocol", "ip", "prio", "32535", "u32",
           "match", "u32", "0", "0", "flowid", ":1")
        self.assert_noticed("+ net", "filter", "32535")
        tc("qdisc", "del", "dev", "eth0", "clsact")
        self.assert_gone()

    def test_program_and_its_link(self):
        if not bpf_objects.available():
            self.skipTest("needs the bpf system call")
        program = bpf_objects.load_pass_program("squall_left")
        self.assert_noticed("+ bpf program", "squall_left")
        link = attach_in_namespace(program)
        if link is not None:
            self.assert_noticed("+ bpf link", "tcx of squall_left")
            os.close(link)
        os.close(program)
        self.assert_gone()

    def test_map(self):
        if not bpf_objects.available():
            self.skipTest("needs the bpf system call")
        made = bpf_objects.create_map("squall_left")
        self.assert_noticed("+ bpf map", "squall_left")
        os.close(made)
        self.assert_gone()

    def test_cgroup(self):
        roots = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()
                 if line.split()[2] in ("cgroup2", "cgroup")]
        if not roots:
            self.skipTest("no cgroup file system is mounted")
        for root in roots:
            folder = Path(root) / f"squall-{NAME}"
            folder.mkdir()
            self.assert_noticed("+ cgroup", str(folder))
            folder.rmdir()
        self.assert_gone()

    def test_process(self):
        named = subprocess.Popen([sys.executable, "-c",
                                  "import sys; open('/proc/self/comm','w').write('squall-left');"
                                  "print(flush=True); sys.stdin.read()"],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        named.stdout.readline()
        self.assert_noticed("+ process", "squall-left")
        named.communicate()
        self.assert_gone()

    def test_namespace(self):
        subprocess.run(["ip", "netns", "add", NAME + "x"], check=True)
        self.assert_noticed("+ namespace", NAME + "x")
        subprocess.run(["ip", "netns", "del", NAME + "x"], check=True)
        self.assert_gone()

    def test_stopped_process(self):
        os.kill(self.victim.pid, signal.SIGSTOP)
        wait_until(lambda: host_state.state_of(self.victim.pid) == "T")
        self.assert_noticed("+ pid", "stopped")
        os.kill(self.victim.pid, signal.SIGCONT)
        self.assert_gone()

    def test_priority_and_cpus(self):
        os.setpriority(os.PRIO_PROCESS, self.victim.pid, 5)
        self.assert_noticed("+ pid", "nice 5")
        os.setpriority(os.PRIO_PROCESS, self.victim.pid, 0)
        before = os.sched_getaffinity(self.victim.pid)
        os.sched_setaffinity(self.victim.pid, {min(before)})
        if len(before) > 1:
            self.assert_noticed("+ pid", "cpus")
        os.sched_setaffinity(self.victim.pid, before)
        self.assert_gone()


if __name__ == "__main__":
    run_tests()
