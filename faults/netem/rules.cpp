// SPDX-License-Identifier: Apache-2.0
//
// What the parameters of netem must agree on.

#include "faults/netem/params.hpp"

#include <utility>

namespace squall {
namespace {

using Rules = std::vector<Rule<NetemParams>>;

const Percent kNone{0}, kAll{100};

Rules loss_rules() {
  const auto is = [](const NetemParams& p, NetemLoss model) { return p.loss.model == model; };
  const NetemLossParams plain;
  return {
      {"'loss' and 'loss_correlation' belong to loss_model random",
       [is](const NetemParams& p) {
         return is(p, NetemLoss::random) || (p.loss.loss == kNone && p.loss.correlation == kNone);
       }},
      {"'enter_bad', 'leave_bad', 'loss_in_bad' and 'loss_in_good' belong to loss_model "
       "gilbert_elliott, which needs 'enter_bad'",
       [is, plain](const NetemParams& p) {
         const auto& l = p.loss;
         return is(p, NetemLoss::gilbert_elliott)
                    ? l.enter_bad > kNone
                    : l.enter_bad == plain.enter_bad && l.leave_bad == plain.leave_bad &&
                          l.loss_in_bad == plain.loss_in_bad &&
                          l.loss_in_good == plain.loss_in_good;
       }},
      {"'p13', 'p31', 'p32', 'p23' and 'p14' belong to loss_model four_state, which needs 'p13' "
       "with 'p31', or 'p14'",
       [is, plain](const NetemParams& p) {
         const auto& l = p.loss;
         if (is(p, NetemLoss::four_state))
           return (l.p13 > kNone && l.p31 > kNone) || (l.p13 == kNone && l.p14 > kNone);
         return l.p13 == plain.p13 && l.p31 == plain.p31 && l.p32 == plain.p32 &&
                l.p23 == plain.p23 && l.p14 == plain.p14;
       }},
      {"'p13' and 'p14' together, and 'p31' and 'p32' together, are at most 100%",
       [](const NetemParams& p) {
         return p.loss.p13.value + p.loss.p14.value <= 100 &&
                p.loss.p31.value + p.loss.p32.value <= 100;
       }}};
}

bool within(Percent correlation, bool has_base) {
  return correlation == kNone || (has_base && correlation < kAll);
}

Rules other_rules() {
  return {
      {"'jitter' needs a 'delay' that it deviates from",
       [](const NetemParams& p) { return p.delay.jitter == 0s || p.delay.delay > 0s; }},
      {"'distribution' is the jitter's, and needs one",
       [](const NetemParams& p) {
         return p.delay.distribution == "uniform" || p.delay.jitter > 0s;
       }},
      {"a correlation is below 100% and needs what it is of",
       [](const NetemParams& p) {
         return within(p.delay.correlation, p.delay.jitter > 0s) &&
                within(p.loss.correlation, p.loss.loss > kNone) &&
                within(p.harm.duplicate_correlation, p.harm.duplicate > kNone) &&
                within(p.harm.corrupt_correlation, p.harm.corrupt > kNone) &&
                within(p.harm.reorder_correlation, p.harm.reorder > kNone);
       }},
      {"'reorder' needs a 'delay': who is not delayed overtakes who is",
       [](const NetemParams& p) { return p.harm.reorder == kNone || p.delay.delay > 0s; }},
      {"'gap' belongs to 'reorder'",
       [](const NetemParams& p) { return p.harm.gap == 0 || p.harm.reorder > kNone; }},
      {"'packet_overhead', 'cell_size' and 'cell_overhead' belong to 'rate', and 'cell_overhead' "
       "to a 'cell_size' that it does not use up",
       [](const NetemParams& p) {
         const auto& r = p.rate;
         if (r.rate.bits == 0)
           return r.packet_overhead == 0 && r.cell_size == 0 && r.cell_overhead == 0;
         return r.cell_overhead == 0 ||
                (r.cell_size > 0 && static_cast<std::int64_t>(r.cell_size) + r.cell_overhead > 0);
       }},
      {"a slot takes 'slot.min_delay' and 'slot.max_delay', which is not shorter, or 'slot.delay' "
       "and "
       "'slot.jitter', which 'slot.distribution' is of; 'slot.max_packets' and 'slot.max_bytes' "
       "need "
       "either",
       [](const NetemParams& p) {
         const auto& s = p.slot;
         const bool by_range = s.shortest > 0s || s.longest > 0s, by_table = s.delay > 0s;
         if (by_range && (by_table || s.jitter > 0s)) return false;
         if (s.longest > 0s && s.longest < s.shortest) return false;
         if (s.jitter > 0s && !by_table) return false;
         if (s.distribution != "uniform" && s.jitter == 0s) return false;
         return by_range || by_table || (s.packets == 0 && s.bytes.value == 0);
       }}};
}

}  // namespace

Rules netem_rules() {
  Rules rules = {
      {packet::kHasInterface, [](const NetemParams& p) { return packet::has_interface(p.target); }},
      {packet::kOnePlace, [](const NetemParams& p) { return packet::has_one_place(p.target); }},
      {kPacketMatchFits, [](const NetemParams& p) { return p.match.fits(); }}};
  for (auto* make : {loss_rules, other_rules})
    for (auto& each : make()) rules.push_back(std::move(each));
  return rules;
}

}  // namespace squall
