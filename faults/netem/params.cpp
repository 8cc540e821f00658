// SPDX-License-Identifier: Apache-2.0

#include "faults/netem/params.hpp"

#include <algorithm>

namespace squall {
namespace {

constexpr const char* kNothing = "nothing";

void add(std::string& text, const std::string& part) { text += (text.empty() ? "" : ", ") + part; }

std::string loss_text(const NetemLossParams& loss) {
  const std::string kind = loss.ecn ? "ECN mark or loss" : "loss";
  if (loss.model == NetemLoss::gilbert_elliott) return kind + " in bursts (Gilbert-Elliott)";
  if (loss.model == NetemLoss::four_state) return kind + " in bursts (4 states)";
  return loss.loss.value > 0 ? kind + " " + to_text(loss.loss) : "";
}

}  // namespace

NetemParams fitted(NetemParams p) {
  if (p.target.interface != "lo") return p;
  p.match.direction = Side::in;
  p.attach = packet::Attach::clsact;
  return p;
}

std::string sentence(const NetemParams& p) {
  std::string text;
  if (p.delay.delay > 0s)
    add(text, "delay " + to_text(p.delay.delay) +
                  (p.delay.jitter > 0s ? " ± " + to_text(p.delay.jitter) : "") +
                  (p.delay.distribution != "uniform" ? " " + p.delay.distribution : ""));
  if (const auto loss = loss_text(p.loss); !loss.empty()) add(text, loss);
  if (p.harm.duplicate.value > 0) add(text, "duplicate " + to_text(p.harm.duplicate));
  if (p.harm.reorder.value > 0) add(text, "reorder " + to_text(p.harm.reorder));
  if (p.harm.corrupt.value > 0) add(text, "corrupt " + to_text(p.harm.corrupt));
  if (p.rate.rate.bits > 0) add(text, "rate " + Value<BitRate>::print(p.rate.rate));
  if (p.slot.given()) add(text, "slots");
  return text.empty() ? kNothing : text;
}

bool does_nothing(const NetemParams& p) { return sentence(p) == kNothing; }

netem::Settings settings_of(const NetemParams& p, std::uint32_t limit, std::uint64_t seed) {
  netem::Settings s;
  s.delay = p.delay.delay;
  s.jitter = p.delay.jitter;
  s.delay_correlation = p.delay.correlation.share();
  s.limit = limit;
  const auto& l = p.loss;
  s.loss_model = l.model == NetemLoss::gilbert_elliott ? netem::LossModel::gilbert_elliott
                 : l.model == NetemLoss::four_state    ? netem::LossModel::four_states
                                                       : netem::LossModel::random;
  s.loss = l.loss.share();
  s.loss_correlation = l.correlation.share();
  s.p = l.enter_bad.share();
  s.r = l.leave_bad.share();
  s.one_minus_h = l.loss_in_bad.share();
  s.one_minus_k = l.loss_in_good.share();
  s.p13 = l.p13.share();
  s.p31 = l.p31.share();
  s.p32 = l.p32.share();
  s.p23 = l.p23.share();
  s.p14 = l.p14.share();
  s.ecn = l.ecn;
  const auto& h = p.harm;
  s.duplicate = h.duplicate.share();
  s.duplicate_correlation = h.duplicate_correlation.share();
  s.corrupt = h.corrupt.share();
  s.corrupt_correlation = h.corrupt_correlation.share();
  s.reorder = h.reorder.share();
  s.reorder_correlation = h.reorder_correlation.share();
  s.gap = static_cast<std::uint32_t>(h.reorder.value > 0 ? std::max<std::uint64_t>(1, h.gap) : 0);
  s.rate = {p.rate.rate.bits / 8, p.rate.packet_overhead,
            static_cast<std::uint32_t>(p.rate.cell_size), p.rate.cell_overhead};
  s.slot = {p.slot.shortest,
            std::max(p.slot.longest, p.slot.shortest),
            p.slot.delay,
            p.slot.jitter,
            static_cast<std::int32_t>(p.slot.packets),
            static_cast<std::int32_t>(p.slot.bytes.value)};
  s.seed = seed;
  return s;
}

}  // namespace squall
