// SPDX-License-Identifier: Apache-2.0

#include "tests/support/examples.hpp"

#include "scenarios/parse.hpp"

#include <doctest/doctest.h>

namespace squall::testing {

std::string scenario_around(const std::string& faults) {
  return "[scenario]\nname = \"test\"\nhypothesis = \"it holds\"\n"
         "[limits]\nmax_duration = \"10m\"\nseed = 7\n" +
         faults;
}

CheckedScenario checked(const std::string& text) {
  Complaints complaints;
  auto scenario = parse_scenario("test.toml", text, {}, complaints);
  std::optional<CheckedScenario> resolved;
  if (scenario) resolved = resolve(std::move(*scenario), built_in_faults(), complaints);
  for (const auto& each : complaints) FAIL_CHECK(each.text());
  REQUIRE(resolved);
  return std::move(*resolved);
}

CheckedScenario all_examples() {
  std::string faults;
  for (const auto* fault : built_in_faults().all()) faults += fault->sheet().example + "\n";
  return checked(scenario_around(faults));
}

CheckedScenario example_of(const Fault& fault) {
  return checked(scenario_around(fault.sheet().example));
}

}  // namespace squall::testing
