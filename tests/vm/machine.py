# SPDX-License-Identifier: Apache-2.0
#
# One virtual machine of the VM tier. Its root is this machine's own, shared read-only
# under an overlay in the guest's memory, so that nothing a test does can reach the
# host; only the job folder (results) and the state disk are written to.

import ctypes
import functools
import gzip
import lzma
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from kernels import Unavailable

HERE = Path(__file__).resolve().parent
QEMU = "qemu-system-x86_64"
# What the initramfs needs before the shared root is there; the rest comes from /lib/modules.
BOOT_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay")
# Emulated CPUs take turns in one thread: run side by side, one may execute half of a jump
# that the other is just patching (static keys), and the kernel dies of it.
ACCELERATORS = {"kvm": "kvm", "tcg": "tcg,thread=single"}
# What a processor can do beyond this an emulator does slowly: programs start in 35 ms instead
# of 57 ms with "max".
PROCESSORS = {"kvm": "max", "tcg": "Nehalem"}

INIT = """#!/busybox sh
/busybox mkdir -p /dev /lower /rw /merged
/busybox mount -t devtmpfs dev /dev
for module in {modules}; do /busybox insmod /modules/$module; done
/busybox mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose host /lower
/busybox mount -t tmpfs -o size=1g rw /rw
/busybox mkdir /rw/upper /rw/work
/busybox mount -t overlay -o lowerdir=/lower,upperdir=/rw/upper,workdir=/rw/work overlay /merged
/busybox umount /dev
exec /busybox switch_root /merged {init} {modules_tree}
"""


# What a trial boot does; a kernel that panics ends QEMU with success too, but says nothing.
TRIAL_INIT = """#!/busybox sh
/busybox mkdir -p /dev
/busybox mount -t devtmpfs dev /dev
echo {word} >/dev/console
/busybox poweroff -f
"""
TRIAL_WORD, TRIAL_LIMIT = "squall-trial-is-up", 30  # seconds


def require_tools():
    missing = [tool for tool in (QEMU, "busybox", "mkfs.ext4") if not shutil.which(tool)]
    if missing:
        raise Unavailable(f"{', '.join(missing)} is not installed")


@functools.cache
def accelerator(kernel):
    """'kvm' where this kernel boots with it, else 'tcg': /dev/kvm may be there and useless."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    return "kvm" if boots(kernel, "kvm") else "tcg"


def boots(kernel, accelerator, limit=TRIAL_LIMIT):
    with tempfile.NamedTemporaryFile() as initramfs:
        initramfs.write(pack([busybox(), ("init", 0o100755,
                                          TRIAL_INIT.format(word=TRIAL_WORD).encode())]))
        initramfs.flush()
        try:
            tried = subprocess.run([*base_command(kernel, accelerator, initramfs.name), "-serial",
                                    "stdio"], stdin=subprocess.DEVNULL, capture_output=True,
                                   timeout=limit)
        except subprocess.TimeoutExpired:
            return False
    return tried.returncode == 0 and TRIAL_WORD.encode() in tried.stdout


def base_command(kernel, accelerator, initramfs):
    return [QEMU, "-accel", ACCELERATORS[accelerator], "-cpu", PROCESSORS[accelerator],
            "-smp", "2", "-m", "2048", "-display", "none", "-nodefaults", "-no-reboot",
            "-kernel", kernel.image, "-initrd", initramfs,
            "-append", "console=ttyS0 panic=-1 quiet loglevel=4 nokaslr no_timer_check "
            "mitigations=off"]


def slowness(kernel):
    """How much longer things take in the guest than here; given to the tests as SQUALL_SLOW."""
    return 1 if accelerator(kernel) == "kvm" else 10


class Machine:
    def __init__(self, kernel, work):
        self.kernel = kernel
        self.work = Path(work)
        self.job = self.work / "job"
        self.job.mkdir(parents=True, exist_ok=True)
        self.console = self.work / "console.log"
        self.disk = self.work / "state.raw"
        self.process = None

    def boot(self):
        if not self.disk.exists():
            make_disk(self.disk)
        initramfs = self.work / "initramfs"
        initramfs.write_bytes(make_initramfs(self.kernel))
        command = [
            *base_command(self.kernel, accelerator(self.kernel), initramfs),
            "-serial", f"file:{self.console}",
            "-fsdev", "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap",
            "-device", "virtio-9p-pci,fsdev=host,mount_tag=host",
            "-fsdev", f"local,id=job,path={self.job},security_model=none",
            "-device", "virtio-9p-pci,fsdev=job,mount_tag=job",
            "-drive", f"file={self.disk},format=raw,if=virtio,cache=writethrough"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True, preexec_fn=end_with_parent)

    def running(self):
        return self.process is not None and self.process.poll() is None

    def cut_power(self):
        """As if the plug were pulled: nothing in the guest gets to write anything any more."""
        if self.running():
            self.process.kill()
        self.process.wait()

    def wait(self, watch):
        """Until the guest is off; what watch() complains of has its power cut, and is returned."""
        while self.running():
            if complaint := watch():
                self.cut_power()
                return complaint
            try:
                self.process.wait(0.3)
            except subprocess.TimeoutExpired:
                pass
        watch()
        return ""

    def tail(self, lines=15):
        text = self.console.read_text(errors="replace") if self.console.exists() else ""
        complaint = self.process.stderr.read() if self.process and not self.running() else ""
        return "\n".join((text + complaint).splitlines()[-lines:])


def end_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def make_disk(path):
    with open(path, "wb") as file:
        file.truncate(512 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", path], check=True)


def needed_modules(kernel):
    """Files to insert, in order; nothing for what the kernel has built in."""
    depends = {}
    for line in (kernel.modules / "modules.dep").read_text().splitlines():
        path, _, others = line.partition(":")
        depends[path] = others.split()
    by_name = {Path(path).name.split(".")[0].replace("-", "_"): path for path in depends}
    order = []
    for name in BOOT_MODULES:
        path = by_name.get(name)
        for each in [*reversed(depends[path]), path] if path else []:
            if each not in order:
                order.append(each)
    return [kernel.modules / each for each in order]


def make_initramfs(kernel):
    modules = needed_modules(kernel)
    entries = [("modules", 0o040755, b""), busybox()]
    names = []
    for path in modules:
        name = path.name.split(".")[0] + ".ko"
        packed = path.read_bytes()
        entries.append((f"modules/{name}", 0o100644,
                        lzma.decompress(packed) if path.suffix == ".xz" else packed))
        names.append(name)
    init = INIT.format(modules=" ".join(names), init=HERE / "guest_init.sh",
                       modules_tree=kernel.modules)
    entries.append(("init", 0o100755, init.encode()))
    return pack(entries)


def busybox():
    return "busybox", 0o100755, Path(shutil.which("busybox")).read_bytes()


def pack(entries):
    return gzip.compress(b"".join(cpio_entry(*entry) for entry in entries)
                         + cpio_entry("TRAILER!!!", 0, b""), 1)


def cpio_entry(name, mode, content):
    """The 'newc' format: a header of hexadecimal fields, then name and content padded to 4."""
    encoded = name.encode() + b"\0"
    fields = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(encoded), 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + encoded
    return padded(head) + padded(content)


def padded(text):
    return text + b"\0" * (-len(text) % 4)
