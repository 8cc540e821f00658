// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/cgroup_memory.hpp"
#include "faults/memory_pressure/held_memory.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace squall {
namespace {

using memory::rounded_text;
using Verdict = Effect::Verdict;

constexpr double kTolerance = 0.01;
// Kernel: what a process holds is counted per CPU first and summed up now and then.
constexpr std::uint64_t kLeastTolerance = 2 << 20;

std::uint64_t tolerance(Bytes asked) {
  return std::max(kLeastTolerance, static_cast<std::uint64_t>(
                                       std::ceil(static_cast<double>(asked.value) * kTolerance)));
}

std::string processes(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " process" : " processes");
}

void judge_size(const HeldMemory& held, const HeldSum& sum, Effect& effect) {
  const auto asked = held.asked.value;
  const auto far = [&](std::uint64_t bytes) { return bytes + tolerance(held.asked) < asked; };
  const auto off = std::abs(static_cast<double>(sum.resident) - static_cast<double>(asked));
  const auto share = Percent{std::round(off / static_cast<double>(asked) * 1e4) / 100};
  effect.verdict = Verdict::mismatch;
  if (sum.failure && far(sum.held)) {
    effect.why = rounded_text({sum.held}) + " of " + rounded_text(held.asked) +
                 " are held: " + sum.failure->sentence();
  } else if (far(sum.held) && sum.withheld > 0) {
    effect.why = "it stopped at " + rounded_text({sum.held}) + " of " + rounded_text(held.asked) +
                 ": " + rounded_text(held.amount.reserve) + " are kept for others";
  } else if (far(sum.held)) {
    effect.verdict = Verdict::inconclusive;
    effect.why = "it still grows: " + rounded_text({sum.held}) + " of " + rounded_text(held.asked);
  } else if (off > static_cast<double>(tolerance(held.asked))) {
    effect.why = rounded_text({sum.resident}) + " are in memory instead of " +
                 rounded_text(held.asked) +
                 (sum.resident < asked ? ": the kernel dropped or swapped out the rest" : "");
  } else {
    effect.verdict = Verdict::confirmed;
    effect.why = rounded_text({sum.resident}) + " are held, to within " + to_text(share);
    if (sum.given_back > 0)
      effect.why += "; " + rounded_text({sum.given_back}) +
                    " were given back meanwhile, when others "
                    "needed them, and taken again";
  }
}

void judge_workers(const HeldMemory& held, const HeldSum& sum, const OomKills& kills,
                   Effect& effect) {
  const auto of_all = std::to_string(sum.ended) + " of " + std::to_string(held.parts.size()) +
                      (held.parts.size() == 1 ? " worker" : " workers");
  if (sum.ended > 0) {
    effect.verdict = Verdict::mismatch;
    effect.why =
        kills.ours > 0
            ? "given back by the OOM killer, for which it stands first in line: " + of_all +
                  " ended; it is not taken again"
            : of_all + " ended, and not by the OOM killer: somebody ended them";
  } else if (sum.moved) {
    effect.verdict = Verdict::mismatch;
    effect.why = "somebody moved a worker out of cgroup '" + held.amount.group->path + "'";
  }
  if (kills.others == 0) return;
  effect.verdict = Verdict::mismatch;
  const auto said = "the OOM killer ended " + processes(kills.others) + " of others" +
                    (kills.names.empty() ? "" : ": " + kills.names);
  effect.why = sum.ended > 0 ? effect.why + "; " + said : said;
}

void judge_group(const MemoryPressureParams& p, const HeldMemory& held, const Machine& host,
                 Effect& effect) {
  const auto& limiter = held.amount.limiter;
  if (!held.amount.group) return;
  const auto use = cgroup_memory::read_use(host.cgroups(), limiter ? *limiter : *held.amount.group);
  if (!use) {
    effect.verdict = Verdict::mismatch;
    effect.why += "; cgroup '" + held.amount.group->path + "' is gone, and what was held in it";
    return;
  }
  const Percent achieved{std::round(static_cast<double>(use->value) * 1e4 /
                                    static_cast<double>(held.amount.whole.value)) /
                         100};
  if (p.share && limiter)
    effect.measures.push_back(
        {"use of cgroup '" + limiter->path + "'", to_text(*p.share), to_text(achieved)});
  effect.counters.emplace_back("bytes used by cgroup '" + held.amount.group->path + "'",
                               use->value);
}

std::string share_of_time(std::uint64_t microseconds, Duration length) {
  const auto share = static_cast<double>(microseconds) * 1e3 / static_cast<double>(length.count());
  return to_text(Percent{std::round(std::min(1.0, share) * 1e4) / 100});
}

void tell_pressure(const HeldMemory& held, const MemoryEvents& now, Effect& effect) {
  if (!now.pressure || !held.before.pressure) return;
  const auto& before = *held.before.pressure;
  const auto some = now.pressure->some_us - before.some_us;
  const auto full = now.pressure->full_us - before.full_us;
  const Duration lived = Instant(std::chrono::steady_clock::now()) - held.started;
  const auto hundredths = [](Percent share) {
    return static_cast<std::uint64_t>(std::llround(share.value * 100));
  };
  effect.counters.emplace_back("memory pressure some, microseconds", some);
  effect.counters.emplace_back("memory pressure full, microseconds", full);
  effect.counters.emplace_back("memory pressure some avg10, hundredths of a per cent",
                               hundredths(now.pressure->some_avg10));
  effect.counters.emplace_back("memory pressure full avg10, hundredths of a per cent",
                               hundredths(now.pressure->full_avg10));
  effect.why += "; memory pressure (PSI) some " + share_of_time(some, lived) + ", full " +
                share_of_time(full, lived) + " of the time";
}

}  // namespace

Effect judge(const MemoryPressureParams& p, const HeldMemory& held, const Machine& host) {
  const auto sum = sum_of(p, held, host);
  const auto now = read_memory_events(host, held.amount);
  const auto kills = find_kills(held, sum, now, host);
  Effect effect;
  effect.measures.push_back({"memory", rounded_text(held.asked), rounded_text({sum.resident})});
  effect.counters = {{"bytes asked", held.asked.value},    {"bytes held", sum.resident},
                     {"bytes given back", sum.given_back}, {"bytes in huge pages", sum.huge},
                     {"OOM kills of ours", kills.ours},    {"OOM kills of others", kills.others}};
  judge_size(held, sum, effect);
  if (p.numa_node) effect.counters.emplace_back("thousandths on the node", sum.on_node);
  judge_workers(held, sum, kills, effect);
  judge_group(p, held, host, effect);
  tell_pressure(held, now, effect);
  if (!held.unlocked.empty()) effect.why += "; squall is not locked in memory: " + held.unlocked;
  return effect;
}

}  // namespace squall
