# SPDX-License-Identifier: Apache-2.0
#
# Interfaces as their owners may have left them: of every kind, with trees of queueing
# disciplines, classes and filters of others, drawn from a seed. One network namespace holds a
# group of them; its state reads as text that compares, and as counters that only grow.
#
#   python3 prior_states.py SEED    prints what would be made

import random
import re
import socket
import struct
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field

from namespaces import inside

# Others' devices that states lead to or stand on, one of each in a namespace.
COMMON = ["link set lo up", "link add sink type ifb", "link set sink up",
          "link add under type veth peer name beneath", "link set under up", "link set beneath up"]


@dataclass
class State:
    name: str
    kind: str
    links: list = field(default_factory=list)  # lines of ip -batch
    shape: list = field(default_factory=list)  # lines of tc -batch
    what: str = ""
    direction: str = "both"
    bare: bool = False  # packets begin with the network layer
    peer: str = ""  # what is sent there comes in here


def devices(number):
    """By kind: what makes the device {d}; {n} is a number that no other has."""
    n, low = number, number % 250
    return {
        "dummy": ["link add {d} numtxqueues 4 type dummy"],
        "veth": ["link add {d} numtxqueues 4 numrxqueues 4 type veth peer name {d}p", "link set {d}p up"],
        "vlan": ["link add link under name {d} type vlan id %d" % (n + 2)],
        "bridge": ["link add {d} type bridge", "link add {d}p type veth peer name {d}q",
                   "link set {d}p master {d}", "link set {d}p up", "link set {d}q up"],
        "bridge port": ["link add {d}b type bridge", "link add {d} type veth peer name {d}p",
                        "link set {d} master {d}b", "link set {d}b up", "link set {d}p up"],
        "bond": ["link add {d} type bond mode active-backup miimon 0", "link add {d}s type dummy",
                 "link set {d}s master {d}"],
        "macvlan": ["link add link beneath name {d} type macvlan mode bridge"],
        "ipvlan": ["link add {d}u type dummy", "link set {d}u up",
                   "link add link {d}u name {d} type ipvlan mode l2"],
        "vxlan": ["link add {d} type vxlan id %d dstport %d local 192.0.2.1 dev sink" % (n + 1, 20000 + n)],
        "gre": ["link add {d} type gre local 192.0.2.1 remote 198.51.100.%d key %d" % (low + 1, n)],
        "gretap": ["link add {d} type gretap local 192.0.2.1 remote 198.51.100.%d key %d" % (low + 1, n)],
        "ipip": ["link add {d} type ipip local 192.0.2.1 remote 198.51.100.%d" % (low + 1)],
        "sit": ["link add {d} type sit local 192.0.2.1 remote 198.51.100.%d" % (low + 1)],
        "wireguard": ["link add {d} type wireguard"],
        "tun": ["tuntap add dev {d} mode tun"],
        "tap": ["tuntap add dev {d} mode tap multi_queue"],
        "ifb": ["link add {d} numtxqueues 2 numrxqueues 2 type ifb"],
        "vrf": ["link add {d} type vrf table %d" % (n + 100)],
        "loopback": [],
    }


BARE = {"gre", "ipip", "sit", "wireguard", "tun"}
QUEUES = {"dummy": 4, "veth": 4, "ifb": 2}
LEAVES = ["pfifo limit 500", "bfifo limit 1m", "fq_codel limit 2000 target 4ms interval 90ms",
          "sfq perturb 0 quantum 2000", "fq limit 3000 flow_limit 90", "codel limit 700 target 6ms",
          "pie limit 800", "netem limit 3000 delay 1ms", "netem loss 0.5% duplicate 0.1%",
          "red limit 400000 min 30000 max 90000 avpkt 1000 burst 55 probability 0.02 bandwidth 100mbit",
          "choke limit 300 min 20 max 60 probability 0.02 bandwidth 100mbit", "pfifo_fast",
          "hhf limit 900", "skbprio limit 64", "cake bandwidth 200mbit besteffort",
          "tbf rate 300mbit burst 64kb latency 40ms"]
SELECTORS = ["protocol ip prio {p} u32 match ip dport 80 0xffff match ip protocol 6 0xff",
             "protocol ip prio {p} flower ip_proto tcp dst_port 443", "protocol all prio {p} matchall",
             "protocol ipv6 prio {p} flower ip_proto udp src_port 53",
             "protocol ip prio {p} handle {p} fw", "protocol ip prio {p} basic match 'u32(u16 0x1600 0xffff at 0)'",
             "protocol all prio {p} bpf bytecode '1,6 0 0 0'"]
