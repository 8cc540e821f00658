#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# First process of the guest: mounts what Debian would have mounted, runs the job, and
# turns the machine off. $1 is the kernel's module tree.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/ TERM=dumb
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs -o size=512m shm /dev/shm
mount -t tmpfs -o size=256m run /run
mount -t cgroup2 -o nsdelegate cgroup2 /sys/fs/cgroup
mount -t bpf bpf /sys/fs/bpf
mount -t tracefs tracefs /sys/kernel/tracing
mount -t securityfs securityfs /sys/kernel/security

release=$(uname -r)
mkdir -p "/lib/modules/$release"
mount --bind "$1" "/lib/modules/$release"
# The share is slow to read from: a module that is loaded meanwhile may cost a run its lease.
modprobe -a virtio_blk ext4 veth sch_ingress fuse sch_netem sch_htb act_mirred ifb tun

mkdir -p /run/job /run/state /run/lock
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=none job /run/job
mount -t ext4 /dev/vda /run/state
echo '+cpu +memory +pids +cpuset +io' >/sys/fs/cgroup/cgroup.subtree_control
hostname squall-guest
ip link set lo up
# While one emulated CPU runs, for up to 100 ms, the other stands still and what is handed to it waits.
echo 20000 >/proc/sys/net/core/netdev_max_backlog

python3 -B "$(dirname "$0")/guest_run.py" /run/job

# No clean unmounting: what had to last is on the job share or was made durable.
echo o >/proc/sysrq-trigger
exec sleep 60
