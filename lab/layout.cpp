// SPDX-License-Identifier: Apache-2.0

#include "lab/layout.hpp"

#include <algorithm>

namespace squall::lab {
namespace {

// RFC 2544 and RFC 5180 keep 198.18.0.0/15 and 2001:2::/48 for tests of this kind: no network
// in production has them.
std::string v4(int subnet, int host) {
  return "198.18." + std::to_string(subnet) + "." + std::to_string(host);
}

std::string v6(int subnet, int host) {
  // The subnet is written in decimal digits, so both families read alike.
  return "2001:2:0:" + std::to_string(subnet) + "::" + std::to_string(host);
}

LabLink link(int subnet, std::string from, std::string from_device, std::string to,
             std::string to_device) {
  return {std::move(from), std::move(from_device), v4(subnet, 1), v6(subnet, 1),
          std::move(to),   std::move(to_device),   v4(subnet, 2), v6(subnet, 2)};
}

}  // namespace

Result<> check_name(const std::string& name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  });
  if (plain && name.size() <= 8) return {};
  return Error{ErrorKind::usage,
               "'" + name + "' is not a name for a lab",
               "up to 8 letters a to z and digits",
               {},
               0};
}

Layout lay_out(const LabOptions& options, int block) {
  const auto tail = options.name.empty() ? "" : "-" + options.name;
  const auto gw = "sqlab-gw" + tail, client = "sqlab-client" + tail, web = "sqlab-web" + tail;
  Layout made;
  made.mark = "sqlab" + tail;
  made.folder = options.paths.run + "/lab" + tail;
  made.record = options.paths.run + "/lab" + tail + ".json";
  made.device = "sqlab0" + tail;
  made.networks = {gw, client, web};
  const int first = block * 4;
  made.links = {link(first, "", made.device, gw, "host0"),
                link(first + 1, gw, "eth0", client, "eth0"),
                link(first + 2, gw, "web0", web, "eth0")};
  made.gateway = v4(first, 2) + ":9001";
  made.web = v4(first + 2, 2) + ":8080";

  const auto service = [&](const std::string& name, const std::string& program,
                           const std::string& network, const std::string& address) {
    return LabService{name, program, network, address, made.folder + "/" + program + ".log",
                      "",   0,       0};
  };
  auto orders = service("order client", "order-client", client, "");
  orders.stats = made.folder + "/order-client.json";
  made.services = {
      {service("order gateway", "order-gateway", gw, made.gateway), {"--port", "9001"}},
      {service("price service", "price-service", web, made.web), {"--port", "8080"}},
      {orders, {"--connect", v4(first + 1, 1) + ":9001", "--stats", orders.stats}}};
  return made;
}

}  // namespace squall::lab
