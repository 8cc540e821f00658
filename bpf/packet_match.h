/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which packets a fault is for, and which it must leave alone. Shared by every packet
 * program and its loader, and compiled natively for the tests. Plain C, fixed widths,
 * no pointers in what is shared. Change it here and nowhere else. */
#pragma once

#include <linux/types.h>

#define PACKET_INLINE static inline __attribute__((always_inline))
#ifdef __bpf__
#define PACKET_CONTEXT struct __sk_buff
#define PACKET_FUNCTION __attribute__((noinline))
#define PACKET_NO_UNROLL _Pragma("clang loop unroll(disable)")
#else
#define PACKET_CONTEXT void
#define PACKET_FUNCTION static inline
#define PACKET_NO_UNROLL
#endif

/* Bounds of the lists: the program goes through them for each packet. */
#define PACKET_MATCH_PREFIXES 32
#define PACKET_MATCH_PORTS 32
#define PACKET_MATCH_SSH_PORTS 8

#define PACKET_MATCH_ANY 0xffffffffu
#define PACKET_MATCH_ICMP 0x100u /* ICMP of either version of IP */

/* Which end of a packet an entry is compared with. Entries of the same kind are
 * alternatives; of each kind that is given at all, one must hit. */
#define PACKET_SOURCE 1u
#define PACKET_DESTINATION 2u
#define PACKET_EITHER 4u

struct packet_match_prefix {
	__u32 address[4]; /* network order; IPv4 uses the first word */
	__u32 mask[4];
	__u32 version; /* 4 or 6 */
	__u32 end;     /* PACKET_SOURCE, … */
};

struct packet_match_ports {
	__u16 first;
	__u16 last;
	__u32 end;
};

struct packet_match_config {
	__u32 protocol; /* number, PACKET_MATCH_ICMP or PACKET_MATCH_ANY */
	__u32 dscp;	/* or PACKET_MATCH_ANY */
	__u32 invert;
	__u32 spare_neighbours;
	__u32 ssh_port_count;
	__u32 port_count, port_ends; /* the ends that have an entry, or-ed */
	__u32 prefix_count, prefix_ends;
	__u32 reserved;
	__u16 ssh_ports[PACKET_MATCH_SSH_PORTS];
	struct packet_match_ports ports[PACKET_MATCH_PORTS];
	struct packet_match_prefix prefixes[PACKET_MATCH_PREFIXES];
};

/* What a packet says of itself, in host order but for the addresses. */
struct packet_facts {
	__u32 ethertype; /* behind the VLAN tags */
	__u32 version;	 /* 4, 6, or 0 when it is not IP */
	__u32 protocol;
	__u32 dscp;
	__u32 cut;	 /* a header could not be read: it is not there, or not within reach */
	__u32 hidden;	 /* transport header in another fragment, or behind too many headers */
	__u32 has_ports; /* TCP, UDP and their kin; never a later fragment */
	__u32 source_port;
	__u32 destination_port;
	__u32 icmp_type; /* of ICMP only */
	__u32 source[4];
	__u32 destination[4];
};

/* The verifier walks every path through what follows when a fault is injected, and
 * that is most of an injection's time: hence arithmetic rather than branches. */

/* 1 where value is 0, else 0 */
PACKET_INLINE __u32 packet_is_zero(__u32 value)
{
	return (__u32)(((__u64)value - 1) >> 63);
}

/* 1 where first <= value <= last, else 0 */
PACKET_INLINE __u32 packet_between(__u32 first, __u32 value, __u32 last)
{
	return 1 - (__u32)(((__u64)(last - first) - (__u64)(__u32)(value - first)) >> 63);
}

/* The ends of the packet that are in the prefix: PACKET_SOURCE, … or-ed. */
PACKET_INLINE __u32 packet_in_prefix(const volatile struct packet_match_prefix *prefix,
				     const struct packet_facts *facts)
{
	__u32 other = facts->version ^ prefix->version;
	__u32 source = 0, destination = 0, i;

	for (i = 0; i < 4; i++) {
		source |= (facts->source[i] ^ prefix->address[i]) & prefix->mask[i];
		destination |= (facts->destination[i] ^ prefix->address[i]) & prefix->mask[i];
	}
	source = packet_is_zero(source | other);
	destination = packet_is_zero(destination | other);
	return source * PACKET_SOURCE | destination * PACKET_DESTINATION |
	       (source | destination) * PACKET_EITHER;
}

PACKET_INLINE __u32 packet_in_ports(const volatile struct packet_match_ports *range,
				    const struct packet_facts *facts)
{
	__u32 source = packet_between(range->first, facts->source_port, range->last);
	__u32 destination = packet_between(range->first, facts->destination_port, range->last);

	return source * PACKET_SOURCE | destination * PACKET_DESTINATION |
	       (source | destination) * PACKET_EITHER;
}

