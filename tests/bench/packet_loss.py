# SPDX-License-Identifier: Apache-2.0
#
# P7: is the loss of packet_loss what was asked, in share, bursts and repeatability, and
# what does a packet pay that does not match. Beside netem, where the kernel has it.

import math
import os
import subprocess

import measuring
import packet_program
from driven_fault import Driven, Pair
from packet_program import DROP_OUT, frame, ipv4, ports
from sandbox import need_root

import bpf_objects

UDP = frame(ipv4(17, ports(5000, 9001)), 0x0800)
OTHER = frame(ipv4(17, ports(5000, 9002)), 0x0800)
TCP = frame(ipv4(6, ports(5000, 9001)), 0x0800)
MANY = 1_000_000
MARK = f"{os.getpid() & 0xffffff:06x}"


def loaded(pair, **settings):
    fault = Driven("packet_loss", target__interface="eth0", target__namespace=pair.near, mark=MARK,
                   **settings)
    return fault, packet_program.open_program(f"squall_{MARK}00")


def counters(pair, count, **settings):
    fault, program = loaded(pair, match__port=9001, **settings)
    with fault:
        packet_program.run(program, UDP, repeat=count)
        effect = fault.ask("measure")
    os.close(program)
    return effect["counters"], effect["verdict"]


def shares(pair):
    rows = []
    for percent in (0.01, 0.1, 1, 5, 25, 50):
        seen, verdict = counters(pair, MANY, loss=f"{percent}%")
        share = percent / 100
        deviation = math.sqrt(seen["matched"] * share * (1 - share))
        z = (seen["dropped"] - seen["matched"] * share) / deviation
        rows.append([f"{percent}%", f"{seen['matched']:,}", f"{seen['dropped']:,}",
                     f"{100 * seen['dropped'] / seen['matched']:.4f}%", f"{z:+.2f}",
                     f"{seen['dropped'] / max(1, seen['bursts']):.3f}", f"{1 / (1 - share):.3f}",
                     "inside" if abs(z) < 2.576 else "OUTSIDE", verdict])
    measuring.print_table("packet_loss: share of packets lost, 99 % interval",
                          ["asked", "packets", "lost", "share", "z", "mean burst", "expected",
                           "interval", "own check"], rows)


def bursts(pair):
    rows = []
    for enter, leave in ((1, 50), (1, 20), (0.5, 10), (0.2, 2)):
        seen, verdict = counters(pair, MANY, model="gilbert_elliott", enter_bad=f"{enter}%",
                                 leave_bad=f"{leave}%")
        rows.append([f"{enter}%", f"{leave}%",
                     f"{100 * seen['dropped'] / seen['matched']:.3f}%",
                     f"{100 * enter / (enter + leave):.3f}%",
                     f"{seen['dropped'] / seen['bursts']:.2f}", f"{100 / leave:.2f}", verdict])
    measuring.print_table("packet_loss: bursts of Gilbert-Elliott",
                          ["enter", "leave", "share", "expected", "mean burst", "expected",
                           "own check"], rows)


def repeats(pair):
    """The fate of each packet as the kernel answers it, one call each."""
    def fates(seed):
        fault, program = loaded(pair, match__port=9001, loss="10%", seed=seed)
        with fault:
            verdicts = [packet_program.run(program, UDP)[0] == DROP_OUT for _ in range(100_000)]
        os.close(program)
        return verdicts
    first, second, other = fates(7), fates(7), fates(8)
    measuring.print_table(
        "packet_loss: the same seed",
        ["runs", "packets", "fates alike"],
        [["seed 7 and 7", f"{len(first):,}",
          f"{100 * sum(map(bool.__eq__, first, second)) / len(first):.2f}%"],
         ["seed 7 and 8", f"{len(first):,}",
          f"{100 * sum(map(bool.__eq__, first, other)) / len(first):.2f}%"]])


def costs(pair):
    empty = bpf_objects.load_pass_program("nothing")
    lists = {"match__port": ",".join(str(port) for port in range(2000, 2032)),
             "match__address": ",".join(f"10.9.{i}.0/24" for i in range(32))}
    cases = [("a program that does nothing", None, OTHER),
             ("another protocol (selector: tcp)", {"match__protocol": "tcp"}, UDP),
             ("another port (selector: port)", {"match__port": 9001}, OTHER),
             ("spared: SSH (no selector)", {}, frame(ipv4(6, ports(5000, 22)), 0x0800)),
             ("32 ports and 32 prefixes, none hit", lists, TCP),
             ("matches, random, kept", {"loss": "0%"}, UDP),
             ("matches, Gilbert-Elliott, kept",
              {"model": "gilbert_elliott", "enter_bad": "0.0001%", "loss_in_bad": "0%"}, UDP),
             ("matches, dropped", {"loss": "100%"}, UDP)]
    rows, base = [], 0
    for name, settings, packet in cases:
        fault, program = (None, empty) if settings is None else loaded(
            pair, **{"loss": "5%", **settings} if "model" not in settings else settings)
        times = [packet_program.run(program, packet, repeat=200_000)[1] for _ in range(5)]
        if fault:
            fault.end()
            os.close(program)
        base = min(times) if settings is None else base
        own = min(times) - base
        rows.append([name, str(min(times)), str(own), "" if settings is None else
                     ("met" if own < 100 else "MISSED")])
    os.close(empty)
    measuring.print_table("packet_loss: cost per packet by BPF_PROG_TEST_RUN",
                          ["packet", "ns", "of it ours", "goal < 100"], rows)


def netem(pair):
    """By sequence numbers at a receiver: ours and netem, turn by turn."""
    add = ["ip", "netns", "exec", pair.near, "tc", "qdisc", "add", "dev", "eth0", "root", "netem",
           "loss", "5%"]
    count, rows = 100_000, []
    fault, program = loaded(pair, match__port=9001, loss="5%")
    with fault:
        rows.append(["squall", str(count - len(pair.sendable(count, 9001)))])
    os.close(program)
    if subprocess.run(add, capture_output=True).returncode == 0:
        rows.append(["netem", str(count - len(pair.sendable(count, 9001)))])
        subprocess.run(["ip", "netns", "exec", pair.near, "tc", "qdisc", "del", "dev", "eth0",
                        "root"], check=True)
    else:
        rows.append(["netem", "not in this kernel"])
    spread = 2.576 * math.sqrt(count * 0.05 * 0.95)
    measuring.print_table(f"5% of {count:,} numbered datagrams, counted by the receiver",
                          ["means", "lost"], rows,
                          [f"99 % interval: {count * 0.05 - spread:.0f} to "
                           f"{count * 0.05 + spread:.0f}"])


def main():
    need_root()
    pair = Pair()
    try:
        for part in (shares, bursts, repeats, costs, netem):
            part(pair)
    finally:
        pair.close()


if __name__ == "__main__":
    main()
