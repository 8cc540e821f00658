// SPDX-License-Identifier: Apache-2.0
//
// What lives while a netem fault is active: its sidecars, connected; changed by a ramp, measured,
// and emptied at the end.

#pragma once

#include "faults/fault.hpp"
#include "faults/kit/packet_hook.hpp"
#include "faults/kit/sidecar.hpp"
#include "faults/netem/effect.hpp"
#include "faults/netem/params.hpp"

#include <chrono>
#include <optional>
#include <vector>

namespace squall {

// One direction.
struct NetemLeg {
  sidecar::Identity sidecar;
  packet::Leg hook;
  NetemTally tally;
};

struct NetemHold {
  std::vector<NetemLeg> legs;
  netem::Tables tables;
  std::uint64_t seed = 0;
  Bytes available;               // memory, when it began
  bool seeded = true;            // the kernel took it
  std::optional<Effect> effect;  // the last one, from when on netem is emptied
  std::chrono::steady_clock::time_point emptied_since{};
};

// Each direction has a seed of its own: the two streams must not be alike.
netem::Settings settings_for(const NetemParams&, const NetemHold&, network::Direction);

Result<NetemHold> inject_netem(const NetemParams&, const Plan&, Machine&, Scope&);
Result<> adjust_netem(const NetemParams&, NetemHold&, Machine&, Scope&);
Result<Effect> measure_netem(const NetemHold&, const Machine&);

// netem passes on what it has, in order and without further delay; then packets pass beside it,
// from the moment on when nothing is inside, so that none is overtaken. 0s: that is so, or it
// takes longer than any packet that was inside can.
Result<Duration> empty_netem(const NetemParams&, NetemHold&, Machine&, Scope&);

}  // namespace squall
