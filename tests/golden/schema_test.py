# SPDX-License-Identifier: Apache-2.0
"""The JSON schema says of a scenario what squall says of it: every example and library
scenario is valid, and wrong ones are not. Also keeps docs/faults.md fresh."""

import json
import pathlib
import subprocess
import tomllib
import unittest

import golden
from run_tests import run_tests

try:
    import jsonschema
except ImportError:
    jsonschema = None

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCENARIOS = sorted([*ROOT.glob("examples/**/*.toml"), *ROOT.glob("scenarios/library/*.toml")])
DOCS = ROOT / "docs" / "faults.md"
GOOD = """
[scenario]
name = "x"
[parameters]
loss = { default = "1%", help = "share" }
port = { default = 9001 }
[limits]
max_duration = "1m"
[[fault]]
kind = "packet_loss"
target = { interface = "eth0" }
match = { port = "${port}" }
loss = "${loss}"
ramp = { loss = { to = "10%", over = "30s" } }
"""
# What is put in the place of what, and so makes the scenario wrong for both.
WRONG = {
    "a bare number": ('"1m"', "60"),
    "an unknown unit": ('"30s"', '"30sec"'),
    "no deadline": ('max_duration = "1m"', ""),
    "an unknown key": ("loss =", "los ="),
    "an unknown table": ("[[fault]]", "[[fualt]]"),
    "an unknown kind": ("packet_loss", "packet_los"),
    "a missing kind": ('kind = "packet_loss"', ""),
    "a word that is none": ("match = {", 'match = { direction = "up",'),
    "a ramp without its time": (', over = "30s"', ""),
    "a ramp of what has none": ("ramp = { loss", "ramp = { attach"),
}


def squall(*words):
    return subprocess.run([str(golden.program()), *words], capture_output=True, text=True)


class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if jsonschema is None:
            raise unittest.SkipTest("needs python3-jsonschema")
        schema = json.loads(squall("schema").stdout)
        jsonschema.Draft202012Validator.check_schema(schema)
        cls.validator = jsonschema.Draft202012Validator(schema)

    def test_every_scenario_of_ours_is_valid(self):
        self.assertGreater(len(SCENARIOS), 4)
        for path in SCENARIOS:
            with self.subTest(path=path.relative_to(ROOT).as_posix()):
                errors = self.validator.iter_errors(tomllib.loads(path.read_text()))
                self.assertEqual([error.message for error in errors], [])

    def test_what_is_wrong_for_squall_is_wrong_for_the_schema(self):
        self.assertTrue(self.validator.is_valid(tomllib.loads(GOOD)))
        for what, (old, new) in WRONG.items():
            with self.subTest(what=what):
                self.assertIn(old, GOOD)
                text = GOOD.replace(old, new)
                self.assertFalse(self.validator.is_valid(tomllib.loads(text)))
                copy = golden.Copy()
                self.addCleanup(copy.close)
                copy.add("wrong.toml", text.encode())
                self.assertEqual(golden.run("squall check wrong.toml", copy.folder)[0], 2)


class Library(unittest.TestCase):
    def test_every_scenario_of_ours_checks_clean(self):
        for path in SCENARIOS:
            parameters = tomllib.loads(path.read_text()).get("parameters", {})
            given = [word for name, each in parameters.items() if "default" not in each
                     for word in ("--set", f"{name}=192.0.2.1:8080")]
            with self.subTest(path=path.name):
                done = squall("check", str(path), *given)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_library_scenarios_say_what_they_are_for(self):
        for path in SCENARIOS:
            if path.parent.name != "library":
                continue
            with self.subTest(path=path.name):
                scenario = tomllib.loads(path.read_text())
                for key in ("description", "hypothesis"):
                    self.assertTrue(scenario["scenario"].get(key), key)
                self.assertTrue(scenario["probe"] and scenario["guard"])
                self.assertTrue(all(each.get("help") for each in scenario["parameters"].values()))


class Docs(unittest.TestCase):
    def test_the_reference_is_fresh(self):
        done = squall("explain", "--markdown")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(DOCS.read_text(), done.stdout,
                         "write it anew: squall explain --markdown >docs/faults.md")


if __name__ == "__main__":
    run_tests()
