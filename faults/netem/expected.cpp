// SPDX-License-Identifier: Apache-2.0

#include "faults/netem/expected.hpp"

#include "faults/kit/distribution.hpp"

#include <algorithm>

namespace squall {
namespace {

// Of a sum over a chain whose states are remembered with this share from packet to packet.
double spread_of(double memory) {
  const double kept = std::clamp(memory, -0.99, 0.99);
  return (1 + kept) / (1 - kept);
}

// A good and a bad state; loss in either.
double gilbert_elliott(const netem::Settings& s) {
  const double bad = s.p + s.r > 0 ? s.p / (s.p + s.r) : 0;
  return bad * s.one_minus_h + (1 - bad) * s.one_minus_k;
}

//  gap --p14--> lost alone --always--> gap
//  gap --p13--> lost in a burst --p31--> gap,  --p32--> sent in a burst --p23--> lost in a burst
double four_states(const netem::Settings& s) {
  if (s.p13 == 0) return s.p14 / (1 + s.p14);
  const double burst = s.p13 / s.p31;  // all to the share of the gap
  const double sent = s.p23 > 0 ? burst * s.p32 / s.p23 : 0;
  return (s.p14 + burst) / (1 + s.p14 + burst + sent);
}

double loss_of(const netem::Settings& s) {
  if (s.loss_model == netem::LossModel::gilbert_elliott) return gilbert_elliott(s);
  return s.loss_model == netem::LossModel::four_states ? four_states(s) : s.loss;
}

double memory_of_loss(const netem::Settings& s) {
  if (s.loss_model == netem::LossModel::gilbert_elliott) return 1 - s.p - s.r;
  return s.loss_model == netem::LossModel::four_states ? 1 - s.p13 - s.p31 : s.loss_correlation;
}

// After gap-1 delayed packets, each one overtakes by chance until one did.
double early_of(const netem::Settings& s) {
  if (s.reorder == 0) return 0;
  return 1 / (static_cast<double>(std::max(1u, s.gap)) - 1 + 1 / s.reorder);
}

}  // namespace

NetemExpected expected_of(const netem::Settings& s, const netem::Distribution& table) {
  NetemExpected made;
  const double loss = loss_of(s);
  // Kernel: of a packet that is to be doubled and lost, one remains.
  made.loss = loss * (1 - s.duplicate);
  made.loss_spread = spread_of(memory_of_loss(s));
  made.duplicate = s.duplicate * (1 - loss);
  made.duplicate_spread = spread_of(s.duplicate_correlation);
  made.early = early_of(s);
  made.early_tells = s.delay > 3 * s.jitter;
  const auto delay = netem::spread_of(s.delay, s.jitter, table);
  made.delay_ns = delay.mean_ns;
  made.deviation_ns = delay.deviation_ns;
  made.delay_spread = spread_of(s.delay_correlation);
  const auto& slot = s.slot;
  made.at_least =
      s.rate.bytes_per_second > 0 || slot.shortest > 0s || slot.longest > 0s || slot.delay > 0s;
  return made;
}

}  // namespace squall
