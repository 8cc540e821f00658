// SPDX-License-Identifier: Apache-2.0
//
// Events of a run that tell more than their name; all of them are listed in run.hpp.

#pragma once

#include "safety/controller.hpp"
#include "scenarios/run.hpp"

#include <string>
#include <utility>
#include <vector>

namespace squall {

// Name and value, with --set.
std::vector<std::pair<std::string, std::string>> as_used(const std::vector<ScenarioParameter>&);

void write_started(EventLog& log, const RunResult& result, const CheckedScenario& scenario,
                   const std::string& watchdog_lacks);
void write_guard(EventLog& log, const Guard& guard, const GuardWord& said);
void write_abort(EventLog& log, const StopReason& reason, std::int64_t decided_ns);

}  // namespace squall
