// SPDX-License-Identifier: Apache-2.0

#include "scenarios/run_events.hpp"

namespace squall {

std::vector<std::pair<std::string, std::string>> as_used(
    const std::vector<ScenarioParameter>& parameters) {
  std::vector<std::pair<std::string, std::string>> used;
  for (const auto& each : parameters) used.emplace_back(each.name, each.value);
  return used;
}

void write_started(EventLog& log, const RunResult& result, const CheckedScenario& scenario,
                   const std::string& watchdog_lacks) {
  std::string parameters;
  for (const auto& each : result.parameters)
    parameters += (parameters.empty() ? "" : " ") + each.name + "='" + each.value + "'";
  log.write("run_started", {{"scenario", result.scenario},
                            {"hypothesis", result.hypothesis},
                            {"seed", result.seed},
                            {"parameters", parameters},
                            {"length_ns", scenario.length.count()},
                            {"max_duration_ns", scenario.scenario.max_duration.count()}});
  for (const auto& net : result.without) log.write("without_safety_net", {{"name", net}});
  if (!watchdog_lacks.empty()) log.write("watchdog_lacks", {{"what", watchdog_lacks}});
}

void write_guard(EventLog& log, const Guard& guard, const GuardWord& said) {
  static constexpr const char* kWords[] = {"carry_on", "abort", "blind"};
  log.write("guard_word", {{"guard", guard.name()},
                           {"word", std::string(kWords[static_cast<int>(said.kind)])},
                           {"value", said.value},
                           {"why", said.why}});
}

void write_abort(EventLog& log, const StopReason& reason, std::int64_t decided_ns) {
  log.write("abort", {{"by", reason.by}, {"why", reason.why}, {"decided_ns", decided_ns}});
}

}  // namespace squall
