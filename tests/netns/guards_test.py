# SPDX-License-Identifier: Apache-2.0
#
# Whole runs with each guard that watches the host, and with the deadline: they end as
# promised, and everything is back. And who may do what: without privileges, with squall
# itself as target, from the network, as another user.
#
# Alone: pressure is of the whole machine.

import contextlib
import os
import re
import shlex
import socket
import subprocess
import sys
import threading
import unittest
from pathlib import Path

from namespaces import ip
from run_tests import run_tests
from sandbox import Sandbox, fault, need_root
from slow import scaled

NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
LISTENS = "0A"  # in /proc/net/tcp


def setUpModule():
    need_root()


def milliseconds(seconds):
    return f"{round(scaled(seconds) * 1000)}ms"


class Guarded(unittest.TestCase):
    def setUp(self):
        self.box = Sandbox()
        self.addCleanup(self.box.close)
        self.before = self.box.state()

    def scenario(self, kind, length="200s", **settings):
        guard = fault(kind, **settings).replace("[[fault]]", "[[guard]]")
        return self.box.scenario([self.box.loss(duration=length), self.box.pause(duration=length)],
                                 more=guard)

    def begin(self, file):
        runner = self.box.start("run", file, "--yes")
        self.box.wait_for_event("fault_active", 2, 20)
        return runner

    def assert_aborted(self, runner, why):
        self.assertEqual(runner.wait(scaled(20)), 4, self.box.said())
        self.assertRegex(self.box.said(), why)
        self.assertEqual(self.box.left(self.before, 0), [], self.box.said())

    def assert_holds(self, kind, **settings):
        done = self.box.run("run", self.scenario(kind, "50ms", **settings), "--yes")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.box.left(self.before, 0), [])

    def assert_refused(self, kind, why, **settings):
        earlier = len(self.box.events("fault_active"))
        done = self.box.run("run", self.scenario(kind, "50ms", **settings), "--yes")
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertRegex(done.stderr, why)
        self.assertEqual(len(self.box.events("fault_active")), earlier)
        self.assertEqual(self.box.left(self.before, 0), [])

    def busy(self, program):
        """A Python program that ends with this test, and has said that it is at work."""
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        process.stdout.readline()


class Guards(Guarded):
    def test_free_memory(self):
        text = Path("/proc/meminfo").read_text()
        available = int(re.search(r"MemAvailable:\s*(\d+)", text)[1]) >> 10
        self.assert_holds("free_memory", available="> 1MiB")
        self.assert_refused("free_memory", "available memory", available=f"> {2 * available}MiB")
        runner = self.begin(self.scenario("free_memory", available=f"> {available - 250}MiB"))
        self.busy("import time; kept = b'x' * (500 << 20); print(flush=True); time.sleep(1000)")
        self.assert_aborted(runner, r"available memory \d+MiB is not > \d+MiB")

    def test_heartbeat(self):
        file = self.box.folder / "alive"
        self.assert_refused("heartbeat", "'.*alive' is not there", file=str(file))
        file.touch()
        still = threading.Event()

        def touch():
            while not still.wait(0.02):
                file.touch()
        beating = threading.Thread(target=touch)
        beating.start()
        self.addCleanup(beating.join)
        self.addCleanup(still.set)
        within = milliseconds(1)
        runner = self.begin(self.scenario("heartbeat", file=str(file), within=within))
        # So long that it would have ended if it did not see the touches.
        with self.assertRaises(subprocess.TimeoutExpired, msg=self.box.said()):
            runner.wait(scaled(1.2))
        still.set()
        self.assert_aborted(runner, "'.*alive' was last touched .* ago, the limit is")

    def test_pressure(self):
        if not Path("/proc/pressure/cpu").exists():
            self.assert_refused("pressure", "this kernel tells no pressure", resource="cpu",
                                some_avg10="<= 100%")
            return
        self.assert_holds("pressure", resource="cpu", some_avg10="<= 100%")
        # Three that want the same CPU; what the last second was is known after a second.
        cpu = max(os.sched_getaffinity(0))
        for _ in range(3):
            self.busy(f"import os; os.sched_setaffinity(0, {{{cpu}}}); print(flush=True)\n"
                      "while True: pass")
        runner = self.box.start("run", self.scenario("pressure", resource="cpu", some_1s="< 1%"),
                                "--yes")
        self.assert_aborted(runner, r"cpu pressure some 1s (\S+ )?is not < 1%")

    def test_default_route(self):
        self.assert_refused("default_route", "no default route", namespace=self.box.near)
        ip("-n", self.box.near, "route", "add", "default", "via", "10.77.0.2")
        runner = self.begin(self.scenario("default_route", namespace=self.box.near))
        ip("-n", self.box.near, "route", "del", "default")
        self.assert_aborted(runner, "the IPv4 default route is gone")

    def test_what_has_no_end_of_its_own_ends_with_the_deadline(self):
        deadline = 0.5
        runner = self.begin(self.box.scenario([self.box.loss(), self.box.pause()],
                                              max_duration=milliseconds(deadline)))
        self.assertEqual(runner.wait(scaled(20)), 0, self.box.said())
        self.assertEqual(self.box.left(self.before, 0), [], self.box.said())
        began = min(each["monotonic_ns"] for each in self.box.events("fault_active"))
        ended, = (each["monotonic_ns"] for each in self.box.events("rolled_back"))
        self.assertAlmostEqual((ended - began) / 1e9, scaled(deadline), delta=scaled(0.4))


