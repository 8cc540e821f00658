/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How a packet program reads what packet_read.h looks for. */
#pragma once

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/packet_read.h"

#define PACKET_LINEAR 512 /* bytes in which headers are looked for */

static __always_inline int packet_load(struct __sk_buff *packet, __u32 offset, void *to, __u32 size)
{
	__u32 start = offset & PACKET_FROM_LINK ? BPF_HDR_START_MAC : BPF_HDR_START_NET;

	return bpf_skb_load_bytes_relative(packet, offset & ~PACKET_FROM_LINK, to, size, start) != 0;
}

static __always_inline __u32 packet_linear_part(const struct __sk_buff *skb)
{
	return (__u32)((long)skb->data_end - (long)skb->data);
}

/* Kernel: loads see the linear part of a packet only, and drivers and senders may leave all
 * behind the link's header in page fragments. Returns whether that part has grown. */
static __always_inline int packet_make_linear(struct __sk_buff *skb)
{
	__u32 wanted = skb->len < PACKET_LINEAR ? skb->len : PACKET_LINEAR;

	return packet_linear_part(skb) < wanted && !bpf_skb_pull_data(skb, wanted);
}

/* Returns whether its headers could be read to their end. `facts` must be zero. */
static __always_inline int packet_learn(struct __sk_buff *skb, struct packet_facts *facts)
{
	packet_read(skb, bpf_ntohs(skb->protocol), facts);
	if (facts->cut && packet_make_linear(skb)) {
		__builtin_memset(facts, 0, sizeof(*facts));
		packet_read(skb, bpf_ntohs(skb->protocol), facts);
	}
	return !facts->cut || packet_linear_part(skb) >= skb->len;
}

static __always_inline __u32 packet_segments(const struct __sk_buff *skb)
{
	return skb->gso_segs ? skb->gso_segs : 1;
}