ACTIONS = ["action gact ok", "action gact continue", "action skbedit priority 1:5 mark 7 pipe action gact ok",
           "action police rate 900mbit burst 2m conform-exceed pipe/continue",
           "action mirred egress mirror dev sink", "action gact continue random determ drop 4000"]


class Shaper:
    """Draws a tree for one device; no handle or class number is used twice on it."""

    def __init__(self, device, draw):
        self.device, self.draw, self.next = device, draw, 0x10
        self.lines, self.words = [], []

    def handle(self):
        self.next += self.draw.randrange(1, 0x30)
        return f"{self.next:x}:"

    def put(self, parent, text):
        handle = self.handle()
        self.lines.append(f"qdisc add dev {self.device} {parent} handle {handle} {text}")
        self.words.append(text.split()[0])
        return handle

    def tree(self, parent, depth, among=None):
        made = self.draw.choice(among or ["leaf", "htb", "hfsc", "prio", "drr", "tbf", "netem", "ets"])
        if made == "leaf" or depth == 0:
            self.put(parent, self.draw.choice(LEAVES))
        else:
            getattr(self, made)(parent, depth - 1)

    def classes(self, handle, depth, settings, filters=True):
        numbers = self.draw.sample(range(2, 60), self.draw.randrange(2, 4))
        for each in numbers:
            self.lines.append(f"class add dev {self.device} parent {handle}1 classid {handle}{each:x} "
                              f"{settings()}" if settings.inner else
                              f"class add dev {self.device} parent {handle} classid {handle}{each:x} {settings()}")
        for each in numbers:
            if self.draw.random() < 0.7:
                self.tree(f"parent {handle}{each:x}", depth)
        if filters:
            for prio, selector in enumerate(self.draw.sample(SELECTORS, 2), 1):
                self.lines.append(f"filter add dev {self.device} parent {handle} "
                                  + selector.format(p=prio) + f" classid {handle}{numbers[0]:x}")
        return numbers

    def htb(self, parent, depth):
        handle = self.put(parent, f"htb default 0x{self.draw.randrange(2, 60):x} r2q {self.draw.randrange(5, 20)}")
        self.lines.append(f"class add dev {self.device} parent {handle} classid {handle}1 htb rate 1gbit ceil 2gbit")
        self.classes(handle, depth, Settings(True, lambda: f"htb rate {self.draw.randrange(50, 400)}mbit "
                                             f"ceil 2gbit prio {self.draw.randrange(0, 4)} quantum 3000"))

    def hfsc(self, parent, depth):
        handle = self.put(parent, "hfsc default 0x1")
        self.lines.append(f"class add dev {self.device} parent {handle} classid {handle}1 hfsc sc rate 1gbit ul rate 2gbit")
        self.classes(handle, depth, Settings(True, lambda: f"hfsc sc umax 1500b dmax 30ms rate {self.draw.randrange(50, 400)}mbit"))

    def drr(self, parent, depth):
        handle = self.put(parent, "drr")
        self.classes(handle, depth, Settings(False, lambda: f"drr quantum {self.draw.randrange(1000, 9000)}"))
        # What no filter sends to a class is dropped by drr.
        self.lines.append(f"filter add dev {self.device} parent {handle} protocol all prio 90 matchall classid "
                          + re.search(r"classid (\S+) drr", "\n".join(self.lines[::-1]))[1])

    def prio(self, parent, depth):
        handle = self.put(parent, "prio bands 4 priomap 1 2 2 2 1 2 0 0 1 1 1 1 1 1 1 3")
        self.below(handle, depth, self.draw.sample(range(1, 5), 2))

    def ets(self, parent, depth):
        handle = self.put(parent, "ets bands 4 strict 1 quanta 4000 3000 2000 priomap 0 1 1 2 2 3 3 3")
        self.below(handle, depth, self.draw.sample(range(1, 5), 2))

    def tbf(self, parent, depth):
        handle = self.put(parent, "tbf rate 700mbit burst 128kb latency 30ms")
        self.below(handle, depth, [1])

    def netem(self, parent, depth):
        self.put(parent, self.draw.choice(["netem limit 4000 delay 300us 100us 25%", "netem delay 1ms rate 1gbit",
                                           "netem loss gemodel 0.1% 50% 100% 0% reorder 1% delay 1ms"]))

    def mq(self, parent, depth):
        handle = self.put(parent, "mq")
        self.below(handle, depth, range(1, 1 + self.draw.randrange(1, 3)))

    def below(self, handle, depth, numbers):
        for each in numbers:
            self.tree(f"parent {handle}{each:x}", depth)

    def outside(self, direction):
        """clsact or ingress of others, with filters and what they do."""
        chosen = self.draw.choice(["none", "clsact", "clsact", "clsact", "ingress"])
        if chosen == "none":
            return direction
        self.lines.append(f"qdisc add dev {self.device} {'ingress' if chosen == 'ingress' else 'clsact'}")
        self.words.append(chosen)
        for side in ["ingress"] if chosen == "ingress" else ["ingress", "egress"]:
            for prio in self.draw.sample(range(1, 50), self.draw.randrange(0, 4)):
                selector, action = self.draw.choice(SELECTORS), self.draw.choice(ACTIONS)
                chain = self.draw.choice(["", "", " chain 3"])
                if side == "egress" or "fw" not in selector:
                    self.lines.append(f"filter add dev {self.device} {side}{chain} "
                                      + selector.format(p=prio) + " " + action)
        # An ingress qdisc leaves no place for clsact.
        return "in" if chosen == "ingress" else direction


