# SPDX-License-Identifier: Apache-2.0
#
# P4: the runner dies by SIGKILL, or is stopped by SIGSTOP: until the last of 16 faults
# is gone, by the watchdog's and the kernel's hand. Beside it a shell script that is
# killed the same way.

import signal
import subprocess
import time

import measuring
from abort import begin
from measuring import p99
from sandbox import Sandbox, need_root
from slow import wait_until


def measure(box, count, number):
    times = []
    for _ in range(count):
        with measuring.Observer(box, [victim.pid for victim in box.victims]) as observer:
            runner = begin(box, observer)
            began = time.monotonic_ns()
            runner.send_signal(number)
            gone = observer.wait_until_clean()
            if gone is None:
                raise SystemExit(f"not clean 10 s after {number.name}: {box.said()}")
            times.append(gone - began)
            measuring.end(runner)
            wait_until(lambda: not box.processes(), what="the watchdog ends")
        recovered = box.run("recover")
        if recovered.returncode:
            raise SystemExit(recovered.stdout + recovered.stderr)
    return times


def script_leaves_its_filter(box):
    net = ["tc", "-n", box.near]
    subprocess.run([*net, "qdisc", "add", "dev", "lo", "clsact"], check=True)
    add = f"tc -n {box.near} filter add dev lo egress protocol ip prio 1 u32 match u32 0 0 flowid :1"
    script = subprocess.Popen(["bash", "-c", f"trap 'tc -n {box.near} qdisc del dev lo clsact' EXIT;"
                               f"{add}; echo ready; sleep 100 & wait"], stdout=subprocess.PIPE)
    script.stdout.readline()
    script.kill()
    script.wait()
    script.stdout.close()
    time.sleep(1)
    shown = subprocess.check_output([*net, "filter", "show", "dev", "lo", "egress"], text=True)
    return "never (still there after 1 s)" if "u32" in shown else "gone"


def main():
    need_root()
    box = Sandbox(victims=4)
    try:
        count = measuring.rounds(100)
        killed = measure(box, count, signal.SIGKILL)
        stopped = measure(box, max(2, count // 10), signal.SIGSTOP)
        rows = [measuring.row("SIGKILL of the runner", killed, "p99 2 ms, must 20", p99, 2e6),
                measuring.row("SIGSTOP of the runner", stopped, "its lease, 2 s", p99, 2.2e9),
                ["SIGKILL of a shell script", "1", script_leaves_its_filter(box), "", "", "", ""]]
        measuring.print_table("P4 dead man: until the last of 16 faults is gone",
                              measuring.TIMES, rows)
    finally:
        box.close()


if __name__ == "__main__":
    main()
