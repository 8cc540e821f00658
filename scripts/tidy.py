#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs clang-tidy over the files of a compilation database, many at a time: most of its work
is for the headers, so files with the same flags are put behind each other into one text, which
is looked at once. A file whose text, headers of ours, flags and rules are those of a run
without complaints is not looked at again; the memory of that is in the build folder."""

import concurrent.futures
import functools
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
ANY_INCLUDE = re.compile(r'^\s*#\s*include\s+(["<][^">]+[">])')
# Declarations at the start of a line, which is where those of a namespace are.
TYPE = re.compile(r"(?:struct|class|union|enum(?: class)?|concept)\s+(\w+)\b(?!::|<)[^;]*$")
ALIAS = re.compile(r"using (\w+) =")
OTHER = re.compile(r"(?!using|namespace|struct|class|enum|TEST_|#)\w[\w:<>,&*\s\[\]]*?[\s&*>](\w+)\s*[({=;\[]")
MOST_LINES = 3000
FLAGS_OF_ONE_FILE = re.compile(r" (-o \S+|-c|-fPIC|-fPIE|-MD|-M[TF] \S+|-Winvalid-pch|-Xclang \S+)(?= |$)")


def own_files(path, seen):
    """The file and every header of ours that it includes, directly or not."""
    if path in seen or not path.is_file():
        return seen
    seen.add(path)
    for name in INCLUDE.findall(path.read_bytes()):
        for beside in (ROOT / name.decode(), path.parent / name.decode()):
            own_files(beside, seen)
    return seen


@functools.cache
def declared(path):
    """Types, then all names, each with what tells it from the same name elsewhere: only an alias
    may be declared twice, in the same words."""
    types, names = {}, {}
    for line in path.read_text().splitlines():
        if found := TYPE.match(line):
            types[found[1]] = names[found[1]] = str(path)
        elif found := ALIAS.match(line):
            names[found[1]] = line
        elif found := OTHER.match(line):
            names[found[1]] = str(path)
    return types, names


class Source:
    """One file to be looked at."""

    def __init__(self, entry, rules):
        self.path = pathlib.Path(entry["file"])
        command = entry["command"].replace(" " + entry["file"], "")
        self.flags = FLAGS_OF_ONE_FILE.sub("", command).split(" ", 1)[1]
        self.lines = self.path.read_text().splitlines()
        # A file that sets a header's switches gets that header for itself.
        self.alone = any(line.startswith("#define") for line in self.lines)
        files = own_files(self.path, set())
        self.types, self.seen = {}, set()
        for header in sorted(files - {self.path}):
            self.types |= declared(header)[0]
            self.seen |= declared(header)[1].keys()
        self.names = {name: what for name, what in declared(self.path)[1].items()
                      if name not in self.seen}
        digest = hashlib.sha256(rules + entry["command"].encode())
        for each in sorted(files):
            digest.update(str(each.relative_to(ROOT)).encode() + b"\0" + each.read_bytes())
        self.mark = digest.hexdigest()

    def goes_with(self, other):
        """Whether both can stand in one text: no name means something else in the other."""
        return (self.flags == other.flags and not self.alone and not other.alone
                and agree(self.names, other.names) and agree(self.types, other.types)
                and self.seen.isdisjoint(other.names) and other.seen.isdisjoint(self.names))


def agree(names, others):
    return all(others.get(name, what) == what for name, what in names.items())


class Batch:
    def __init__(self, sources=()):
        self.sources = list(sources)

    def takes(self, source):
        return (sum(len(each.lines) for each in self.sources) + len(source.lines) <= MOST_LINES
                and all(each.goes_with(source) for each in self.sources))

    def text(self):
        """The files behind each other. What one before has included is an empty line, so that
        it is no double include, and the lines can still be counted."""
        seen, lines = set(), []
        for source in self.sources:
            included = {found[1] for line in source.lines if (found := ANY_INCLUDE.match(line))}
            lines += ["" if (found := ANY_INCLUDE.match(line)) and found[1] in seen else line
                      for line in source.lines]
            seen |= included
        return "\n".join(lines) + "\n"

    def place(self, number):
        """Which line of which file a line of the text is."""
        for source in self.sources:
            if number <= len(source.lines):
                return f"{source.path}:{number}"
            number -= len(source.lines)
        return f"{self.sources[-1].path}:end"

    def named(self, said, file):
        return re.sub(rf"{re.escape(str(file))}:(\d+)", lambda found: self.place(int(found[1])), said)

    def halves(self):
        middle = len(self.sources) // 2
        return Batch(self.sources[:middle]), Batch(self.sources[middle:])


def batches_of(sources):
    """First fit: no two files of one batch declare the same name."""
    found = []
    for source in sources:
        fitting = next((each for each in found if each.takes(source)), None)
        if fitting:
            fitting.sources.append(source)
        else:
            found.append(Batch([source]))
    return sorted(found, key=lambda each: -sum(len(one.lines) for one in each.sources))


def look_at(batch, folder):
    """Pairs of a batch and what is wrong with it. What only the company makes wrong is not."""
    if len(batch.sources) == 1:
        file = batch.sources[0].path
    else:
        names = " ".join(source.mark for source in batch.sources)
        file = folder / f"{hashlib.sha256(names.encode()).hexdigest()[:16]}.cpp"
        file.write_text(batch.text())
    # Warnings are the compiler's to give, for each file by itself: asan is built with them.
    done = subprocess.run(f"{TIDY} -quiet --config-file={ROOT}/.clang-tidy {file} -- {batch.sources[0].flags} -w",
                          shell=True, cwd=folder, capture_output=True, text=True, check=False)
    said = done.stdout.strip() or done.stderr.strip()
    if done.returncode and "[clang-diagnostic-error" in said and len(batch.sources) > 1:
        print(f"tidy: these do not go together: {' '.join(source.path.name for source in batch.sources)}\n  "
              + next(line for line in said.splitlines() if "[clang-diagnostic-error" in line), flush=True)
        return [each for half in batch.halves() for each in look_at(half, folder)]
    return [(batch, batch.named(said, file) if done.returncode else "")]


def read_sources(build):
    rules = (ROOT / ".clang-tidy").read_bytes()
    rules += subprocess.run([TIDY, "--version"], capture_output=True, check=True).stdout
    return [Source(each, rules) for each in json.loads((build / "compile_commands.json").read_text())
            if each["file"].endswith(".cpp") and not pathlib.Path(each["file"]).is_relative_to(build)]


def main():
    build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/asan").resolve()
    memory = build / "tidy"
    memory.mkdir(parents=True, exist_ok=True)
    sources = read_sources(build)
    wanted = [each for each in sources if not (memory / each.mark).exists()]
    batches = batches_of(wanted)
    print(f"tidy: {len(wanted)} of {len(sources)} files have changed: {len(batches)} batches", flush=True)
    complaints = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for results in pool.map(lambda each: look_at(each, memory), batches):
            for batch, said in results:
                if said:
                    complaints += 1
                    print(said, flush=True)
                else:
                    for source in batch.sources:
                        (memory / source.mark).touch()
    if complaints:
        print(f"tidy: complaints in {complaints} batches", file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
