// SPDX-License-Identifier: Apache-2.0
//
// The verdict on what the sidecars of a netem fault did, see effect.hpp.

#include "faults/netem/effect.hpp"

#include "faults/kit/figures.hpp"
#include "faults/netem/judgement.hpp"

namespace squall {
namespace {

using figures::grouped;
using Verdict = Effect::Verdict;

std::vector<std::pair<std::string, std::uint64_t>> named(const NetemSeen& s) {
  return {{"seen", s.seen},
          {"matched", s.matched},
          {"matched_segments", s.matched_segments},
          {"spared", s.spared},
          {"unreadable", s.unreadable},
          {"crowded", s.crowded},
          {"entered", s.entered},
          {"returned", s.returned},
          {"lost", s.lost},
          {"marked", s.marked},
          {"duplicated", s.duplicated},
          {"early", s.early},
          {"waiting", s.waiting},
          {"over_limit", s.over_limit},
          {"overrun", s.overrun}};
}

NetemTally sum(const std::vector<NetemTally>& tallies, const std::vector<NetemSeen>& seen) {
  auto total = tallies.front().upto(seen.front());
  for (std::size_t i = 1; i < tallies.size(); ++i) {
    const auto one = tallies[i].upto(seen[i]);
    total.lost += one.lost, total.lost_variance += one.lost_variance;
    total.duplicated += one.duplicated, total.duplicated_variance += one.duplicated_variance;
    total.early += one.early, total.centres_ns += one.centres_ns;
    total.delay_sum_ns += one.delay_sum_ns, total.delay_variance += one.delay_variance;
    total.changed |= one.changed;
  }
  return total;
}

}  // namespace

Effect netem_effect(const std::vector<NetemTally>& tallies, const std::vector<NetemSeen>& all) {
  NetemSeen seen;
  for (const auto& each : all) seen.add(each);
  Effect effect;
  effect.counters = named(seen);
  if (seen.entered == 0) {
    effect.why = seen.matched == 0 ? "no packet matched, of " + grouped(seen.seen) + " that passed"
                                   : "of " + grouped(seen.matched) + " packets none reached netem";
    return effect;
  }
  Judgement judgement{effect};
  judge(judgement, sum(tallies, all), seen);
  if (judgement.mismatch)
    effect.verdict = Verdict::mismatch;
  else if (judgement.confirmed)
    effect.verdict = Verdict::confirmed;
  effect.why = "of " + grouped(seen.entered) +
               " packets: " + (effect.why.empty() ? "nothing was asked of them" : effect.why);
  return effect;
}

}  // namespace squall