class Settings:
    def __init__(self, inner, said):
        self.inner, self.said = inner, said

    def __call__(self):
        return self.said()


def draw_states(seed, count, kinds):
    """Groups of states, each for a namespace of its own: every kind once in each."""
    draw, groups = random.Random(seed), []
    for number in range(count):
        kind = kinds[number % len(kinds)]
        if number % len(kinds) == 0:
            groups.append([])
        name = "lo" if kind == "loopback" else f"d{number}"
        state = State(name, kind, bare=kind in BARE)
        state.links = [line.replace("{d}", name) for line in devices(number)[kind]]
        if kind != "loopback":
            state.links.append(f"link set {name} up")
        state.peer = f"{name}p" if kind in ("veth", "bridge port") else name if kind == "loopback" else ""
        shaper = Shaper(name, draw)
        if draw.random() < 0.85:
            roots = ["leaf", "htb", "hfsc", "prio", "drr", "tbf", "netem", "ets"]
            roots += ["mq"] * 4 if kind in QUEUES else []
            shaper.tree("root", 2, roots)
        state.direction = shaper.outside(draw.choice(["out", "in", "both"]))
        state.shape, state.what = shaper.lines, " ".join(shaper.words) or "as the kernel made it"
        groups[-1].append(state)
    return groups


def kinds_here(net):
    """Which kinds this kernel can make, tried in a namespace that is thrown away."""
    found = []
    batch(net, "ip", COMMON)
    for number, kind in enumerate(devices(0)):
        lines = [line.replace("{d}", f"t{number}") for line in devices(number)[kind]]
        if kind != "loopback":
            lines.append(f"link set t{number} up")
        if batch(net, "ip", lines, check=False).returncode == 0:
            found.append(kind)
    return found


def batch(net, program, lines, check=True, options=()):
    with inside(net):
        done = subprocess.run([program, *options, "-batch", "-"], text=True,
                              input="\n".join(lines) + "\n", capture_output=True)
    if check and done.returncode:
        raise RuntimeError(f"{program} in '{net}': {done.stderr.strip()[:600]}")
    return done


def make(net, group, every_discipline):
    """All devices, then all trees. What this kernel lacks is left out, unless it must have it."""
    batch(net, "ip", COMMON + [line for state in group for line in state.links])
    lines = [line for state in group for line in state.shape]
    if every_discipline:
        batch(net, "tc", lines)
    else:
        batch(net, "tc", lines, check=False, options=["-force"])


# The state as text

# What counts, moves or passes by itself: only that it is there is compared.
MOVING = [
    (r"^(\s*)Sent .*", r"\1Sent <counted>"), (r"^(\s*)(backlog|rate) .*", r"\1\2 <moves>"),
    (r"\b(hit|success|used|installed|lended|borrowed|giants|tokens|ctokens|period|level|work|rtwork|"
     r"deficit|count|lastcount|ldelay|drop_next|direct_packets_stat|direct_qlen):? -?[\d.]+\w*", r"\1 <n>"),
    (r"\b(\w+_timer) +[\d.]+", r"\1 <n>"), (r"(firstused|expires) \d+ sec", r"\1 <n>"),
    (r"\bnextmark .*", "<moves>"),
]
# Lines of statistics that belong to one kind of discipline: between what is compared.
OF_ITS_OWN = re.compile(r"^ {1,3}(marked|maxpacket|new_flows_len|flows \d|gc |highprio|throttled|prob|avg_|pkts_|"
                        r"pkts |overlimit|memory used|capacity|Tin|thresh|target +\d|interval +\d|pk_delay|av_delay|"
                        r"sp_delay|backlog|way_|drops|marks|ack_drop|sp_flows|bk_flows|un_flows|max_len|quantum +\d|"
                        r"bytes|min/max|average|drop_overmemory|alloc|ce_mark|delay|new_flow|early|other|"
                        r"band\d|drop_overlimit|hh_|allot|packets|ecn_mark|\d+ flows|flow_plimit|\()")
