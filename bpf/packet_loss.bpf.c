/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Drops matching packets at a tc or tcx hook. Passes everything else on to whoever
 * comes next, so that several of these and the programs of others compose. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "bpf/packet_armed.h"
#include "bpf/packet_loss.h"
#include "bpf/packet_load.h"
#include "bpf/packet_mark.h"

const volatile struct packet_loss_config config;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet_loss_settings);
} squall_settings SEC(".maps");

struct state {
	struct bpf_spin_lock lock;
	__u32 reserved;
	struct packet_loss_chain chain;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct state);
} squall_state SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet_loss_counters);
} squall_counters SEC(".maps");

/* 0: passes. 1: dropped. 3: dropped, and the matching packet before it was not. */
static __always_inline int decide(const struct packet_loss_settings *settings, struct state *state)
{
	__u64 number;
	int drops, before;

	if (config.model == PACKET_LOSS_CHAIN) {
		bpf_spin_lock(&state->lock);
		before = state->chain.dropped;
		drops = packet_loss_chain_drops(config.seed, settings, &state->chain);
		state->chain.dropped = drops;
		bpf_spin_unlock(&state->lock);
	} else {
		number = __sync_fetch_and_add(&state->chain.number, 1) + 1;
		drops = packet_loss_drops(&config, settings, number);
		before = drops && packet_loss_drops(&config, settings, number - 1);
	}
	return drops ? (before ? 1 : 3) : 0;
}

/*
 * Kernel: TC_ACT_SHOT at the outgoing hook is told to the local TCP as a failed send,
 * and TC_ACT_STOLEN is not a verdict of tcx. A redirect to an interface that does not
 * exist frees the packet and reports success, as a network does; 0 is never an index.
 */
static __always_inline int drop(void)
{
	return config.leaving ? bpf_redirect(0, 0) : TC_ACT_SHOT;
}

SEC("tc")
int squall_decides(struct __sk_buff *skb)
{
	struct packet_loss_counters *counters;
	struct packet_loss_settings *settings;
	struct packet_facts facts = {};
	struct state *state;
	__u32 segments, first = 0;
	int fate;

	counters = bpf_map_lookup_elem(&squall_counters, &first);
	settings = bpf_map_lookup_elem(&squall_settings, &first);
	state = bpf_map_lookup_elem(&squall_state, &first);
	if (!counters || !settings || !state)
		return TC_ACT_UNSPEC;
	if (packet_mark_kind(skb->tc_index) == PACKET_MARK_BACK)
		return TC_ACT_UNSPEC;
	counters->seen++;
	if (!packet_learn(skb, &facts)) {
		counters->unreadable++;
		return TC_ACT_UNSPEC;
	}
	if (!packet_matches(&config.match, &facts))
		return TC_ACT_UNSPEC;
	if (packet_spared(&config.match, &facts)) {
		counters->spared++;
		return TC_ACT_UNSPEC;
	}

	segments = packet_segments(skb);
	counters->matched++;
	counters->matched_bytes += skb->len;
	counters->matched_segments += segments;
	fate = decide(settings, state);
	if (!fate)
		return TC_ACT_UNSPEC;
	counters->dropped++;
	counters->dropped_bytes += skb->len;
	counters->dropped_segments += segments;
	counters->bursts += fate == 3;
	return drop();
}

SEC("tc")
int squall_program_(struct __sk_buff *skb)
{
	go_on(skb);
	return TC_ACT_UNSPEC;
}

char squall_license[] SEC("license") = "Dual BSD/GPL";
