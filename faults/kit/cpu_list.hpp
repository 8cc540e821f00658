// SPDX-License-Identifier: Apache-2.0
//
// CPUs as the kernel writes them: "0-1,3".

#pragma once

#include "safety/base/schema.hpp"

#include <vector>

namespace squall {

struct CpuList {
  std::vector<int> cpus;  // ascending, each once; empty: not given
  bool operator==(const CpuList&) const = default;
};

SQUALL_DECLARE_VALUE(CpuList);

}  // namespace squall
