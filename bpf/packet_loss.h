/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by packet_loss.bpf.c and its loader: settings, counters, and the decisions as
 * pure functions. The n-th matching packet has the same fate whenever seed and settings
 * are the same: the only randomness is a hash of seed and n. */
#pragma once

#include "bpf/packet_match.h"

#define PACKET_LOSS_RANGES 64 /* compared in turn; a longer list would be a map */
#define PACKET_LOSS_ALWAYS (1ull << 32)

enum packet_loss_model {
	PACKET_LOSS_RANDOM = 0,	  /* each packet by itself */
	PACKET_LOSS_CHAIN = 1,	  /* a good and a bad state: correlation, Gilbert-Elliott */
	PACKET_LOSS_PERIODIC = 2, /* the last `burst` of each `every` */
	PACKET_LOSS_LISTED = 3,	  /* exact packet numbers */
};

struct packet_loss_range {
	__u64 first; /* the first matching packet has number 1 */
	__u64 last;
};

/* Constants of the program: the verifier removes what they rule out. */
struct packet_loss_config {
	__u64 seed;
	__u32 model;
	__u32 leaving; /* 1 at the outgoing hook */
	__u32 range_count;
	__u32 reserved;
	struct packet_loss_range ranges[PACKET_LOSS_RANGES];
	struct packet_match_config match;
};

/* What may change while the program runs. Chances are in units of 2^-32. */
struct packet_loss_settings {
	__u64 loss; /* random */
	__u64 enter_bad, leave_bad, loss_in_good, loss_in_bad, start_bad; /* chain */
	__u64 every, burst; /* periodic */
};

/* One for all CPUs, so that the numbers follow the order of the packets. */
struct packet_loss_chain {
	__u64 number;
	__u32 bad;
	__u32 dropped; /* the packet before */
};

/* One set on each CPU. */
struct packet_loss_counters {
	__u64 seen;
	__u64 matched;
	__u64 dropped;
	__u64 spared; /* matched, and left alone */
	__u64 bursts; /* runs of consecutive matching packets that were dropped */
	__u64 matched_bytes;
	__u64 dropped_bytes;
	__u64 matched_segments; /* packets on the wire: a GSO super-packet holds several */
	__u64 dropped_segments;
	__u64 unreadable; /* passed: whether they match or are spared is not known */
};

/* SplitMix64: every output bit depends on every bit of seed and number. */
PACKET_INLINE __u64 packet_loss_roll(__u64 seed, __u64 number)
{
	__u64 z = seed + number * 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

PACKET_INLINE int packet_loss_listed(const volatile struct packet_loss_config *c, __u64 number)
{
	__u32 i;

	PACKET_NO_UNROLL
	for (i = 0; i < PACKET_LOSS_RANGES && i < c->range_count; i++)
		if (number >= c->ranges[i].first && number <= c->ranges[i].last)
			return 1;
	return 0;
}

/* For the models without memory. */
PACKET_INLINE int packet_loss_drops(const volatile struct packet_loss_config *c,
				    const struct packet_loss_settings *s, __u64 number)
{
	if (number == 0)
		return 0;
	if (c->model == PACKET_LOSS_PERIODIC)
		return s->every && (number - 1) % s->every + s->burst >= s->every;
	if (c->model == PACKET_LOSS_LISTED)
		return packet_loss_listed(c, number);
	return packet_loss_roll(c->seed, number) >> 32 < s->loss;
}

/* The next packet's fate under the chain; also moves it. */
PACKET_INLINE int packet_loss_chain_drops(__u64 seed, const struct packet_loss_settings *s,
					  struct packet_loss_chain *chain)
{
	__u64 roll;
	int drops;

	if (chain->number == 0)
		chain->bad = packet_loss_roll(seed, 0) >> 32 < s->start_bad;
	chain->number++;
	roll = packet_loss_roll(seed, chain->number);
	drops = (roll & 0xffffffff) < (chain->bad ? s->loss_in_bad : s->loss_in_good);
	if (chain->bad)
		chain->bad = !(roll >> 32 < s->leave_bad);
	else
		chain->bad = roll >> 32 < s->enter_bad;
	return drops;
}
