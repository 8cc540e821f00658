// SPDX-License-Identifier: Apache-2.0
//
// The keys of a scenario file that every scenario, probe, guard or fault has. Those
// of one kind are in its own table.

#pragma once

#include "safety/spare.hpp"
#include "scenarios/model.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace squall {

struct Limits {
  Duration max_duration{};
  std::optional<std::uint64_t> seed;
  std::vector<SafetyNet> without;
};

struct ParameterKeys {
  std::optional<std::string> fallback;
  std::string help;
};

const Table<Scenario>& scenario_keys();
const Table<Limits>& limit_keys();
const Table<ParameterKeys>& parameter_keys();
const Table<ProbeEntry>& probe_keys();
const Table<GuardEntry>& guard_keys();
const Table<FaultEntry>& fault_keys();  // but for `ramp`, whose keys are the fault's own

}  // namespace squall
