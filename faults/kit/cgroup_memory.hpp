// SPDX-License-Identifier: Apache-2.0
//
// What a control group may use of memory and uses, by v2's files or by v1's.

#pragma once

#include "faults/kit/cgroup.hpp"
#include "safety/base/units.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace squall::cgroup_memory {

struct Limited {
  Cgroup group;
  Bytes limit;
  Bytes use;
  Bytes reclaimable;  // of the use: cached files
};

// The group itself and those above it that have a limit, nearest first.
Result<std::vector<Limited>> read_limits(const Cgroups& cgroups, const Cgroup& group);
Result<Bytes> read_use(const Cgroups& cgroups, const Cgroup& group);
// Processes that the OOM killer ended in it or below; nothing where the kernel does not count.
std::optional<std::uint64_t> read_oom_kills(const Cgroups& cgroups, const Cgroup& group);

}  // namespace squall::cgroup_memory
