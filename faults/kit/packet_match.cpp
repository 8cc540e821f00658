// SPDX-License-Identifier: Apache-2.0
//
// The `match` parameters: parsing, printing, and their form for the BPF program.

#include "faults/kit/packet_match.hpp"

#include "bpf/packet_match.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <string_view>

namespace squall {
namespace {

struct Named {
  std::string_view name;
  std::uint32_t number;
};

constexpr Named kProtocols[] = {{"any", PacketProtocol::kAny},
                                {"tcp", 6},
                                {"udp", 17},
                                {"icmp", PacketProtocol::kIcmp},
                                {"igmp", 2},
                                {"gre", 47},
                                {"esp", 50},
                                {"ospf", 89},
                                {"pim", 103},
                                {"vrrp", 112},
                                {"sctp", 132}};
constexpr Named kDscps[] = {{"cs0", 0},   {"cs1", 8},   {"cs2", 16},  {"cs3", 24},  {"cs4", 32},
                            {"cs5", 40},  {"cs6", 48},  {"cs7", 56},  {"af11", 10}, {"af12", 12},
                            {"af13", 14}, {"af21", 18}, {"af22", 20}, {"af23", 22}, {"af31", 26},
                            {"af32", 28}, {"af33", 30}, {"af41", 34}, {"af42", 36}, {"af43", 38},
                            {"ef", 46}};

Error not_a(const std::string& what, const Raw& raw, std::string hint) {
  return {ErrorKind::invalid, describe(raw) + " is not " + what, std::move(hint), {}, 0};
}

std::optional<std::uint32_t> to_number(std::string_view text, std::uint32_t most) {
  std::uint32_t number = 0;
  const auto* end = text.data() + text.size();
  if (const auto [stop, problem] = std::from_chars(text.data(), end, number);
      problem != std::errc{} || stop != end || number > most)
    return std::nullopt;
  return number;
}

std::optional<std::uint32_t> to_number(const Raw& raw, std::uint32_t most) {
  if (const auto* number = std::get_if<std::int64_t>(&raw.value))
    return *number < 0 || *number > most ? std::nullopt
                                         : std::optional(static_cast<std::uint32_t>(*number));
  if (const auto* text = std::get_if<std::string>(&raw.value)) return to_number(*text, most);
  return std::nullopt;
}

template <std::size_t N>
const Named* find(const Named (&list)[N], const Raw& raw) {
  const auto* text = std::get_if<std::string>(&raw.value);
  for (const auto& each : list)
    if (text && each.name == *text) return &each;
  return nullptr;
}

template <std::size_t N>
std::string print_named(const Named (&list)[N], std::uint32_t number) {
  for (const auto& each : list)
    if (each.number == number) return std::string(each.name);
  return std::to_string(number);
}

}  // namespace

Result<Prefix> Value<Prefix>::parse(const Raw& raw) {
  const auto* text = std::get_if<std::string>(&raw.value);
  const auto wrong = [&] {
    return not_a("an address or prefix", raw, "write '10.1.2.0/24', '2001:db8::/32' or an address");
  };
  if (!text) return wrong();
  const auto slash = text->find('/');
  const auto host = text->substr(0, slash);
  Prefix made;
  made.version = host.find(':') == std::string::npos ? 4 : 6;
  if (::inet_pton(made.version == 4 ? AF_INET : AF_INET6, host.c_str(), made.address.data()) != 1)
    return wrong();
  const auto most = made.version == 4 ? 32U : 128U;
  made.length = most;
  if (slash != std::string::npos) {
    const auto length = to_number(std::string_view(*text).substr(slash + 1), most);
    if (!length) return wrong();
    made.length = *length;
  }
  return made;
}

std::string Value<Prefix>::print(const Prefix& prefix) {
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(prefix.version == 4 ? AF_INET : AF_INET6, prefix.address.data(), text, sizeof text);
  const bool whole = prefix.length == (prefix.version == 4 ? 32U : 128U);
  return text + (whole ? "" : "/" + std::to_string(prefix.length));
}

TypeSheet Value<Prefix>::sheet() {
  return {"prefix", "10.1.2.0/24", "^[0-9a-fA-F:.]+(/[0-9]{1,3})?$", {}, {"string"}, false};
}

Result<PortRange> Value<PortRange>::parse(const Raw& raw) {
  const auto* text = std::get_if<std::string>(&raw.value);
  const auto dash = text ? text->find('-') : std::string::npos;
  const auto first = dash == std::string::npos
                         ? to_number(raw, 65535)
                         : to_number(std::string_view(*text).substr(0, dash), 65535);
  const auto last = dash == std::string::npos
                        ? first
                        : to_number(std::string_view(*text).substr(dash + 1), 65535);
  if (!first || !last || *last < *first)
    return not_a("a port or range of ports", raw, "write 9001 or \"9000-9010\", at most 65535");
  return PortRange{static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
}

std::string Value<PortRange>::print(const PortRange& range) {
  const auto first = std::to_string(range.first);
  return range.first == range.last ? first : first + "-" + std::to_string(range.last);
}

TypeSheet Value<PortRange>::sheet() {
  return {"ports", "9001", "^[0-9]{1,5}(-[0-9]{1,5})?$", {}, {"integer", "string"}, false};
}

Result<PacketProtocol> Value<PacketProtocol>::parse(const Raw& raw) {
  if (const auto* known = find(kProtocols, raw)) return PacketProtocol{known->number};
  if (const auto number = to_number(raw, 255)) return PacketProtocol{*number};
  std::vector<std::string> names;
  for (const auto& each : kProtocols) names.emplace_back(each.name);
  const auto* text = std::get_if<std::string>(&raw.value);
  const auto meant = text ? nearest(*text, names) : "";
  return not_a("a protocol" + (meant.empty() ? "" : " (did you mean '" + meant + "'?)"), raw,
               "write tcp, udp, icmp, any, or the number of an IP protocol, 0 to 255");
}

std::string Value<PacketProtocol>::print(const PacketProtocol& protocol) {
  return print_named(kProtocols, protocol.number);
}

TypeSheet Value<PacketProtocol>::sheet() {
  return {"protocol", "tcp", "^[a-z0-9]+$", {}, {"integer", "string"}, false};
}

Result<Dscp> Value<Dscp>::parse(const Raw& raw) {
  if (const auto* known = find(kDscps, raw)) return Dscp{known->number};
  if (const auto number = to_number(raw, 63)) return Dscp{*number};
  return not_a("a DSCP", raw, "write a name like ef, cs5, af41, or a number, 0 to 63");
}

std::string Value<Dscp>::print(const Dscp& dscp) { return print_named(kDscps, dscp.value); }

TypeSheet Value<Dscp>::sheet() {
  return {"dscp", "ef", "^[a-z0-9]+$", {}, {"integer", "string"}, false};
}

bool PacketMatch::incoming() const { return direction != Side::out && direction != Side::egress; }
bool PacketMatch::outgoing() const { return direction != Side::in && direction != Side::ingress; }

bool PacketMatch::fits() const {
  return source.size() + destination.size() + address.size() <= PACKET_MATCH_PREFIXES &&
         source_port.size() + destination_port.size() + port.size() <= PACKET_MATCH_PORTS;
}

std::string PacketMatch::sentence() const {
  std::string text;
  const auto add = [&](const char* word, const std::string& value) {
    if (!value.empty())
      text += (text.empty() ? " with " : " and ") + std::string(word) + " " + value;
  };
  add("source", Value<std::vector<Prefix>>::print(source));
  add("destination", Value<std::vector<Prefix>>::print(destination));
  add("address", Value<std::vector<Prefix>>::print(address));
  add("source port", Value<std::vector<PortRange>>::print(source_port));
  add("destination port", Value<std::vector<PortRange>>::print(destination_port));
  add("port", Value<std::vector<PortRange>>::print(port));
  add("dscp", Value<std::optional<Dscp>>::print(dscp));
  const auto kind =
      protocol == PacketProtocol{} ? "" : Value<PacketProtocol>::print(protocol) + " ";
  if (invert) return "all packets but the " + kind + "packets" + text;
  return (kind.empty() && text.empty() ? "all packets" : "the " + kind + "packets") + text;
}

std::vector<Field<PacketMatch>> packet_match_fields() {
  return {field("direction", &PacketMatch::direction, "which way, as the interface sees it"),
          field("protocol", &PacketMatch::protocol, "protocol of IP, by name or number"),
          field("source", &PacketMatch::source, "addresses or prefixes of the sender"),
          field("destination", &PacketMatch::destination, "addresses or prefixes of the receiver"),
          field("address", &PacketMatch::address, "addresses or prefixes at either end"),
          field("source_port", &PacketMatch::source_port, "ports of the sender"),
          field("destination_port", &PacketMatch::destination_port, "ports of the receiver"),
          field("port", &PacketMatch::port, "ports at either end"),
          field("dscp", &PacketMatch::dscp, "differentiated services code point"),
          field("invert", &PacketMatch::invert, "all packets but those that match")};
}

Result<> check_spare(const SpareList& spare) {
  if (!spare.ssh || spare.ssh_ports.size() <= PACKET_MATCH_SSH_PORTS) return {};
  return Error{ErrorKind::refused,
               "SSH listens on " + std::to_string(spare.ssh_ports.size()) + " ports, and at most " +
                   std::to_string(PACKET_MATCH_SSH_PORTS) + " can be spared",
               "'--without spare-ssh' gives this net up",
               {},
               0};
}

void fill(packet_match_config& config, const PacketMatch& match, const SpareList& spare) {
  static_assert(PacketProtocol::kAny == PACKET_MATCH_ANY &&
                PacketProtocol::kIcmp == PACKET_MATCH_ICMP);
  config.protocol = match.protocol.number;
  config.dscp = match.dscp ? match.dscp->value : PACKET_MATCH_ANY;
  config.invert = match.invert;
  config.spare_neighbours = spare.neighbours;
  for (const auto port : spare.ssh_ports)
    if (spare.ssh && config.ssh_port_count < PACKET_MATCH_SSH_PORTS)
      config.ssh_ports[config.ssh_port_count++] = port;
  const auto add_ports = [&](const std::vector<PortRange>& list, std::uint32_t end) {
    for (const auto& each : list) {
      config.ports[config.port_count++] = {each.first, each.last, end};
      config.port_ends |= end;
    }
  };
  add_ports(match.source_port, PACKET_SOURCE);
  add_ports(match.destination_port, PACKET_DESTINATION);
  add_ports(match.port, PACKET_EITHER);
  const auto add_prefixes = [&](const std::vector<Prefix>& list, std::uint32_t end) {
    for (const auto& each : list) {
      auto& entry = config.prefixes[config.prefix_count++];
      std::array<std::uint8_t, 16> mask{};
      for (unsigned bit = 0; bit < each.length; ++bit)
        mask[bit / 8] = static_cast<std::uint8_t>(mask[bit / 8] | 0x80 >> bit % 8);
      std::memcpy(entry.address, each.address.data(), sizeof entry.address);
      std::memcpy(entry.mask, mask.data(), sizeof entry.mask);
      entry.version = each.version;
      entry.end = end;
      config.prefix_ends |= end;
    }
  };
  add_prefixes(match.source, PACKET_SOURCE);
  add_prefixes(match.destination, PACKET_DESTINATION);
  add_prefixes(match.address, PACKET_EITHER);
}

}  // namespace squall
