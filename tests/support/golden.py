# SPDX-License-Identifier: Apache-2.0
"""Commands and what they must print, kept in files. A case is a file NAME.expected:

    $ squall check NAME.toml          the command; it runs in a copy of the case's folder
    exit 2
    stderr:
    NAME.toml:3:1: error: …

Everything below the first line is rewritten by `--update` (or SQUALL_GOLDEN=update), to be
read as a diff before it is committed."""

import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest


def program():
    build = os.environ.get("SQUALL_BUILD")
    if not build:
        raise unittest.SkipTest("SQUALL_BUILD does not name a build folder")
    found = pathlib.Path(build).resolve() / "squall"
    if not found.exists():
        raise unittest.SkipTest(f"there is no '{found.name}' in SQUALL_BUILD")
    return found


def update_wanted():
    return os.environ.get("SQUALL_GOLDEN") == "update"


def take_update_flag():
    """Call before unittest reads the command line."""
    if "--update" in sys.argv:
        sys.argv.remove("--update")
        os.environ["SQUALL_GOLDEN"] = "update"


def run(command, folder):
    """Exit code, stdout, stderr; nothing of the caller's terminal, language or state shows."""
    words = shlex.split(command)
    if words[0] != "squall":
        raise ValueError(f"a case runs squall, not '{words[0]}'")
    state = pathlib.Path(folder) / ".state"
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "NO_COLOR": "1",
                   "SQUALL_STATE_DIR": str(state), "SQUALL_RUN_DIR": str(state / "run"),
                   "SQUALL_CONFIG_DIR": str(state / "config")}
    done = subprocess.run([str(program()), *words[1:]], cwd=folder, env=environment,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    if state.exists():
        raise AssertionError(f"'{command}' wrote to the state folder")
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def shown(command, folder):
    return told(command, *run(command, folder))


def told(command, code, out, err):
    text = f"$ {command}\nexit {code}\n"
    for name, part in (("stderr", err), ("stdout", out)):
        if part:
            text += f"{name}:\n{part}" + ("" if part.endswith("\n") else "\n")
    return text


def cases(folder):
    return sorted(pathlib.Path(folder).glob("*.expected"))


class Copy:
    """A copy of a folder's inputs, and of what `add` makes of bytes too odd to commit."""

    def __init__(self, folder=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="golden-"))
        for each in pathlib.Path(folder).iterdir() if folder else ():
            if each.is_file() and each.suffix != ".expected":
                shutil.copy(each, self.folder)

    def add(self, name, content):
        (self.folder / name).write_bytes(content)

    def close(self):
        shutil.rmtree(self.folder)


def check(test, case, folder):
    """Compares one case, or rewrites it."""
    command = case.read_text(encoding="utf-8").splitlines()[0].removeprefix("$ ")
    compare(test, case, shown(command, folder))


def compare(test, case, got):
    """With what the case's file says; a new case begins as an update."""
    if update_wanted():
        case.write_text(got, encoding="utf-8")
    else:
        test.maxDiff = None
        test.assertEqual(got, case.read_text(encoding="utf-8"),
                         f"{case.name}: rerun with SQUALL_GOLDEN=update to accept")
