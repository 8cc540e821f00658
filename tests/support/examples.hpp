// SPDX-License-Identifier: Apache-2.0
//
// The example of each fault's spec as a scenario that can be run on the fake machine.

#pragma once

#include "scenarios/resolve.hpp"

#include <string>
#include <vector>

namespace squall::testing {

// Scenario text around [[fault]] tables.
std::string scenario_around(const std::string& faults);
// Fails the running test when there are complaints.
CheckedScenario checked(const std::string& text);
// Every built-in fault's example in one scenario.
CheckedScenario all_examples();
CheckedScenario example_of(const Fault& fault);

}  // namespace squall::testing
