// SPDX-License-Identifier: Apache-2.0
//
// What memory_limit takes, and what it comes to in the files of a group, v2 or v1.

#pragma once

#include "faults/kit/cgroup_limit.hpp"
#include "faults/kit/cgroup_target.hpp"
#include "faults/memory_limit/amount.hpp"
#include "safety/base/schema.hpp"

#include <optional>
#include <string>
#include <vector>

namespace squall {

struct MemoryLimitParams {
  CgroupTarget target;
  std::optional<LimitAmount> high;
  std::optional<LimitAmount> max;
};
Table<MemoryLimitParams> memory_limit_table();

const char* max_file(const Cgroup&);
inline constexpr const char* kHighFile = "memory.high";  // in v2 only

// Those that the parameters are about.
std::vector<std::string> memory_files(const MemoryLimitParams&, const Cgroup&);
Result<Bytes> read_use(const Cgroup&, const Cgroups&);
Result<Bytes> read_bytes(const Cgroup&, const std::string& file, const Cgroups&);
// With what they hold now; shares are of `use`. Error (refused): a maximum below what is used,
// so that the kernel would kill; (unsupported): the group cannot have these limits.
Result<std::vector<cgroup::Limit>> memory_limits(const MemoryLimitParams&, const Cgroup&, Bytes use,
                                                 const Cgroups&);

}  // namespace squall
