# SPDX-License-Identifier: Apache-2.0
"""Dependencies flow one way: reads every #include line and fails with the sentence that
belongs to the broken row. The tables below are the rules; nothing else keeps them."""

import functools
import re
import unittest

import source_tree

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')
OURS = ("safety", "bpf", "faults", "scenarios", "lab", "cmd", "tests", "examples")

# First row that matches a file counts: pattern, what of ours it may include, the sentence.
ROWS = [
    ("tests/**", ["**"], ""),
    ("**_test.cpp", ["**"], ""),
    ("examples/victim/**", ["examples/victim/**"], "victims know nothing of squall"),
    ("safety/base/**", ["safety/base/**"], "safety/base is the floor: it includes nothing else of ours"),
    ("safety/**", ["safety/**"],
     "safety is the bottom layer: everything may depend on it, it depends on nothing else of ours"),
    ("bpf/**", ["bpf/**"], "bpf is shared with the kernel's side: it includes nothing else of ours"),
    ("faults/kit/**", ["safety/**", "faults/kit/**", "faults/machine.hpp", "faults/fault.hpp", "faults/spec.hpp",
                      "bpf/*.h"],
     "the kit serves the faults and knows none of them: only safety, their shape and bpf's headers"),
    ("faults/*/**", ["safety/**", "faults/kit/**", "faults/fault.hpp", "faults/machine.hpp",
                    "faults/spec.hpp", "faults/{folder}/**", "bpf/*.h"],
     "a fault knows safety, the kit and itself, never another fault nor what is above"),
    ("examples/add_a_fault/**", ["safety/**", "faults/kit/**", "faults/fault.hpp",
                                "faults/machine.hpp", "faults/spec.hpp"],
     "the tutorial's fault keeps the rules of every fault"),
    ("faults/*", ["safety/**", "faults/kit/**", "faults/*.hpp", "bpf/*.h"],
     "the top of faults knows no fault by name"),
    ("scenarios/**", ["safety/**", "scenarios/**", "faults/fault.hpp", "faults/registry.hpp",
                     "faults/machine.hpp", "faults/spec.hpp", "faults/readiness.hpp"],
     "scenarios see faults only through fault.hpp, registry.hpp and what those are made of"),
    ("lab/**", ["safety/**", "lab/**", "faults/machine.hpp", "faults/kit/**"],
     "the lab stands beside the faults: it knows safety, the machine and the kit"),
    ("cmd/**", ["safety/**", "scenarios/**", "lab/**", "cmd/**", "faults/*.hpp"],
     "cmd knows everything above the kit, but no fault by name"),
]
# Third party: header, the only files that may include it, the sentence.
LIBRARIES = [
    ("netlink/**", ["faults/kit/tc*.cpp", "faults/kit/link*.cpp", "faults/kit/network*.cpp",
                   "faults/kit/netlink*", "lab/link.cpp"],
     "libnl stays in the kit's network files and the lab's links"),
    ("bpf/**", ["faults/kit/bpf*.cpp", "bpf/**.c", "bpf/**.h"],
     "libbpf stays in the kit's bpf files and in BPF programs"),
    ("toml++/**", ["scenarios/parse*.cpp"], "TOML is read in scenarios/parse.cpp only"),
    ("boost/asio**", ["scenarios/loop*.cpp", "scenarios/asio*.cpp", "scenarios/runner.cpp",
                     "examples/victim/*"],
     "Asio stays behind the loop's interface, in one file"),
    ("boost/process**", ["safety/base/child.cpp"], "Boost.Process stays in safety/base/child.cpp"),
    ("curl/**", ["scenarios/probe/http_*"], "libcurl is for probes only, loaded when one asks"),
    ("nlohmann/**", ["safety/undo/journal_file.cpp", "safety/journal_line.cpp",
                    "safety/event_log.cpp", "scenarios/schema.cpp", "scenarios/report.cpp",
                    "scenarios/control*.cpp", "scenarios/probe/*.cpp", "lab/record.cpp",
                    "faults/kit/container_engines.cpp", "cmd/*.cpp"],
     "JSON is read and written in the files that own a format"),
    ("CLI/**", ["cmd/**"], "the command line is parsed in cmd only"),
    ("doctest/**", [], "doctest is for tests"),
]

# A fault's folder includes no header of the system but those that only name things.
HARMLESS = {"sys/types.h", "arpa/inet.h", "stdint.h", "errno.h", "time.h"}
WRITING = {"fstream", "filesystem", "cstdio", "csignal", "cstdlib", "thread", "iostream"}
FAULT_SENTENCE = ("a fault touches the machine only through the kit, whose writes take a token: "
                  "system headers with writing calls stay out of its folder")
HEADER_SENTENCE = "headers of the kernel, libnl and libbpf stay out of our headers"


@functools.cache
def compiled(pattern):
    """'*' stays within one folder, '**' does not."""
    parts = re.split(r"(\*\*|\*)", pattern)
    return re.compile("".join({"**": ".*", "*": "[^/]*"}.get(each, re.escape(each))
                              for each in parts) + "$")


def is_like(path, pattern):
    return bool(compiled(pattern).match(path))


def matches(path, patterns):
    return any(is_like(path, each) for each in patterns)


def is_fault(path):
    return is_like(path, "faults/*/**") and not path.startswith("faults/kit/")


