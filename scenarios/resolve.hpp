// SPDX-License-Identifier: Apache-2.0
//
// Model and registries to checked steps: every kind is known, every value has its
// type, every fault ends before the deadline. Needs no privileges and looks at
// nothing but its input.

#pragma once

#include "faults/registry.hpp"
#include "safety/guard/guard.hpp"
#include "scenarios/model.hpp"
#include "scenarios/probe/probe.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace squall {

struct CheckedFault {
  FaultEntry entry;
  const Fault* fault = nullptr;
  Boxed params;       // at the start
  Boxed ramped;       // parameters with every ramp at its end; null without ramps
  unsigned slot = 0;  // index in the scenario
  Duration end{};     // after the run's start
};

struct CheckedProbe {
  ProbeEntry entry;
  std::unique_ptr<Probe> probe;
};

struct CheckedGuard {
  GuardEntry entry;
  std::unique_ptr<Guard> guard;
};

struct CheckedScenario {
  Scenario scenario;
  std::vector<CheckedFault> faults;
  std::vector<CheckedProbe> probes;
  std::vector<CheckedGuard> guards;
  // When the last fault ends: the latest explicit end, or max_duration when no fault has one.
  Duration length{};
};

// Null when there are complaints, those of parsing included; all are sorted by place.
std::optional<CheckedScenario> resolve(Scenario scenario, const Registry& registry,
                                       Complaints& complaints);

}  // namespace squall
