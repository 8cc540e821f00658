# SPDX-License-Identifier: Apache-2.0
"""What differs from run to run and from host to host, replaced by <placeholders>, so that all
else of an output can be compared literally."""

import json
import re

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?"
LENGTH = r"\b(\d+(\.\d+)?(ns|us|ms|s|m|h))+\b"
ALWAYS = [
    (r"\b\d{8}-\d{6}-[0-9a-f]{6}\b", "<run>"),
    (TIME, "<time>"),
    (r"\bpid \d+", "pid <pid>"),
    (r"0x7f17[0-9a-f]{4}\b", "<handle>"),
    (r"\bsquall_[0-9a-f]{8}\b", "<program>"),
    (r"SSH \(port [\d, ]+\)", "SSH (port <ports>)"),
    (r"\b\d+ processes \(squall, init", "<n> processes (squall, init"),
    (r"squall \d+\.\d+\.\d+ on .*", "squall <version> on <host>"),
]
# Of what has really happened, as against what was only planned.
MEASURED = [
    (r"(?m)^\d\d:\d\d\.\d  ", "<at>  "),
    (r"\b\d\d:\d\d\b", "<clock>"),
    (LENGTH, "<took>"),
    (r"\b(before|during|after) (\d+)/(\d+)",
     lambda found: f"{found[1]} {'all' if found[2] == found[3] else 'some'}"),
    (r"[▁▂▃▄▅▆▇█×]+", "<trend>"),
    (r"\b\d+ of \d+ breached", "<n> of <n> breached"),
]
MEASURED_KEYS = {"pid": "<pid>", "time": "<time>", "monotonic_ns": "<ns>", "seen": "<seen>"}
HOST_KEYS = {"processes": "<pids>", "ssh_ports": "<ports>", "host": "<host>",
             "version": "<version>"}


class Varying:
    def __init__(self, names=()):
        """Names of this test's own things: {'/tmp/sandbox-x': '<folder>'}."""
        self.names = sorted(names.items(), key=lambda name: -len(name[0]))

    def text(self, text, measured=True):
        for name, placeholder in self.names:
            text = re.sub(rf"(?<![\w]){re.escape(name)}(?!\d)", placeholder, text)
        for pattern, placeholder in ALWAYS + (MEASURED if measured else []):
            text = re.sub(pattern, placeholder, text)
        # The width of a column goes with its widest cell; `aligned` looks at that.
        return re.sub(r"(?<=\S)   *", "  ", text) if measured else text

    def json(self, text, measured=True):
        """Of one document, or of one on each line."""
        lines = [self.value(json.loads(line), measured) for line in text.splitlines()]
        return "".join(json.dumps(each, indent=1, ensure_ascii=False) + "\n" for each in lines)

    def value(self, value, measured):
        if isinstance(value, dict):
            return {key: self.of_key(key, one, measured) for key, one in value.items()}
        if isinstance(value, list):
            return [self.value(each, measured) for each in value]
        return self.text(value, measured) if isinstance(value, str) else value

    def of_key(self, key, value, measured):
        if key in HOST_KEYS and value:
            return HOST_KEYS[key]
        if measured and key in MEASURED_KEYS:
            return MEASURED_KEYS[key]
        if measured and key.endswith("_ns"):
            return "<ns>"
        if measured and key in ("asked", "breached") and value:
            return "<n>"
        return self.value(value, measured)


def aligned(lines):
    """Whether these lines have their columns, at least two spaces apart, at the same places."""
    starts = [[found.start() for found in re.finditer(r"(?<=  )\S", "  " + line)] for line in lines]
    return all(each == starts[0] for each in starts)
