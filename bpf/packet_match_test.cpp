// SPDX-License-Identifier: Apache-2.0
//
// Which packets are matched and which are spared: whole packets as bytes, read and
// judged by the code that runs in the kernel.

#include "bpf/packet_match.h"

#include "bpf/packet_read.h"
#include "faults/kit/packet_match.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

PACKET_INLINE int packet_load(void* packet, __u32 offset, void* to, __u32 size) {
  const auto& bytes = *static_cast<const std::vector<std::uint8_t>*>(packet);
  if (offset & PACKET_FROM_LINK)
    offset -= PACKET_FROM_LINK + 14;  // the tests leave that header out
  if (std::size_t{offset} + size > bytes.size()) return 1;
  std::memcpy(to, bytes.data() + offset, size);
  return 0;
}

namespace {

using Packet = std::vector<std::uint8_t>;
using squall::PacketMatch;
using squall::SpareList;

Packet operator+(Packet a, const Packet& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::uint8_t high(unsigned value) { return static_cast<std::uint8_t>(value >> 8); }
std::uint8_t low(unsigned value) { return static_cast<std::uint8_t>(value); }

// From 10.1.2.3 to 192.168.0.9, or from 2001:db8::3 to fd00::9.
Packet ipv4(unsigned protocol, unsigned dscp = 0, unsigned fragment = 0, unsigned options = 0) {
  Packet head = {low(0x45 + options / 4),
                 low(dscp << 2),
                 0,
                 0,
                 0,
                 0,
                 high(fragment),
                 low(fragment),
                 64,
                 low(protocol),
                 0,
                 0,
                 10,
                 1,
                 2,
                 3,
                 192,
                 168,
                 0,
                 9};
  head.resize(20 + options);
  return head;
}
Packet ipv6(unsigned next, unsigned dscp = 0) {
  Packet head(40);
  head[0] = low(0x60 | dscp >> 2);
  head[1] = low(dscp << 6);
  head[6] = low(next);
  const std::array<std::uint8_t, 4> source = {0x20, 0x01, 0x0d, 0xb8};
  std::copy(source.begin(), source.end(), head.begin() + 8);
  head[23] = 3;
  head[24] = 0xfd;
  head[39] = 9;
  return head;
}
Packet ports(unsigned source, unsigned destination) {
  return {high(source), low(source), high(destination), low(destination), 0, 0, 0, 0};
}

const unsigned kV4 = 0x0800, kV6 = 0x86dd, kArp = 0x0806, kVlan = 0x8100;

struct Judged {
  bool matches, spared;
};

Judged judge(const PacketMatch& match, unsigned ethertype, Packet packet, SpareList spare = {}) {
  packet_match_config config{};
  squall::fill(config, match, spare);
  packet_facts facts{};
  packet_read(&packet, ethertype, &facts);
  return {packet_matches(&config, &facts) != 0, packet_spared(&config, &facts) != 0};
}

bool matches(const PacketMatch& match, unsigned ethertype, const Packet& packet) {
  return judge(match, ethertype, packet).matches;
}

// As a user writes it: {"port=9001", "protocol=tcp"}.
PacketMatch match(const std::vector<std::string>& words) {
  const squall::Table<PacketMatch> table(squall::packet_match_fields());
  squall::Settings settings;
  for (const auto& each : words) {
    const auto equals = each.find('=');
    settings.push_back({each.substr(0, equals), {each.substr(equals + 1), {}, true}, {}});
  }
  squall::Complaints complaints;
  auto made = table.parse(settings, "match", {}, complaints);
  REQUIRE(complaints.empty());
  return made;
}

}  // namespace

TEST_CASE("without a selector every packet matches, also one that is not IP") {
  CHECK(matches(match({}), kV4, ipv4(17) + ports(1, 2)));
  CHECK(matches(match({}), kV6, ipv6(17) + ports(1, 2)));
  CHECK(matches(match({}), 0x88cc, {1, 2, 3}));
  CHECK(matches(match({}), kV4, {}));
}

TEST_CASE("a protocol is matched in both versions of IP") {
  CHECK(matches(match({"protocol=tcp"}), kV4, ipv4(6) + ports(1, 2)));
  CHECK(matches(match({"protocol=tcp"}), kV6, ipv6(6) + ports(1, 2)));
  CHECK_FALSE(matches(match({"protocol=tcp"}), kV4, ipv4(17) + ports(1, 2)));
  CHECK(matches(match({"protocol=89"}), kV4, ipv4(89)));
  CHECK(matches(match({"protocol=icmp"}), kV4, ipv4(1) + ports(0, 0)));
  CHECK(matches(match({"protocol=icmp"}), kV6, ipv6(58) + ports(0, 0)));
  CHECK_FALSE(matches(match({"protocol=icmp"}), kV6, ipv6(1)));
  CHECK_FALSE(matches(match({"protocol=0"}), 0x88cc, {1, 2, 3}));
}

TEST_CASE("ports: of the sender, of the receiver, of either, in ranges") {
  const auto packet = ipv4(17) + ports(5000, 9001);
  CHECK(matches(match({"port=9001"}), kV4, packet));
  CHECK(matches(match({"port=5000"}), kV4, packet));
  CHECK_FALSE(matches(match({"port=9002"}), kV4, packet));
  CHECK(matches(match({"destination_port=9000-9001"}), kV4, packet));
  CHECK_FALSE(matches(match({"destination_port=5000"}), kV4, packet));
  CHECK(matches(match({"source_port=1,4999-5001"}), kV4, packet));
  CHECK_FALSE(matches(match({"source_port=0-4999,5001-65535"}), kV4, packet));
  CHECK(matches(match({"source_port=5000", "destination_port=9001"}), kV4, packet));
  CHECK_FALSE(matches(match({"source_port=5000", "destination_port=9002"}), kV4, packet));
  CHECK(matches(match({"port=9001"}), kV4, ipv4(17, 0, 0, 12) + ports(1, 9001)));
  CHECK_FALSE(matches(match({"port=0"}), kV4, ipv4(1) + ports(0, 0)));
}

TEST_CASE("a later fragment has no ports, the first one has") {
  const unsigned more = 0x2000;
  CHECK(matches(match({"port=9001"}), kV4, ipv4(17, 0, more) + ports(1, 9001)));
  CHECK_FALSE(matches(match({"port=9001"}), kV4, ipv4(17, 0, 185) + ports(1, 9001)));
  CHECK(matches(match({"protocol=udp"}), kV4, ipv4(17, 0, 185) + ports(1, 9001)));
  const Packet first = {17, 0, 0, 1, 0, 0, 0, 0}, later = {17, 0, 0, 0x41, 0, 0, 0, 0};
  CHECK(matches(match({"port=9001"}), kV6, ipv6(44) + first + ports(1, 9001)));
  CHECK_FALSE(matches(match({"port=9001"}), kV6, ipv6(44) + later + ports(1, 9001)));
  CHECK(matches(match({"protocol=udp"}), kV6, ipv6(44) + later + ports(1, 9001)));
}

TEST_CASE("ports stand behind the extension headers of IPv6") {
  const Packet hop = {60, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  const Packet options = {6, 0, 0, 0, 0, 0, 0, 0};
  const Packet authentication = {6, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  CHECK(matches(match({"protocol=tcp", "port=7"}), kV6, ipv6(0) + hop + options + ports(7, 1)));
  CHECK(matches(match({"port=7"}), kV6, ipv6(51) + authentication + ports(7, 1)));
  CHECK_FALSE(matches(match({"port=7"}), kV6, ipv6(0) + hop));
}

TEST_CASE("addresses: prefixes of the sender, of the receiver, of either") {
  const auto four = ipv4(17) + ports(1, 2), six = ipv6(17) + ports(1, 2);
  CHECK(matches(match({"source=10.1.2.3"}), kV4, four));
  CHECK(matches(match({"source=10.0.0.0/8"}), kV4, four));
  CHECK_FALSE(matches(match({"source=10.1.2.0/31"}), kV4, four));
  CHECK_FALSE(matches(match({"source=192.168.0.9"}), kV4, four));
  CHECK(matches(match({"address=192.168.0.9"}), kV4, four));
  CHECK(matches(match({"address=1.2.3.4,10.1.0.0/16"}), kV4, four));
  CHECK(matches(match({"source=10.1.2.3", "destination=192.168.0.0/24"}), kV4, four));
  CHECK_FALSE(matches(match({"source=10.1.2.3", "destination=192.168.1.0/24"}), kV4, four));
  CHECK(matches(match({"source=2001:db8::/32"}), kV6, six));
  CHECK(matches(match({"destination=fd00::9"}), kV6, six));
  CHECK_FALSE(matches(match({"destination=fd00::8"}), kV6, six));
  CHECK(matches(match({"address=::/0"}), kV6, six));
  CHECK_FALSE(matches(match({"address=::/0"}), kV4, four));
  CHECK(matches(match({"address=0.0.0.0/0"}), kV4, four));
}

TEST_CASE("dscp, of both versions of IP") {
  CHECK(matches(match({"dscp=ef"}), kV4, ipv4(17, 46)));
  CHECK(matches(match({"dscp=46"}), kV6, ipv6(17, 46)));
  CHECK_FALSE(matches(match({"dscp=ef"}), kV4, ipv4(17, 45)));
  CHECK(matches(match({"dscp=cs0"}), kV4, ipv4(17)));
  CHECK_FALSE(matches(match({"dscp=0"}), 0x88cc, {1, 2, 3}));
}

TEST_CASE("VLAN tags are looked through") {
  const auto packet = ipv4(17) + ports(1, 9001);
  const Packet tag = {0, 5, 0x08, 0x00}, outer = {0, 6, 0x81, 0x00};
  CHECK(matches(match({"port=9001"}), kVlan, tag + packet));
  CHECK(matches(match({"port=9001"}), 0x88a8, outer + tag + packet));
  CHECK_FALSE(matches(match({"port=9001"}), kVlan, tag));
}

TEST_CASE("invert turns the answer round, also for what is not IP") {
  CHECK_FALSE(matches(match({"port=9001", "invert=true"}), kV4, ipv4(17) + ports(1, 9001)));
  CHECK(matches(match({"port=9001", "invert=true"}), kV4, ipv4(17) + ports(1, 9002)));
  CHECK(matches(match({"port=9001", "invert=true"}), 0x88cc, {1, 2, 3}));
}

TEST_CASE("where ports cannot be seen, a selector of ports does not match, inverted or not") {
  const auto neither = [](unsigned ethertype, const Packet& packet) {
    return !matches(match({"port=9001"}), ethertype, packet) &&
           !matches(match({"port=9001", "invert=true"}), ethertype, packet);
  };
  const Packet later = {17, 0, 0, 0x41, 0, 0, 0, 0};
  Packet many;
  for (int i = 0; i < 5; ++i) many = many + Packet{low(i < 4 ? 60 : 17), 0, 0, 0, 0, 0, 0, 0};
  CHECK(neither(kV4, ipv4(17, 0, 185) + ports(1, 9001)));
  CHECK(neither(kV6, ipv6(44) + later + ports(1, 9001)));
  CHECK(neither(kV6, ipv6(60) + many + ports(1, 9001)));
  // What certainly has no such port, or is ruled out by another selector, is one of the others.
  CHECK(matches(match({"port=9001", "invert=true"}), kV4, ipv4(1) + ports(0, 0)));
  CHECK(matches(match({"port=9001", "invert=true"}), kV4, ipv4(1, 0, 185)));
  CHECK(matches(match({"port=9001", "source=10.9.9.9", "invert=true"}), kV4, ipv4(17, 0, 185)));
  CHECK(matches(match({"protocol=tcp", "invert=true"}), kV4, ipv4(17, 0, 185)));
}

TEST_CASE("what keeps the way in open is spared, until it is given up") {
  SpareList given_up;
  given_up.ssh = given_up.neighbours = false;
  SpareList moved;
  moved.ssh_ports = {2222, 22};
  const auto ssh = ipv4(6) + ports(40000, 22);
  CHECK(judge(match({}), kV4, ssh).spared);
  CHECK(judge(match({}), kV4, ipv4(6) + ports(22, 40000)).spared);
  CHECK(judge(match({}), kV6, ipv6(6) + ports(40000, 22)).spared);
  CHECK(judge(match({}), kV4, ipv4(6) + ports(40000, 2222), moved).spared);
  CHECK_FALSE(judge(match({}), kV4, ipv4(6) + ports(40000, 2222)).spared);
  CHECK_FALSE(judge(match({}), kV4, ipv4(17) + ports(40000, 22)).spared);
  CHECK_FALSE(judge(match({}), kV4, ssh, given_up).spared);
  CHECK(judge(match({}), kArp, {0, 1}).spared);
  CHECK_FALSE(judge(match({}), kArp, {0, 1}, given_up).spared);
  for (unsigned type = 128; type < 146; ++type) {
    const auto packet = ipv6(58) + Packet{low(type), 0, 0, 0};
    CHECK(judge(match({}), kV6, packet).spared == ((type >= 130 && type <= 137) || type == 143));
    CHECK_FALSE(judge(match({}), kV6, packet, given_up).spared);
  }
}

TEST_CASE("what may be SSH or a neighbour all the same is spared") {
  SpareList given_up;
  given_up.ssh = given_up.neighbours = false;
  const Packet later_tcp = {6, 0, 0, 0x41, 0, 0, 0, 0}, later_udp = {17, 0, 0, 0x41, 0, 0, 0, 0};
  const Packet tag = {0, 5, 0x81, 0};
  Packet many;
  for (int i = 0; i < 5; ++i) many = many + Packet{low(i < 4 ? 60 : 6), 0, 0, 0, 0, 0, 0, 0};
  for (const auto& [ethertype, packet] : std::vector<std::pair<unsigned, Packet>>{
           {kV4, ipv4(6, 0, 185) + ports(1, 2)},
           {kV6, ipv6(44) + later_tcp + ports(1, 2)},
           {kV6, ipv6(60) + many + ports(1, 2)},
           {kVlan, tag + tag + tag + ipv4(6) + ports(1, 22)}}) {
    CHECK(judge(match({}), ethertype, packet).spared);
    CHECK_FALSE(judge(match({}), ethertype, packet, given_up).spared);
  }
  CHECK_FALSE(judge(match({}), kV4, ipv4(17, 0, 185) + ports(1, 2)).spared);
  CHECK_FALSE(judge(match({}), kV6, ipv6(44) + later_udp + ports(1, 2)).spared);
}

TEST_CASE("a header that was not read is known to be missing") {
  const auto packet = Packet{0, 5, 0x86, 0xdd} + ipv6(0) + Packet{6, 0, 0, 0, 0, 0, 0, 0} +
                      Packet{0x9c, 0x40, 0, 22};
  for (std::size_t size = 0; size <= packet.size(); ++size) {
    CAPTURE(size);
    Packet part(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(size));
    packet_facts facts{};
    packet_read(&part, kVlan, &facts);
    CHECK((facts.cut != 0) == (size < packet.size()));
  }
}

TEST_CASE("a packet cut off anywhere is judged without ports rather than by what follows") {
  const auto whole = ipv6(0) + Packet{6, 0, 0, 0, 0, 0, 0, 0} + ports(22, 9001);
  for (std::size_t size = 0; size + 5 < whole.size(); ++size) {
    const Packet cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK_FALSE(judge(match({"port=9001"}), kV6, cut).matches);
    CHECK_FALSE(judge(match({}), kV6, cut).spared);
  }
}