/* TCP, UDP, DCCP; SCTP and UDP-Lite */
#define PACKET_PORTS_BELOW_64 (1ull << 6 | 1ull << 17 | 1ull << 33)
#define PACKET_PORTS_FROM_128 (1ull << (132 - 128) | 1ull << (136 - 128))

PACKET_INLINE __u32 packet_has_ports(__u32 protocol)
{
	__u32 below = (__u32)(PACKET_PORTS_BELOW_64 >> (protocol & 63)) & 1;
	__u32 above = (__u32)(PACKET_PORTS_FROM_128 >> (protocol & 63)) & 1;

	return below * packet_is_zero(protocol >> 6) | above * packet_is_zero(protocol >> 6 ^ 2);
}

/* hop-by-hop options, routing, fragment, authentication, destination options */
#define PACKET_EXTENSIONS (1ull << 0 | 1ull << 43 | 1ull << 44 | 1ull << 51 | 1ull << 60)

PACKET_INLINE __u32 packet_is_extension(__u32 protocol)
{
	return (__u32)(PACKET_EXTENSIONS >> (protocol & 63)) & packet_is_zero(protocol >> 6);
}

/* Asked where no ports were read: whether there may be some all the same, in another
 * fragment or behind more headers than are looked through. */
PACKET_INLINE int packet_hides_ports(const struct packet_facts *facts)
{
	return facts->version &&
	       (packet_has_ports(facts->protocol) | packet_is_extension(facts->protocol));
}

#define PACKET_UNKNOWN 2 /* whether it is selected: neither yes nor no is true */

/* Every selector that is given must hold. A packet that is not IP matches only where
 * none is given. Ports come last: what they cannot answer, another selector may. */
PACKET_INLINE int packet_selected(const volatile struct packet_match_config *c,
				  const struct packet_facts *facts)
{
	__u32 hits, i;

	if (c->protocol == PACKET_MATCH_ICMP) {
		if (!(facts->version == 4 && facts->protocol == 1) &&
		    !(facts->version == 6 && facts->protocol == 58))
			return 0;
	} else if (c->protocol != PACKET_MATCH_ANY) {
		if (!facts->version || facts->protocol != c->protocol)
			return 0;
	}
	if (c->dscp != PACKET_MATCH_ANY && (!facts->version || facts->dscp != c->dscp))
		return 0;
	if (c->prefix_count) {
		hits = 0;
		PACKET_NO_UNROLL
		for (i = 0; i < PACKET_MATCH_PREFIXES && i < c->prefix_count; i++)
			hits |= packet_in_prefix(&c->prefixes[i], facts) & c->prefixes[i].end;
		if (hits != c->prefix_ends)
			return 0;
	}
	if (c->port_count) {
		if (!facts->has_ports)
			return packet_hides_ports(facts) ? PACKET_UNKNOWN : 0;
		hits = 0;
		PACKET_NO_UNROLL
		for (i = 0; i < PACKET_MATCH_PORTS && i < c->port_count; i++)
			hits |= packet_in_ports(&c->ports[i], facts) & c->ports[i].end;
		if (hits != c->port_ends)
			return 0;
	}
	return 1;
}

PACKET_INLINE int packet_matches(const volatile struct packet_match_config *c,
				 const struct packet_facts *facts)
{
	return packet_selected(c, facts) == !c->invert;
}

/* ICMPv6: neighbour and router discovery, and the membership reports of multicast: a switch
 * that snoops them forgets the groups on which neighbours are asked for. */
PACKET_INLINE __u32 packet_is_neighbourly(__u32 icmp_type)
{
	return packet_between(130, icmp_type, 137) | packet_is_zero(icmp_type ^ 143);
}

/* What keeps the operator's way in open: ARP, IPv6 neighbour and router discovery, SSH.
 * What may be one of them all the same is spared as well: a later fragment of TCP, and what
 * stands behind too many headers. Spared wins over matched, inverted or not. */
PACKET_INLINE int packet_spared(const volatile struct packet_match_config *c,
				const struct packet_facts *facts)
{
	__u32 hits = 0, i;

	if (c->spare_neighbours) {
		if (facts->ethertype == 0x0806)
			return 1;
		if (facts->version == 6 && facts->protocol == 58 &&
		    packet_is_neighbourly(facts->icmp_type))
			return 1;
	}
	if (facts->hidden && packet_is_extension(facts->protocol))
		return (c->spare_neighbours | c->ssh_port_count) != 0;
	if (!c->ssh_port_count || facts->protocol != 6)
		return 0;
	if (!facts->has_ports)
		return facts->hidden != 0;
	PACKET_NO_UNROLL
	for (i = 0; i < PACKET_MATCH_SSH_PORTS && i < c->ssh_port_count; i++)
		hits |= packet_is_zero(facts->source_port ^ c->ssh_ports[i]) |
			packet_is_zero(facts->destination_port ^ c->ssh_ports[i]);
	return hits != 0;
}
