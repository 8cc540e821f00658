# SPDX-License-Identifier: Apache-2.0
#
# A canonical dump of everything that squall can touch, as sorted lines of text: equality
# before and after is the only proof that nothing is left. It is independent of squall:
# it asks ip, tc, the bpf system call, /proc and the cgroup file systems.
#
#   python3 host_state.py [--net PATH_OF_NAMESPACE]… [--pid PID]…    prints the dump

import argparse
import difflib
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import bpf_objects
from namespaces import inside
from slow import scaled

# Set where others test squall on the same machine at the same time: what is not bound to
# the given namespaces and processes is theirs as likely as ours, and is left out.
SHARED = bool(os.environ.get("SQUALL_SHARED_HOST"))
OURS = ("squall", "sq-")  # marks of programs, maps, cgroups and processes
# The kernel frees a detached program and its maps after an RCU grace period, from a work
# queue: they stay listed that long, attached to nothing.
DETACHED = ("+ bpf program ", "+ bpf map ")
GRACE_PERIODS = 5.0  # seconds


def dump(nets=("",), pids=()):
    """nets: paths of network namespaces ("" is this process's own); pids: possible victims."""
    lines = []
    for net in nets:
        lines += [f"net {net or 'own'}: {line}" for line in network(net)]
    for pid in pids:
        lines += [f"pid {pid}: {line}" for line in process(pid)]
    return sorted(lines + ([] if SHARED else of_whole_machine()))


def of_whole_machine():
    return [*bpf(), *cgroups(), *processes(),
            *(f"namespace {name}" for name in listed("/run/netns")),
            *(f"shared memory {name}" for name in listed("/dev/shm") if name.startswith(OURS)),
            *(f"pinned {path}" for path in pinned())]


def differences(before, after):
    return [line for line in difflib.ndiff(before, after) if line[0] in "+-"]


def wait_until_equal(before, limit=10.0, **what):
    """Polls until the dump equals `before`; returns what still differs after the limit, or
    after the grace periods that detached programs and maps have."""
    began = time.monotonic()
    while True:
        found = differences(before, dump(**what))
        detached = any(line.startswith(DETACHED) for line in found)
        patience = max(limit, GRACE_PERIODS) if detached else limit
        if not found or time.monotonic() > began + scaled(patience):
            return found
        time.sleep(0.01)


def run(*command, text=""):
    done = subprocess.run(command, input=text, text=True, capture_output=True)
    return done.stdout.splitlines()


def network(net):
    if net and not os.path.exists(net):
        return ["absent"]
    with inside(net):
        return network_here()


def network_here():
    shown = run("ip", "-o", "-d", "-batch", "-",
                text="address show\nlink show\nroute show table all\n")
    links = [without_noise(line) for line in shown if line[:1].isdigit()]
    rules = [f"route {line}" for line in shown if not line[:1].isdigit()]
    devices = [re.match(r"\d+: ([^:@ ]+)", line).group(1) for line in links]
    asked = ["qdisc show", "chain show"]
    for device in dict.fromkeys(devices):
        asked += [f"class show dev {device}", f"filter show dev {device}",
                  f"filter show dev {device} ingress", f"filter show dev {device} egress"]
    shaped = run("tc", "-force", "-batch", "-", text="\n".join(asked) + "\n")
    firewall = run("nft", "list", "ruleset") if shutil.which("nft") else []
    return links + [f"tc {line.strip()}" for line in shaped] + rules + firewall


def without_noise(line):
    # Times that count down say nothing about what was configured.
    return re.sub(r"\b(valid_lft|preferred_lft|ageing_timer) \S+", "", line).strip()


def bpf():
    if not bpf_objects.available():
        return []
    programs, maps = bpf_objects.programs(), bpf_objects.maps()
    lines = [f"bpf program {number} {name}" for number, name in programs.items()
             if name.startswith(OURS)]
    lines += [f"bpf map {number} {name}" for number, name in maps.items() if name.startswith(OURS)]
    for number, (kind, program, device) in bpf_objects.links().items():
        name = programs.get(program, "")
        if name.startswith(OURS) or kind == "tcx":
            lines.append(f"bpf link {number} {kind} of {name} on device {device}")
    return lines


def cgroups():
    roots = {line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()
             if line.split()[2] in ("cgroup", "cgroup2")}
    folders = [(folder, names) for root in roots for folder, names, _ in os.walk(root)]
    return [*(f"cgroup {folder}/{name}" for folder, names in folders for name in names
              if name.startswith(OURS)),
            *(f"mark {name} on cgroup {folder}" for folder, _ in folders for name in marks(folder))]


def marks(folder):
    try:
        return [name for name in os.listxattr(folder) if name.startswith("trusted.squall.")]
    except OSError:  # it went away meanwhile
        return []


def processes():
    """Programs of ours. A zombie is its parent's affair and can do nothing any more."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name = (folder / "comm").read_text().strip()
            if name.startswith("squall") and state_of(folder.name) != "Z":
                found.append(f"process {folder.name} {name}")
        except OSError:
            pass
    return found


def state_of(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def process(pid):
    """What a fault can do to a process, other than ending it."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        status = Path(f"/proc/{pid}/status").read_text()
        groups = Path(f"/proc/{pid}/cgroup").read_text().split()
        score = Path(f"/proc/{pid}/oom_score_adj").read_text().strip()
    except OSError:
        return ["gone"]
    if fields[0] == "Z":
        return ["gone"]
    traced = re.search(r"TracerPid:\s*(\d+)", status).group(1)
    cpus = re.search(r"Cpus_allowed_list:\s*(\S+)", status).group(1)
    return ["stopped" if fields[0] in "Tt" else "running", f"traced by {traced}",
            f"priority {fields[15]} nice {fields[16]} policy {fields[38]}", f"cpus {cpus}",
            f"oom score {score}", *(f"cgroup {group}" for group in groups)]


def listed(folder):
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def pinned():
    return [os.path.join(folder, name) for folder, names, files in os.walk("/sys/fs/bpf")
            for name in names + files if name.startswith(OURS)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--net", action="append", default=[])
    parser.add_argument("--pid", action="append", type=int, default=[])
    chosen = parser.parse_args()
    print("\n".join(dump(nets=["", *chosen.net], pids=chosen.pid)))
