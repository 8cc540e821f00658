// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a scenario: parse and resolve end with a scenario or with complaints,
// never with both or neither, and what is accepted can be scheduled.

#include "faults/registry.hpp"
#include "scenarios/parse.hpp"
#include "scenarios/resolve.hpp"
#include "scenarios/schedule.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

void check_schedule(const squall::CheckedScenario& checked) {
  const auto actions = squall::schedule(checked);
  expect(actions.size() >= 2 * checked.faults.size());
  for (std::size_t i = 1; i < actions.size(); ++i) expect(actions[i - 1].at <= actions[i].at);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  squall::Complaints complaints;
  auto scenario = squall::parse_scenario("f.toml", text, {{"loss", "2%"}}, complaints);
  expect(scenario || !complaints.empty());
  if (!scenario) return 0;
  const auto checked = squall::resolve(std::move(*scenario), squall::built_in_faults(), complaints);
  expect(checked.has_value() == complaints.empty());
  for (const auto& each : complaints) expect(!each.text().empty());
  if (checked) check_schedule(*checked);
  return 0;
}
