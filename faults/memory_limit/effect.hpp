// SPDX-License-Identifier: Apache-2.0
//
// What a limit did to the group that it was put on, by the kernel's account.

#pragma once

#include "faults/fault.hpp"
#include "faults/kit/cgroup_limit.hpp"
#include "safety/base/units.hpp"

#include <cstdint>
#include <optional>

namespace squall {

struct MemoryAccount {
  Bytes use;
  std::uint64_t high = 0;           // times it was slowed down at its 'high'
  std::uint64_t max = 0;            // times it wanted more than its 'max'
  std::uint64_t killed = 0;         // processes, by the OOM killer
  std::optional<Duration> stalled;  // some of its tasks waited for memory
};
Result<MemoryAccount> read_memory_account(const Cgroup&, const Cgroups&);

struct MemoryBounds {
  std::optional<Bytes> high;
  std::optional<Bytes> max;
};
Effect judge_limit(const MemoryBounds&, const MemoryAccount& before, const MemoryAccount& after);

}  // namespace squall
