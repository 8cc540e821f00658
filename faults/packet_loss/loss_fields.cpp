// SPDX-License-Identifier: Apache-2.0
//
// The parameters of loss: their names, ranges and rules.

#include "faults/packet_loss/loss_model.hpp"

#include <charconv>
#include <string_view>

namespace squall {
namespace {

constexpr std::size_t kMostRanges = 64;  // PACKET_LOSS_RANGES

bool parse_number(std::string_view text, std::uint64_t& number) {
  const auto* end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, number);
  return problem == std::errc{} && stop == end;
}

}  // namespace

Result<PacketRange> Value<PacketRange>::parse(const Raw& raw) {
  PacketRange range{0, 0};
  if (const auto* number = std::get_if<std::int64_t>(&raw.value)) {
    range.first = range.last = *number > 0 ? static_cast<std::uint64_t>(*number) : 0;
  } else if (const auto* text = std::get_if<std::string>(&raw.value)) {
    const auto dash = text->find('-');
    const std::string_view all(*text);
    bool good = parse_number(all.substr(0, dash), range.first);
    range.last = range.first;
    if (dash != std::string::npos) good = good && parse_number(all.substr(dash + 1), range.last);
    if (!good) range = {0, 0};
  }
  if (range.first == 0 || range.last < range.first)
    return Error{ErrorKind::invalid,
                 describe(raw) + " is not a range of packet numbers",
                 "write \"1000-1003\" or 17; the first matching packet is number 1",
                 {},
                 0};
  return range;
}

std::string Value<PacketRange>::print(const PacketRange& range) {
  const auto first = std::to_string(range.first);
  return range.first == range.last ? first : first + "-" + std::to_string(range.last);
}

TypeSheet Value<PacketRange>::sheet() {
  return {"packet range", "1000-1003", "^[0-9]+(-[0-9]+)?$", {}, {"integer", "string"}, false};
}

std::vector<Field<Loss>> loss_fields() {
  const Percent none{0}, all{100};
  return {
      field("model", &Loss::model, "how the lost packets are chosen"),
      field("loss", &Loss::loss, "share of the matching packets lost (model random)")
          .range(none, all),
      field("correlation", &Loss::correlation,
            "how much a loss raises the chance of the next; the mean stays (model random)")
          .range(none, all)
          .fixed(),
      field("enter_bad", &Loss::enter_bad,
            "chance per packet to go from the good to the bad state (gilbert_elliott, netem's p)")
          .range(none, all),
      field("leave_bad", &Loss::leave_bad,
            "chance per packet to go back to the good state (gilbert_elliott, netem's r)")
          .range(none, all),
      field("loss_in_bad", &Loss::loss_in_bad,
            "share lost in the bad state (gilbert_elliott, netem's 1-h)")
          .range(none, all),
      field("loss_in_good", &Loss::loss_in_good,
            "share lost in the good state (gilbert_elliott, netem's 1-k)")
          .range(none, all),
      field("every", &Loss::every, "length of the period in packets (every_nth, burst)"),
      field("burst", &Loss::burst, "packets lost at the end of each period (burst)"),
      field("ranges", &Loss::ranges, "numbers of the packets lost, counted from 1 (ranges)")};
}

std::vector<Rule<Loss>> loss_rules() {
  const auto is = [](const Loss& loss, LossModel model) { return loss.model == model; };
  const Loss plain;
  return {{"'loss' and 'correlation' belong to model random",
           [is](const Loss& l) {
             return is(l, LossModel::random) || (l.loss.value == 0 && l.correlation.value == 0);
           }},
          {"'correlation' is below 100%", [](const Loss& l) { return l.correlation.value < 100; }},
          {"'enter_bad', 'leave_bad', 'loss_in_bad' and 'loss_in_good' belong to model "
           "gilbert_elliott, which needs 'enter_bad'",
           [is, plain](const Loss& l) {
             return is(l, LossModel::gilbert_elliott)
                        ? l.enter_bad.value > 0
                        : l.enter_bad == plain.enter_bad && l.leave_bad == plain.leave_bad &&
                              l.loss_in_bad == plain.loss_in_bad &&
                              l.loss_in_good == plain.loss_in_good;
           }},
          {"'every' belongs to the models every_nth and burst, which need it",
           [is](const Loss& l) {
             return (is(l, LossModel::every_nth) || is(l, LossModel::burst)) == (l.every > 0);
           }},
          {"'burst' belongs to model burst, which needs it, and is at most 'every'",
           [is](const Loss& l) {
             return is(l, LossModel::burst) == (l.burst > 0) && l.burst <= l.every;
           }},
          {"'ranges' belongs to model ranges, which needs 1 to 64 of them, none overlapping",
           [is](const Loss& l) {
             if (is(l, LossModel::ranges) == l.ranges.empty() || l.ranges.size() > kMostRanges)
               return false;
             for (std::size_t i = 0; i < l.ranges.size(); ++i)
               for (std::size_t j = 0; j < i; ++j)
                 if (l.ranges[i].first <= l.ranges[j].last && l.ranges[j].first <= l.ranges[i].last)
                   return false;
             return true;
           }}};
}

}  // namespace squall
