# SPDX-License-Identifier: Apache-2.0
#
# P2: one fault on and off again from the command line, the whole process with verified
# rollback, beside what a user would type instead: two spawns of tc. Turn by turn.

import os
import subprocess
import time

import measuring
from measuring import p50
from sandbox import Sandbox, need_root


def timed(command, environment):
    began = time.monotonic_ns()
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    took = time.monotonic_ns() - began
    if done.returncode:
        raise SystemExit(f"{command}: exit code {done.returncode}\n{done.stderr.decode()}")
    return took


def peak_memory(command, environment):
    # Through a small program: a child's maximum begins with what its parent had at the fork.
    done = subprocess.run(["/usr/bin/time", "-f", "%M", *command], env=environment,
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True)
    return int(done.stderr.split()[-1]) / 1024


def main():
    need_root()
    box = Sandbox(victims=0)
    try:
        measure(box)
    finally:
        box.close()


def measure(box):
    ours = box.command("inject", "packet_loss", "--interface", "eth0", "--namespace", box.near,
                       "--loss", "5%", "--for", "0s", "--yes")
    tc = ["tc", "-n", box.near, "qdisc"]
    add, delete = [*tc, "add", "dev", "eth0", "clsact"], [*tc, "del", "dev", "eth0", "clsact"]
    times = {"squall": [], "tc": [], "true": []}
    for _ in range(measuring.rounds(100)):
        times["squall"].append(timed(ours, box.environment))
        times["tc"].append(timed(add, os.environ) + timed(delete, os.environ))
        times["true"].append(timed(["true"], os.environ))
    memory = peak_memory(ours, box.environment)
    tc_memory = peak_memory([*tc, "show"], os.environ)
    ratio = p50(times["squall"]) / p50(times["tc"])
    rows = [measuring.row("squall inject packet_loss --for 0s", times["squall"], "p50 2 ms", p50,
                          2e6),
            measuring.row("tc qdisc add, tc qdisc del", times["tc"]),
            measuring.row("true (what a spawn costs here)", times["true"])]
    measuring.print_table("P2 cold run: one fault on and off", measuring.TIMES, rows, [
        f"{ratio:.2f} times two tc spawns (must: at most 3: {'met' if ratio <= 3 else 'MISSED'}). "
        f"Peak memory {memory:.1f} MB (goal 4 MB: {'met' if memory <= 4 else 'MISSED'}); "
        f"tc {tc_memory:.1f} MB."])


if __name__ == "__main__":
    main()
