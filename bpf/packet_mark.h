/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What packets that went through a sidecar carry in tc_index, so that no program of ours judges
 * one twice. The kernel itself and its filters of today neither read nor write tc_index.
 *
 *   target's hook -> INSIDE -> sidecar, netem -> BACK -> target's hook again, from its start:
 *   programs before the fault that had it skip the packet; that fault makes it OPEN; those
 *   behind it see the packet for the first time. */
#pragma once

#include <linux/types.h>

#define PACKET_MARK_KIND 0xf000u
#define PACKET_MARK_DRAINING 0x4000u /* as INSIDE, of those that the end of a fault waits for */
#define PACKET_MARK_INSIDE 0x5000u   /* the rest: the number of what the packet had before */
#define PACKET_MARK_BACK 0x6000u     /* the rest: the slot of the fault that had it, and: */
#define PACKET_MARK_DRAINED 0x0800u  /* it was DRAINING */
#define PACKET_MARK_OPEN 0x7000u     /* the rest: the hook, as it is OPEN at that one only */
#define PACKET_MARK_REST 0x0fffu

#define PACKET_MARK_NUMBERS 4096

static inline __attribute__((always_inline)) __u32 packet_mark_kind(__u32 tc_index)
{
	return tc_index & PACKET_MARK_KIND;
}
