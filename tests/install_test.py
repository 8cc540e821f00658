# SPDX-License-Identifier: Apache-2.0
"""What is installed under a prefix is whole: the programs run from there, the boot unit names the
program that is there, and what people look up is where their tools look for it."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from run_tests import run_tests

BUILD = Path(os.environ["SQUALL_BUILD"]).resolve()


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not (BUILD / "man" / "squall.1").exists():
            raise unittest.SkipTest("the build has no man page yet: build all of it first")
        if not shutil.which("cmake"):
            raise unittest.SkipTest("cmake is not installed")
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.prefix = Path(folder.name) / "prefix"
        subprocess.run(["cmake", "--install", BUILD, "--prefix", cls.prefix], check=True,
                       stdout=subprocess.DEVNULL)

    def text(self, *parts):
        file = self.prefix.joinpath(*parts)
        self.assertTrue(file.is_file(), f"'{file.relative_to(self.prefix)}' is missing")
        return file.read_text()

    def test_the_boot_unit_calls_the_program_that_is_installed(self):
        unit = self.text("lib", "systemd", "system", "squall-recover.service")
        self.assertNotIn("@", unit)
        program, *words = re.search(r"(?m)^ExecStart=(.+)$", unit)[1].split()
        self.assertEqual(program, str(self.prefix / "bin" / "squall"))
        self.assertEqual(words, ["recover"])
        said = subprocess.run([program, "--version"], text=True, capture_output=True, check=True)
        self.assertRegex(said.stdout, r"^squall \d")
        self.assertTrue(os.access(self.prefix / "bin" / "squall-watchdog", os.X_OK))
        self.text("lib", "tmpfiles.d", "squall.conf")

    def test_the_man_page_and_the_completions_are_where_they_are_looked_for(self):
        self.assertIn(".TH SQUALL 1", self.text("share", "man", "man1", "squall.1").upper())
        for parts in (("bash-completion", "completions", "squall"),
                      ("zsh", "site-functions", "_squall"),
                      ("fish", "vendor_completions.d", "squall.fish")):
            self.assertIn("inject", self.text("share", *parts))

    def test_the_library_is_found_from_there(self):
        names = [each.stem for each in (self.prefix / "share/squall/scenarios").glob("*.toml")]
        self.assertTrue(names)
        listed = subprocess.run([self.prefix / "bin" / "squall", "list"], text=True,
                                capture_output=True, check=True, cwd=self.prefix)
        for name in names:
            self.assertIn(name, listed.stdout)


if __name__ == "__main__":
    run_tests()
