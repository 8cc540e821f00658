// SPDX-License-Identifier: Apache-2.0
//
// What cpu_pressure takes.

#pragma once

#include "faults/kit/cpu_list.hpp"
#include "faults/kit/worker.hpp"
#include "safety/base/schema.hpp"

#include <cstdint>
#include <string>

namespace squall {

struct CpuPressureParams {
  Percent load;
  CpuList cpus;
  WorkerClass priority = WorkerClass::normal;
  std::int64_t nice = 0;
  std::int64_t rt_priority = 1;
  std::string cgroup;
  std::string container;
};

Table<CpuPressureParams> cpu_pressure_table();
extern const char* const kCpuPressureNotes;

}  // namespace squall
