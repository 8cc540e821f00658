// SPDX-License-Identifier: Apache-2.0
//
// The `match` parameters that every packet fault takes: which packets it is for. The
// decision itself is made by bpf/packet_match.h, per packet, in the kernel.

#pragma once

#include "safety/base/schema.hpp"
#include "safety/spare.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

struct packet_match_config;

namespace squall {

// As the interface sees it. The last two words are the kernel's for the first two.
enum class Side { out, in, both, egress, ingress };
template <>
struct Words<Side> {
  static constexpr std::pair<Side, std::string_view> list[] = {{Side::out, "out"},
                                                               {Side::in, "in"},
                                                               {Side::both, "both"},
                                                               {Side::egress, "egress"},
                                                               {Side::ingress, "ingress"}};
};

// "10.0.0.0/8", "2001:db8::/32", or an address alone.
struct Prefix {
  std::array<std::uint8_t, 16> address{};  // IPv4 uses the first four
  unsigned length = 0;
  unsigned version = 4;
  bool operator==(const Prefix&) const = default;
};

// "9001" or "9000-9010".
struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  bool operator==(const PortRange&) const = default;
};

// "any", "tcp", "udp", "icmp" (of either version of IP), …, or a number of IP.
struct PacketProtocol {
  static constexpr std::uint32_t kAny = 0xffffffff;
  static constexpr std::uint32_t kIcmp = 0x100;
  std::uint32_t number = kAny;
  bool operator==(const PacketProtocol&) const = default;
};

// "ef", "cs5", "af41", or 0 to 63.
struct Dscp {
  std::uint32_t value = 0;
  bool operator==(const Dscp&) const = default;
};

SQUALL_DECLARE_VALUE(Prefix);
SQUALL_DECLARE_VALUE(PortRange);
SQUALL_DECLARE_VALUE(PacketProtocol);
SQUALL_DECLARE_VALUE(Dscp);

struct PacketMatch {
  Side direction = Side::out;
  PacketProtocol protocol;
  std::vector<Prefix> source, destination, address;
  std::vector<PortRange> source_port, destination_port, port;
  std::optional<Dscp> dscp;
  bool invert = false;

  bool incoming() const;
  bool outgoing() const;
  // The program's lists are bounded.
  bool fits() const;
  // "the tcp packets with port 9001", for the sentences of a plan.
  std::string sentence() const;
};

std::vector<Field<PacketMatch>> packet_match_fields();
inline constexpr const char* kPacketMatchFits =
    "match takes at most 32 address prefixes and 32 port ranges in all";

// Error (refused): more SSH ports than a program can spare.
Result<> check_spare(const SpareList&);

void fill(packet_match_config&, const PacketMatch&, const SpareList&);

}  // namespace squall
