# SPDX-License-Identifier: Apache-2.0
#
# What runner and watchdog cost while they hold faults and nothing happens: memory, and
# wake-ups per second. Beside it stress-ng's and bash's way of holding something.

import shutil
import subprocess
import time
from pathlib import Path

import measuring
from abort import begin
from sandbox import Sandbox, need_root

SECONDS = 5


def memory(pid):
    """Resident and proportional size in MiB."""
    sizes = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, size = line.split()[:2]
        sizes[name.rstrip(":")] = int(size) / 1024
    return sizes["Rss"], sizes["Pss"]


def switches(pid):
    """Of all threads: times it gave up a CPU by itself, that is, was woken again."""
    total = 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        for line in status.read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches"):
                total += int(line.split()[1])
    return total


def cpu_ticks(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def observe(processes):
    """[(name, rss, pss, wake-ups a second, share of a CPU)]"""
    time.sleep(1)  # what its start still had to do
    before = {pid: (switches(pid), cpu_ticks(pid)) for pid in processes}
    time.sleep(SECONDS)
    return [(name, *memory(pid), (switches(pid) - before[pid][0]) / SECONDS,
             (cpu_ticks(pid) - before[pid][1]) / SECONDS) for pid, name in processes.items()]


def of_squall(box):
    with measuring.Observer(box, [victim.pid for victim in box.victims]) as observer:
        runner = begin(box, observer)
    try:
        return observe(box.processes())
    finally:
        runner.terminate()
        runner.wait()


def of_peer(command):
    if not shutil.which(command[0]):
        return []
    peer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        return observe({peer.pid: " ".join(command[:3])})
    finally:
        peer.terminate()
        peer.wait()


def main():
    need_root()
    box = Sandbox(victims=4)
    try:
        ours = of_squall(box)
        peers = of_peer(["stress-ng", "--vm", "1", "--vm-bytes", "4m", "--vm-hang", "0"])
        peers += of_peer(["bash", "-c", "while :; do sleep 1; done"])
    finally:
        box.close()
    rows = [[name, f"{rss:.1f}", f"{pss:.1f}", f"{wakes:.1f}", f"{ticks:.1f} %"]
            for name, rss, pss, wakes, ticks in ours + peers]
    total_rss, total_pss = sum(each[1] for each in ours), sum(each[2] for each in ours)
    most = max(each[3] for each in ours)
    measuring.print_table(
        "Footprint while 16 faults are held",
        ["process", "RSS MiB", "PSS MiB", "wake-ups/s", "CPU"], rows,
        [f"Runner and watchdog together: RSS {total_rss:.1f} MiB, PSS {total_pss:.1f} MiB "
         f"(goal under 10: {'met' if total_rss < 10 else 'MISSED'} by RSS, "
         f"{'met' if total_pss < 10 else 'MISSED'} by PSS); at most {most:.1f} wake-ups a second "
         f"(goal 2: {'met' if most <= 2 else 'MISSED'})."])


if __name__ == "__main__":
    main()
