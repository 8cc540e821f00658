// SPDX-License-Identifier: Apache-2.0

#include "faults/readiness.hpp"

#include "faults/kit/kernel.hpp"

namespace squall {

std::vector<Error> lacks(const FaultSheet& sheet, const Machine& machine) {
  std::vector<Error> missing;
  for (const auto& need : sheet.needs)
    if (auto there = machine.kernel().available(need); !there)
      missing.push_back(std::move(there).error());
  return missing;
}

}  // namespace squall
