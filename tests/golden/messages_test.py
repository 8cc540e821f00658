# SPDX-License-Identifier: Apache-2.0
"""Bad input: one clear message each, with its place and what to do, and the right exit code.
The cases are in messages/; how they are written stands in support/golden.py."""

import pathlib
import unittest

import golden
from run_tests import run_tests

FOLDER = pathlib.Path(__file__).parent / "messages"
GOOD = b'[scenario]\nname = "x"\n[limits]\nmax_duration = "1m"\n'
ODD = {
    "empty.toml": b"",
    "blank.toml": b"\n \n\n",
    "huge.toml": GOOD + b"#" * (10 << 20),
    "nul.toml": GOOD + b'# \0\n',
    "latin1.toml": GOOD + "# für".encode("latin-1") + b"\n",
    "deep.toml": b"a" + b".a" * 300_000 + b" = 1\n",
    "brackets.toml": b"a = " + b"[" * 100_000 + b"\n",
}


class Messages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        golden.program()
        cls.copy = golden.Copy(FOLDER)
        for name, content in ODD.items():
            cls.copy.add(name, content)
        (cls.copy.folder / "folder.toml").mkdir()

    @classmethod
    def tearDownClass(cls):
        cls.copy.close()

    def test_every_message_is_as_written(self):
        for case in golden.cases(FOLDER):
            with self.subTest(case=case.stem):
                golden.check(self, case, self.copy.folder)

    def test_every_input_has_its_message(self):
        commands = " ".join(each.read_text().splitlines()[0] for each in golden.cases(FOLDER))
        inputs = [each.name for each in FOLDER.glob("*.toml")] + list(ODD) + ["folder.toml"]
        self.assertEqual([each for each in inputs if each not in commands], [])


if __name__ == "__main__":
    golden.take_update_flag()
    run_tests()
