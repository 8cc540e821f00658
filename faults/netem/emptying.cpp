// SPDX-License-Identifier: Apache-2.0
//
// The end that is not in a hurry: no packet is lost, and the order is kept.
//
//   disturbs -> drains: netem delays no more, but keeps the order of what waits in it
//            -> may pass: what was inside is back, or there never was anything
//            -> passes: a packet met a sidecar with nothing inside, and went beside it
//
// Kernel: a netem with a rate sends a packet behind the last one that waits; with one that is
// high enough its queue is empty when the longest delay is over (netem_enqueue()).

#include "bpf/netem.h"
#include "faults/kit/bpf.hpp"
#include "faults/machine.hpp"
#include "faults/netem/active.hpp"
#include "faults/netem/limit.hpp"

#include <algorithm>
#include <cstring>

namespace squall {
namespace {

// 100 Gbit/s, and 2 µs for each packet: what has gathered behind the last delay must not arrive
// faster than the CPU that receives it can take it.
constexpr std::uint64_t kPassingRate = 100'000'000'000 / 8;  // bytes per second
constexpr std::int32_t kPassingOverhead = 25'000;            // bytes
constexpr Duration kLook = 2ms;
constexpr Duration kGrace = 1s;

Duration longest_stay(const NetemParams& p) {
  return p.delay.delay + 4 * p.delay.jitter + p.slot.longest + p.slot.delay + 4 * p.slot.jitter +
         kGrace;
}

template <class T>
Result<T> read_map(const NetemLeg& leg, const Machine& host, const char* map) {
  SQUALL_TRY(const auto blocks, host.bpf().read_values(*leg.hook.program, map, 0));
  T value{};
  if (!blocks.empty())
    std::memcpy(&value, blocks.front().data(), std::min(sizeof value, blocks.front().size()));
  return value;
}

Result<> set_phase(NetemLeg& leg, netem_phase phase, Machine& machine, Scope& scope) {
  return scope.adjust([&](const ChangeToken& token) {
    return bpf::set(token, machine.bpf(), *leg.hook.program, "squall_phase",
                    static_cast<std::uint32_t>(phase));
  });
}

Result<> begin(NetemHold& hold, Machine& machine, Scope& scope) {
  for (auto& leg : hold.legs) {
    netem::Settings passing;
    passing.limit = limit_of(leg.tally.params, hold.available);
    passing.rate.bytes_per_second = kPassingRate;
    passing.rate.packet_overhead = kPassingOverhead;
    SQUALL_CHECK(set_phase(leg, NETEM_DRAINS, machine, scope));
    SQUALL_CHECK(scope.adjust([&](const ChangeToken& token) {
      return machine.sidecars().change(token, leg.sidecar, passing);
    }));
  }
  hold.emptied_since = std::chrono::steady_clock::now();
  return {};
}

// Whether nothing that matches goes into the sidecar any more, and nothing is inside.
Result<bool> is_empty(NetemLeg& leg, Machine& machine, Scope& scope) {
  SQUALL_TRY(const auto phase, read_map<std::uint32_t>(leg, machine, "squall_phase"));
  if (phase == NETEM_PASSES) return true;
  SQUALL_TRY(const auto drained, read_map<netem_state>(leg, machine, "squall_state"));
  SQUALL_TRY(const auto state, machine.sidecars().read(leg.sidecar));
  if (!state) return true;
  if (leg.sidecar.loopback != 0) return state->netem.waiting == 0;
  const bool nothing_inside = state->netem.waiting == 0 && !state->in_transit;
  if (phase == NETEM_DRAINS) {
    // The first packet of the new time is behind all of the old one.
    if (drained.drain_out == 0 && !nothing_inside) return false;
    SQUALL_CHECK(set_phase(leg, NETEM_MAY_PASS, machine, scope));
  }
  return drained.drain_in == drained.drain_out && nothing_inside;
}

}  // namespace

Result<Duration> empty_netem(const NetemParams& p, NetemHold& hold, Machine& machine,
                             Scope& scope) {
  if (!hold.effect) {
    SQUALL_TRY(hold.effect, measure_netem(hold, machine));
    SQUALL_CHECK(begin(hold, machine, scope));
    return kLook;
  }
  bool all = true;
  for (auto& leg : hold.legs) {
    SQUALL_TRY(const bool empty, is_empty(leg, machine, scope));
    all = all && empty;
  }
  const auto taken = std::chrono::steady_clock::now() - hold.emptied_since;
  return all || taken > longest_stay(p) ? Duration{} : kLook;
}

}  // namespace squall
