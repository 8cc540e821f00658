# SPDX-License-Identifier: Apache-2.0
"""House rules that a machine can check: licence lines, sizes, names, and that no file names
a place that exists only on the machine where it was written."""

import re
import unittest

import source_tree

CODE = (".cpp", ".hpp", ".h", ".c", ".py", ".sh", ".cmake")
LICENSED = CODE + ("CMakeLists.txt", ".clang-tidy")
MOST_LINES = 400
MOST_LINES_OF_MAIN = 60
MOST_LINES_OF_FAULT = 150
MOST_LINES_OF_UNDO = 400

# Written so that this file does not break its own rules.
LEFT_OVER = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
MACHINE_PATH = re.compile(
    r"(?<![\w./$}-])/(?:wo" + r"rk(?=[/\s'\"`)]|$)|ro" + r"ot/[\w.]|tmp/w" + r"t/|home/\w+)")
REGISTRY = re.compile(
    r"\b(?:[\w-]+\.)*(?:py" + r"pi|npm" + r"js|crat" + r"es|dock" + r"er|gh" + r"cr|qu" + r"ay|deb"
    r"|debian|ubuntu|golang|maven|conan|rubygems|pythonhosted|snapcraft|flathub)"
    r"\.(?:org|com|io|net|dev)\b", re.IGNORECASE)
URL_HOST = re.compile(r"\bhttps?://\[?([^/\s:\"'`)\]\\]+)")
KNOWN_HOSTS = re.compile(
    r"^([\w-]+|[\d.]+|[0-9a-f:]+|[\w.-]*example(\.\w+)?|[\w-]+\.(?:test|invalid)|json-schema\.org"
    r"|www\.apache\.org|keepachangelog\.com|semver\.org|github\.com|[$<{%].*)$", re.IGNORECASE)
VAGUE = {"manager", "helper", "helpers", "util", "utils", "common", "impl", "handler", "data"}
DECLARED = re.compile(r"^\s*(?:template\s*<.*>\s*)?(?:class|struct|enum class|enum|namespace|union)"
                      r"\s+([A-Za-z_]\w*)\s*(?:final\s*)?[:{]")


def words(name):
    """The words of a name: 'FdManager', 'fd_manager' and 'fd-manager' all have two."""
    parts = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return {each.lower() for each in re.split(r"[^A-Za-z]+", parts) if each}


def is_code(path):
    return path.endswith(CODE)


def is_fault(path):
    parts = path.split("/")
    return (len(parts) == 3 and parts[0] == "faults" and parts[1] != "kit"
            and path.endswith(".cpp") and not path.endswith("_test.cpp"))


def licence_of(path):
    in_kernel = path.startswith("bpf/") and path.endswith((".c", ".h"))
    return "GPL-2.0-only OR BSD-2-Clause" if in_kernel else "Apache-2.0"


def check_licence(path, lines):
    named = f"SPDX-License-Identifier: {licence_of(path)}"
    if path.endswith(LICENSED) and not any(named in line for line in lines[:2]):
        yield f"the first line names the licence: {named}"


def check_size(path, lines):
    most = MOST_LINES_OF_MAIN if path.endswith("_main.cpp") else MOST_LINES
    if is_fault(path):
        most = MOST_LINES_OF_FAULT
    if is_code(path) and len(lines) > most:
        yield f"has {len(lines)} lines, {most} are the most"


def check_text(path, lines):
    for number, line in enumerate(lines, 1):
        if LEFT_OVER.search(line):
            yield f"line {number}: an open end without an issue"
        if MACHINE_PATH.search(line):
            yield f"line {number}: a path of one machine"
        if REGISTRY.search(line):
            yield f"line {number}: a package registry's host"
        for host in URL_HOST.findall(line):
            if not KNOWN_HOSTS.match(host):
                yield f"line {number}: host '{host}' is not one of those that are meant to be named"


def check_names(path, lines):
    vague = words(path.rsplit("/", 1)[-1].split(".")[0]) & VAGUE
    if vague and is_code(path):
        yield f"is called '{sorted(vague)[0]}', which says nothing"
    if not path.endswith((".cpp", ".hpp", ".h", ".c")):
        return
    for number, line in enumerate(lines, 1):
        match = DECLARED.match(line)
        vague = words(match.group(1)) & VAGUE if match else None
        if vague:
            yield f"line {number}: '{match.group(1)}' says '{sorted(vague)[0]}', which says nothing"


