// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/packet_target.hpp"

#include "faults/kit/container_target.hpp"
#include "faults/machine.hpp"

namespace squall::packet {
namespace {

Error refused(const Container& container, const std::string& why, std::string hint) {
  return {ErrorKind::refused, describe(container) + " " + why, std::move(hint), {}, 0};
}

Result<std::string> only_interface(const Container& container, const Machine& machine,
                                   const network::NamespaceId& netns) {
  SQUALL_TRY(const auto links, machine.network().read_links(netns));
  std::vector<std::string> names;
  for (const auto& each : links)
    if (!each.loopback) names.push_back(each.name);
  if (names.size() == 1) return names.front();
  if (names.empty())
    return refused(container, "has no interface but 'lo'", "give it a network, or name 'lo'");
  return refused(container, "has several interfaces: " + joined(names),
                 "name one by target.interface");
}

}  // namespace

std::vector<Field<Target>> target_fields() {
  return {field("interface", &Target::interface,
                "interface to disturb; without it a container's only one"),
          field("namespace", &Target::netns,
                "network namespace of the interface, by name or pid; ours when left out"),
          field("container", &Target::container, kContainerHelp)};
}

bool has_interface(const Target& target) {
  return !target.interface.empty() || !target.container.empty();
}

bool has_one_place(const Target& target) {
  return target.netns.empty() || target.container.empty();
}

Result<Target> resolve(const Target& target, const Machine& machine, const RunContext& run) {
  if (target.container.empty()) return target;
  SQUALL_TRY(const auto container,
             find_container(planned_container(target.container, run), machine));
  auto found = target;
  found.netns = std::to_string(container.main.id.pid);
  SQUALL_TRY(const auto netns, machine.network().find_namespace(found.netns));
  SQUALL_TRY(const auto ours, machine.network().find_namespace(""));
  if (netns == ours)
    return refused(container, "uses the network of this host",
                   "name the interface without the container, if the host is meant");
  if (found.interface.empty()) {
    SQUALL_TRY(found.interface, only_interface(container, machine, netns));
  }
  return found;
}

}  // namespace squall::packet
