# SPDX-License-Identifier: Apache-2.0
#
# BPF programs, maps and links of this kernel, read by the bpf system call itself, so
# that tests need neither bpftool nor a libbpf of the kernel's age. Loading a tiny
# program of one's own is here too: tests leave one behind on purpose.

import ctypes
import errno
import os
import struct

SYS_BPF = 321  # x86-64
PROG_LOAD, MAP_CREATE, LINK_CREATE, INFO_BY_FD = 5, 0, 28, 15
NEXT_ID = {"program": 11, "map": 12, "link": 31}
FD_BY_ID = {"program": 13, "map": 14, "link": 30}
SCHED_CLS = 3
TCX_INGRESS, TCX_EGRESS = 46, 47
LINK_TYPES = {1: "raw_tracepoint", 2: "tracing", 3: "cgroup", 4: "iter", 5: "netns", 6: "xdp",
              7: "perf_event", 8: "kprobe_multi", 9: "struct_ops", 10: "netfilter", 11: "tcx"}

_libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attributes):
    attributes = attributes.ljust(128, b"\0")
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    result = _libc.syscall(SYS_BPF, command, buffer, len(attributes))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result, buffer.raw


def ids(kind):
    found, last = [], 0
    while True:
        try:
            _, answer = bpf(NEXT_ID[kind], struct.pack("II", last, 0))
        except FileNotFoundError:
            return found
        last = struct.unpack_from("I", answer, 4)[0]
        found.append(last)


def info(kind, number):
    """The kernel's bpf_*_info as bytes; None when it has gone meanwhile."""
    try:
        fd, _ = bpf(FD_BY_ID[kind], struct.pack("I", number))
    except FileNotFoundError:
        return None
    try:
        room = ctypes.create_string_buffer(256)
        bpf(INFO_BY_FD, struct.pack("IIQ", fd, len(room), ctypes.addressof(room)))
        return room.raw
    finally:
        os.close(fd)


def text_at(raw, offset):
    return raw[offset:offset + 16].split(b"\0")[0].decode(errors="replace")


def programs():
    """{id: name}"""
    raws = {number: info("program", number) for number in ids("program")}
    return {number: text_at(raw, 64) for number, raw in raws.items() if raw}


_map_names = {}


def maps():
    """{id: name}; none while programs of squall are there.

    Kernel: an array of programs is cleared by deferred work when its last descriptor is
    closed (prog_array_map_clear). Whoever opens and closes it meanwhile starts the clearing
    a second time, and the map keeps one reference for ever. Its programs go with it, so
    when they are gone it is safe to look, and each map is opened once: an id is never
    given to another.
    """
    if any(name.startswith("squall") for name in programs().values()):
        return {}
    numbers = ids("map")
    for number in numbers:
        if number not in _map_names:
            raw = info("map", number)
            _map_names[number] = text_at(raw, 24) if raw else ""
    return {number: _map_names[number] for number in numbers}


def links():
    """{id: (type, program id, interface number of a tcx or xdp link)}"""
    found = {}
    for number in ids("link"):
        raw = info("link", number)
        if raw:
            kind, _, program = struct.unpack_from("III", raw)
            device = struct.unpack_from("I", raw, 16)[0] if kind in (6, 11) else 0
            found[number] = (LINK_TYPES.get(kind, str(kind)), program, device)
    return found


def available():
    try:
        ids("program")
        return True
    except PermissionError:
        return False


def load_pass_program(name):
    """A tc program that lets everything pass (returns TCX_NEXT); its descriptor."""
    code = ctypes.create_string_buffer(struct.pack("<BBhi", 0xb7, 0, 0, -1)
                                       + struct.pack("<BBhi", 0x95, 0, 0, 0))
    terms = ctypes.create_string_buffer(b"GPL")
    attributes = struct.pack("IIQQIIQII16s", SCHED_CLS, 2, ctypes.addressof(code),
                             ctypes.addressof(terms), 0, 0, 0, 0, 0, name.encode())
    return bpf(PROG_LOAD, attributes)[0]


def create_map(name):
    attributes = struct.pack("IIIIIII16s", 2, 4, 8, 1, 0, 0, 0, name.encode())
    return bpf(MAP_CREATE, attributes)[0]


def attach_tcx(program, device, where=TCX_INGRESS):
    """A link that lasts as long as its descriptor; None where the kernel has no tcx."""
    try:
        return bpf(LINK_CREATE, struct.pack("IIII", program, device, where, 0))[0]
    except OSError as why:
        if why.errno in (errno.EINVAL, errno.EOPNOTSUPP):
            return None
        raise


def enter_network(namespace):
    """This thread goes into a network namespace (os.setns came with Python 3.12)."""
    if _libc.setns(namespace, 0x40000000):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
