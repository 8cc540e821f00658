// SPDX-License-Identifier: Apache-2.0
//
// What cpu_throttle takes, and what it comes to in the files of a group, v2 or v1.

#pragma once

#include "faults/kit/cgroup_limit.hpp"
#include "faults/kit/cgroup_target.hpp"
#include "safety/base/schema.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace squall {

struct CpuThrottleParams {
  CgroupTarget target;
  std::optional<Percent> quota;
  std::optional<Duration> period;
  std::optional<std::int64_t> weight;
};
Table<CpuThrottleParams> cpu_throttle_table();

// Those that the parameters are about.
std::vector<std::string> cpu_files(const CpuThrottleParams&, const Cgroup&);
// With what they hold now. Error (unsupported, refused): the group cannot have these limits.
Result<std::vector<cgroup::Limit>> cpu_limits(const CpuThrottleParams&, const Cgroup&,
                                              const Cgroups&);

}  // namespace squall
