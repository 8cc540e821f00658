# SPDX-License-Identifier: Apache-2.0
#
# Network namespaces, entered without a program that does it: where a processor is emulated, most
# of a test's time goes into starting programs.

import contextlib
import os
import subprocess

import bpf_objects


@contextlib.contextmanager
def inside(net):
    """This thread is in the namespace, by name or path; sockets made and programs started
    meanwhile stay there. "": where it is already."""
    if not net:
        yield
        return
    with open("/proc/thread-self/ns/net") as home, open(os.path.join("/run/netns", net)) as there:
        bpf_objects.enter_network(there.fileno())
        try:
            yield
        finally:
            bpf_objects.enter_network(home.fileno())


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def ip_each(net, *lines):
    """Several commands of ip in the namespace, by one program."""
    with inside(net):
        subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True, check=True)


def without_ipv6(net):
    """Addresses that turn up by themselves later would look like a change."""
    with inside(net):
        for which in ("all", "default"):
            with open(f"/proc/sys/net/ipv6/conf/{which}/disable_ipv6", "w") as switch:
                switch.write("1")


def keep_order(net, device):
    """What it receives is received by one CPU, in the order in which it was sent: a veth link hands
    over by the backlog of the CPU that sends, and two of these keep no order between them."""
    subprocess.run(["ip", "netns", "exec", net, "sh", "-c",
                    f"echo 1 >/sys/class/net/{device}/queues/rx-0/rps_cpus"], check=True)


def is_up(net, device):
    """Whether its other end is up as well."""
    with inside(net):
        shown = subprocess.check_output(["ip", "link", "show", device], text=True)
    return "state UP" in shown
