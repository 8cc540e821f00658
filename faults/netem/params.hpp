// SPDX-License-Identifier: Apache-2.0
//
// What a user may ask of netem: parameters, their rules, and their form for the kernel.

#pragma once

#include "faults/kit/bit_rate.hpp"
#include "faults/kit/netem_qdisc.hpp"
#include "faults/kit/packet_hook.hpp"
#include "faults/kit/packet_match.hpp"
#include "safety/base/schema.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace squall {

enum class NetemLoss { random, gilbert_elliott, four_state };
template <>
struct Words<NetemLoss> {
  static constexpr std::pair<NetemLoss, std::string_view> list[] = {
      {NetemLoss::random, "random"},
      {NetemLoss::gilbert_elliott, "gilbert_elliott"},
      {NetemLoss::four_state, "four_state"}};
};

// Which packets it takes where several faults match one.
enum class Compose { first, all };
template <>
struct Words<Compose> {
  static constexpr std::pair<Compose, std::string_view> list[] = {{Compose::first, "first"},
                                                                  {Compose::all, "all"}};
};

struct DelayParams {
  Duration delay{}, jitter{};
  Percent correlation{};
  std::string distribution = "uniform";  // or a table's name or file
};

struct NetemLossParams {
  NetemLoss model = NetemLoss::random;
  Percent loss{}, correlation{};
  Percent enter_bad{}, leave_bad{100}, loss_in_bad{100}, loss_in_good{};
  Percent p13{}, p31{}, p32{}, p23{100}, p14{};
  bool ecn = false;
};

struct HarmParams {
  Percent duplicate{}, duplicate_correlation{};
  Percent corrupt{}, corrupt_correlation{};
  Percent reorder{}, reorder_correlation{};
  std::uint64_t gap = 0;
};

struct RateParams {
  BitRate rate;
  int packet_overhead = 0;
  std::uint64_t cell_size = 0;
  int cell_overhead = 0;
};

struct SlotParams {
  Duration shortest{}, longest{}, delay{}, jitter{};
  std::string distribution = "uniform";
  std::uint64_t packets = 0;
  Bytes bytes{};
  bool given() const { return shortest > 0s || longest > 0s || delay > 0s || jitter > 0s; }
};

struct NetemParams {
  packet::Target target;
  PacketMatch match;
  DelayParams delay;
  NetemLossParams loss;
  HarmParams harm;
  RateParams rate;
  SlotParams slot;
  std::uint64_t limit = 0;        // 0: computed
  std::uint64_t packet_rate = 0;  // packets per second that are expected; 0: of the rate
  Compose compose = Compose::first;
  packet::Attach attach = packet::Attach::automatic;
};

Table<NetemParams> netem_table();

// What leaves a loopback interface enters it: once is enough, and only there, from clsact, it can
// be held back.
NetemParams fitted(NetemParams);

// "delay 20ms ± 5ms, loss 1%"
std::string sentence(const NetemParams&);
// Whether, as they stand, packets pass unharmed.
bool does_nothing(const NetemParams&);
netem::Settings settings_of(const NetemParams&, std::uint32_t limit, std::uint64_t seed);

std::vector<Rule<NetemParams>> netem_rules();

}  // namespace squall
