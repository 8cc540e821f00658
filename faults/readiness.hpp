// SPDX-License-Identifier: Apache-2.0
//
// Can a fault work on this host, and if not, what is missing and how to get it.

#pragma once

#include "faults/fault.hpp"

#include <string>
#include <vector>

namespace squall {

// One error per need that is not met: `what` says what is missing, `hint` how to get it.
std::vector<Error> lacks(const FaultSheet& sheet, const Machine& machine);

// Which modules the kernel will load for it, as a sentence for the plan; or "".
std::string note_on_modules(const FaultSheet& sheet, const Machine& machine);

}  // namespace squall
