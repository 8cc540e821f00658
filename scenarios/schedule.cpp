// SPDX-License-Identifier: Apache-2.0

#include "scenarios/schedule.hpp"

#include "scenarios/ramp_steps.hpp"

#include <algorithm>
#include <tuple>

namespace squall {
namespace {

// Place among the actions of one instant: a fault that ends makes way for one that
// starts, but a fault of no length starts before it ends.
int rank(const Action& action, const CheckedFault& checked) {
  if (action.kind == Action::Kind::adjust) return 0;
  if (action.kind == Action::Kind::inject) return 2;
  return checked.end == checked.entry.start ? 3 : 1;
}

}  // namespace

std::vector<Action> schedule(const CheckedScenario& scenario, double steps_per_second) {
  std::vector<Action> actions;
  for (std::size_t i = 0; i < scenario.faults.size(); ++i) {
    const auto& checked = scenario.faults[i];
    const auto start = checked.entry.start;
    actions.push_back({start, Action::Kind::inject, i, checked.params});
    for (auto& step : ramp_steps(checked, steps_per_second))
      actions.push_back(
          {start + step.since_start, Action::Kind::adjust, i, std::move(step.params)});
    actions.push_back({checked.end, Action::Kind::end, i, nullptr});
  }
  const auto key = [&](const Action& action) {
    return std::tuple(action.at, rank(action, scenario.faults[action.fault]), action.fault);
  };
  std::sort(actions.begin(), actions.end(),
            [&](const Action& a, const Action& b) { return key(a) < key(b); });
  return actions;
}

}  // namespace squall
