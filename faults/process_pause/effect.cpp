// SPDX-License-Identifier: Apache-2.0

#include "faults/process_pause/effect.hpp"

#include "faults/kit/process_target.hpp"

#include <algorithm>

namespace squall {

Effect judge_pause(const std::vector<ProcessId>& paused, const Processes& processes) {
  const auto living = read_living(paused, processes);
  const auto stopped = std::ranges::count_if(living, &ProcessInfo::stopped);
  const auto of = [&](auto n) {
    return std::to_string(n) + " of " + std::to_string(living.size()) + " processes";
  };
  Effect effect{Effect::Verdict::confirmed,
                of(stopped) + " stand still",
                {{"stopped", of(living.size()), of(stopped)}},
                {{"paused", paused.size()}, {"gone", paused.size() - living.size()}}};
  if (living.empty()) {
    effect.verdict = Effect::Verdict::inconclusive;
    effect.why = "every paused process has ended meanwhile";
  } else if (stopped != std::ssize(living)) {
    effect.verdict = Effect::Verdict::mismatch;
    effect.why = of(std::ssize(living) - stopped) + " go on: somebody else continued them";
  }
  return effect;
}

}  // namespace squall
