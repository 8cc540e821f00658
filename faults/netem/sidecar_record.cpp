// SPDX-License-Identifier: Apache-2.0

#include "faults/netem/sidecar_record.hpp"

#include "faults/kit/network_record.hpp"
#include "faults/machine.hpp"

#include <functional>

namespace squall {
namespace {

using network::Direction;

constexpr const char* kSidecar = "sidecar";

Intent sidecar_intent(const sidecar::Identity& id, Direction direction, const std::string& beside) {
  return {"make the sidecar '" + id.name + "'" + beside + ": " +
              (id.loopback != 0 ? "an ifb" : "a veth pair") + " with netem on it",
          network::with_namespace({"netem", {{"what", kSidecar}}}, id.netns)
              .with(kSidecar, id.name)
              .with("loopback", std::to_string(id.loopback))
              .with("direction", std::string(word(direction))),
          "delete the sidecar when no packet is inside any more",
          network::shell_inside(id.netns) + "ip link delete " +
              (id.loopback != 0 ? id.turn() : id.entrance())};
}

Error needs_metadata(const std::string& place) {
  return {ErrorKind::unsupported,
          "cannot send packets of " + place +
              " through netem: the key of this external tunnel would be lost on the way",
          "disturb the interface that its packets leave by; 'packet_loss' works here",
          {},
          0};
}

}  // namespace

bool is_of_sidecar(const UndoRecord& record) {
  const auto* what = record.find("what");
  return what && *what == kSidecar;
}

Direction direction_of(const UndoRecord& record) {
  const auto* text = record.find("direction");
  return text && *text == word(Direction::in) ? Direction::in : Direction::out;
}

Result<sidecar::Identity> identity_of(const UndoRecord& record) {
  sidecar::Identity id;
  SQUALL_TRY(id.netns, network::namespace_of(record));
  SQUALL_TRY(id.name, record.text(kSidecar));
  SQUALL_TRY(const auto loopback, record.number("loopback"));
  id.loopback = static_cast<int>(loopback);
  return id;
}

std::uint32_t hook_number(const network::NamespaceId& netns, int ifindex, Direction side) {
  const auto text = std::to_string(netns.cookie) + ":" + std::to_string(ifindex) + ":";
  return static_cast<std::uint32_t>(std::hash<std::string>{}(text + std::string(word(side))));
}

Result<> plan_sidecars(Plan& plan, const Machine& host, const packet::Target& asked) {
  SQUALL_TRY(const auto target, packet::resolve(asked, host));
  SQUALL_TRY(const auto netns, host.network().find_namespace(target.netns));
  SQUALL_TRY(const auto link, host.network().find_link(netns, target.interface));
  SQUALL_TRY(const bool keyed, host.network().takes_metadata(netns, link.index));
  if (keyed) return needs_metadata(target.interface + network::of_namespace(netns));
  const auto beside = " beside " + target.interface + network::of_namespace(netns);
  std::vector<Intent> first;
  for (const auto& intent : plan.intents) {
    if (const auto* what = intent.undo.find("what"); !what || *what != "program") continue;
    const auto direction = direction_of(intent.undo);
    first.push_back(
        sidecar_intent({netns, sidecar::name_of(plan.run.mark, plan.run.slot, direction),
                        link.loopback ? link.index : 0},
                       direction, beside));
  }
  plan.intents.insert(plan.intents.begin(), first.begin(), first.end());
  return {};
}

Result<Verified> verify_sidecars(const Machine& host, const RunContext& run,
                                 const packet::Where& where) {
  SQUALL_TRY(auto seen, packet::verify(host, run, where));
  const auto target = packet::resolve(where.target, host, run);
  if (!target) return seen;  // with the container its sidecars went
  const auto netns = host.network().find_namespace(target->netns);
  if (!netns) return seen;  // with the namespace its sidecars went
  const auto link = host.network().find_link(*netns, target->interface);
  const int loopback = link && link->loopback ? link->index : 0;
  std::string lost;
  std::size_t wanted = 0, found = 0, whole = 0;
  for (const auto direction : {Direction::out, Direction::in}) {
    if (direction == Direction::out ? !where.match.outgoing() : !where.match.incoming()) continue;
    ++wanted;
    const sidecar::Identity id{*netns, sidecar::name_of(run.mark, run.slot, direction), loopback};
    SQUALL_TRY(const auto state, host.sidecars().read(id));
    found += state ? 1 : 0;
    whole += state && state->whole ? 1 : 0;
    if (!state || !state->whole)
      lost = "our sidecar '" + id.name + "' was " + (state ? "changed" : "deleted") + " by others";
  }
  if (whole == wanted && seen == Reading::present) return seen;
  if (found == 0 && seen == Reading::absent) return seen;
  return Verified{Reading::partial, seen.lost.empty() ? lost : seen.lost};
}

Strays stray_sidecars(const Machine& host) {
  Strays all;
  const auto namespaces = host.network().read_namespaces();
  if (!all.saw(namespaces)) return all;
  for (const auto& netns : *namespaces) {
    const auto found = host.sidecars().find_all(netns);
    if (!all.saw(found)) continue;
    for (const auto& each : *found)
      all.found.push_back(sidecar_intent(each,
                                         each.name.back() == 'i' ? Direction::in : Direction::out,
                                         network::of_namespace(netns)));
  }
  return all;
}

}  // namespace squall
