// SPDX-License-Identifier: Apache-2.0
//
// What memory_pressure takes.

#pragma once

#include "faults/kit/byte_rate.hpp"
#include "faults/kit/cgroup_target.hpp"
#include "faults/kit/memory_fill.hpp"
#include "safety/base/schema.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace squall {

struct MemoryPressureParams {
  std::optional<Bytes> size;
  std::optional<Percent> share;
  CgroupTarget target;  // none: the host's memory
  std::optional<ByteRate> rate;
  memory::Kind memory = memory::Kind::anonymous;
  std::string directory;
  Duration touch_every{};
  HugePages huge_pages = HugePages::preferred;
  std::optional<std::int64_t> numa_node;
  std::optional<Bytes> reserve;
};

Table<MemoryPressureParams> memory_pressure_table();
extern const char* const kMemoryPressureNotes;

}  // namespace squall
