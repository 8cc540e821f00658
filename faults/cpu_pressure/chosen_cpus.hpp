// SPDX-License-Identifier: Apache-2.0
//
// The CPUs that cpu_pressure loads: which they are, and whether they are loaded.

#pragma once

#include "faults/cpu_pressure/params.hpp"
#include "faults/fault.hpp"
#include "faults/kit/cgroup.hpp"

#include <optional>
#include <string>
#include <vector>

namespace squall {

// In which the load counts; nothing where none is named.
Result<std::optional<Cgroup>> find_load_group(const CpuPressureParams&, const Machine&);
// Those named, or all that may be used. Error (refused): one of them may not, by squall or in
// the cgroup.
Result<std::vector<int>> choose_cpus(const CpuPressureParams&, const Machine&);
// Whether there is a worker of this name on each of them, and on no other CPU.
Result<Reading> read_load(const CpuPressureParams&, const Machine&, const std::string& worker);

}  // namespace squall