def check_ours(path, included):
    top = included.split("/")[0]
    if "/" not in included:
        beside = path.rsplit("/", 1)[0] + "/" + included
        if path.startswith("examples/victim/"):
            return None
        return f"write '{included}' from the root, as \"{beside}\""
    if top not in OURS:
        return None
    for pattern, allowed, sentence in ROWS:
        if is_like(path, pattern):
            folder = path.split("/")[1]
            return None if matches(included, [a.format(folder=folder) for a in allowed]) else sentence
    return f"no row of the table says what '{path}' may include"


def check_system(path, included):
    for header, allowed, sentence in LIBRARIES:
        if is_like(included, header) and not matches(path, allowed):
            return sentence
    if path.endswith(".hpp") and matches(included, ["linux/**", "netlink/**", "bpf/**"]):
        return HEADER_SENTENCE
    if is_fault(path) or path.startswith("examples/add_a_fault/"):
        if included in WRITING or (included.endswith(".h") and included not in HARMLESS):
            return FAULT_SENTENCE
    return None


def is_test(path):
    return path.startswith("tests/") or path.endswith("_test.cpp")


def violations(path, text):
    """One line for each include of a file that breaks a rule."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        ours, system = match.groups()
        sentence = None
        if ours and not ours.endswith(".skel.h"):
            sentence = check_ours(path, ours)
        elif system and not is_test(path):
            sentence = check_system(path, system)
        if sentence:
            found.append(f"{path}:{number}: includes {ours or system}: {sentence}")
    return found


class Layering(unittest.TestCase):
    def test_every_include_keeps_the_table(self):
        found = []
        for path in source_tree.files():
            if path.endswith((".cpp", ".hpp", ".h", ".c")) and path.split("/")[0] in OURS:
                found += violations(path, source_tree.read(path))
        self.assertEqual(found, [], "\n" + "\n".join(found))


class SelfTest(unittest.TestCase):
    """The rules can fail: each broken row is told by its own sentence."""

    BAD = [
        ("safety/base/fd.cpp", '#include "safety/undo/change.hpp"', "safety/base is the floor"),
        ("safety/controller.cpp", '#include "faults/fault.hpp"', "safety is the bottom layer"),
        ("bpf/packet_loss.h", '#include "safety/base/fd.hpp"', "bpf is shared"),
        ("faults/kit/bpf.cpp", '#include "faults/packet_loss/x.hpp"', "the kit serves the faults"),
        ("faults/netem/netem.cpp", '#include "faults/packet_loss/x.hpp"', "never another fault"),
        ("faults/netem/netem.cpp", '#include "scenarios/run.hpp"', "never another fault"),
        ("faults/netem/netem.cpp", "#include <fcntl.h>", "only through the kit"),
        ("faults/netem/netem.cpp", "#include <sys/socket.h>", "only through the kit"),
        ("faults/netem/netem.cpp", "#include <fstream>", "only through the kit"),
        ("faults/registry.cpp", '#include "faults/netem/netem.hpp"', "no fault by name"),
        ("scenarios/run.cpp", '#include "faults/kit/tc.hpp"', "scenarios see faults only"),
        ("scenarios/run.cpp", '#include "lab/lab.hpp"', "scenarios see faults only"),
        ("cmd/list.cpp", '#include "faults/kit/tc.hpp"', "no fault by name"),
        ("lab/lab.cpp", '#include "scenarios/run.hpp"', "the lab stands beside"),
        ("examples/victim/x.cpp", '#include "safety/base/fd.hpp"', "know nothing of squall"),
        ("safety/x.cpp", '#include "fd.hpp"', "from the root"),
        ("cmd/run.cpp", "#include <netlink/netlink.h>", "libnl stays"),
        ("scenarios/run.cpp", "#include <toml++/toml.h>", "parse.cpp only"),
        ("scenarios/run.cpp", "#include <curl/curl.h>", "probes only"),
        ("faults/kit/tc.cpp", "#include <nlohmann/json.hpp>", "own a format"),
        ("safety/paths.cpp", "#include <CLI/CLI.hpp>", "cmd only"),
        ("safety/base/fd.hpp", "#include <linux/if.h>", "out of our headers"),
        ("cmd/x.cpp", "#include <doctest/doctest.h>", "for tests"),
    ]
    GOOD = [
        ("faults/netem/netem.cpp", '#include "faults/kit/tc.hpp"'),
        ("faults/netem/netem.cpp", '#include "bpf/packet_match.h"'),
        ("faults/netem/netem.cpp", "#include <vector>"),
        ("faults/netem/netem_test.cpp", '#include "tests/support/fake_network.hpp"'),
        ("faults/netem/netem_test.cpp", "#include <doctest/doctest.h>"),
        ("cmd/run.cpp", '#include "scenarios/run.hpp"'),
        ("scenarios/parse.cpp", "#include <toml++/toml.h>"),
    ]

    def test_each_broken_row_is_told(self):
        for path, line, sentence in self.BAD:
            with self.subTest(path=path, line=line):
                found = violations(path, line + "\n")
                self.assertEqual(len(found), 1, found)
                self.assertIn(sentence, found[0])

    def test_what_is_allowed_passes(self):
        for path, line in self.GOOD:
            with self.subTest(path=path, line=line):
                self.assertEqual(violations(path, line + "\n"), [])


if __name__ == "__main__":
    unittest.main()
