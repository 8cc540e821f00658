// SPDX-License-Identifier: Apache-2.0
//
// Requested against achieved: what was to be expected of the packets that came by,
// also while a ramp changed the strength, and what the program counted.

#pragma once

#include "faults/fault.hpp"
#include "faults/kit/bpf.hpp"
#include "faults/packet_loss/loss_model.hpp"

#include <cstdint>
#include <vector>

struct packet_loss_counters;

namespace squall {

// What one program was asked to do so far.
struct LossTally {
  Loss loss;                // in force now
  std::uint64_t since = 0;  // matching packets before it was in force
  Expected before{};        // of those
  bool changed = false;

  void change_to(const Loss& next, std::uint64_t matched);
  Expected upto(std::uint64_t matched) const;
};

Result<packet_loss_counters> read_loss(const Bpf&, const bpf::Loaded&);
Effect loss_effect(const std::vector<LossTally>&, const std::vector<packet_loss_counters>&);

}  // namespace squall
