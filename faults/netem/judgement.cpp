// SPDX-License-Identifier: Apache-2.0

#include "faults/netem/judgement.hpp"

#include "faults/kit/figures.hpp"

#include <algorithm>
#include <cmath>

namespace squall {
namespace {

using figures::grouped;
using figures::percent;

constexpr double k99 = 2.576;  // normal deviate of a two-sided 99% interval
// What a sidecar adds by itself: two ways through a CPU's backlog, see docs/decisions.
constexpr double kOwnDelay = 100e3;  // ns
constexpr double kDelayShare = 0.1;

std::string time_text(double ns) {
  return to_rounded_text(Duration(std::llround(std::max(0.0, ns))));
}

std::string asked_text(const std::string& plain, double total, double of, bool changed) {
  return changed ? percent(total / of) + " (ramp)" : plain;
}

// A share of packets against a mean and its variance. Half a packet on either side, as packets
// come whole, and some that are between two counters.
void judge_share(Judgement& to, const std::string& what, std::uint64_t got, double asked,
                 double variance, double of, double between) {
  const double spread = k99 * std::sqrt(std::max(0.0, variance)) + 0.5 + between;
  const bool inside = std::abs(static_cast<double>(got) - asked) <= spread;
  if (inside && got == 0) {
    to.unmeasured.push_back("too few packets to tell " + what + " from none");
    return;
  }
  to.found(inside, percent(static_cast<double>(got) / of) + " " + what + ", " +
                       (inside ? "inside" : "outside") + " the 99% interval " +
                       percent(std::max(0.0, asked - spread) / of) + " to " +
                       percent(std::min(of, asked + spread) / of));
}

void judge_loss(Judgement& to, const NetemTally& asked, const NetemSeen& seen) {
  const auto of = static_cast<double>(seen.entered);
  if (asked.lost == 0 && seen.lost == 0) return;
  if (asked.params.loss.ecn) {
    judge_share(to, "marked by ECN or lost", seen.lost + seen.marked, asked.lost,
                asked.lost_variance, of, static_cast<double>(seen.waiting));
    to.effect.measures.push_back(
        {"marked by ECN", "", percent(static_cast<double>(seen.marked) / of)});
  } else {
    judge_share(to, "lost", seen.lost, asked.lost, asked.lost_variance, of, 2);
  }
  const auto plain = asked.params.loss.model == NetemLoss::random ? to_text(asked.params.loss.loss)
                                                                  : percent(asked.now.loss);
  to.effect.measures.push_back({"loss", asked_text(plain, asked.lost, of, asked.changed),
                                percent(static_cast<double>(seen.lost) / of)});
}

void judge_duplicates(Judgement& to, const NetemTally& asked, const NetemSeen& seen) {
  if (asked.duplicated == 0) return;
  const auto of = static_cast<double>(seen.entered);
  judge_share(to, "duplicated", seen.duplicated, asked.duplicated, asked.duplicated_variance, of,
              static_cast<double>(seen.waiting) + 2);
  to.effect.measures.push_back({"duplicate", to_text(asked.params.harm.duplicate),
                                percent(static_cast<double>(seen.duplicated) / of)});
}

void judge_reordering(Judgement& to, const NetemTally& asked, const NetemSeen& seen) {
  if (asked.early == 0) return;
  const auto of = static_cast<double>(seen.returned);
  if (!asked.now.early_tells || asked.changed || !seen.timed) {
    to.unmeasured.push_back("which packets overtook cannot be told here");
    return;
  }
  judge_share(to, "not delayed", seen.early, asked.early, asked.early, of, 2);
  to.effect.measures.push_back(
      {"reorder", percent(asked.early / of), percent(static_cast<double>(seen.early) / of)});
}

void judge_delay(Judgement& to, const NetemTally& asked, const NetemSeen& seen) {
  const bool has_rate = asked.params.rate.rate.bits > 0;
  if (asked.delay_sum_ns == 0 && !has_rate) return;
  if (!seen.timed) {
    to.unmeasured.emplace_back("the delay is not measured on a loopback interface");
    return;
  }
  const auto of = static_cast<double>(seen.returned);
  double wanted = asked.delay_sum_ns / of;
  // The time that a packet itself takes at the rate.
  if (has_rate && asked.delay_sum_ns == 0)
    wanted = static_cast<double>(seen.bytes) * 8e9 / of /
             static_cast<double>(asked.params.rate.rate.bits);
  const double got = seen.delay_sum_ns / of;
  const double room = kDelayShare * wanted + kOwnDelay + k99 * std::sqrt(asked.delay_variance) / of;
  const bool inside = got >= wanted - room && (asked.now.at_least || got <= wanted + room);
  to.found(inside, "mean delay " + time_text(got) + (inside ? ", as asked" : " instead of ") +
                       (inside ? "" : time_text(wanted)));
  const double off = got - asked.centres_ns / of;
  const double deviation = std::sqrt(std::max(0.0, seen.delay_square_ns / of - off * off));
  const auto& delay = asked.params.delay;
  to.effect.measures.push_back({"delay",
                                has_rate && asked.delay_sum_ns == 0
                                    ? "at least " + time_text(wanted)
                                : asked.changed ? time_text(wanted) + " (ramp)"
                                                : to_text(delay.delay),
                                time_text(got)});
  if (delay.jitter > 0s && !asked.changed)
    to.effect.measures.push_back(
        {"standard deviation", time_text(asked.now.deviation_ns), time_text(deviation)});
}

void judge_losses_of_ours(Judgement& to, const NetemSeen& seen) {
  if (seen.over_limit > 0)
    to.found(false, grouped(seen.over_limit) +
                        " packets found the queue full and were lost: raise 'limit'");
  if (seen.overrun > 0)
    to.found(false, grouped(seen.overrun) +
                        " packets were lost on their way to netem, as the "
                        "CPU's backlog was full: raise net.core.netdev_max_backlog");
}

}  // namespace

void judge(Judgement& to, const NetemTally& asked, const NetemSeen& seen) {
  judge_loss(to, asked, seen);
  judge_duplicates(to, asked, seen);
  if (seen.returned > 0) {
    judge_reordering(to, asked, seen);
    judge_delay(to, asked, seen);
  }
  judge_losses_of_ours(to, seen);
  if (asked.params.harm.corrupt.value > 0)
    to.unmeasured.emplace_back("netem does not count what it damaged");
  if (seen.crowded > 0)
    to.say(grouped(seen.crowded) + " packets passed: too many kinds of mark and priority");
  if (seen.unreadable > 0)
    to.say(grouped(seen.unreadable) + " passed, for their headers could not be read");
  for (const auto& each : to.unmeasured) to.say(each);
}

}  // namespace squall
