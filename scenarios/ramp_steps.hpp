// SPDX-License-Identifier: Apache-2.0
//
// The strengths that a fault's ramps go through. Pure.

#pragma once

#include "scenarios/resolve.hpp"

#include <vector>

namespace squall {

struct RampStep {
  Duration since_start{};  // of the fault
  Boxed params;
};

// In the order of time; none without ramps. Each ramp has at most `steps_per_second` steps,
// and always one exactly at its end.
std::vector<RampStep> ramp_steps(const CheckedFault& checked, double steps_per_second = 10);

}  // namespace squall
