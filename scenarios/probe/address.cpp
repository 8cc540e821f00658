// SPDX-License-Identifier: Apache-2.0
//
// Names are refused, except localhost: looking one up can take longer than any probe
// may, and would measure the resolver. The http probe takes names.

#include "scenarios/probe/address.hpp"

#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <netinet/in.h>

namespace squall {
namespace {

Error wrong(const std::string& text, std::string why, std::string hint) {
  return {ErrorKind::invalid, "'" + text + "' " + std::move(why), std::move(hint), {}, 0};
}

template <class S>
void put(Address& address, const S& socket) {
  std::memcpy(&address.socket, &socket, sizeof socket);
  address.length = sizeof socket;
}

}  // namespace

Result<Address> Value<Address>::parse(const Raw& raw) {
  SQUALL_TRY(const auto text, Value<std::string>::parse(raw));
  const auto colon = text.rfind(':');
  const bool bracketed =
      text.starts_with('[') && colon != std::string::npos && colon > 1 && text[colon - 1] == ']';
  if (colon == std::string::npos || (!bracketed && text.find(':') != colon))
    return wrong(text, "is not an address with a port",
                 "write 127.0.0.1:9001, or [::1]:9001 for IPv6");
  std::uint16_t port = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data() + colon + 1, end, port);
  if (code != std::errc{} || stop != end || port == 0)
    return wrong(text.substr(colon + 1), "is not a port", "ports are 1 to 65535");
  auto host = bracketed ? text.substr(1, colon - 2) : text.substr(0, colon);
  if (host == "localhost") host = "127.0.0.1";

  Address address{text, {}, 0};
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  v4.sin_family = AF_INET;
  v6.sin6_family = AF_INET6;
  v4.sin_port = v6.sin6_port = htons(port);
  if (!bracketed && ::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1)
    put(address, v4);
  else if (bracketed && ::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1)
    put(address, v6);
  else
    return wrong(host, "is not an IP address",
                 "write the address of the host, found by 'getent hosts " + host + "'");
  return address;
}
std::string Value<Address>::print(const Address& address) { return address.text; }
TypeSheet Value<Address>::sheet() {
  return {"address and port",
          "127.0.0.1:9001",
          "^([0-9.]+|localhost|\\[[0-9a-fA-F:.]+\\]):[0-9]+$",
          {},
          {"string"},
          false};
}

}  // namespace squall
