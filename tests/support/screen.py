# SPDX-License-Identifier: Apache-2.0
"""A program on a terminal of its own: what it writes, and what a person sees in the end. Knows
the few escape sequences that squall may use; any other one is an error."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

from slow import scaled

TOKEN = re.compile(r"\x1b\[(?P<count>[\d;]*)(?P<letter>[A-Za-z])|(?P<control>[\r\n])"
                   r"|(?P<text>[^\x1b\r\n]+)|(?P<odd>.)", re.S)


class Screen:
    def __init__(self, columns=80, rows=50):
        self.columns, self.rows = columns, rows
        self.lines, self.row, self.column = [""], 0, 0
        self.widest = 0

    def write(self, text):
        for token in TOKEN.finditer(text):
            if token["text"]:
                self.put(token["text"])
            elif token["control"] == "\r":
                self.column = 0
            elif token["control"] == "\n":
                self.row += 1
                self.lines += [""] * (self.row + 1 - len(self.lines))
            else:
                self.escape(token["letter"], token["count"], token[0])

    def put(self, text):
        line = self.lines[self.row].ljust(self.column)
        self.lines[self.row] = line[:self.column] + text + line[self.column + len(text):]
        self.column += len(text)
        self.widest = max(self.widest, self.column)

    def escape(self, letter, count, sequence):
        if letter == "A":
            top = max(0, len(self.lines) - self.rows)
            self.row = max(top, self.row - int(count or 1))
        elif letter == "K" and not count:
            self.lines[self.row] = self.lines[self.row][:self.column]
        elif letter == "J" and not count:
            del self.lines[self.row + 1:]
            self.lines[self.row] = self.lines[self.row][:self.column]
        elif letter != "m":
            raise AssertionError(f"squall writes {sequence!r}")

    def shown(self):
        return "\n".join(line.rstrip() for line in self.lines).rstrip("\n") + "\n"


def on_terminal(command, environment, columns=80, rows=50, typed=""):
    """Exit code, and all that it wrote to stdout and stderr."""
    here, there = pty.openpty()
    fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    process = subprocess.Popen(command, env=environment, stdin=there, stdout=there, stderr=there,
                               start_new_session=True)
    os.close(there)
    os.write(here, typed.encode())
    written = b""
    while chunk := read(here):
        written += chunk
    os.close(here)
    return process.wait(scaled(20)), written.decode()


def read(terminal):
    try:
        return os.read(terminal, 65536)
    except OSError:  # the last one who had it open has closed it
        return b""
