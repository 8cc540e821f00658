# SPDX-License-Identifier: Apache-2.0
#
# Fetches Debian kernels for the VM tier: downloaded and unpacked into a cache folder,
# never installed. The host's apt sources are asked first; where they do not know a
# kernel, a private copy of them with the backports suite added is, so that the host's
# own apt setup stays as it is.

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

# The packages that carry each kernel; the highest version known wins.
PACKAGES = {
    "6.1": r"linux-image-6\.1\.0-\d+-amd64",
    "6.12": r"linux-image-6\.12\.\d+\+(deb12|bpo)-amd64",
    "6.12-rt": r"linux-image-6\.12\.\d+\+(deb12|bpo)-rt-amd64",
}


class Unavailable(Exception):
    """This machine cannot provide the kernel; the text says why."""


class Kernel:
    def __init__(self, name, root):
        self.name = name
        self.root = root
        self.image = next((root / "boot").glob("vmlinuz-*"))
        self.release = self.image.name.removeprefix("vmlinuz-")
        self.modules = root / "lib" / "modules" / self.release


def cache_folder():
    chosen = os.environ.get("SQUALL_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "squall"


@contextlib.contextmanager
def alone():
    """Of several runs on one machine one fetches; the others wait, and find it in the cache."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    with open(cache_folder() / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def fetch(name):
    with alone():
        return find_or_unpack(name)


def find_or_unpack(name):
    home = cache_folder() / "kernels" / name
    unpacked = sorted(home.glob("linux-image-*"), key=natural)
    if unpacked:
        return Kernel(name, unpacked[-1])
    missing = [tool for tool in ("apt-get", "dpkg", "depmod") if not shutil.which(tool)]
    if missing:
        raise Unavailable(f"kernel {name} is not in the cache, and {', '.join(missing)} is missing")
    options = []
    package = newest(name, options)
    if not package:
        options = private_apt()
        package = newest(name, options)
    if not package:
        raise Unavailable(f"no apt source of this machine has a kernel {name} (amd64)")
    return Kernel(name, unpack(package, home, options))


def natural(path):
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", str(path))]


def newest(name, options):
    found = subprocess.run(["apt-cache", *options, "pkgnames", "linux-image-6."],
                           capture_output=True, text=True).stdout.split()
    matching = [package for package in found if re.fullmatch(PACKAGES[name], package)]
    return max(matching, key=natural, default=None)


def unpack(package, home, options):
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home) as work:
        got = subprocess.run(["apt-get", *options, "-qq", "download", package], cwd=work,
                             capture_output=True, text=True)
        debs = list(Path(work).glob("*.deb"))
        if got.returncode or not debs:
            raise Unavailable(f"cannot download {package}: {got.stderr.strip()[-300:]}")
        tree = Path(work) / "tree"
        subprocess.run(["dpkg", "-x", debs[0], tree], check=True)
        release = next((tree / "boot").glob("vmlinuz-*")).name.removeprefix("vmlinuz-")
        subprocess.run(["depmod", "-b", tree, release], check=True)
        shutil.rmtree(tree / "usr", ignore_errors=True)
        tree.rename(home / package)
    return home / package


def private_apt():
    """Options for an apt of our own: the host's sources, and beside each its backports."""
    home = cache_folder() / "apt"
    for folder in ("sources", "lists/partial", "archives/partial"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    host = [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]
    for source in host:
        if source.suffix in (".list", ".sources") and source.is_file():
            text = source.read_text()
            change = with_backports_stanza if source.suffix == ".sources" else with_backports_line
            (home / "sources" / source.name).write_text(change(text))
    options = ["-o", "Dir::Etc::SourceList=/dev/null", "-o", f"Dir::Etc::SourceParts={home}/sources",
               "-o", f"Dir::State::Lists={home}/lists", "-o", f"Dir::Cache={home}"]
    updated = subprocess.run(["apt-get", *options, "-qq", "update"], capture_output=True, text=True)
    if updated.returncode:
        raise Unavailable(f"apt-get update failed: {updated.stderr.strip()[-300:]}")
    return options


def with_backports_stanza(text):
    def extend(match):
        suites = match.group(2).split()
        return match.group(1) + " ".join(suites + backports_of(suites))
    return re.sub(r"(?m)^(Suites:[ \t]*)(.*)$", extend, text)


def with_backports_line(text):
    lines = []
    for line in text.splitlines():
        lines.append(line)
        parts = re.match(r"(deb\s+(?:\[[^]]*\]\s+)?\S+\s+)(\S+)(\s.*)$", line)
        if parts:
            lines += [parts.group(1) + suite + parts.group(3) for suite in backports_of([parts.group(2)])]
    return "\n".join(lines) + "\n"


def backports_of(suites):
    # Only a release itself has backports beside it, not its updates or security suites.
    return [f"{suite}-backports" for suite in suites
            if re.fullmatch(r"[a-z]+", suite) and f"{suite}-backports" not in suites]
