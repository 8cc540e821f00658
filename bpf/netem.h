/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by netem.bpf.c and its loader: where packets go, what is counted of them. */
#pragma once

#include "bpf/packet_match.h"

/* Constants of the program. */
struct netem_config {
	__u32 target;	/* interface that is disturbed, and the two ends of its sidecar */
	__u32 entrance; /* packets go in here, and come back here */
	__u32 turn;	/* where netem is */
	__u32 leaving;	/* 1 at the outgoing hook */
	__u32 slot;
	__u32 hook;	  /* PACKET_MARK_REST of what is OPEN at the target */
	__u32 takes_open; /* also what an earlier fault had */
	__u32 bare;	  /* packets of the target have no link header */
	__u32 corrupts;
	__u32 loops; /* the sidecar is an ifb, which gives packets back by itself */
	struct packet_match_config match;
};

enum netem_phase {
	NETEM_DISTURBS = 0,
	NETEM_DRAINS = 1,   /* netem delays no more, and keeps the order of what waits in it */
	NETEM_MAY_PASS = 2, /* what was sent in before is back */
	NETEM_PASSES = 3,   /* set by the program: nothing was inside, so that nothing is overtaken */
};

/* What changes while the program runs. */
struct netem_settings {
	__u64 centre_ns; /* of the delays: deviations are counted from here */
	__u64 early_ns;	 /* a shorter delay counts as none */
};

struct netem_state {
	__u64 kept; /* numbers given out */
	__u64 drain_in; /* wire packets, while it drains */
	__u64 drain_out;
};

/* What a packet had before, and gets back. */
struct netem_kept {
	__u32 mark;
	__u32 priority;
};

/* One set on each CPU. A wire packet is one that netem sees: super-packets are cut before. */
struct netem_counters {
	__u64 seen;
	__u64 matched;
	__u64 matched_segments;
	__u64 spared;
	__u64 unreadable; /* passed: whether they match or are spared is not known */
	__u64 crowded;	  /* passed: more kinds of mark and priority than there are numbers */
	__u64 passed;	  /* matched at the end, when nothing was inside any more */
	__u64 entered;	  /* wire packets given to netem */
	__u64 returned;
	__u64 early;
	__u64 deviation_ns;	/* of their delays from the centre, signed */
	__u64 deviation_square; /* in microseconds */
};

/* Kernel: skb->mark is all that a packet carries through the sidecar unchanged, 32 bits: time in
 * units of 64 ns, which comes round after 274 s. */
#define NETEM_STAMP_SHIFT 6

PACKET_INLINE __u32 netem_stamp(__u64 now_ns)
{
	return (__u32)(now_ns >> NETEM_STAMP_SHIFT);
}

PACKET_INLINE __u64 netem_delay_ns(__u32 stamp, __u64 now_ns)
{
	return (__u64)(netem_stamp(now_ns) - stamp) << NETEM_STAMP_SHIFT;
}

/* Bounded, so that the sum of squares does not overflow: a second is far from any centre. */
PACKET_INLINE __u64 netem_square(__u64 deviation_ns)
{
	__s64 ns = (__s64)deviation_ns;
	__u64 us = (__u64)(ns < 0 ? -ns : ns) / 1000;

	if (us > 1000000)
		us = 1000000;
	return us * us;
}
