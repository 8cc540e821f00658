// SPDX-License-Identifier: Apache-2.0
//
// Requested against achieved. Every packet that goes through a sidecar is counted and timed by our
// program; what netem and its limit lost is read from the kernel.

#pragma once

#include "faults/fault.hpp"
#include "faults/kit/sidecar.hpp"
#include "faults/netem/expected.hpp"
#include "faults/netem/params.hpp"

#include <cstdint>
#include <vector>

struct netem_counters;
struct netem_settings;

namespace squall {

// Of one sidecar, so far.
struct NetemSeen {
  std::uint64_t seen = 0, matched = 0, matched_segments = 0, spared = 0, unreadable = 0,
                crowded = 0, passed = 0;
  std::uint64_t entered = 0, returned = 0, early = 0;
  double delay_sum_ns = 0, delay_square_ns = 0;  // the latter of deviations from their centre
  std::uint64_t lost = 0, duplicated = 0, marked = 0;
  std::uint64_t over_limit = 0, overrun = 0, waiting = 0;
  std::uint64_t bytes = 0;
  bool timed = true;  // the program saw them come back

  void add(const NetemSeen& other);
};

// What one sidecar was asked to do, also while a ramp changed it.
struct NetemTally {
  NetemParams params;
  NetemExpected now;
  std::uint64_t entered = 0, returned = 0;  // before `now` was in force
  double centres_ns = 0;                    // sum over the packets that returned before
  // Of the packets before:
  double lost = 0, lost_variance = 0, duplicated = 0, duplicated_variance = 0, early = 0;
  double delay_sum_ns = 0, delay_variance = 0;
  bool changed = false;

  void change_to(const NetemParams&, const NetemExpected&, const NetemSeen&);
  NetemTally upto(const NetemSeen&) const;  // with all packets folded into "before"
};

// From which centre delays deviate, and what counts as early.
netem_settings centre_of(const NetemExpected&);
NetemSeen seen_by(const NetemTally&, const netem_counters&, const sidecar::State&);
Effect netem_effect(const std::vector<NetemTally>&, const std::vector<NetemSeen>&);

}  // namespace squall
