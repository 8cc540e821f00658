/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Finds in a packet what packet_match.h decides on: VLAN tags, IPv4, IPv6 with its
 * extension headers, ports. Compiled for BPF and natively for the tests. */
#pragma once

#include "bpf/packet_match.h"

#define PACKET_MAX_TAGS 2	/* VLAN tags, beside the one that the kernel keeps apart */
#define PACKET_MAX_EXTENSIONS 4 /* IPv6 extension headers; behind more, ports are not found */

/* Whoever includes this file says how bytes of the packet are read: counted from its
 * network header, or with this added to the offset, from the link's header. Returns 0
 * when they are there. */
#define PACKET_FROM_LINK 0x10000u
PACKET_INLINE int packet_load(PACKET_CONTEXT *packet, __u32 offset, void *to, __u32 size);

PACKET_INLINE __u32 packet_be16(const __u8 *at)
{
	return (__u32)at[0] << 8 | at[1];
}

/* A later fragment of a datagram has no transport header: not called for one. */
PACKET_INLINE void packet_read_transport(PACKET_CONTEXT *packet, __u32 at, struct packet_facts *facts)
{
	__u8 start[4];

	facts->cut = packet_load(packet, at, start, sizeof(start));
	if (facts->cut)
		return;
	facts->has_ports = packet_has_ports(facts->protocol);
	facts->source_port = packet_be16(start);
	facts->destination_port = packet_be16(start + 2);
	facts->icmp_type = start[0];
}

PACKET_INLINE void packet_read_ipv4(PACKET_CONTEXT *packet, __u32 at, struct packet_facts *facts)
{
	union {
		__u8 bytes[20];
		__u32 words[5];
	} header;

	facts->cut = packet_load(packet, at, header.bytes, sizeof(header));
	if (facts->cut || header.bytes[0] >> 4 != 4)
		return;
	facts->version = 4;
	facts->dscp = header.bytes[1] >> 2;
	facts->protocol = header.bytes[9];
	facts->source[0] = header.words[3];
	facts->destination[0] = header.words[4];
	facts->hidden = (packet_be16(header.bytes + 6) & 0x1fff) != 0;
	if (!facts->hidden)
		packet_read_transport(packet, at + (header.bytes[0] & 0xf) * 4, facts);
}

#define PACKET_IN_ANOTHER 1u /* no header stands there: this is a later fragment */

/* From the first header behind the fixed one: returns the transport protocol, and in the
 * upper half where its header stands, PACKET_IN_ANOTHER, or 0: cut off. A function of its
 * own, because the verifier then walks the loop once and not on every path. */
PACKET_FUNCTION __u64 packet_skip_extensions(PACKET_CONTEXT *packet, __u32 at, __u32 protocol)
{
	__u32 fragment, authentication, length, i;
	__u8 next[4];

	PACKET_NO_UNROLL
	for (i = 0; i < PACKET_MAX_EXTENSIONS; i++) {
		if (!packet_is_extension(protocol))
			break;
		if (packet_load(packet, at, next, sizeof(next)))
			return protocol;
		fragment = packet_is_zero(protocol ^ 44);
		authentication = packet_is_zero(protocol ^ 51);
		protocol = next[0];
		if (packet_be16(next + 2) & 0xfff8 & (0 - fragment))
			return (__u64)PACKET_IN_ANOTHER << 32 | protocol;
		/* In units of 8 bytes without the first, of 4 without the first two, or 8 bytes. */
		length = next[1] & (fragment - 1);
		at += (length + 1 + authentication) * 8 >> authentication;
	}
	return (__u64)at << 32 | protocol;
}

PACKET_INLINE void packet_read_ipv6(PACKET_CONTEXT *packet, __u32 at, struct packet_facts *facts)
{
	union {
		__u8 bytes[40];
		__u32 words[10];
	} header;
	__u64 transport;
	__u32 i, start;

	facts->cut = packet_load(packet, at, header.bytes, sizeof(header));
	if (facts->cut || header.bytes[0] >> 4 != 6)
		return;
	facts->version = 6;
	facts->dscp = (packet_be16(header.bytes) >> 6) & 0x3f;
	for (i = 0; i < 4; i++) {
		facts->source[i] = header.words[2 + i];
		facts->destination[i] = header.words[6 + i];
	}
	transport = packet_skip_extensions(packet, at + sizeof(header), header.bytes[6]);
	facts->protocol = (__u32)transport;
	start = (__u32)(transport >> 32);
	facts->cut = start == 0;
	facts->hidden = start == PACKET_IN_ANOTHER;
	if (start <= PACKET_IN_ANOTHER)
		return;
	facts->hidden = packet_is_extension(facts->protocol);
	packet_read_transport(packet, start, facts);
}

/* `ethertype` in host order, as the kernel keeps it beside the packet. */
PACKET_INLINE void packet_read(PACKET_CONTEXT *packet, __u32 ethertype, struct packet_facts *facts)
{
	__u8 tag[4];
	__u32 at = 0, i;

	/* Kernel: the network header of a tagged packet is in front of its tags or behind
	 * them, as the sender pleased. The link's header is always where it is. */
	if (ethertype == 0x8100 || ethertype == 0x88a8)
		at = PACKET_FROM_LINK + 14;
	PACKET_NO_UNROLL
	for (i = 0; i < PACKET_MAX_TAGS; i++) {
		if (ethertype != 0x8100 && ethertype != 0x88a8)
			break;
		facts->cut = packet_load(packet, at, tag, sizeof(tag));
		if (facts->cut)
			return;
		ethertype = packet_be16(tag + 2);
		at += sizeof(tag);
	}
	facts->ethertype = ethertype;
	facts->hidden = ethertype == 0x8100 || ethertype == 0x88a8;
	if (ethertype == 0x0800)
		packet_read_ipv4(packet, at, facts);
	else if (ethertype == 0x86dd)
		packet_read_ipv6(packet, at, facts);
}

