// SPDX-License-Identifier: Apache-2.0

#include "scenarios/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <tuple>

namespace squall {
namespace {

// A ramp of a day is not more precise for having 864,000 steps.
constexpr double kMostSteps = 1000;

double share(const Ramp& ramp, Duration since_start) {
  if (since_start >= ramp.over) return 1;
  return static_cast<double>(since_start.count()) / static_cast<double>(ramp.over.count());
}

// When the strength changes, after the fault's start; ends with the last ramp's end.
std::vector<Duration> step_times(const std::vector<Ramp>& ramps, double steps_per_second) {
  std::vector<Duration> times;
  for (const auto& ramp : ramps) {
    const double seconds = std::chrono::duration<double>(ramp.over).count();
    const auto steps =
        static_cast<int>(std::clamp(std::floor(seconds * steps_per_second), 1.0, kMostSteps));
    for (int i = 1; i < steps; ++i)
      times.push_back(Duration(static_cast<Duration::rep>(
          static_cast<long double>(ramp.over.count()) * i / static_cast<long double>(steps))));
    times.push_back(ramp.over);
  }
  std::sort(times.begin(), times.end());
  times.erase(std::unique(times.begin(), times.end()), times.end());
  return times;
}

// Ramps of different length are at different shares, and a blend knows only one: so
// each field is taken from the blend at its own share, by its text, which is exact.
Result<Boxed> mixed(const CheckedFault& checked, Duration since_start) {
  auto settings = checked.entry.settings;
  for (const auto& ramp : checked.entry.ramps) {
    SQUALL_TRY(const auto blended,
               checked.fault->blend(checked.params, checked.ramped, share(ramp, since_start)));
    const auto is_field = [&](const Setting& each) { return each.name == ramp.field; };
    std::erase_if(settings, is_field);
    const auto printed = checked.fault->print(blended);
    std::copy_if(printed.begin(), printed.end(), std::back_inserter(settings), is_field);
  }
  Complaints complaints;
  auto params = checked.fault->parse(settings, checked.entry.place, complaints);
  if (!complaints.empty())
    return Error{ErrorKind::invalid,
                 "fault '" + checked.entry.name + "' is not valid " + to_text(since_start) +
                     " after its start: " + complaints.front().what,
                 "change its ramps",
                 {},
                 0};
  return params;
}

Result<Boxed> strength(const CheckedFault& checked, Duration since_start) {
  const auto& ramps = checked.entry.ramps;
  const bool even = std::all_of(ramps.begin(), ramps.end(),
                                [&](const auto& each) { return each.over == ramps.front().over; });
  if (!even) return mixed(checked, since_start);
  const auto f = share(ramps.front(), since_start);
  return checked.fault->blend(checked.params, checked.ramped, f);
}

// Place among the actions of one instant: a fault that ends makes way for one that
// starts, but a fault of no length starts before it ends.
int rank(const Action& action, const CheckedFault& checked) {
  if (action.kind == Action::Kind::adjust) return 0;
  if (action.kind == Action::Kind::inject) return 2;
  return checked.end == checked.entry.start ? 3 : 1;
}

}  // namespace

Result<std::vector<Action>> schedule(const CheckedScenario& scenario, double steps_per_second) {
  std::vector<Action> actions;
  for (std::size_t i = 0; i < scenario.faults.size(); ++i) {
    const auto& checked = scenario.faults[i];
    const auto start = checked.entry.start;
    actions.push_back({start, Action::Kind::inject, i, checked.params});
    for (const auto since : step_times(checked.entry.ramps, steps_per_second)) {
      SQUALL_TRY(auto params, strength(checked, since));
      actions.push_back({start + since, Action::Kind::adjust, i, std::move(params)});
    }
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
