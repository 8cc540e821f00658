// SPDX-License-Identifier: Apache-2.0
//
// What a throttled group got of its CPU time, by the kernel's account of it.

#pragma once

#include "faults/cpu_throttle/limits.hpp"
#include "faults/fault.hpp"
#include "faults/kit/cgroup.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace squall {

struct CpuAccount {
  std::optional<Duration> used;  // none: v1 keeps it elsewhere, and not for this group
  std::uint64_t periods = 0;
  std::uint64_t throttled = 0;
  Duration waited{};  // for the next period
};
Result<CpuAccount> read_cpu_account(const Cgroup&, const Cgroups&);

// What was granted so far, while the quota changes.
struct CpuTally {
  CpuAccount before;
  Instant started;
  Instant since;  // of the present quota
  std::optional<Percent> quota;
  Duration granted{};  // until then

  Duration granted_by(Instant now) const;
  void change_to(std::optional<Percent> next, Instant now);
};
CpuTally tally_from(const CpuAccount&, std::optional<Percent> quota, Instant now);

Effect judge_throttle(const CpuTally&, const CpuAccount&, Instant now);

}  // namespace squall
