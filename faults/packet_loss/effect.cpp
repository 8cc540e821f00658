// SPDX-License-Identifier: Apache-2.0
//
// The effect check of packet_loss, see effect.hpp.

#include "faults/packet_loss/effect.hpp"

#include "bpf/packet_loss.h"
#include "faults/kit/figures.hpp"

#include <cmath>

namespace squall {
namespace {

using figures::grouped;
using figures::number;
using figures::percent;

constexpr double k99 = 2.576;                // normal deviate of a two-sided 99% interval
constexpr std::uint64_t kEnoughBursts = 30;  // for a mean that says something

packet_loss_counters sum(const std::vector<packet_loss_counters>& all) {
  packet_loss_counters total{};
  for (const auto& each : all) {
    total.seen += each.seen;
    total.matched += each.matched;
    total.dropped += each.dropped;
    total.spared += each.spared;
    total.bursts += each.bursts;
    total.matched_bytes += each.matched_bytes;
    total.dropped_bytes += each.dropped_bytes;
    total.matched_segments += each.matched_segments;
    total.dropped_segments += each.dropped_segments;
    total.unreadable += each.unreadable;
  }
  return total;
}

std::vector<std::pair<std::string, std::uint64_t>> named(const packet_loss_counters& total) {
  return {{"seen", total.seen},
          {"matched", total.matched},
          {"dropped", total.dropped},
          {"spared", total.spared},
          {"bursts", total.bursts},
          {"matched_bytes", total.matched_bytes},
          {"dropped_bytes", total.dropped_bytes},
          {"matched_segments", total.matched_segments},
          {"dropped_segments", total.dropped_segments},
          {"unreadable", total.unreadable}};
}

// Half a packet on either side, because packets come whole. Where chance does not widen the
// interval, one more for each program if need be: matched and dropped are read one by one.
double spread_of(const Expected& asked, double dropped, std::size_t programs) {
  const double chance = k99 * std::sqrt(std::max(0.0, asked.variance)) + 0.5;
  if (asked.variance > 0 || std::abs(dropped - asked.dropped) <= chance) return chance;
  return chance + static_cast<double>(programs);
}

// Verdict and why.
Effect judge(const Expected& asked, const packet_loss_counters& total, std::size_t programs,
             const std::string& requested) {
  Effect effect;
  if (total.matched == 0) {
    effect.why = "no packet matched, of " + grouped(total.seen) + " that passed";
    return effect;
  }
  const auto matched = static_cast<double>(total.matched);
  const auto dropped = static_cast<double>(total.dropped);
  const double spread = spread_of(asked, dropped, programs);
  const bool inside = std::abs(dropped - asked.dropped) <= spread;
  // Inside the interval, but so it would be without any fault.
  if (inside && total.dropped == 0 && asked.dropped > 0) {
    effect.why = "none of " + grouped(total.matched) + " packets dropped: too few to tell " +
                 requested + " from no loss";
    return effect;
  }
  effect.verdict = inside ? Effect::Verdict::confirmed : Effect::Verdict::mismatch;
  effect.why = percent(dropped / matched) + " of " + grouped(total.matched) + " packets dropped, " +
               (inside ? "inside" : "outside") + " the 99% interval " +
               percent(std::max(0.0, asked.dropped - spread) / matched) + " to " +
               percent(std::min(matched, asked.dropped + spread) / matched);
  return effect;
}

}  // namespace

void LossTally::change_to(const Loss& next, std::uint64_t matched) {
  before = upto(matched);
  since = matched;
  loss = next;
  changed = true;
}

Expected LossTally::upto(std::uint64_t matched) const {
  const auto now = expected(loss, since, matched);
  return {before.dropped + now.dropped, before.variance + now.variance};
}

Result<packet_loss_counters> read_loss(const Bpf& kernel, const bpf::Loaded& program) {
  return bpf::read_sum<packet_loss_counters>(kernel, program, "squall_counters");
}

Effect loss_effect(const std::vector<LossTally>& tallies,
                   const std::vector<packet_loss_counters>& counters) {
  Expected asked;
  for (std::size_t i = 0; i < tallies.size(); ++i) {
    const auto one = tallies[i].upto(counters[i].matched);
    asked = {asked.dropped + one.dropped, asked.variance + one.variance};
  }
  const auto total = sum(counters);
  const auto& first = tallies.front();
  auto effect = judge(asked, total, tallies.size(), requested(first.loss));
  effect.counters = named(total);
  if (total.unreadable > 0)
    effect.why +=
        "; " + grouped(total.unreadable) + " more passed, for their headers could not be read";
  if (total.matched == 0) return effect;
  const auto matched = static_cast<double>(total.matched);
  const auto dropped = static_cast<double>(total.dropped);
  effect.measures.push_back(
      {"loss", first.changed ? percent(asked.dropped / matched) + " (ramp)" : requested(first.loss),
       percent(dropped / matched)});
  if (const double burst = mean_burst(first.loss);
      burst > 0 && total.bursts >= kEnoughBursts && !first.changed)
    effect.measures.push_back(
        {"mean burst", number(burst), number(dropped / static_cast<double>(total.bursts))});
  return effect;
}

}  // namespace squall
