// SPDX-License-Identifier: Apache-2.0
//
// What cpu_pressure achieved on each CPU.

#pragma once

#include "faults/fault.hpp"
#include "faults/kit/worker.hpp"

#include <chrono>
#include <memory>
#include <vector>

namespace squall {

struct LoadedCpu {
  int cpu = 0;
  std::unique_ptr<Worker> worker;
  std::chrono::steady_clock::time_point started;
  Duration used_before{};  // of the worker's CPU time
};

LoadedCpu loaded_from_now(int cpu, std::unique_ptr<Worker> worker);
// By the kernel's account of each worker, over the time since its go.
Effect judge(const std::vector<LoadedCpu>& cpus);

}  // namespace squall
