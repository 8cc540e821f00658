// SPDX-License-Identifier: Apache-2.0

#include "faults/netem/active.hpp"

#include "bpf/netem.h"
#include "bpf/packet_mark.h"
#include "faults/kit/bpf.hpp"
#include "faults/kit/distribution.hpp"
#include "faults/kit/memory.hpp"
#include "faults/machine.hpp"
#include "faults/netem/sidecar_record.hpp"

#include <algorithm>

SQUALL_BPF_IMAGE(netem);

namespace squall {
namespace {

using network::Direction;

struct Made {
  NetemLeg leg;
  sidecar::Devices devices;
};

Result<std::vector<Made>> make(const NetemParams& p, const Plan& plan, const NetemHold& hold,
                               Machine& machine, Scope& scope) {
  std::vector<Made> all;
  for (const auto& intent : plan.intents) {
    if (!is_of_sidecar(intent.undo)) continue;
    Made made;
    SQUALL_TRY(made.leg.sidecar, identity_of(intent.undo));
    made.leg.hook.direction = direction_of(intent.undo);
    SQUALL_CHECK(scope.change(intent, [&](const ChangeToken& token) -> Result<> {
      const auto settings = settings_for(p, hold, made.leg.hook.direction);
      SQUALL_TRY(made.devices,
                 machine.sidecars().put(token, made.leg.sidecar, settings, hold.tables));
      return {};
    }));
    all.push_back(std::move(made));
  }
  return all;
}

netem_config config_of(const NetemParams& p, const Plan& plan, const Made& made,
                       const network::Link& target) {
  const auto side = made.leg.hook.direction;
  netem_config config{};
  config.target = static_cast<__u32>(target.index);
  config.entrance = static_cast<__u32>(made.devices.entrance);
  config.turn = static_cast<__u32>(made.devices.turn);
  config.leaving = side == Direction::out;
  config.slot = plan.run.slot & (PACKET_MARK_DRAINED - 1);
  config.hook = hook_number(made.leg.sidecar.netns, target.index, side) & PACKET_MARK_REST;
  config.takes_open = p.compose == Compose::all;
  config.bare = target.bare;
  config.corrupts = p.harm.corrupt.value > 0;
  config.loops = target.loopback;
  fill(config.match, p.match, plan.run.spare);
  return config;
}

Made& of_direction(std::vector<Made>& all, Direction side) {
  return *std::ranges::find_if(all,
                               [&](const Made& each) { return each.leg.hook.direction == side; });
}

}  // namespace

Result<NetemHold> inject_netem(const NetemParams& p, const Plan& plan, Machine& machine,
                               Scope& scope) {
  NetemHold hold;
  hold.seed = plan.run.seed;
  SQUALL_TRY(const auto room, memory::read_room(machine.memory()));
  hold.available = room.available;
  SQUALL_TRY(hold.tables.delay, netem::read_distribution(p.delay.distribution));
  SQUALL_TRY(hold.tables.slot, netem::read_distribution(p.slot.distribution));
  SQUALL_TRY(auto made, make(p, plan, hold, machine, scope));
  const auto expected = expected_of(settings_for(p, hold, Direction::out), hold.tables.delay);
  SQUALL_TRY(const auto named, packet::resolve(p.target, machine, plan.run));
  SQUALL_TRY(const auto target,
             machine.network().find_link(made.front().leg.sidecar.netns, named.interface));
  const auto load = [&](const ChangeToken& token, Direction side,
                        const std::string& name) -> Result<std::unique_ptr<bpf::Loaded>> {
    const auto& one = of_direction(made, side);
    const auto config = bpf::block_of(config_of(p, plan, one, target));
    SQUALL_TRY(auto loaded, machine.bpf().load(token, bpf_image_netem(), {name, config}));
    SQUALL_CHECK(bpf::set(token, machine.bpf(), *loaded, "squall_settings", centre_of(expected)));
    if (!target.loopback) SQUALL_CHECK(machine.sidecars().connect(token, one.leg.sidecar, *loaded));
    return loaded;
  };
  Plan hooks{plan.run, {}, {}};
  std::ranges::copy_if(plan.intents, std::back_inserter(hooks.intents),
                       [](const Intent& each) { return !is_of_sidecar(each.undo); });
  SQUALL_TRY(auto legs, packet::inject(hooks, machine, scope, load,
                                       target.loopback ? made.front().devices.turn : 0));
  for (auto& hook : legs) {
    auto& leg = of_direction(made, hook.direction).leg;
    SQUALL_TRY(const auto state, machine.sidecars().read(leg.sidecar));
    hold.seeded = hold.seeded && state && state->netem.seeded;
    leg.hook = std::move(hook);
    leg.tally.params = p;
    leg.tally.now = expected;
    hold.legs.push_back(std::move(leg));
  }
  return hold;
}

}  // namespace squall