class Allowed(Guarded):
    def begin(self):
        return super().begin(self.box.scenario([self.box.loss(), self.box.pause()]))

    def as_nobody(self, *words):
        return subprocess.run([*AS_NOBODY, *self.box.command(*words)], text=True,
                              env=self.box.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=scaled(20))

    def test_without_privileges_it_says_what_is_missing(self):
        self.box.folder.chmod(0o755)
        own = self.box.folder / "nobody"
        own.mkdir()
        os.chown(own, NOBODY, NOBODY)
        for name in ("STATE", "RUN", "CONFIG"):
            self.box.environment[f"SQUALL_{name}_DIR"] = str(own / name.lower())
        file = self.box.scenario([self.box.loss(duration="50ms")])
        for words in (("run", file, "--yes"), ("plan", file),
                      ("inject", "packet_loss", "--interface", "eth0", "--namespace",
                       self.box.near, "--loss", "5%", "--for", "50ms", "--yes")):
            with self.subTest(command=words[0]):
                done = self.as_nobody(*words)
                self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
                self.assertIn("lacks the capability CAP_NET_ADMIN", done.stderr)
                self.assertIn("hint: run squall as root", done.stderr)
                self.assertEqual(self.box.left(self.before, 0), [])
        self.assertEqual(list(own.rglob("events.jsonl")), [], "no run was begun")

    def test_squall_itself_is_no_target(self):
        file = self.box.scenario([fault("process_pause", target={"name": "squall"})])
        done = self.box.run("run", file, "--yes")
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertIn("is squall's own", done.stderr)
        self.assertEqual(self.box.left(self.before, 0), [])

    def test_nothing_listens_on_the_network(self):
        with socket.create_server(("127.0.0.1", 0)):
            self.assertNotEqual(listeners(os.getpid()), set(), "this is how one would be seen")
            runner = self.begin()
            processes = self.box.processes()
            self.assertGreaterEqual(len(processes), 2, "a runner and its watchdog")
            for pid, name in processes.items():
                self.assertEqual(listeners(pid), set(), name)
        self.assertEqual(self.box.run("abort").returncode, 0)
        self.assert_aborted(runner, "abort")

    def test_another_user_may_not_control_a_run(self):
        runner = self.begin()
        # Who the peer is decides, not only who gets near the socket.
        self.box.folder.chmod(0o755)
        run = Path(self.box.environment["SQUALL_RUN_DIR"])
        run.chmod(0o755)
        control, = (each for each in run.iterdir() if each.is_socket())
        control.chmod(0o777)
        aborted = self.as_nobody("abort")
        self.assertEqual(aborted.returncode, 3, aborted.stdout + aborted.stderr)
        self.assertIn("only root and the user who started a run may control it", aborted.stderr)
        for question in ("abort", "status"):
            asked = f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({str(control)!r});" \
                    f"s.sendall(b'{question}\\n'); print(s.recv(100))"
            done = subprocess.run([*AS_NOBODY, "/usr/bin/python3", "-c", asked], text=True,
                                  capture_output=True, timeout=scaled(20))
            self.assertNotIn("{", done.stdout, shlex.join(done.args))
            self.assertTrue(done.stdout == "b''\n" or "Error" in done.stderr, done.stdout + done.stderr)
        self.assertIsNone(runner.poll(), "the run goes on")
        self.assertEqual(self.box.run("abort").returncode, 0)
        self.assert_aborted(runner, "abort")


def listeners(pid):
    """Inodes of this process's TCP sockets that listen, in its own network namespace."""
    own = set()
    for number in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            if found := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(f"/proc/{pid}/fd/{number}")):
                own.add(found[1])
    lines = [line.split() for name in ("tcp", "tcp6")
             for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]]
    return own & {words[9] for words in lines if words[3] == LISTENS}


if __name__ == "__main__":
    run_tests()