def complaints(path, text):
    lines = text.splitlines()
    for check in (check_licence, check_size, check_text, check_names):
        for each in check(path, lines):
            yield f"{path}: {each}"


def types_of(text):
    """Types that a header defines, with their namespaces: 'squall::tc::Qdisc'."""
    inside = []
    for line in text.splitlines():
        if opened := re.match(r"namespace ([\w:]+) \{", line):
            inside.append(opened[1])
        elif line.startswith("}  // namespace"):
            inside = inside[:-1]
        elif defined := re.match(r"(?:struct|class|enum class) (\w+)(?: final)?(?: : [^{]*)? \{", line):
            yield "::".join([*inside, defined[1]])


def defined_twice(texts):
    """The linker would take either for both, and the program would die of it."""
    where = {}
    for path, text in texts.items():
        if path.endswith(".hpp"):
            for name in types_of(text):
                where.setdefault(name, []).append(path)
    return [f"{name} is defined in {' and '.join(paths)}"
            for name, paths in where.items() if len(paths) > 1]


def undo_size(texts):
    """Lines of safety/undo without its tests: what is audited at one sitting."""
    return sum(len(text.splitlines()) for path, text in texts.items()
               if path.startswith("safety/undo/") and not path.endswith("_test.cpp"))


class Style(unittest.TestCase):
    def test_every_file_keeps_the_rules(self):
        found = []
        for path in source_tree.files():
            found += complaints(path, source_tree.read(path))
        self.assertEqual(found, [], "\n" + "\n".join(found))

    def test_the_undo_can_be_audited_at_one_sitting(self):
        texts = {path: source_tree.read(path) for path in source_tree.files()}
        self.assertLessEqual(undo_size(texts), MOST_LINES_OF_UNDO)


    def test_no_type_is_defined_twice(self):
        texts = {path: source_tree.read(path) for path in source_tree.files()}
        self.assertEqual([], defined_twice(texts))


class SelfTest(unittest.TestCase):
    """The rules can fail."""

    LICENCE = "// SPDX-License-Identifier: Apache-2.0\n"

    def told(self, path, text, sentence):
        found = list(complaints(path, text))
        self.assertEqual(len(found), 1, found)
        self.assertIn(sentence, found[0])

    def test_a_type_that_two_headers_define_is_told(self):
        one = "namespace squall {\nstruct Amount {\n};\n}  // namespace squall\n"
        other = one.replace("squall", "squall::tc")
        self.assertEqual(["squall::Amount is defined in a.hpp and b.hpp"],
                         defined_twice({"a.hpp": one, "b.hpp": one, "c.hpp": other}))

    def test_each_broken_rule_is_told(self):
        ok = self.LICENCE
        self.told("safety/x.cpp", "int x;\n", "licence")
        self.told("bpf/x.bpf.c", ok, "GPL-2.0-only OR BSD-2-Clause")
        self.told("safety/x.cpp", ok + "\n" * 400, "401 lines")
        self.told("cmd/squall_main.cpp", ok + "\n" * 60, "61 lines")
        self.told("faults/netem/netem.cpp", ok + "\n" * 150, "151 lines")
        self.told("safety/x.cpp", ok + "// TO" "DO: later\n", "open end")
        self.told("README.md", "cd /wo" "rk/main\n", "path of one machine")
        self.told("scripts/x.py", ok + "x = '/ro" "ot/.cache'\n", "path of one machine")
        self.told("README.md", "see py" "pi.org\n", "registry")
        self.told("README.md", "see https:/" "/files.somewhere.org/x\n", "files.somewhere.org")
        self.told("safety/fd_manager.hpp", ok, "manager")
        self.told("safety/x.cpp", ok + "class RunHandler {\n", "RunHandler")

    def test_what_is_allowed_passes(self):
        for path, text in [("safety/x.cpp", self.LICENCE + "class Watch {\n"),
                           ("README.md", "curl http://198.18.2.2:8080/health\n"),
                           ("x.sh", "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n"),
                           ("x.md", "switch_root /newroot, https://localhost/\n")]:
            self.assertEqual(list(complaints(path, text)), [])

    def test_the_size_of_undo_counts_no_tests(self):
        self.assertEqual(undo_size({"safety/undo/a.cpp": "1\n2\n", "safety/undo/a_test.cpp": "3\n",
                                    "safety/b.cpp": "4\n"}), 2)


if __name__ == "__main__":
    unittest.main()
