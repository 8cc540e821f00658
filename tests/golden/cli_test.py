# SPDX-License-Identifier: Apache-2.0
#
# What the operator types and sees, word by word; and that the man page and the shells'
# completions know every command and every option that --help shows.

import pathlib
import re
import shutil
import subprocess
import unittest

import golden

HERE = pathlib.Path(__file__).parent / "cli"
COMMANDS = ["doctor", "lab", "list", "explain", "schema", "check", "plan", "run", "inject",
            "status", "abort", "recover", "history", "report"]


def squall(*words):
    code, out, err = golden.run("squall " + " ".join(words), "/tmp")
    if code != 0:
        raise AssertionError(f"squall {' '.join(words)} exits with {code}: {err}")
    return out


def options(*words):
    return sorted(set(re.findall(r"^  (--[a-z0-9-]+)", squall(*words, "--help"), re.M)))


def shown_commands():
    return re.findall(r"^  ([a-z]+) {2,}", squall("--help"), re.M)


def faults():
    return re.findall(r"^  ([a-z_]+) ", squall("list", "faults"), re.M)


class Cases(unittest.TestCase):
    def test_every_case_prints_what_its_file_says(self):
        copy = golden.Copy(HERE)
        self.addCleanup(copy.close)
        for case in golden.cases(HERE):
            with self.subTest(case.stem):
                golden.check(self, case, copy.folder)


class Described(unittest.TestCase):
    """What is generated from the options knows all of them."""

    def test_help_lists_the_commands_of_the_contract(self):
        self.assertEqual(sorted(shown_commands()), sorted(COMMANDS))

    def calls(self):
        yield from ([command] for command in shown_commands())
        yield from (["inject", fault] for fault in faults())

    def test_the_man_page_has_every_command_and_option(self):
        page = squall("generate", "man").replace("\\-", "-")
        for call in self.calls():
            title = "inject" if call == ["inject"] else " ".join(call)
            section = re.search(rf"^\.SS squall {title}\b.*?(?=^\.S[SH] )", page, re.M | re.S)
            self.assertIsNotNone(section, f"the man page has no section of 'squall {title}'")
            text = section.group(0)
            if len(call) == 2:  # options that every fault shares stand in the section of inject
                text += re.search(r"^\.SS squall inject KIND.*?(?=^\.S[SH] )", page,
                                  re.M | re.S).group(0)
            for option in options(*call):
                self.assertIn(f"\\fB{option}\\fR", text, f"'{option}' of {call}")

    def test_the_man_page_has_every_exit_code(self):
        page = squall("generate", "man")
        for code in (0, 1, 2, 3, 4, 5, 70):
            self.assertRegex(page, rf"(?m)^\.B {code}$")

    def test_the_man_page_is_roff_without_warnings(self):
        if not shutil.which("groff"):
            self.skipTest("groff is not installed")
        done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z"], text=True,
                              input=squall("generate", "man"), capture_output=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def completed(self, *words):
        script = squall("generate", "bash") + (
            'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _squall; printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "--norc", "-c", script, "bash", "squall", *words],
                              text=True, capture_output=True, timeout=60)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_bash_offers_every_command_and_option(self):
        self.assertLessEqual(set(COMMANDS), set(self.completed("")))
        self.assertEqual(self.completed("doc"), ["doctor"])
        for call in self.calls():
            self.assertEqual(sorted(set(self.completed(*call, "--"))), options(*call), call)

    def test_bash_offers_values(self):
        self.assertIn("packet_loss", self.completed("inject", ""))
        self.assertEqual(self.completed("inject", "packet_loss", "--direction", "eg"), ["egress"])
        self.assertEqual(self.completed("lab", "d"), ["down"])

    def test_zsh_and_fish_name_every_command_and_option(self):
        zsh, fish = squall("generate", "zsh"), squall("generate", "fish")
        for command in COMMANDS:
            self.assertIn(f"'{command}:", zsh)
            self.assertIn(f"-a {command} -d", fish)
        for call in self.calls():
            part = re.search(rf"^    '{' '.join(call)}'\)\n(.*?);;$", zsh, re.M | re.S).group(1)
            seen = "; and ".join(f"__fish_seen_subcommand_from {word}" for word in call)
            for option in options(*call):
                self.assertIn(f"{option}[", part, f"zsh, {call}")
                self.assertRegex(fish, rf"(?m)^complete -c squall -n '{seen}' -l {option[2:]} ",
                                 f"fish, {call}")

    def test_the_scripts_are_whole(self):
        for shell in ("bash", "zsh", "fish"):
            with self.subTest(shell=shell):
                if not shutil.which(shell):
                    self.skipTest(f"{shell} is not installed")
                done = subprocess.run([shell, "-n"], input=squall("generate", shell), text=True,
                                      capture_output=True)
                self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    golden.take_update_flag()
    unittest.main()
