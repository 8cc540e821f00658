# SPDX-License-Identifier: Apache-2.0
#
# P7: is the loss of packet_loss what was asked, in share, bursts and repeatability, and
# what does a packet pay that does not match. Beside netem, where the kernel has it.

import json
import math
import os
import subprocess
import tempfile
from pathlib import Path

import measuring
import packet_program
from driven_fault import Driven, Pair
from packet_program import frame, ipv4, ports
from sandbox import need_root
from slow import wait_until

import bpf_objects

UDP = frame(ipv4(17, ports(5000, 9001)), 0x0800)
OTHER = frame(ipv4(17, ports(5000, 9002)), 0x0800)
TCP = frame(ipv4(6, ports(5000, 9001)), 0x0800)
MANY = 1_000_000
PORT = 9001
UDP_SEQUENCE = Path(os.environ["SQUALL_BUILD"]).resolve() / "examples/victim/udp-sequence"
MARK = f"{os.getpid() & 0xffffff:06x}"


def loaded(pair, **settings):
    fault = Driven("packet_loss", target__interface="eth0", target__namespace=pair.near, mark=MARK,
                   **settings)
    return fault, packet_program.open_program(f"squall_{MARK}00")


def keeping_up(pair, measure):
    """measure(datagrams a second), again and slower where the receiver could not keep up: what
    its own socket drops would count as lost."""
    rate = 100_000
    while True:
        before = overflows(pair)
        seen = measure(rate)
        if overflows(pair) == before:
            return seen
        rate //= 2


def received(pair, count, rate):
    """What a receiver of `count` numbered datagrams says."""
    with tempfile.TemporaryDirectory() as folder:
        missing, listens = Path(folder) / "missing", Path(folder) / "port"
        receiver = subprocess.Popen(
            ["ip", "netns", "exec", pair.far, UDP_SEQUENCE, "receive", "--port", str(PORT),
             "--count", str(count), "--port-file", listens, "--missing", missing],
            stdout=subprocess.PIPE, text=True)
        wait_until(listens.exists, what="the receiver listens")
        subprocess.run(["ip", "netns", "exec", pair.near, UDP_SEQUENCE, "send", "--to",
                        f"{Pair.FOUR['far']}:{PORT}", "--count", str(count), "--rate", str(rate)],
                       check=True, stdout=subprocess.DEVNULL)
        seen = json.loads(receiver.communicate()[0])
        seen["missing"] = missing.read_text().split()
    seen["bursts"] = {int(length): times for length, times in seen["bursts"].items()}
    return seen


def overflows(pair):
    shown = subprocess.run(["ip", "netns", "exec", pair.far, "nstat", "-asz", "UdpRcvbufErrors",
                            "Udp6RcvbufErrors"], capture_output=True, text=True, check=True).stdout
    return sum(int(line.split()[1]) for line in shown.splitlines() if "Rcvbuf" in line)


def disturbed(pair, count, **settings):
    """What the receiver saw, and whether squall's own count and check agree."""
    def measure(rate):
        with Driven("packet_loss", target__interface="eth0", target__namespace=pair.near,
                    match__port=PORT, **settings) as fault:
            return received(pair, count, rate), fault.ask("measure")

    seen, effect = keeping_up(pair, measure)
    agrees = effect["counters"]["dropped"] == seen["lost"]
    return seen, effect["verdict"] + ("" if agrees else ", another count")


def fit(bursts, end):
    """Chi-square of burst lengths against the geometric distribution that ends a burst with
    chance `end` after each packet; lengths that are too rare are taken together."""
    total, observed, expected, length, left = sum(bursts.values()), [], [], 1, 1.0
    while total * left * (1 - end) >= 5 and total * left * end >= 5:
        observed.append(bursts.get(length, 0))
        expected.append(total * left * end)
        left *= 1 - end
        length += 1
    observed.append(total - sum(observed))
    expected.append(total * left)
    degrees = len(observed) - 1
    if degrees < 1:
        return ["-", "-", "too few"]
    chi = sum((o - e) ** 2 / e for o, e in zip(observed, expected))
    # Wilson and Hilferty: its cube root is normal enough.
    z = ((chi / degrees) ** (1 / 3) - 1 + 2 / (9 * degrees)) / math.sqrt(2 / (9 * degrees))
    p = math.erfc(z / math.sqrt(2)) / 2
    return [f"{chi:.1f} of {degrees}", f"{p:.3f}", "fits" if p > 0.001 else "DOES NOT FIT"]


FIT = ["chi-square of d.f.", "p", "burst lengths"]


def mean_burst(seen):
    return seen["lost"] / max(1, sum(seen["bursts"].values()))


def shares(pair):
    count, rows = measuring.rounds(MANY), []
    for percent in (0.01, 0.1, 1, 5, 25, 50):
        seen, verdict = disturbed(pair, count, loss=f"{percent}%")
        share = percent / 100
        z = (seen["lost"] - count * share) / math.sqrt(count * share * (1 - share))
        rows.append([f"{percent}%", f"{count:,}", f"{seen['lost']:,}",
                     f"{100 * seen['lost'] / count:.4f}%", f"{z:+.2f}",
                     "inside" if abs(z) < 2.576 else "OUTSIDE", f"{mean_burst(seen):.3f}",
                     f"{1 / (1 - share):.3f}", *fit(seen["bursts"], 1 - share), verdict])
    measuring.print_table("packet_loss: share of packets lost, by a receiver; 99 % interval",
                          ["asked", "packets", "lost", "share", "z", "interval", "mean burst",
                           "expected", *FIT, "own check"], rows)


def bursts(pair):
    count, rows = measuring.rounds(MANY), []
    for enter, leave in ((1, 50), (1, 20), (0.5, 10), (0.2, 2)):
        seen, verdict = disturbed(pair, count, model="gilbert_elliott", enter_bad=f"{enter}%",
                                  leave_bad=f"{leave}%")
        rows.append([f"{enter}%", f"{leave}%", f"{count:,}", f"{100 * seen['lost'] / count:.3f}%",
                     f"{100 * enter / (enter + leave):.3f}%", f"{mean_burst(seen):.2f}",
                     f"{100 / leave:.2f}", *fit(seen["bursts"], leave / 100), verdict])
    measuring.print_table("packet_loss: bursts of Gilbert-Elliott, by a receiver",
                          ["enter", "leave", "packets", "share", "expected", "mean burst",
                           "expected", *FIT, "own check"], rows)


def repeats(pair):
    """Which datagrams are missing at the receiver, run against run."""
    count = measuring.rounds(MANY)
    first, second, other = (set(disturbed(pair, count, loss="10%", seed=seed)[0]["missing"])
                            for seed in (7, 7, 8))
    rows = [[name, f"{count:,}", f"{len(first):,} and {len(each):,}", f"{len(first ^ each):,}"]
            for name, each in (("seed 7 and 7", second), ("seed 7 and 8", other))]
    measuring.print_table("packet_loss: the same seed loses the same packets, by a receiver",
                          ["runs", "packets", "lost", "lost in one of them only"], rows)


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
    """At the same receiver: ours and netem, turn by turn."""
    add = ["ip", "netns", "exec", pair.near, "tc", "qdisc", "add", "dev", "eth0", "root", "netem",
           "loss", "5%"]
    count = measuring.rounds(MANY)
    rows = [["squall", f"{disturbed(pair, count, loss='5%')[0]['lost']:,}"]]
    if subprocess.run(add, capture_output=True).returncode == 0:
        rows.append(["netem", f"{keeping_up(pair, lambda rate: received(pair, count, rate))['lost']:,}"])
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
