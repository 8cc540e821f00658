// SPDX-License-Identifier: Apache-2.0
//
// From flags to a scenario of one fault. Pure.

#pragma once

#include "faults/spec.hpp"
#include "scenarios/model.hpp"

#include <string>
#include <utility>
#include <vector>

namespace squall {

struct InjectFlags {
  std::string duration;                                       // --for
  std::vector<std::string> ramps;                             // loss=10%/30s
  std::vector<std::pair<std::string, std::string>> settings;  // full name of a parameter, value
};

Result<Scenario> scenario_of(const FaultSheet& sheet, const InjectFlags& flags);
// The flag of each field: the last part of its name, or all of it where two share the last.
std::vector<std::string> flags_of(const std::vector<FieldSheet>& fields);

}  // namespace squall
