#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs clang-tidy over the files of a compilation database, in parallel. A file whose text,
headers of ours, flags and rules are those of a run without complaints is not looked at
again; the memory of that is in the build folder."""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
TIDY = "clang-tidy-19"
INCLUDE = re.compile(rb'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def own_files(path, seen):
    """The file and every header of ours that it includes, directly or not."""
    if path in seen or not path.is_file():
        return seen
    seen.add(path)
    for name in INCLUDE.findall(path.read_bytes()):
        for beside in (ROOT / name.decode(), path.parent / name.decode()):
            own_files(beside, seen)
    return seen


def fingerprint(entry, rules):
    digest = hashlib.sha256(rules)
    digest.update(entry["command"].encode())
    for path in sorted(own_files(pathlib.Path(entry["file"]), set())):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def look_at(entry, build):
    done = subprocess.run([TIDY, "-quiet", "-p", build, entry["file"]], capture_output=True,
                          text=True, check=False)
    return done.returncode == 0, done.stdout.strip() or done.stderr.strip()


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/asan").resolve()
    memory = build / "tidy"
    memory.mkdir(parents=True, exist_ok=True)
    rules = (ROOT / ".clang-tidy").read_bytes()
    rules += subprocess.run([TIDY, "--version"], capture_output=True, check=True).stdout
    entries = [each for each in json.loads((build / "compile_commands.json").read_text())
               if each["file"].endswith(".cpp")
               and not pathlib.Path(each["file"]).is_relative_to(build)]
    marks = {each["file"]: memory / fingerprint(each, rules) for each in entries}
    wanted = [each for each in entries if not marks[each["file"]].exists()]
    print(f"tidy: {len(wanted)} of {len(entries)} files have changed", flush=True)
    complaints = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for entry, (fine, said) in zip(wanted, pool.map(lambda e: look_at(e, build), wanted)):
            if fine:
                marks[entry["file"]].touch()
            else:
                complaints += 1
                print(said, flush=True)
    if complaints:
        print(f"tidy: complaints in {complaints} files", file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
