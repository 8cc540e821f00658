# SPDX-License-Identifier: Apache-2.0
#
# In a VM: Judged.test_held Owed.test_something_is_owed
# On kernel 6.12 only: no kernel changes a word of an output.
"""What people and scripts see of real runs, word by word: plan, progress, verdict, report,
doctor, status, recover, history. Expected outputs are in output/; SQUALL_GOLDEN=update rewrites
them. What differs from run to run stands there as <placeholder> (support/varying.py)."""

import json
import re
import socket
import struct
import unittest
from pathlib import Path

import golden
from namespaces import inside
from refusals_test import append_owed
from run_tests import run_tests
from sandbox import Sandbox, fault, need_root
from screen import Screen, on_terminal
from slow import scaled
from varying import Varying, aligned

HERE = Path(__file__).parent / "output"
PORT = 9001
ESCAPE = "\x1b"


def setUpModule():
    need_root()


def seconds(number):
    return f"{round(scaled(number) * 1000)}ms"


class Seen(unittest.TestCase):
    def setUp(self):
        self.box = Sandbox()
        self.addCleanup(self.box.close)
        self.box.environment.update(LC_ALL="C.UTF-8", TERM="xterm-256color")
        self.box.environment.pop("COLUMNS", None)
        self.flag = self.box.folder / "flag"
        self.flag.write_text("")
        self.varying = Varying({
            str(self.box.folder): "<folder>", self.box.near: "<near>", self.box.far: "<far>",
            **{str(each.pid): f"<victim {number}>"
               for number, each in enumerate(self.box.victims)}})

    # scenarios

    def loss(self, name="cut", **more):
        settings = {"loss": "100%", "attach": "clsact", "duration": seconds(1.2), **more}
        return fault("packet_loss", name=name, match={"protocol": "udp", "port": PORT},
                     target={"interface": "eth0", "namespace": self.box.near}, **settings)

    def pause(self, name="hanging", which=0, **more):
        return self.box.pause(which, **{"name": name, "duration": seconds(1.2), **more})

    def asked(self, kind, **settings):
        """A probe or a guard that looks whether the flag is there. It may take as long as a busy
        machine needs to start a program: a late answer would be told in other words."""
        settings = {"every": seconds(1), "timeout": seconds(1), **settings}
        asked = fault("command", command=["test", "-e", str(self.flag)], **settings)
        return asked.replace("[[fault]]", f"[[{kind}]]")

    def scenario(self, *parts, hypothesis="The flag stays while a process hangs.", seed="seed = 7"):
        file = self.box.folder / "scenario.toml"
        said = f'hypothesis = "{hypothesis}"\n' if hypothesis else ""
        file.write_text(f'[scenario]\nname = "one day"\n{said}[limits]\nmax_duration = "10m"\n'
                        f"{seed}\n" + "\n".join(parts))
        return file

    def begin(self, *parts, active=1):
        before = len(self.box.events("fault_active"))
        runner = self.box.start("run", self.scenario(*parts), "--yes")
        self.box.wait_for_event("fault_active", before + active, 20)
        return runner

    def killed(self):
        runner = self.begin(self.pause(duration="300s"), self.loss(duration="300s"), active=2)
        self.box.kill_all()
        runner.wait()

    def send(self, count):
        """Bounded: as many packets as the fault is to judge, and no more."""
        with inside(self.box.near), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for number in range(count):
                sender.sendto(struct.pack("!I", number), ("10.77.0.2", PORT))

    # comparing

    def same(self, case, command, code, out, err="", measured=True):
        text = self.varying.text
        golden.compare(self, HERE / f"{case}.expected",
                       golden.told(command, code, text(out, measured), text(err, measured)))

    def same_json(self, case, command, code, out, err="", measured=True):
        golden.compare(self, HERE / f"{case}.expected", golden.told(
            command, code, self.varying.json(out, measured), self.varying.text(err, measured)))

    def call(self, case, *words, measured=True):
        """Calls squall and compares; what it said."""
        done = self.box.run(*words)
        self.assertNotIn(ESCAPE, done.stdout + done.stderr)
        if "guards a run with another SQUALL_RUN_DIR" in done.stdout + done.stderr:
            self.skipTest("recover is not alone: somebody else's run is active on this host")
        command = self.varying.text("squall " + " ".join(map(str, words)), measured)
        same = self.same_json if "--json" in words else self.same
        same(case, command, done.returncode, done.stdout, done.stderr, measured)
        return done.stdout

    def ended(self, case, runner, command="squall run <folder>/scenario.toml --yes"):
        """Waits for a run that was started, and compares; what stdout said."""
        code = runner.wait(scaled(30))
        out, err = ((self.box.folder / each).read_text() for each in ("stdout", "stderr"))
        self.assertNotIn(ESCAPE, out + err)
        self.same(case, command, code, out, err)
        return out

    def assert_reported(self, verdict):
        """`report` says what the run said at its end, below a line of its own."""
        verdict = verdict[verdict.index("\n\n") + 2:]
        said = self.box.run("report").stdout
        self.assertRegex(said.splitlines()[0], r"^one day  \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(said.split("\n", 1)[1], verdict)

    def assert_columns(self, text, title):
        """The rows below this title, up to the next one, are aligned."""
        rows = re.search(rf"(?m)^  {title}\b.*\n((?:    .*\n)+)", text)[1].splitlines()
        rows = [row for row in rows if not row.startswith("        ")]
        self.assertTrue(aligned(rows), "\n".join(rows))


class Planned(Seen):
    def setUp(self):
        super().setUp()
        # Where lines are wrapped would depend on the names of the namespaces.
        self.box.environment["COLUMNS"] = "200"

    def everything(self):
        ramp = 'ramp = { loss = { to = "100%", over = "10s" } }\n'
        probe = {"name": "flag is there", "every": "500ms", "timeout": "400ms", "breaches": 3}
        return (self.loss(loss="5%", start="5s", duration="20s") + ramp,
                self.pause(start="1250ms", duration="3s"),
                fault("cpu_pressure", name="cpu_pressure", load="60%", cpus="0", duration="30s"),
                fault("process_kill", name="crash", start="28s", duration="1s",
                      target={"pid": self.box.victims[1].pid}),
                self.asked("probe", **probe), self.asked("guard", every="1s", timeout="1s"))

    def test_plan(self):
        self.call("plan", "plan", self.scenario(*self.everything()), measured=False)

    def test_plan_json(self):
        self.call("plan_json", "plan", self.scenario(*self.everything()), "--json",
                  measured=False)

    def test_a_narrow_terminal_gets_no_longer_lines(self):
        self.box.environment["COLUMNS"] = "60"
        said = self.box.run("plan", self.scenario(*self.everything())).stdout
        self.assertEqual([line for line in said.splitlines()
                          if len(line) > 60 and str(self.box.folder) not in line], [])

    def test_plan_of_little(self):
        file = self.scenario(self.pause(duration="3s"), hypothesis="", seed="")
        self.call("plan_little", "plan", file, "--without", "spare-ssh", measured=False)


class Judged(Seen):
    def test_held(self):
        runner = self.begin(self.loss(), self.pause(),
                            self.asked("probe", name="flag is there"), active=2)
        self.send(20)
        said = self.ended("held", runner)
        self.assert_reported(said)
        self.assert_columns(said, "faults")
        self.call("report_json", "report", "--json")

    def test_deviated(self):
        runner = self.begin(self.pause(duration="300s"), self.asked("probe", name="flag is there",
                                                                breaches=2))
        self.flag.unlink()
        self.assert_reported(self.ended("deviated", runner))
        self.call("report", "report")

    def test_aborted_by_a_guard(self):
        runner = self.begin(self.pause(duration="300s"), self.asked("guard"))
        self.flag.unlink()
        self.assert_reported(self.ended("guard_aborts", runner))

    def test_steady_state_not_met(self):
        self.flag.unlink()
        file = self.scenario(self.pause(), self.asked("probe", name="flag is there"))
        self.call("not_steady", "run", file, "--yes")
        self.call("not_steady_report", "report")

    def test_refused_for_several_reasons(self):
        far = self.loss("elsewhere").replace(self.box.near, "nowhere")
        file = self.scenario(self.loss().replace('"eth0"', '"eth9"'), far)
        self.call("refused", "run", file, "--yes")

    def test_inject(self):
        words = ["inject", "process_pause", "--pid", self.box.victims[0].pid, "--for",
                 seconds(1.2), "--seed", 7, "--yes"]
        self.call("inject", *words)

    def test_a_table_too_wide_is_folded(self):
        self.box.environment["COLUMNS"] = "60"
        self.call("inject_narrow", "inject", "process_pause", "--pid", self.box.victims[0].pid,
                  "--for", "50ms", "--seed", 7, "--yes")

    def test_inject_json(self):
        done = self.box.run("inject", "process_pause", "--pid", self.box.victims[0].pid, "--for",
                            "50ms", "--seed", "7", "--yes", "--json")
        lines = [line for line in done.stdout.splitlines(True) if '"watchdog_lacks"' not in line]
        self.same_json("inject_json", "squall inject process_pause … --json", done.returncode,
                       "".join(lines), done.stderr)


class Active(Seen):
    def test_while_a_run_is_active(self):
        runner = self.begin(self.pause(duration="300s"), self.pause("later", 1, start="250s"),
                            self.asked("probe", name="flag is there"))
        self.call("status", "status")
        self.call("status_json", "status", "--json")
        self.call("history_active", "history")
        self.call("report_active", "report")
        self.call("run_second", "run", self.box.folder / "scenario.toml", "--yes")
        self.call("recover_active", "recover")
        self.call("abort", "abort")
        self.assert_reported(self.ended("aborted", runner))


class Owed(Seen):
    def test_nothing_is_owed(self):
        self.call("recover_nothing", "recover")
        self.call("recover_nothing_json", "recover", "--json")

    def test_something_is_owed(self):
        self.killed()
        self.call("status_owed", "status")
        self.call("status_owed_json", "status", "--json")
        self.call("report_owed", "report")
        self.call("run_owed", "run", self.box.folder / "scenario.toml", "--yes")
        self.call("recover", "recover")
        self.killed()
        self.call("recover_json", "recover", "--json")

    def test_what_cannot_be_undone_is_told(self):
        self.killed()
        append_owed(next(self.box.runs()[0].glob("journal*")), "volcano", "rm -f /nowhere/lava")
        self.call("not_clean", "recover")
        self.call("not_clean_json", "recover", "--json")
        self.call("not_clean_status", "status")


class Doctor(Seen):
    def test_doctor(self):
        done = self.box.run("doctor")
        self.same("doctor", "squall doctor", done.returncode, self.of_host(done.stdout))

    def of_host(self, text):
        """Findings that another host may not have are looked at for their form only."""
        kept = []
        for line in text.splitlines(True):
            varies = re.match(r"  [✔!] (?!squall runs|no earlier|no run|journals|.* beside)", line)
            hint = line.startswith("    ")
            if not (varies or hint) or "privileges\n" not in kept:
                kept.append(line)
        return "".join(kept)

    def test_doctor_json(self):
        done = self.box.run("doctor", "--json")
        told = json.loads(done.stdout)
        for findings in told["findings"].values():
            for each in findings:
                self.assertEqual(list(each), ["state", "what", "hint"])
                self.assertIn(each["state"], ("ok", "warning", "bad"))
            findings[:] = [each for each in findings if each["what"] in (
                "squall runs as root", "no earlier run owes a repair", "no run is active")]
        self.same_json("doctor_json", "squall doctor --json", done.returncode, json.dumps(told))

    def test_owed_repairs_come_first(self):
        self.killed()
        said = self.box.run("doctor").stdout
        self.assertIn(f"  ✖ 1 earlier run owes repairs: {self.box.runs()[0].name}\n"
                      "    squall recover\n", said)
        self.assertTrue(said.endswith("next  squall recover   settles what is owed\n"), said)
        told = json.loads(self.box.run("doctor", "--json").stdout)
        self.assertEqual(told["next"], "squall recover")
        self.assertEqual(told["findings"]["safety"][0]["state"], "bad")


class History(Seen):
    def test_history(self):
        self.call("no_probe", "run", self.scenario(self.pause(duration="50ms")), "--yes")
        self.flag.unlink()
        steady = self.asked("probe", name="flag is there")
        self.box.run("run", self.scenario(self.pause(duration="50ms"), steady), "--yes")
        self.killed()
        said = self.call("history", "history")
        self.assertTrue(aligned(said.splitlines()), said)
        self.call("history_limit", "history", "--limit", "1")
        self.call("history_json", "history", "--json")


class OnTerminals(Seen):
    def watch(self, *words, **more):
        code, written = on_terminal(self.box.command(*words), self.box.environment, **more)
        screen = Screen(more.get("columns", 80), more.get("rows", 50))
        screen.write(written)
        return code, written, screen

    def run_once(self):
        file = self.scenario(self.pause(), self.pause("later", 1, start=seconds(0.4), duration=seconds(0.3)),
                             self.asked("probe", name="flag is there"), self.asked("guard"))
        return "run", file, "--yes"

    def test_the_live_panel(self):
        code, written, screen = self.watch(*self.run_once())
        self.assertIn("\x1b[", written)
        panel = Screen()
        panel.write(written[:written.rindex("\x1b[J")])
        self.assertLessEqual(panel.widest, 80)
        # The journal's path is told whole: it is there to be copied.
        self.assertEqual([line for line in screen.lines
                          if len(line) > 80 and str(self.box.folder) not in line], [])
        self.same("panel", "squall run <folder>/scenario.toml --yes", code, screen.shown())

    def test_no_colour_where_none_is_wanted(self):
        self.assertNotRegex(self.watch(*self.run_once())[1], "\x1b\\[[0-9;]*m")
        del self.box.environment["NO_COLOR"]
        self.assertRegex(self.watch(*self.run_once())[1], "\x1b\\[[0-9;]*m")

    def test_a_dumb_terminal_gets_plain_lines(self):
        self.box.environment["TERM"] = "dumb"
        del self.box.environment["NO_COLOR"]
        code, written, screen = self.watch(*self.run_once())
        self.assertNotIn(ESCAPE, written)
        self.assertTrue(written.isascii(), written)
        self.same("dumb", "squall run <folder>/scenario.toml --yes", code, screen.shown())

    def test_no_terminal_gets_no_escapes(self):
        del self.box.environment["NO_COLOR"]
        for words in (self.run_once(), ("doctor",), ("history",), ("report",), ("status",),
                      ("plan", self.box.folder / "scenario.toml"), ("explain", "packet_loss")):
            done = self.box.run(*words)
            self.assertNotIn(ESCAPE, done.stdout + done.stderr, words[0])

    def test_who_is_asked_sees_the_plan_first(self):
        file = self.scenario(self.pause(duration="3s"), self.pause("later", 1, duration="2500ms"))
        code, _, screen = self.watch("run", file, columns=200, typed="n\n")
        self.assertEqual(self.box.runs(), [])
        self.same("asked", "squall run <folder>/scenario.toml", code, screen.shown(),
                  measured=False)


if __name__ == "__main__":
    golden.take_update_flag()
    run_tests()
