/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sends matching packets through a sidecar, a veth pair of ours with the kernel's netem on it, and
 * back to where they were; measures the delay of each. One program, attached at three places: the
 * target's hook, the far end of the pair, where packets turn round, and the near end, where they
 * come back.
 *
 *   target --redirect--> entrance ~veth~> turn: ingress, mirred to its own egress, netem
 *      ^---redirect----- entrance <~veth~ turn
 *
 * On a loopback interface it is attached at one place, where it only says which packets the action
 * mirred takes to an ifb with netem on it: a veth pair takes the route from a packet, and what comes
 * from 127.0.0.1 without one is refused.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "bpf/netem.h"
#include "bpf/packet_armed.h"
#include "bpf/packet_load.h"
#include "bpf/packet_mark.h"

const volatile struct netem_config config;

/* Of a filter that has an action, -1 is a match, and 0 is none. */
#define PASS (config.loops ? 0 : TC_ACT_UNSPEC)

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct netem_settings);
} squall_settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct netem_state);
} squall_state SEC(".maps");

/* enum netem_phase */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} squall_phase SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct netem_counters);
} squall_counters SEC(".maps");

/* Number 0 means that there was nothing to keep. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PACKET_MARK_NUMBERS);
	__type(key, __u32);
	__type(value, struct netem_kept);
} squall_kept SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PACKET_MARK_NUMBERS);
	__type(key, struct netem_kept);
	__type(value, __u32);
} squall_numbers SEC(".maps");

/* Returns 1 when all numbers are taken. Two CPUs that meet the same pair first may take two
 * numbers for it, which does no harm. */
static __always_inline int number_of(const struct netem_kept *kept, struct netem_state *state,
				     __u32 *number)
{
	__u32 *known, next;
	__u64 taken;

	*number = 0;
	if (!kept->mark && !kept->priority)
		return 0;
	known = bpf_map_lookup_elem(&squall_numbers, kept);
	if (known) {
		*number = *known;
		return 0;
	}
	if (state->kept >= PACKET_MARK_NUMBERS - 1)
		return 1;
	taken = __sync_fetch_and_add(&state->kept, 1) + 1;
	if (taken >= PACKET_MARK_NUMBERS)
		return 1;
	next = (__u32)taken;
	if (bpf_map_update_elem(&squall_kept, &next, kept, BPF_ANY) ||
	    bpf_map_update_elem(&squall_numbers, kept, &next, BPF_ANY))
		return 1;
	*number = next;
	return 0;
}

/* Whether packets pass already, as the fault ends: from the moment on when nothing is inside. */
static __always_inline int passes(const struct netem_state *state, __u32 *phase)
{
	const volatile struct netem_state *now = state;

	if (*phase == NETEM_MAY_PASS && now->drain_in == now->drain_out)
		*phase = NETEM_PASSES;
	return *phase == NETEM_PASSES;
}

/* Kernel: where packets have no link header, one has to be made for the veth pair; the way back
 * takes it off (__bpf_redirect_no_mac). */
static __always_inline int give_link_header(struct __sk_buff *skb)
{
	__u16 protocol = (__u16)skb->protocol;

	return bpf_skb_change_head(skb, ETH_HLEN, 0) ||
	       bpf_skb_store_bytes(skb, offsetof(struct ethhdr, h_proto), &protocol,
				   sizeof(protocol), 0);
}

static __always_inline int send_in(struct __sk_buff *skb, struct netem_counters *counters)
{
	struct netem_kept kept = {.mark = skb->mark, .priority = skb->priority};
	__u32 segments = packet_segments(skb), kind = PACKET_MARK_INSIDE, first = 0, number;
	struct netem_state *state;
	__u32 *phase;

	state = bpf_map_lookup_elem(&squall_state, &first);
	phase = bpf_map_lookup_elem(&squall_phase, &first);
	if (!state || !phase)
		return PASS;
	counters->matched++;
	counters->matched_segments += segments;
	if (passes(state, phase)) {
		counters->passed++;
		return PASS;
	}
	if (config.loops) {
		counters->entered++;
		return -1;
	}
	if (number_of(&kept, state, &number)) {
		counters->crowded++;
		return PASS;
	}
	if (*phase != NETEM_DISTURBS) {
		kind = PACKET_MARK_DRAINING;
		__sync_fetch_and_add(&state->drain_in, segments);
	}
	skb->tc_index = (__u16)(kind | number);
	skb->mark = netem_stamp(bpf_ktime_get_ns());
	/* Kernel: what a driver has found good is not checked again: damage would go unseen. */
	if (config.corrupts && !config.leaving)
		bpf_csum_level(skb, BPF_CSUM_LEVEL_RESET);
	if (config.bare && give_link_header(skb))
		return PASS;
	return bpf_redirect(config.entrance, 0);
}

