// SPDX-License-Identifier: Apache-2.0
//
// A checked scenario to an ordered list of times and actions. Pure.

#pragma once

#include "scenarios/resolve.hpp"

#include <cstddef>
#include <vector>

namespace squall {

struct Action {
  enum class Kind { inject, adjust, end };
  Duration at{};  // after the run's start
  Kind kind = Kind::inject;
  std::size_t fault = 0;  // index in CheckedScenario::faults
  Boxed params;           // adjust: the strength at this step of the ramp
};

// Ends come before injects at the same instant.
std::vector<Action> schedule(const CheckedScenario& scenario, double steps_per_second = 10);

}  // namespace squall
