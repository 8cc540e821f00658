// SPDX-License-Identifier: Apache-2.0
//
// What a person sees of a lab: a map, and what to try next.

#include "lab/lab.hpp"

#include <algorithm>

namespace squall {
namespace {

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size() + 2, width), ' ');
  return text;
}

std::string end_of(const std::string& network, const std::string& device) {
  return (network.empty() ? "this host" : network) + " " + device;
}

const LabService* service_at(const LabInfo& info, const std::string& program) {
  for (const auto& each : info.services)
    if (each.program == program) return &each;
  return nullptr;
}

}  // namespace

std::string lab_map(const LabInfo& info) {
  std::string text;
  for (const auto& link : info.links)
    text += "  " + padded(end_of(link.from_network, link.from_device), 24) +
            padded(link.from_v4, 12) + "──  " +
            padded(end_of(link.to_network, link.to_device), 24) + link.to_v4 + "\n";
  text += "\n";
  for (const auto& each : info.services)
    text += "  " + padded(each.network, 16) + padded(each.name, 16) +
            padded(each.pid ? "pid " + std::to_string(each.pid) : "not running", 14) +
            (each.address.empty() ? "figures in " + each.stats : each.address) + "\n";
  const auto* web = service_at(info, "price-service");
  const auto* client = service_at(info, "order-client");
  if (!info.up || !web || !client) return text;
  const auto offer = [&](const std::string& command, const std::string& what) {
    text += "  " + padded(command, 52) + what + "\n";
  };
  text += "\ntry\n";
  offer("curl http://" + web->address + "/price/ESZ6", "ask the price service");
  offer("tail -f " + client->log, "watch the client's latency");
  if (info.name.empty())
    offer("squall run examples/01-demo/scenario.toml", "hurt it, judge it, put it back");
  offer("squall lab down" + (info.name.empty() ? "" : " --name " + info.name), "take it away");
  return text;
}

}  // namespace squall
