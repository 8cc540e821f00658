/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a packet fault attaches goes on from here to the program that decides, squall_armed[0];
 * go_on() returns where there is none.
 *
 * Kernel: the entries of a map of programs are cleared when its last descriptor is
 * closed (prog_array_map_clear). A qdisc filter outlives us, but when we die it finds
 * nothing to go on to, and every packet passes: the fault is over without anyone's help,
 * and what remains to be deleted does nothing. */
#pragma once

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} squall_armed SEC(".maps");

static __always_inline void go_on(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &squall_armed, 0);
}