/* Here it is where it was when it was sent in: what comes now does not overtake it. */
static __always_inline void take_back(struct __sk_buff *skb, __u32 drained)
{
	__u32 first = 0;
	struct netem_state *state = bpf_map_lookup_elem(&squall_state, &first);

	skb->tc_index = (__u16)(PACKET_MARK_OPEN | config.hook);
	if (state && drained)
		__sync_fetch_and_add(&state->drain_out, 1);
}

SEC("tc")
int squall_decides(struct __sk_buff *skb)
{
	struct netem_counters *counters;
	struct packet_facts facts = {};
	__u32 first = 0, kind = packet_mark_kind(skb->tc_index);
	__u32 rest = skb->tc_index & PACKET_MARK_REST;

	if (kind == PACKET_MARK_BACK) {
		if ((rest & ~PACKET_MARK_DRAINED) == config.slot)
			take_back(skb, rest & PACKET_MARK_DRAINED);
		return PASS;
	}
	if (kind == PACKET_MARK_OPEN && rest == config.hook && !config.takes_open)
		return PASS;
	counters = bpf_map_lookup_elem(&squall_counters, &first);
	if (!counters)
		return PASS;
	counters->seen++;
	if (!packet_learn(skb, &facts)) {
		counters->unreadable++;
		return PASS;
	}
	if (!packet_matches(&config.match, &facts))
		return PASS;
	if (packet_spared(&config.match, &facts)) {
		counters->spared++;
		return PASS;
	}
	return send_in(skb, counters);
}

static __always_inline int is_inside(const struct __sk_buff *skb)
{
	__u32 kind = packet_mark_kind(skb->tc_index);

	return kind == PACKET_MARK_INSIDE || kind == PACKET_MARK_DRAINING;
}

/* -1 is a match for the filter's action, which sends the packet into netem; others are not ours. */
static __always_inline int turn_round(struct __sk_buff *skb)
{
	struct netem_counters *counters;
	__u32 first = 0;

	counters = bpf_map_lookup_elem(&squall_counters, &first);
	if (!is_inside(skb) || !counters)
		return 0;
	counters->entered += packet_mark_kind(skb->tc_index) == PACKET_MARK_INSIDE;
	return -1;
}

static __always_inline void measure(struct netem_counters *counters, __u64 delay_ns)
{
	struct netem_settings *settings;
	__u32 first = 0;

	settings = bpf_map_lookup_elem(&squall_settings, &first);
	counters->returned++;
	if (!settings)
		return;
	counters->early += delay_ns < settings->early_ns;
	counters->deviation_ns += delay_ns - settings->centre_ns;
	counters->deviation_square += netem_square(delay_ns - settings->centre_ns);
}

static __always_inline int come_back(struct __sk_buff *skb)
{
	__u32 first = 0, number = skb->tc_index & PACKET_MARK_REST;
	__u32 back = PACKET_MARK_BACK | config.slot;
	struct netem_counters *counters;
	struct netem_kept *kept;

	counters = bpf_map_lookup_elem(&squall_counters, &first);
	kept = bpf_map_lookup_elem(&squall_kept, &number);
	if (!is_inside(skb) || !counters || !kept)
		return TC_ACT_SHOT;
	if (packet_mark_kind(skb->tc_index) == PACKET_MARK_DRAINING)
		back |= PACKET_MARK_DRAINED;
	else
		measure(counters, netem_delay_ns(skb->mark, bpf_ktime_get_ns()));
	skb->mark = kept->mark;
	skb->priority = kept->priority;
	skb->tc_index = (__u16)back;
	return bpf_redirect(config.target, config.leaving ? 0 : BPF_F_INGRESS);
}

/* As bpf/packet_armed.h: when we die, the target's packets pass. The two ends of the sidecar work
 * on without us, so that what is inside comes back. */
SEC("tc")
int squall_program_(struct __sk_buff *skb)
{
	if (skb->ifindex == config.entrance)
		return come_back(skb);
	if (skb->ifindex == config.turn)
		return turn_round(skb);
	go_on(skb);
	return PASS;
}

char squall_license[] SEC("license") = "Dual BSD/GPL";
