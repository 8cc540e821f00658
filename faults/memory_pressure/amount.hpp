// SPDX-License-Identifier: Apache-2.0
//
// How much memory_pressure holds: from what the host and the group have, or why it cannot.

#pragma once

#include "faults/fault.hpp"
#include "faults/kit/cgroup.hpp"
#include "faults/memory_pressure/params.hpp"

#include <optional>
#include <string>

namespace squall {

struct MemoryAmount {
  Bytes whole;  // 100% of a share
  Bytes used;   // of it, by others, at the start: with a group only
  Bytes reserve;
  std::optional<Cgroup> group;    // the target
  std::optional<Cgroup> limiter;  // whose limit counts: the target or one above it

  // Of these strengths; a share that others use already is 0.
  Bytes bytes(const MemoryPressureParams& p) const;
};

// Error (gone): no such group; (refused): there is not as much, with figures.
Result<MemoryAmount> find_amount(const MemoryPressureParams& p, const Machine& host);
// How many workers share the work: filling and freeing go as fast as they are many.
std::uint64_t count_workers(Bytes bytes, const Machine& host);

}  // namespace squall
