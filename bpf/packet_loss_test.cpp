// SPDX-License-Identifier: Apache-2.0
//
// Which packets are lost: exact for the exact models, within 99.9 % intervals for the
// random ones, by the code that runs in the kernel.

#include "bpf/packet_loss.h"

#include "faults/packet_loss/loss_model.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <vector>

namespace {

using squall::Loss;
using squall::LossModel;
using squall::Percent;

// The fate of the first `count` matching packets.
std::vector<bool> fates(const Loss& loss, std::uint64_t seed, std::uint64_t count) {
  packet_loss_config config{};
  squall::fill(config, loss);
  config.seed = seed;
  const auto settings = squall::settings_of(loss);
  packet_loss_chain chain{};
  std::vector<bool> dropped;
  for (std::uint64_t number = 1; number <= count; ++number)
    dropped.push_back(config.model == PACKET_LOSS_CHAIN
                          ? packet_loss_chain_drops(seed, &settings, &chain) != 0
                          : packet_loss_drops(&config, &settings, number) != 0);
  return dropped;
}

std::vector<std::uint64_t> numbers(const std::vector<bool>& dropped) {
  std::vector<std::uint64_t> list;
  for (std::size_t i = 0; i < dropped.size(); ++i)
    if (dropped[i]) list.push_back(i + 1);
  return list;
}

struct Statistics {
  double dropped = 0, bursts = 0;
};
Statistics count(const std::vector<bool>& dropped) {
  Statistics s;
  for (std::size_t i = 0; i < dropped.size(); ++i) {
    s.dropped += dropped[i];
    s.bursts += dropped[i] && (i == 0 || !dropped[i - 1]);
  }
  return s;
}

Loss random(double percent, double correlation = 0) {
  Loss loss;
  loss.loss = Percent{percent};
  loss.correlation = Percent{correlation};
  return loss;
}

void check_inside(const Loss& loss, double dropped, std::uint64_t count) {
  const auto asked = squall::expected(loss, 0, count);
  CAPTURE(asked.dropped);
  CAPTURE(dropped);
  CHECK(std::abs(dropped - asked.dropped) <= 3.291 * std::sqrt(asked.variance) + 0.5);
}

// Of `times` lengths of bursts, each ended by a packet with this chance, the mean.
void check_bursts(double mean, double times, double end) {
  CAPTURE(mean);
  CHECK(std::abs(mean - 1 / end) <= 3.291 * std::sqrt((1 - end) / (end * end * times)));
}

const std::uint64_t kMany = 200000;

}  // namespace

TEST_CASE("random loss has the rate that was asked, its bursts the geometric mean") {
  for (const double percent : {0.01, 0.5, 1.0, 5.0, 25.0, 50.0, 99.0}) {
    const auto s = count(fates(random(percent), 7, kMany));
    check_inside(random(percent), s.dropped, kMany);
    if (percent >= 1 && percent <= 50)
      check_bursts(s.dropped / s.bursts, s.bursts, 1 - percent / 100);
  }
}

TEST_CASE("0% loses nothing and 100% everything") {
  CHECK(numbers(fates(random(0), 7, kMany)).empty());
  CHECK(numbers(fates(random(100), 7, kMany)).size() == kMany);
}

TEST_CASE("the same seed gives the same fates, another seed others") {
  CHECK(fates(random(20), 7, 5000) == fates(random(20), 7, 5000));
  CHECK(fates(random(20), 7, 5000) != fates(random(20), 8, 5000));
  CHECK(fates(random(20, 50), 7, 5000) == fates(random(20, 50), 7, 5000));
}

TEST_CASE("seeds next to each other are not alike") {
  const auto a = fates(random(50), 7, kMany), b = fates(random(50), 8, kMany);
  double same = 0;
  for (std::size_t i = 0; i < kMany; ++i) same += a[i] == b[i];
  CHECK(std::abs(same - kMany / 2.0) < 3.291 * std::sqrt(kMany / 4.0));
}

TEST_CASE("correlation clusters the losses and leaves their share alone") {
  for (const double correlation : {25.0, 75.0}) {
    const auto loss = random(10, correlation);
    const auto s = count(fates(loss, 3, kMany));
    check_inside(loss, s.dropped, kMany);
    const double again = 0.1 + correlation / 100 * 0.9;
    check_bursts(s.dropped / s.bursts, s.bursts, 1 - again);
  }
}

TEST_CASE("Gilbert-Elliott: share, and mean length of bursts") {
  Loss loss;
  loss.model = LossModel::gilbert_elliott;
  loss.enter_bad = Percent{1};
  loss.leave_bad = Percent{10};
  const auto s = count(fates(loss, 11, kMany));
  check_inside(loss, s.dropped, kMany);
  CHECK(squall::mean_burst(loss) == doctest::Approx(10));
  check_bursts(s.dropped / s.bursts, s.bursts, 0.1);
  loss.loss_in_bad = Percent{50};
  loss.loss_in_good = Percent{1};
  check_inside(loss, count(fates(loss, 12, kMany)).dropped, kMany);
}

TEST_CASE("the intervals are as wide as chance is") {
  // Each of 300 seeds is one trial; a 99 % interval misses about three of them.
  for (const auto& loss : {random(5), random(5, 60)}) {
    int outside = 0;
    const auto asked = squall::expected(loss, 0, 5000);
    for (std::uint64_t seed = 0; seed < 300; ++seed)
      outside += std::abs(count(fates(loss, seed * 1000, 5000)).dropped - asked.dropped) >
                 2.576 * std::sqrt(asked.variance) + 0.5;
    CHECK(outside <= 10);
  }
}

TEST_CASE("every nth, bursts and ranges are exact") {
  Loss loss;
  loss.model = LossModel::every_nth;
  loss.every = 10;
  CHECK(numbers(fates(loss, 1, 35)) == std::vector<std::uint64_t>{10, 20, 30});
  loss.model = LossModel::burst;
  loss.burst = 3;
  CHECK(numbers(fates(loss, 1, 29)) == std::vector<std::uint64_t>{8, 9, 10, 18, 19, 20, 28, 29});
  loss.burst = 10;
  CHECK(numbers(fates(loss, 1, 29)).size() == 29);
  loss = {};
  loss.model = LossModel::ranges;
  loss.ranges = {{3, 5}, {9, 9}};
  CHECK(numbers(fates(loss, 1, 20)) == std::vector<std::uint64_t>{3, 4, 5, 9});
}

TEST_CASE("what is expected of an exact model is exactly what happens, from anywhere") {
  Loss burst;
  burst.model = LossModel::burst;
  burst.every = 7;
  burst.burst = 3;
  Loss ranges;
  ranges.model = LossModel::ranges;
  ranges.ranges = {{3, 5}, {9, 9}, {20, 90}};
  for (const auto& loss : {burst, ranges}) {
    const auto dropped = fates(loss, 1, 60);
    for (std::size_t from = 0; from < 60; ++from)
      for (std::size_t to = from; to <= 60; ++to) {
        double seen = 0;
        for (auto i = from; i < to; ++i) seen += dropped[i];
        const auto asked = squall::expected(loss, from, to);
        CHECK(asked.dropped == seen);
        CHECK(asked.variance == 0);
      }
  }
}
