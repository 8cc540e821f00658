# SPDX-License-Identifier: Apache-2.0
"""The project's own files, for tests that read the source: every one that is not built."""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOT_OURS = {".git", "build", "out", ".cache", "__pycache__", ".library"}


def files(root=ROOT):
    """Paths relative to the root, with '/' between parts, sorted."""
    found = []
    for path in root.rglob("*"):
        relative = path.relative_to(root)
        if path.is_file() and not path.is_symlink() and not NOT_OURS & set(relative.parts):
            found.append(relative.as_posix())
    return sorted(found)


def read(path, root=ROOT):
    """Text of a file; nothing for what is not text."""
    try:
        return (root / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""
