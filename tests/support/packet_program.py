# SPDX-License-Identifier: Apache-2.0
#
# Packets as bytes, and a loaded packet program run on them by BPF_PROG_TEST_RUN: the
# verifier's and the JIT's real code, without a network.

import ctypes
import socket
import struct

import bpf_objects

TEST_RUN = 10
PASS, DROP_IN, DROP_OUT = 0xFFFFFFFF, 2, 7  # TCX_NEXT, TCX_DROP, TCX_REDIRECT (to nowhere)


def open_program(name):
    """The newest program with this name."""
    number = max(number for number, each in bpf_objects.programs().items() if each == name)
    return bpf_objects.bpf(bpf_objects.FD_BY_ID["program"], struct.pack("I", number))[0]


def run(program, packet, repeat=1):
    """(verdict, nanoseconds per run)"""
    packet = ctypes.create_string_buffer(packet, len(packet))
    _, answer = bpf_objects.bpf(TEST_RUN, struct.pack("IIIIQQII", program, 0, len(packet), 0,
                                                      ctypes.addressof(packet), 0, repeat, 0))
    return struct.unpack_from("I", answer, 4)[0], struct.unpack_from("I", answer, 36)[0]


def frame(payload, ethertype, tags=()):
    tagged = b"".join(struct.pack("!HH", 0x8100, tag) for tag in tags)
    return bytes(range(2, 14)) + tagged + struct.pack("!H", ethertype) + payload


def ipv4(protocol, payload, source="10.1.2.3", destination="192.168.0.9", tos=0, fragment=0):
    return struct.pack("!BBHHHBBH4s4s", 0x45, tos, 20 + len(payload), 0, fragment, 64, protocol, 0,
                       socket.inet_aton(source), socket.inet_aton(destination)) + payload


def ipv6(following, payload, source="2001:db8::3", destination="fd00::9", traffic_class=0):
    return struct.pack("!IHBB16s16s", 6 << 28 | traffic_class << 20, len(payload), following, 64,
                       socket.inet_pton(socket.AF_INET6, source),
                       socket.inet_pton(socket.AF_INET6, destination)) + payload


def ports(source, destination, size=64):
    return struct.pack("!HHHH", source, destination, 8 + size, 0) + bytes(size)
