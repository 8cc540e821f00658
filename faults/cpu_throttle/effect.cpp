// SPDX-License-Identifier: Apache-2.0

#include "faults/cpu_throttle/effect.hpp"

#include <cmath>
#include <sstream>
#include <string>

namespace squall {
namespace {

constexpr Duration kShortestJudged = 1s;  // ten of the usual periods
// Kernel: the quota is handed to each CPU in slices, of which a few may be used late.
constexpr double kTolerance = 0.02;  // of one CPU
constexpr double kOfQuota = 0.1;

double share(Duration part, Duration whole) {
  return static_cast<double>(part.count()) / static_cast<double>(whole.count());
}

std::string rounded(double share) { return to_text(Percent{std::round(share * 1e4) / 100}); }

Effect inconclusive(std::string why) {
  return {Effect::Verdict::inconclusive, std::move(why), {}, {}};
}

// v1 may keep it in a hierarchy of its own, in which the group need not be.
std::optional<Duration> read_used_v1(const Cgroup& group, const Cgroups& cgroups) {
  const auto account = cgroups.find(group.path, "cpuacct");
  if (!account) return std::nullopt;
  const auto text = cgroups.read(*account, "cpuacct.usage");
  std::int64_t nanoseconds = 0;
  if (!text || !(std::istringstream(*text) >> nanoseconds)) return std::nullopt;
  return Duration(nanoseconds);
}

}  // namespace

Result<CpuAccount> read_cpu_account(const Cgroup& group, const Cgroups& cgroups) {
  SQUALL_TRY(const auto text, cgroups.read(group, "cpu.stat"));
  CpuAccount account;
  std::istringstream words(text);
  std::string key;
  for (std::uint64_t number = 0; words >> key >> number;) {
    const auto micro = Duration(std::chrono::microseconds(number));
    if (key == "usage_usec") account.used = micro;
    if (key == "nr_periods") account.periods = number;
    if (key == "nr_throttled") account.throttled = number;
    if (key == "throttled_usec") account.waited = micro;
    if (key == "throttled_time") account.waited = Duration(number);
  }
  if (!group.hierarchy.empty()) account.used = read_used_v1(group, cgroups);
  return account;
}

Duration CpuTally::granted_by(Instant now) const {
  const double of_one = quota ? quota->share() : 0;
  return granted + Duration(std::llround(of_one * static_cast<double>((now - since).count())));
}

void CpuTally::change_to(std::optional<Percent> next, Instant now) {
  granted = granted_by(now);
  since = now;
  quota = next;
}

CpuTally tally_from(const CpuAccount& before, std::optional<Percent> quota, Instant now) {
  return {before, now, now, quota, {}};
}

Effect judge_throttle(const CpuTally& tally, const CpuAccount& after, Instant now) {
  const auto lasted = now - tally.started;
  if (lasted < kShortestJudged)
    return inconclusive("active for " + to_rounded_text(lasted) +
                        "; a limit is judged over 1s or more");
  const auto throttled = after.throttled - tally.before.throttled;
  const auto periods = after.periods - tally.before.periods;
  const auto waited = after.waited - tally.before.waited;
  auto effect = inconclusive("");
  effect.counters = {{"periods", periods},
                     {"throttled", throttled},
                     {"throttled_us", static_cast<std::uint64_t>(waited.count() / 1000)}};
  const auto granted = share(tally.granted_by(now), lasted);
  std::optional<double> used;
  if (after.used && tally.before.used) used = share(*after.used - *tally.before.used, lasted);
  if (!tally.quota) {
    effect.why = "a weight acts only while others want the same CPU, which no counter tells";
    if (used) effect.measures = {{"CPU time", "", rounded(*used)}};
    return effect;
  }
  effect.measures = {{"CPU time", rounded(granted), used ? rounded(*used) : "not counted"}};
  effect.why = "throttled in " + std::to_string(throttled) + " of " + std::to_string(periods) +
               " periods, for " + to_rounded_text(waited) + " in all";
  if (used && *used > granted * (1 + kOfQuota) + kTolerance) {
    effect.verdict = Effect::Verdict::mismatch;
    effect.why = "it got " + rounded(*used) + " of one CPU, more than the " + rounded(granted) +
                 " that the quota grants";
  } else if (throttled == 0) {
    effect.why = "it never wanted more than its quota";
  } else {
    effect.verdict = Effect::Verdict::confirmed;
  }
  return effect;
}

}  // namespace squall
