// SPDX-License-Identifier: Apache-2.0
//
// How many of the processes that were paused still stand still.

#pragma once

#include "faults/fault.hpp"
#include "faults/kit/process.hpp"

#include <vector>

namespace squall {

// One that has ended meanwhile counts for neither side.
Effect judge_pause(const std::vector<ProcessId>& paused, const Processes& processes);

}  // namespace squall
