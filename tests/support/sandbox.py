# SPDX-License-Identifier: Apache-2.0
#
# Where tests hurt things: two network namespaces joined by a link, a few processes that
# may be stopped, state folders of our own, and squall called with them. Everything is
# named after this process and removed again; nothing of the host is used.

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import host_state
from namespaces import ip, ip_each, is_up, without_ipv6
from slow import scaled, wait_until

_made = 0


def need_root():
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root: makes network namespaces and attaches programs")


class Sandbox:
    def __init__(self, victims=2):
        global _made
        _made += 1
        self.name = f"t{os.getpid()}n{_made}"
        self.near, self.far = self.name + "a", self.name + "b"
        self.folder = Path(tempfile.mkdtemp(prefix="sandbox-"))
        self.build = Path(os.environ["SQUALL_BUILD"]).resolve()
        self.environment = {
            **os.environ, "SQUALL_STATE_DIR": str(self.folder / "state"),
            "SQUALL_RUN_DIR": str(self.folder / "run"),
            "SQUALL_CONFIG_DIR": str(self.folder / "config"), "NO_COLOR": "1"}
        for net in (self.near, self.far):
            ip("netns", "add", net)
            without_ipv6(net)
        ip_each(self.near, f"link add eth0 type veth peer name eth0 netns {self.far}")
        for net, address in ((self.near, "10.77.0.1/24"), (self.far, "10.77.0.2/24")):
            ip_each(net, f"address add {address} dev eth0", "link set lo up", "link set eth0 up")
        for net in (self.near, self.far):
            wait_until(lambda net=net: is_up(net, "eth0"), what="the link is up")
        self.victims = [subprocess.Popen(["sleep", "100000"]) for _ in range(victims)]
        for victim in self.victims:
            wait_until(lambda pid=victim.pid: comm(pid) == "sleep", what="sleep has started")
        self.watched = {"nets": [f"/run/netns/{self.near}", f"/run/netns/{self.far}"],
                        "pids": [victim.pid for victim in self.victims]}

    def close(self):
        for pid in self.processes():
            kill(pid)
        for victim in self.victims:
            victim.kill()
            victim.wait()
        for net in (self.near, self.far):
            if Path(f"/run/netns/{net}").exists():
                ip("netns", "del", net)
        shutil.rmtree(self.folder, ignore_errors=True)

    # squall itself

    def command(self, *words):
        return [str(self.build / "squall"), *map(str, words)]

    def run(self, *words, limit=30, **more):
        """A recovery is asked again until no run of somebody else's test lives beside it. A
        watchdog of our own that it takes for another's is what the test is to see."""
        end = time.monotonic() + scaled(60)
        while True:
            ours = self.processes()
            done = self.run_once(*words, limit=limit, **more)
            other = re.search(r"process (\d+) \S+ guards a run with another", str(done.stderr))
            if not other or int(other[1]) in ours or time.monotonic() > end:
                return done
            time.sleep(0.1)

    def run_once(self, *words, limit=30, **more):
        return subprocess.run(self.command(*words), env=self.environment, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=scaled(limit), **more)

    def start(self, *words, before=()):
        """Its output goes to files, so that nobody waits for a reader."""
        with open(self.folder / "stdout", "w") as out, open(self.folder / "stderr", "w") as err:
            self.started = subprocess.Popen([*before, *self.command(*words)],
                                            env=self.environment, stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=err)
        return self.started

    def said(self):
        files = [self.folder / "stdout", self.folder / "stderr"]
        return "".join(file.read_text() for file in files if file.exists())

    def scenario(self, faults, max_duration="300s", more=""):
        file = self.folder / "scenario.toml"
        faults = [each.replace("[[fault]]\n", f'[[fault]]\nname = "fault {number}"\n')
                  for number, each in enumerate(faults)]
        file.write_text(f'[scenario]\nname = "test"\nhypothesis = "nothing is left"\n'
                        f'[limits]\nmax_duration = "{max_duration}"\nseed = 7\n{more}\n'
                        + "\n".join(faults))
        return file

    def loss(self, net=None, direction="out", loss="50%", **times):
        return fault("packet_loss", loss=loss, match={"direction": direction},
                     target={"interface": "eth0", "namespace": net or self.near}, **times)

    def pause(self, which=0, **times):
        return fault("process_pause", target={"pid": self.victims[which].pid}, **times)

    def load(self, load="5%", **times):
        return fault("cpu_pressure", load=load, cpus="0", **times)

    def overlapping(self, length):
        """Several faults at once, each kind; the last one begins when others are active.
        A program on clsact outlives its owner, one on tcx does not: both are here."""
        return [self.loss(duration=length), self.loss(direction="in", duration=length),
                self.loss(net=self.far, loss="100%", attach="clsact", duration=length),
                self.pause(0, duration=length), self.load(duration=length),
                self.pause(1, start="50ms", duration=length)]

    # what goes on

    def runs(self):
        folder = self.folder / "state" / "runs"
        return sorted(folder.iterdir()) if folder.exists() else []

    def events(self, name=None):
        found = []
        for run in self.runs():
            file = run / "events.jsonl"
            text = file.read_text() if file.exists() else ""
            found += [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]
        return [event for event in found if name in (None, event["event"])]

    def wait_for_event(self, name, count=1, limit=10):
        def happened():
            ended = self.started.poll()
            if len(self.events(name)) >= count:
                return True
            if ended is not None:
                raise AssertionError(f"no '{name}': it ended with {ended}: {self.said()}"
                                     f"{self.events()[-3:]}")
            return False
        wait_until(happened, limit, f"{count} of event '{name}'")

    def processes(self):
        """Every process of ours, by the state folder in its environment: {pid: name}."""
        mark = f"SQUALL_STATE_DIR={self.folder}/state".encode()
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                name = comm(entry.name)
                if name.startswith("squall") and mark in (entry / "environ").read_bytes():
                    found[int(entry.name)] = name
            except OSError:
                pass
        return found

    def kill_all(self):
        """At one instant, as it were: none gets to react to the death of another."""
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in self.processes():
                kill(pid, number)

    def watchdog(self):
        return next((pid for pid, name in self.processes().items() if name == "squall-watchdog"),
                    None)

    def state(self):
        return host_state.dump(**self.watched)

    def changed(self, before):
        """What differs at this moment."""
        return host_state.differences(before, self.state())

    def left(self, before, limit=10.0):
        return host_state.wait_until_equal(before, limit, **self.watched)


def fault(kind, target=None, match=None, **settings):
    lines = ["[[fault]]", f'kind = "{kind}"']
    lines += [f"{key} = {toml(value)}" for key, value in settings.items()]
    lines += [f"{key} = {toml(table)}" for key, table in (("target", target), ("match", match))
              if table]
    return "\n".join(lines) + "\n"


def toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {toml(each)}" for name, each in value.items()) + " }"
    return json.dumps(value)


def comm(pid):
    return Path(f"/proc/{pid}/comm").read_text().strip()


def kill(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