COUNTED = re.compile(r"^\s*Sent (\d+) bytes (\d+) pkt \(dropped (\d+), overlimits (\d+) requeues (\d+)\)")


def read(net, group):
    """(lines that compare, counters by what they belong to)"""
    names = ["under", "beneath", "sink", *(state.name for state in group)]
    shown = subprocess.run(["ip", "-n", net, "-d", "-s", "link", "show"], text=True, check=True,
                           capture_output=True).stdout.splitlines()
    asked = ["qdisc show"]
    for name in names:
        asked += [f"class show dev {name}", f"filter show dev {name}", f"filter show dev {name} ingress",
                  f"filter show dev {name} egress"]
    shaped = batch(net, "tc", asked, check=False, options=["-s", "-d", "-force"]).stdout.splitlines()
    lines, counters = [], {}
    read_links(shown, lines, counters)
    read_shapes(shaped, lines, counters)
    return lines, counters


def read_links(shown, lines, counters):
    device, side = "", ""
    for line in shown:
        if found := re.match(r"\d+: ([^:@ ]+)", line):
            device, side = found[1], ""
        if re.match(r"\s+[RT]X: ", line):
            side = line.split()[0]
        elif side and re.match(r"[\s\d]+$", line):
            counters[f"{device} {side}"] = tuple(map(int, line.split()))
        else:
            lines.append(f"link {without_what_moves(line)}")


def read_shapes(shaped, lines, counters):
    owner, times = "", Counter()
    for line in shaped:
        if not line.strip():
            continue
        if found := COUNTED.match(line):
            times[owner] += 1
            counters[f"{owner} ({times[owner]})"] = tuple(map(int, found.groups()))
        if not line[0].isspace():
            owner = without_what_moves(line)
        if not OF_ITS_OWN.match(line):
            lines.append(f"tc {without_what_moves(line)}")


def without_what_moves(line):
    for pattern, instead in MOVING:
        line = re.sub(pattern, instead, line)
    return line.rstrip()


def trees(lines, group):
    """Of these lines those about disciplines and classes of the group, without clsact and what is
    on it: what a fault beside them must leave alone while it is there."""
    names = {state.name for state in group}
    found = []
    for line in lines:
        shown = re.match(r"tc (qdisc|class) (\S+) .*", line)
        if not shown or shown[2] in ("clsact", "ingress"):
            continue
        device = re.search(r" dev (\S+)", line)
        if not device or device[1] in names:
            found.append(line)
    return found


def shrunk(before, after):
    """Counters that are gone, or less than they were: what they counted for was made anew."""
    return [f"{owner}: {numbers} became {after.get(owner)}" for owner, numbers in before.items()
            if any(now < then for now, then in zip(after.get(owner, (-1,)), numbers))]


# Traffic

def frame_to(port, bare):
    payload = bytes(32)
    udp = struct.pack("!HHHH", 40000, port, 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0,
                       socket.inet_aton("192.0.2.1"), socket.inet_aton("192.0.2.9"))
    total = sum(struct.unpack("!10H", head))
    checksum = ~((total & 0xffff) + (total >> 16)) & 0xffff
    packet = head[:10] + struct.pack("!H", checksum) + head[12:] + udp
    return packet if bare else b"\xff" * 6 + b"\x02\0\0\0\0\x01" + b"\x08\0" + packet


def send(group, ports, count=3):
    """From inside the namespace, out of each device and into those that have a peer."""
    ways = [(state.name, state.bare) for state in group]
    ways += [(state.peer, False) for state in group if state.peer and state.peer != state.name]
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        for name, bare in ways:
            for port in ports:
                for _ in range(count):
                    try:
                        sender.sendto(frame_to(port, bare), (name, socket.htons(0x0800) and 0x0800))
                    except OSError:
                        pass  # a device without carrier, or a discipline that is full


if __name__ == "__main__":
    for group_of_states in draw_states(int(sys.argv[1]), 209, list(devices(0))):
        for each in group_of_states:
            print(f"{each.name} ({each.kind}, {each.direction}): {each.what}")
            print("   " + "\n   ".join(each.links + each.shape))
