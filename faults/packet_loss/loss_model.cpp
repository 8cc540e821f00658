// SPDX-License-Identifier: Apache-2.0
//
// The ways in which packets are lost, see loss_model.hpp.

#include "faults/packet_loss/loss_model.hpp"

#include "bpf/packet_loss.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace squall {
namespace {

constexpr double kAlways = 4294967296.0;  // PACKET_LOSS_ALWAYS

__u64 chance(double share) {
  return static_cast<__u64>(std::llround(std::clamp(share, 0.0, 1.0) * kAlways));
}

// Correlated loss is a chain as well: the bad state is "this packet is lost". The
// chances are such that the mean stays what was asked, which netem's do not.
struct Chain {
  double enter, leave, in_bad, in_good;
  double bad() const { return enter + leave > 0 ? enter / (enter + leave) : 0; }
  double mean() const { return bad() * in_bad + (1 - bad()) * in_good; }
  double memory() const { return 1 - enter - leave; }
};

Chain chain_of(const Loss& loss) {
  if (loss.model == LossModel::gilbert_elliott)
    return {loss.enter_bad.share(), loss.leave_bad.share(), loss.loss_in_bad.share(),
            loss.loss_in_good.share()};
  const double p = loss.loss.share(), free = 1 - loss.correlation.share();
  return {p * free, (1 - p) * free, 1, 0};
}

bool is_chain(const Loss& loss) {
  return loss.model == LossModel::gilbert_elliott ||
         (loss.model == LossModel::random && loss.correlation.value > 0);
}

std::uint64_t burst_of(const Loss& loss) {
  return loss.model == LossModel::every_nth ? 1 : loss.burst;
}

// Of the first `upto` matching packets, how many go.
double listed(const Loss& loss, std::uint64_t upto) {
  if (loss.model == LossModel::ranges) {
    std::uint64_t dropped = 0;
    for (const auto& each : loss.ranges)
      if (upto >= each.first) dropped += std::min(upto, each.last) - each.first + 1;
    return static_cast<double>(dropped);
  }
  if (loss.every == 0) return 0;
  const auto kept = loss.every - burst_of(loss);
  const auto rest = upto % loss.every;
  const auto periods = upto / loss.every;  // whole ones
  return static_cast<double>(periods * burst_of(loss) + (rest > kept ? rest - kept : 0));
}

}  // namespace

void fill(packet_loss_config& config, const Loss& loss) {
  config.model = is_chain(loss)                    ? PACKET_LOSS_CHAIN
                 : loss.model == LossModel::random ? PACKET_LOSS_RANDOM
                 : loss.model == LossModel::ranges ? PACKET_LOSS_LISTED
                                                   : PACKET_LOSS_PERIODIC;
  for (const auto& each : loss.ranges)
    config.ranges[config.range_count++] = {each.first, each.last};
}

packet_loss_settings settings_of(const Loss& loss) {
  const auto chain = chain_of(loss);
  packet_loss_settings settings{};
  settings.loss = chance(loss.loss.share());
  settings.enter_bad = chance(chain.enter);
  settings.leave_bad = chance(chain.leave);
  settings.loss_in_bad = chance(chain.in_bad);
  settings.loss_in_good = chance(chain.in_good);
  settings.start_bad = chance(chain.bad());
  settings.every = loss.every;
  settings.burst = burst_of(loss);
  return settings;
}

Expected expected(const Loss& loss, std::uint64_t after, std::uint64_t upto) {
  const auto count = static_cast<double>(upto - after);
  if (loss.model != LossModel::random && loss.model != LossModel::gilbert_elliott)
    return {listed(loss, upto) - listed(loss, after), 0};
  const auto chain = chain_of(loss);
  const double p = loss.model == LossModel::random ? loss.loss.share() : chain.mean();
  double variance = p * (1 - p);
  if (is_chain(loss)) {
    // What a packet's fate says about the next ones adds to the spread of the sum.
    const double contrast = chain.in_bad - chain.in_good;
    const double memory = std::min(chain.memory(), 1 - 1 / (count + 1));
    variance += 2 * chain.bad() * (1 - chain.bad()) * contrast * contrast * memory / (1 - memory);
  }
  return {count * p, count * std::max(variance, 0.0)};
}

double mean_burst(const Loss& loss) {
  if (loss.model == LossModel::burst || loss.model == LossModel::every_nth)
    return static_cast<double>(burst_of(loss));
  if (loss.model == LossModel::ranges) return 0;
  if (!is_chain(loss)) return loss.loss.share() < 1 ? 1 / (1 - loss.loss.share()) : 0;
  const auto chain = chain_of(loss);
  if (chain.in_bad < 1 || chain.in_good > 0 || chain.leave == 0) return 0;
  return 1 / chain.leave;
}

std::string requested(const Loss& loss) {
  switch (loss.model) {
    case LossModel::random:
      return to_text(loss.loss);
    case LossModel::gilbert_elliott: {
      const double share = std::round(chain_of(loss).mean() * 1e6) / 1e4;
      return to_text(Percent{share});
    }
    case LossModel::every_nth:
      return "1 of every " + std::to_string(loss.every);
    case LossModel::burst:
      return std::to_string(loss.burst) + " of every " + std::to_string(loss.every);
    case LossModel::ranges:
      return "numbers " + Value<std::vector<PacketRange>>::print(loss.ranges);
  }
  return "";
}

std::string sentence(const Loss& loss) {
  if (loss.model == LossModel::random && loss.loss.value >= 100) return "drop";
  auto text = "drop " + requested(loss) + " of";
  if (loss.model == LossModel::gilbert_elliott)
    text = "drop in bursts (Gilbert-Elliott) " + requested(loss) + " of";
  return text;
}

}  // namespace squall
