// SPDX-License-Identifier: Apache-2.0
//
// An active netem fault, changed and measured.

#include "bpf/netem.h"
#include "faults/kit/bpf.hpp"
#include "faults/machine.hpp"
#include "faults/netem/active.hpp"
#include "faults/netem/limit.hpp"

namespace squall {
namespace {

using network::Direction;

Result<NetemSeen> read_leg(const NetemLeg& leg, const Machine& host) {
  SQUALL_TRY(const auto counters,
             bpf::read_sum<netem_counters>(host.bpf(), *leg.hook.program, "squall_counters"));
  SQUALL_TRY(const auto state, host.sidecars().read(leg.sidecar));
  return seen_by(leg.tally, counters, state.value_or(sidecar::State{}));
}

}  // namespace

netem::Settings settings_for(const NetemParams& p, const NetemHold& hold, Direction side) {
  return settings_of(p, limit_of(p, hold.available), hold.seed + (side == Direction::out ? 1 : 0));
}

Result<> adjust_netem(const NetemParams& p, NetemHold& hold, Machine& machine, Scope& scope) {
  for (auto& leg : hold.legs) {
    SQUALL_TRY(const auto seen, read_leg(leg, machine));
    const auto settings = settings_for(p, hold, leg.hook.direction);
    const auto expected = expected_of(settings, hold.tables.delay);
    SQUALL_CHECK(scope.adjust([&](const ChangeToken& token) {
      return machine.sidecars().change(token, leg.sidecar, settings);
    }));
    SQUALL_CHECK(scope.adjust([&](const ChangeToken& token) {
      return bpf::set(token, machine.bpf(), *leg.hook.program, "squall_settings",
                      centre_of(expected));
    }));
    leg.tally.change_to(p, expected, seen);
  }
  return {};
}

Result<Effect> measure_netem(const NetemHold& hold, const Machine& host) {
  if (hold.effect) return *hold.effect;
  std::vector<NetemTally> tallies;
  std::vector<NetemSeen> all;
  for (const auto& leg : hold.legs) {
    SQUALL_TRY(const auto seen, read_leg(leg, host));
    all.push_back(seen);
    tallies.push_back(leg.tally);
  }
  auto effect = netem_effect(tallies, all);
  if (!hold.seeded)
    effect.why += "; this kernel's netem takes no seed (Linux 6.6 has it): another run differs";
  return effect;
}

}  // namespace squall
