// SPDX-License-Identifier: Apache-2.0

#include "faults/packet_loss/effect.hpp"

#include "bpf/packet_loss.h"

#include <doctest/doctest.h>

namespace squall {
namespace {

packet_loss_counters counted(std::uint64_t matched, std::uint64_t dropped) {
  packet_loss_counters counters{};
  counters.seen = matched + 10;
  counters.matched = matched;
  counters.dropped = dropped;
  counters.bursts = dropped;
  return counters;
}

Loss random(double percent) {
  Loss loss;
  loss.loss = Percent{percent};
  return loss;
}

Effect effect(const LossTally& tally, std::uint64_t matched, std::uint64_t dropped) {
  return loss_effect({tally}, {counted(matched, dropped)});
}

}  // namespace

TEST_CASE("an effect inside the interval is confirmed, outside it is not") {
  CHECK(effect({random(5)}, 10000, 510).verdict == Effect::Verdict::confirmed);
  CHECK(effect({random(5)}, 10000, 600).verdict == Effect::Verdict::mismatch);
  CHECK(effect({random(100)}, 10000, 10000).verdict == Effect::Verdict::confirmed);
  CHECK(effect({random(100)}, 10000, 9998).verdict == Effect::Verdict::mismatch);
  CHECK(effect({random(0)}, 10000, 0).verdict == Effect::Verdict::confirmed);
}

TEST_CASE("no loss among few packets is no effect that was measured") {
  const auto few = effect({random(1)}, 200, 0);
  CHECK(few.verdict == Effect::Verdict::inconclusive);
  CHECK(few.why == "none of 200 packets dropped: too few to tell 1% from no loss");
  CHECK(effect({random(1)}, 200, 1).verdict == Effect::Verdict::confirmed);
  CHECK(effect({random(1)}, 20000, 0).verdict == Effect::Verdict::mismatch);
}

TEST_CASE("packets that could not be judged are reported") {
  auto counters = counted(10000, 510);
  counters.unreadable = 1200;
  const auto said = loss_effect({{random(5)}}, {
                                                   counters,
                                               });
  CHECK(said.verdict == Effect::Verdict::confirmed);
  CHECK(said.why.ends_with("; 1,200 more passed, for their headers could not be read"));
  CHECK(said.counters.back() == std::pair<std::string, std::uint64_t>{"unreadable", 1200});
}

TEST_CASE("nothing matched is inconclusive, and says so") {
  const auto nothing = effect({random(5)}, 0, 0);
  CHECK(nothing.verdict == Effect::Verdict::inconclusive);
  CHECK(nothing.why == "no packet matched, of 10 that passed");
}

TEST_CASE("a ramp is judged by each strength for the packets that came by under it") {
  LossTally tally{random(0)};
  tally.change_to(random(50), 10000);
  tally.change_to(random(100), 20000);
  CHECK(effect(tally, 21000, 6000).verdict == Effect::Verdict::confirmed);
  CHECK(effect(tally, 21000, 10500).verdict == Effect::Verdict::mismatch);
}

TEST_CASE("an exact model is compared exactly, but for a packet that passes meanwhile") {
  Loss loss;
  loss.model = LossModel::every_nth;
  loss.every = 10;
  CHECK(effect({loss}, 1009, 100).verdict == Effect::Verdict::confirmed);
  CHECK(effect({loss}, 1009, 99).verdict == Effect::Verdict::confirmed);
  CHECK(effect({loss}, 1009, 101).verdict == Effect::Verdict::confirmed);
  CHECK(effect({loss}, 1009, 98).verdict == Effect::Verdict::mismatch);
  CHECK(effect({loss}, 1009, 102).verdict == Effect::Verdict::mismatch);
  CHECK(effect({random(100)}, 10000, 9999).verdict == Effect::Verdict::confirmed);
}

TEST_CASE("each program may have a packet of its own under way") {
  const std::vector<LossTally> both(2, LossTally{random(100)});
  const auto verdict = [&](std::uint64_t in) {
    return loss_effect(both, {counted(5000, 4999), counted(5000, in)}).verdict;
  };
  CHECK(verdict(4999) == Effect::Verdict::confirmed);
  CHECK(verdict(4998) == Effect::Verdict::mismatch);
}

}  // namespace squall
