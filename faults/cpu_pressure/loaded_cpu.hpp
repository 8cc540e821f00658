// SPDX-License-Identifier: Apache-2.0
//
// The CPUs that cpu_pressure loads: which they are, and what was achieved on each.

#pragma once

#include "faults/cpu_pressure/params.hpp"
#include "faults/fault.hpp"
#include "faults/kit/cpu_list.hpp"
#include "faults/kit/worker.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace squall {

struct LoadedCpu {
  int cpu = 0;
  std::unique_ptr<Worker> worker;
  std::chrono::steady_clock::time_point started;
  Duration used_before{};  // of the worker's CPU time
};

// Those named, or all that may be used. Error (refused): one of them may not, by squall or in
// the cgroup.
Result<std::vector<int>> choose_cpus(const CpuPressureParams&, const Machine&);
// Whether there is a worker of this name on each of them, and on no other CPU.
Result<Reading> read_load(const CpuPressureParams&, const Machine&, const std::string& worker);
LoadedCpu loaded_from_now(int cpu, std::unique_ptr<Worker> worker);
// By the kernel's account of each worker, over the time since its go.
Effect judge(const std::vector<LoadedCpu>& cpus);

}  // namespace squall
