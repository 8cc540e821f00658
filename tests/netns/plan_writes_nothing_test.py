# SPDX-License-Identifier: Apache-2.0
#
# 'squall plan' only looks. Its system calls are traced: nothing is created, removed,
# renamed, signalled, loaded, attached or configured, and the machine is the same after.
# The same tracing must see the writes of a real run, or it would prove nothing.
#
# On kernel 6.12 only: what squall calls is the same on all.

import re
import shutil
import subprocess
import unittest

from run_tests import run_tests
from sandbox import Sandbox, need_root
from slow import SLOW, scaled

# Calls that change something whatever their arguments.
WRITES = {"unlink", "unlinkat", "rename", "renameat", "renameat2", "mkdir", "mkdirat", "rmdir",
          "link", "linkat", "symlink", "symlinkat", "mknod", "mknodat", "chmod", "fchmod",
          "fchmodat", "chown", "fchown", "fchownat", "lchown", "truncate", "ftruncate",
          "fallocate", "utimensat", "setxattr", "fsetxattr", "lsetxattr", "mount", "umount2",
          "move_mount", "pivot_root", "kill", "tkill", "tgkill", "pidfd_send_signal",
          "rt_sigqueueinfo", "ptrace", "process_vm_writev", "settimeofday", "clock_settime",
          "adjtimex", "clock_adjtime", "setpriority", "sched_setaffinity", "sched_setscheduler",
          "sched_setattr", "init_module", "finit_module", "delete_module", "sethostname",
          "reboot", "swapon", "swapoff", "fork", "vfork", "creat"}
READING_BPF = {"BPF_PROG_GET_NEXT_ID", "BPF_MAP_GET_NEXT_ID", "BPF_LINK_GET_NEXT_ID",
               "BPF_BTF_GET_NEXT_ID", "BPF_PROG_GET_FD_BY_ID", "BPF_MAP_GET_FD_BY_ID",
               "BPF_LINK_GET_FD_BY_ID", "BPF_BTF_GET_FD_BY_ID", "BPF_OBJ_GET_INFO_BY_FD",
               "BPF_PROG_QUERY", "BPF_OBJ_GET", "BPF_MAP_LOOKUP_ELEM", "BPF_MAP_GET_NEXT_KEY",
               "BPF_TASK_FD_QUERY"}
# Whether the kernel takes such programs can only be asked by giving it one: nameless, two
# instructions, attached to nothing, and gone with its descriptor.
QUESTION = re.compile(r"^BPF_PROG_LOAD, .*insn_cnt=2,.* prog_name=\"\",")


def setUpModule():
    need_root()
    if not shutil.which("strace"):
        raise unittest.SkipTest("strace is not installed")


def writes_in(trace):
    """The lines of an strace log that change something outside the process."""
    return [line for line in trace.splitlines() if is_write(line)]


def is_write(line):
    call = re.match(r"(?:\d+ +)?(\w+)\((.*)", line)
    if not call or " = -1 " in line:
        return False
    name, arguments = call.groups()
    if name in WRITES:
        return not arguments.startswith("SIG") and "CLONE_VM" not in arguments
    if name in ("open", "openat", "openat2"):
        return bool(re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND", arguments))
    if name == "bpf":
        return arguments.split(",")[0] not in READING_BPF and not QUESTION.search(arguments)
    if name in ("sendto", "sendmsg", "sendmmsg"):
        # Netlink requests that only read are RTM_GET…; a request that changes says what.
        return bool(re.search(r"RTM_(NEW|DEL|SET)\w+", arguments))
    if name in ("write", "pwrite64", "writev", "pwritev"):
        return not re.match(r"[12](<|,)|\d+<(pipe|socket|anon_inode)", arguments)
    if name in ("clone", "clone3"):
        return "CLONE_THREAD" not in arguments
    if name in ("bind", "listen"):
        return "AF_NETLINK" not in arguments
    return False


class PlanWritesNothing(unittest.TestCase):
    def setUp(self):
        self.box = Sandbox()
        self.addCleanup(self.box.close)
        self.trace = self.box.folder / "trace"
        self.file = self.box.scenario(self.box.overlapping("50ms"))

    def traced(self, *words):
        command = ["strace", "-f", "-y", "-s", "64", "-o", self.trace, *self.box.command(*words)]
        done = subprocess.run(command, env=self.box.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=scaled(20))
        return done, writes_in(self.trace.read_text(errors="replace"))

    def test_plan(self):
        before = self.box.state()
        folder = sorted(self.box.folder.rglob("*"))
        done, writes = self.traced("plan", self.file)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(writes, [])
        self.assertEqual(self.box.left(before, 0), [])
        folder.append(self.trace)
        self.assertEqual(sorted(self.box.folder.rglob("*")), sorted(folder))
        # It names each change and its undoing.
        for word in ("eth0", self.box.near, self.box.far, str(self.box.victims[0].pid)):
            self.assertIn(word, done.stdout)

    def test_check_and_doctor(self):
        for words in (("check", self.file), ("doctor",), ("status",), ("list",)):
            with self.subTest(command=words[0]):
                _, writes = self.traced(*words)
                self.assertEqual(writes, [])

    def test_the_trace_sees_writes(self):
        # Where a traced call takes that long, one run of six faults would outlast its lease.
        if SLOW > 1:
            self.file = self.box.scenario([self.box.loss(duration="50ms"),
                                           self.box.pause(duration="50ms")])
        done, writes = self.traced("run", self.file, "--yes")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        seen = "\n".join(writes)
        for call in ("mkdir", "openat", "bpf(BPF_PROG_LOAD", "SIGSTOP"):
            self.assertIn(call, seen)


if __name__ == "__main__":
    run_tests()
