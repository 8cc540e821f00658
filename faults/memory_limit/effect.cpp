// SPDX-License-Identifier: Apache-2.0

#include "faults/memory_limit/effect.hpp"

#include "faults/memory_limit/limits.hpp"

#include <cmath>
#include <sstream>
#include <string>

namespace squall {
namespace {

// "low 0\nhigh 3\n…"; 0 for a key that is not there.
std::uint64_t value_of(const std::string& text, const std::string& wanted) {
  std::istringstream words(text);
  std::string key;
  for (std::uint64_t number = 0; words >> key >> number;)
    if (key == wanted) return number;
  return 0;
}

// "some avg10=0.00 avg60=0.00 avg300=0.00 total=123\nfull …", in microseconds.
std::optional<Duration> read_stalled(const Cgroup& group, const Cgroups& cgroups) {
  const auto text = cgroups.read(group, "memory.pressure");
  if (!text) return std::nullopt;
  const auto at = text->find("total=");
  std::int64_t total = 0;
  if (at == std::string::npos || !(std::istringstream(text->substr(at + 6)) >> total))
    return std::nullopt;
  return Duration(std::chrono::microseconds(total));
}

std::string times(std::uint64_t count) {
  return count == 1 ? "once" : std::to_string(count) + " times";
}

}  // namespace

Result<MemoryAccount> read_memory_account(const Cgroup& group, const Cgroups& cgroups) {
  MemoryAccount account;
  SQUALL_TRY(account.use, read_use(group, cgroups));
  if (group.hierarchy.empty()) {
    SQUALL_TRY(const auto events, cgroups.read(group, "memory.events"));
    account.high = value_of(events, "high");
    account.max = value_of(events, "max");
    account.killed = value_of(events, "oom_kill");
  } else {
    SQUALL_TRY(const auto failed, read_bytes(group, "memory.failcnt", cgroups));
    account.max = failed.value;
    if (const auto text = cgroups.read(group, "memory.oom_control"))
      account.killed = value_of(*text, "oom_kill");
  }
  account.stalled = read_stalled(group, cgroups);
  return account;
}

Effect judge_limit(const MemoryBounds& bounds, const MemoryAccount& before,
                   const MemoryAccount& after) {
  const auto high = after.high - before.high;
  const auto max = after.max - before.max;
  const auto killed = after.killed - before.killed;
  Effect effect{Effect::Verdict::inconclusive,
                "it never wanted more than that; it uses " + to_rounded_text(after.use),
                {},
                {{"high", high}, {"max", max}, {"oom_kill", killed}}};
  if (after.stalled && before.stalled)
    effect.counters.emplace_back("stalled_us", (*after.stalled - *before.stalled).count() / 1000);
  for (const auto& [name, bound] :
       {std::pair("memory at most", bounds.max), std::pair("memory without reclaim", bounds.high)})
    if (bound) effect.measures.push_back({name, to_text(*bound), to_rounded_text(after.use)});
  if (bounds.max && after.use > *bounds.max) {
    effect.verdict = Effect::Verdict::mismatch;
    effect.why = "it uses " + to_rounded_text(after.use) + ", more than its limit";
    return effect;
  }
  // Kernel: setting a 'high' below the use reclaims at once, and counts no event.
  const bool squeezed = bounds.high && before.use > *bounds.high && after.use <= *bounds.high;
  if (high || max || squeezed) {
    effect.verdict = Effect::Verdict::confirmed;
    effect.why =
        "its use went from " + to_rounded_text(before.use) + " to " + to_rounded_text(after.use);
    if (high) effect.why += "; it was slowed down " + times(high);
    if (max) effect.why += "; it wanted more " + times(max);
  }
  if (killed)
    effect.why += "; the kernel killed " + std::to_string(killed) +
                  (killed == 1 ? " process" : " processes") + " in it";
  return effect;
}

}  // namespace squall
