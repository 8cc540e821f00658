// SPDX-License-Identifier: Apache-2.0

#include "faults/cpu_pressure/loaded_cpu.hpp"

#include "faults/kit/worker_burn.hpp"

#include <algorithm>
#include <cmath>

namespace squall {
namespace {

constexpr double kTolerance = 0.01;        // one point
constexpr double kSecondTolerance = 0.05;  // of a single second: what is made up for afterwards
constexpr Duration kShortestJudged = 1s;   // shorter times depend on where a period begins

Percent rounded(double share) { return Percent{std::round(share * 1e4) / 100}; }

double millionths(const LoadedCpu& each, std::size_t report) {
  return static_cast<double>(each.worker->read_report(report)) / 1e6;
}

// The mean was right: a second may not have been.
void judge_seconds(const std::vector<LoadedCpu>& cpus, Effect& effect) {
  for (const auto& each : cpus) {
    const double off = millionths(each, burn::worst_second);
    if (off <= kSecondTolerance) continue;
    const bool alone = millionths(each, burn::worst_unexplained) > kSecondTolerance;
    const auto said = "CPU " + std::to_string(each.cpu) + " was off by " + to_text(rounded(off)) +
                      " in its worst second";
    if (!alone) {
      effect.why += "; " + said + ", when others used it";
      continue;
    }
    effect.verdict = Effect::Verdict::mismatch;
    effect.why = said + ", though it did not wait for others";
    return;
  }
}

double share(Duration part, Duration whole) {
  return static_cast<double>(part.count()) / static_cast<double>(whole.count());
}

}  // namespace

LoadedCpu loaded_from_now(int cpu, std::unique_ptr<Worker> worker) {
  const auto used = worker->read_cpu_time();
  return {cpu, std::move(worker), std::chrono::steady_clock::now(), used};
}

Effect judge(const std::vector<LoadedCpu>& cpus) {
  Effect effect{Effect::Verdict::confirmed, "", {}, {}};
  double worst = 0;
  for (const auto& each : cpus) {
    const auto name = "CPU " + std::to_string(each.cpu);
    const Duration asked(each.worker->read_report(burn::asked));
    const Duration elapsed(each.worker->read_report(burn::elapsed));
    const Duration lived = std::chrono::steady_clock::now() - each.started;
    if (elapsed < kShortestJudged || lived < kShortestJudged)
      return {Effect::Verdict::inconclusive,
              "active for " + to_rounded_text(lived) + "; a load is judged over 1s or more",
              {},
              {}};
    const auto wanted = share(asked, elapsed);
    const auto got = share(each.worker->read_cpu_time() - each.used_before, lived);
    effect.measures.push_back({"load of " + name, to_text(rounded(wanted)), to_text(rounded(got))});
    effect.counters.emplace_back("worst second of " + name + " in millionths",
                                 each.worker->read_report(burn::worst_second));
    worst = std::max(worst, std::abs(got - wanted));
    if (std::abs(got - wanted) <= kTolerance || effect.verdict == Effect::Verdict::mismatch)
      continue;
    effect.verdict = Effect::Verdict::mismatch;
    effect.why = name + " got " + to_text(rounded(got)) + " instead of " +
                 to_text(rounded(wanted)) +
                 (got < wanted ? ": others compete for it, or a cgroup's limit holds it back" : "");
  }
  if (effect.verdict == Effect::Verdict::confirmed)
    effect.why = "each CPU got its share, to within " + to_text(rounded(worst));
  if (effect.verdict == Effect::Verdict::confirmed) judge_seconds(cpus, effect);
  return effect;
}

}  // namespace squall
