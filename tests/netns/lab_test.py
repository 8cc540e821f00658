# SPDX-License-Identifier: Apache-2.0
#
# `squall lab` from outside: services that answer over the lab's own networks, two labs
# side by side, and nothing left of one that was taken down, killed or never finished.
#
# On kernel 6.12-rt only: it is made of what every kernel has, and tested with faults elsewhere.

import json
import os
import signal
import socket
import subprocess
import time
import unittest
import urllib.request
from pathlib import Path

import host_state
from isolation import isolate
from run_tests import run_tests
from slow import scaled, wait_until

SQUALL = str(Path(os.environ["SQUALL_BUILD"]).resolve() / "squall")
RUN = Path("/run/squall")
NETWORKS = ("sqlab-gw", "sqlab-client", "sqlab-web")


def lab(*words):
    return subprocess.run([SQUALL, "lab", *words], text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=scaled(60))


def up(*words):
    done = lab("up", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def service(info, name):
    return next(each for each in info["services"] if each["name"] == name)


def ask(address, text):
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=scaled(5)) as connection:
        connection.sendall(text.encode())
        return connection.recv(1000).decode()


def marked(mark="sqlab"):
    """Living processes with the lab's mark: {pid: name}."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "environ").read_bytes().split(b"\0")
            if f"SQUALL_LAB={mark}".encode() in words and host_state.state_of(folder.name) != "Z":
                found[int(folder.name)] = (folder / "comm").read_text().strip()
        except OSError:
            pass
    return found


def state():
    files = sorted(str(each) for each in RUN.rglob("*") if each.name != "lab.lock")
    return host_state.dump() + files


class Lab(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("needs root: makes network namespaces")
        cls.others = marked()  # a lab of the host's own, in use

    def marked(self):
        return {pid: name for pid, name in marked().items() if pid not in self.others}

    def setUp(self):
        RUN.mkdir(exist_ok=True)
        self.before = state()
        self.addCleanup(lab, "down", "--name", "two")
        self.addCleanup(lab, "down")

    def assert_nothing_left(self):
        self.assertEqual(host_state.differences(self.before, state()), [])
        self.assertEqual(self.marked(), {})

    def test_services_answer_over_the_labs_networks(self):
        info = up()
        self.assertTrue(info["up"])
        self.assertEqual(ask(service(info, "order gateway")["address"], "NEW 7 B 10 99.5\n"),
                         "ACK 7\n")
        web = service(info, "price service")["address"]
        for base in (web, "[2001:2:0:2::2]:8080"):
            with urllib.request.urlopen(f"http://{base}/health", timeout=scaled(5)) as answer:
                self.assertEqual(json.load(answer)["state"], "ok")
        # A scenario that asks for them may be run at once.
        figures = json.loads(Path(service(info, "order client")["stats"]).read_text())
        self.assertGreater(figures["acked"], 0)
        self.assertEqual(figures["lost"], 0)

    def test_up_twice_changes_nothing(self):
        first = up()
        again = up()
        self.assertTrue(again["was_up"])
        self.assertEqual([each["pid"] for each in first["services"]],
                         [each["pid"] for each in again["services"]])
        self.assertIn("already", lab("up").stdout)

    def test_down_leaves_nothing(self):
        up()
        self.assertEqual(len(self.marked()), 3)
        self.assertEqual(lab("down").returncode, 0)
        self.assert_nothing_left()
        self.assertEqual(lab("down").returncode, 0)  # and again
        self.assertFalse(json.loads(lab("status", "--json").stdout)["up"])

    def test_two_labs_side_by_side(self):
        usual, second = up(), up("--name", "two")
        self.assertNotEqual(service(usual, "order gateway")["address"],
                            service(second, "order gateway")["address"])
        self.assertEqual(lab("down").returncode, 0)
        self.assertEqual(ask(service(second, "order gateway")["address"], "PING\n"), "PONG\n")
        self.assertEqual(lab("down", "--name", "two").returncode, 0)
        self.assert_nothing_left()

    def test_down_ends_paused_and_finds_restarted_services(self):
        info = up()
        os.kill(service(info, "price service")["pid"], signal.SIGSTOP)
        os.kill(service(info, "order gateway")["pid"], signal.SIGKILL)
        wait_until(lambda: not json.loads(lab("status", "--json").stdout)["up"], 5,
                   "status tells that the gateway is gone")
        again = subprocess.Popen(["ip", "netns", "exec", "sqlab-gw", str(RUN / "lab/order-gateway")],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.addCleanup(again.wait)
        self.addCleanup(again.kill)
        wait_until(lambda: json.loads(lab("status", "--json").stdout)["up"], 5,
                   "status sees the gateway that was started again")
        self.assertEqual(lab("down").returncode, 0)
        self.assert_nothing_left()

    def test_down_without_a_record_goes_by_marks(self):
        up()
        for each in RUN.rglob("*.json"):
            each.rename(f"{each}.new")  # as if it had been killed on the way to the record
        self.assertEqual(lab("down").returncode, 0)
        self.assert_nothing_left()

    def test_up_mends_a_lab_that_lost_a_part(self):
        first = up()
        os.kill(service(first, "order gateway")["pid"], signal.SIGKILL)
        subprocess.run(["ip", "link", "del", "sqlab0"], check=True)
        again = up()
        self.assertTrue(again["up"])
        self.assertFalse(again["was_up"])
        self.assertEqual(ask(service(again, "order gateway")["address"], "PING\n"), "PONG\n")

    def test_killed_while_it_comes_up(self):
        # At moments spread over the time that it takes, most of which is spent waiting in the end.
        began = time.monotonic()
        up()
        whole = time.monotonic() - began
        lab("down")
        for part in range(1, 9):
            maker = subprocess.Popen([SQUALL, "lab", "up"], stdout=subprocess.DEVNULL,
                                     stdin=subprocess.DEVNULL)
            try:
                maker.wait(whole * (part / 9) ** 3)
            except subprocess.TimeoutExpired:
                maker.kill()
                maker.wait()
            with self.subTest(part=part):
                if part % 2:
                    self.assertTrue(up()["up"])
                self.assertEqual(lab("down").returncode, 0)
                self.assert_nothing_left()

    def test_what_does_not_come_up_is_taken_down(self):
        programs = Path("/run/broken")
        programs.mkdir()
        self.addCleanup(subprocess.run, ["rm", "-r", str(programs)])
        real = Path(SQUALL).parent / "examples/victim"
        for name in ("order-gateway", "order-client"):
            (programs / name).symlink_to(real / name)
        (programs / "price-service").symlink_to("/bin/false")
        done = lab("up", "--programs", str(programs))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("price service ended at once", done.stderr)
        self.assert_nothing_left()

    def test_what_is_refused(self):
        done = lab("up", "--name", "Not-a-name")
        self.assertEqual(done.returncode, 2)
        self.assertIn("'Not-a-name' is not a name", done.stderr)
        done = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", SQUALL, "lab", "up"],
                              text=True, capture_output=True, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("needs root", done.stderr)
        self.assert_nothing_left()

    def test_addresses_that_this_host_reaches_elsewhere_are_left_alone(self):
        subprocess.run(["ip", "link", "add", "other0", "up", "type", "veth", "peer", "name",
                        "other1"], check=True)
        self.addCleanup(subprocess.run, ["ip", "link", "del", "other0"])
        for reached in ("198.18.0.0/15", "2001:2::/48", "198.18.1.7/32"):
            route = ["ip", "route", "add", reached, "dev", "other0"]
            subprocess.run(route, check=True)
            done = lab("up")
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn(f"in use here: {reached.removesuffix('/32')} on 'other0'", done.stderr)
            self.assertEqual(self.marked(), {})
            subprocess.run([*route[:2], "del", *route[3:]], check=True)

    def test_names_of_others_are_left_alone(self):
        subprocess.run(["ip", "link", "add", "sqlab0", "type", "veth", "peer", "name", "other0"],
                       check=True)
        self.addCleanup(subprocess.run, ["ip", "link", "del", "sqlab0"])
        done = lab("up")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("the device 'sqlab0' is not a lab's", done.stderr)
        subprocess.run(["ip", "link", "show", "other0"], check=True, stdout=subprocess.DEVNULL)
        self.assertEqual(self.marked(), {})


if __name__ == "__main__":
    isolate()
    run_tests()
