// SPDX-License-Identifier: Apache-2.0

#include "scenarios/ramp_steps.hpp"

#include <algorithm>
#include <cmath>

namespace squall {
namespace {

// A ramp of a day is not more precise for having 864,000 steps.
constexpr double kMostSteps = 1000;

double share(const Ramp& ramp, Duration since_start) {
  if (since_start >= ramp.over) return 1;
  return static_cast<double>(since_start.count()) / static_cast<double>(ramp.over.count());
}

// When the strength changes; ends with the last ramp's end.
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

}  // namespace

std::vector<RampStep> ramp_steps(const CheckedFault& checked, double steps_per_second) {
  const auto& ramps = checked.entry.ramps;
  std::vector<RampStep> steps;
  for (const auto since : step_times(ramps, steps_per_second)) {
    const auto share_of = [&](const std::string& field) {
      const auto ramp = std::find_if(ramps.begin(), ramps.end(),
                                     [&](const auto& each) { return each.field == field; });
      return ramp == ramps.end() ? 0 : share(*ramp, since);
    };
    steps.push_back({since, checked.fault->blend(checked.params, checked.ramped, share_of)});
  }
  return steps;
}

}  // namespace squall
