# SPDX-License-Identifier: Apache-2.0
"""What the examples say of themselves is what is there: each has a README with its command and
exit code, a scenario and what to expect of it, and quotes code that exists."""

import re
import unittest

import source_tree

EXAMPLES = source_tree.ROOT / "examples"
CODE_BLOCK = re.compile(r"```cpp\n(.*?)```", re.DOTALL)


class Numbered(unittest.TestCase):
    def test_each_is_complete_and_says_its_exit_code(self):
        folders = sorted(EXAMPLES.glob("[0-9]*"))
        self.assertGreaterEqual(len(folders), 8)
        for folder in folders:
            with self.subTest(example=folder.name):
                self.assertTrue((folder / "scenario.toml").is_file())
                readme = (folder / "README.md").read_text()
                code = re.match(r"exit (\d+)\n", (folder / "expect").read_text())
                self.assertIsNotNone(code, "the first line of 'expect' is 'exit N'")
                self.assertIn(f"squall run examples/{folder.name}/scenario.toml", readme)
                self.assertRegex(readme, rf"[Ee]xit code:? \**`?{code.group(1)}\b")


class Tutorial(unittest.TestCase):
    def test_quotes_are_in_the_code(self):
        folder = EXAMPLES / "add_a_fault"
        source = (folder / "standstill.cpp").read_text()
        blocks = CODE_BLOCK.findall((folder / "README.md").read_text())
        self.assertGreater(len(blocks), 2)
        for block in blocks:
            self.assertIn(block, source)


if __name__ == "__main__":
    unittest.main()
