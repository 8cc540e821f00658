// SPDX-License-Identifier: Apache-2.0
//
// The ways in which packets are lost: parameters, their form for the BPF program, and
// what is to be expected of them, which the effect check compares with.

#pragma once

#include "safety/base/schema.hpp"

#include <cstdint>
#include <string>
#include <vector>

struct packet_loss_config;
struct packet_loss_settings;

namespace squall {

enum class LossModel { random, gilbert_elliott, every_nth, burst, ranges };
template <>
struct Words<LossModel> {
  static constexpr std::pair<LossModel, std::string_view> list[] = {
      {LossModel::random, "random"},
      {LossModel::gilbert_elliott, "gilbert_elliott"},
      {LossModel::every_nth, "every_nth"},
      {LossModel::burst, "burst"},
      {LossModel::ranges, "ranges"}};
};

// "1000-1003" or "17": numbers of matching packets, from 1.
struct PacketRange {
  std::uint64_t first = 1;
  std::uint64_t last = 1;
  bool operator==(const PacketRange&) const = default;
};
SQUALL_DECLARE_VALUE(PacketRange);

struct Loss {
  LossModel model = LossModel::random;
  Percent loss{0};
  Percent correlation{0};
  // Gilbert-Elliott, in netem's letters: p, r, 1-h, 1-k.
  Percent enter_bad{0}, leave_bad{100}, loss_in_bad{100}, loss_in_good{0};
  std::uint64_t every = 0, burst = 0;
  std::vector<PacketRange> ranges;
};

std::vector<Field<Loss>> loss_fields();
std::vector<Rule<Loss>> loss_rules();

// "drop 5% of", "drop every 10th of": what stands before "the tcp packets".
std::string sentence(const Loss&);
// "5%", "2 of every 10": as the effect check names what was asked.
std::string requested(const Loss&);
void fill(packet_loss_config&, const Loss&);
packet_loss_settings settings_of(const Loss&);

// What is expected of the matching packets number `after`+1 to `upto`.
struct Expected {
  double dropped = 0;
  double variance = 0;  // 0: exactly so many
};
Expected expected(const Loss&, std::uint64_t after, std::uint64_t upto);
// Of runs of dropped packets; 0 where the parameters do not say.
double mean_burst(const Loss&);

}  // namespace squall
