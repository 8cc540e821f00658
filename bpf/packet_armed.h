/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a packet fault attaches: a program that does nothing but go on to the one that
 * decides, through squall_armed[0].
 *
 * Kernel: the entries of a map of programs are cleared when its last descriptor is
 * closed (prog_array_map_clear). A qdisc filter outlives us, but when we die it finds
 * nothing to go on to, and every packet passes: the fault is over without anyone's help,
 * and what remains to be deleted does nothing. */
#pragma once

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} squall_armed SEC(".maps");

SEC("tc")
int squall_program_(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &squall_armed, 0);
	return TC_ACT_UNSPEC;
}
