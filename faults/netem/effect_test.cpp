// SPDX-License-Identifier: Apache-2.0

#include "faults/netem/effect.hpp"

#include "bpf/netem.h"
#include "faults/netem/limit.hpp"

#include <doctest/doctest.h>

namespace squall {
namespace {

NetemTally asked(const NetemParams& params) {
  NetemTally tally;
  tally.params = params;
  tally.now = expected_of(settings_of(params, 1000, 1), {});
  return tally;
}

NetemParams losing(double percent) {
  NetemParams params;
  params.loss.loss = Percent{percent};
  return params;
}

NetemParams delaying(Duration delay) {
  NetemParams params;
  params.delay.delay = delay;
  return params;
}

// Went in, and came back with this delay each, but for what netem dropped.
NetemSeen seen(const NetemTally& tally, std::uint64_t count, std::uint32_t dropped, Duration delay,
               std::uint64_t over_limit = 0) {
  netem_counters counters{};
  counters.seen = counters.matched = counters.entered = count;
  counters.returned = count - dropped;
  const auto centre = static_cast<std::int64_t>(centre_of(tally.now).centre_ns);
  counters.deviation_ns = counters.returned * static_cast<__u64>(delay.count() - centre);
  sidecar::State state;
  state.devices = {1, 2};
  state.netem.dropped = dropped;
  state.over_limit = over_limit;
  return seen_by(tally, counters, state);
}

Effect effect(const NetemParams& params, std::uint64_t count, std::uint32_t dropped, Duration delay,
              std::uint64_t over_limit = 0) {
  const auto tally = asked(params);
  return netem_effect({tally}, {seen(tally, count, dropped, delay, over_limit)});
}

}  // namespace

TEST_CASE("netem: loss inside the interval is confirmed, outside it is not") {
  CHECK(effect(losing(5), 10000, 510, 0ms).verdict == Effect::Verdict::confirmed);
  CHECK(effect(losing(5), 10000, 600, 0ms).verdict == Effect::Verdict::mismatch);
  CHECK(effect(losing(1), 20, 0, 0ms).verdict == Effect::Verdict::inconclusive);
  CHECK(effect(losing(0), 10000, 50, 0ms).verdict == Effect::Verdict::mismatch);
}

TEST_CASE("netem: the mean delay is measured") {
  const auto good = effect(delaying(20ms), 100, 0, 20200us);
  CHECK(good.verdict == Effect::Verdict::confirmed);
  CHECK(good.why == "of 100 packets: mean delay 20.2ms, as asked");
  const auto bad = effect(delaying(20ms), 100, 0, 25ms);
  CHECK(bad.verdict == Effect::Verdict::mismatch);
  CHECK(bad.why == "of 100 packets: mean delay 25ms instead of 20ms");
}

TEST_CASE("netem: what the limit took is a mismatch, and is no loss that was asked for") {
  const auto full = effect(delaying(20ms), 1000, 100, 20ms, 100);
  CHECK(full.verdict == Effect::Verdict::mismatch);
  CHECK(full.why.find("100 packets found the queue full and were lost: raise 'limit'") !=
        std::string::npos);
  const auto counter = [&](const std::string& name) {
    for (const auto& [each, value] : full.counters)
      if (each == name) return value;
    return ~std::uint64_t{0};
  };
  CHECK(counter("lost") == 0);
  CHECK(counter("over_limit") == 100);
}

TEST_CASE("netem: no packet is no verdict") {
  const auto none = effect(losing(5), 0, 0, 0ms);
  CHECK(none.verdict == Effect::Verdict::inconclusive);
  CHECK(none.why == "no packet matched, of 0 that passed");
}

TEST_CASE("netem: a ramp is judged by what was in force for each packet") {
  auto tally = asked(delaying(10ms));
  auto half = seen(tally, 1000, 0, 10ms);
  const auto next = delaying(30ms);
  tally.change_to(next, expected_of(settings_of(next, 1000, 1), {}), half);
  netem_counters counters{};
  counters.seen = counters.matched = counters.entered = counters.returned = 2000;
  sidecar::State state;
  state.devices = {1, 2};
  // 1,000 at 10 ms, then 1,000 at 30 ms: each exactly at the centre of its time.
  const auto all = seen_by(tally, counters, state);
  CHECK(all.delay_sum_ns == doctest::Approx(1000 * 10e6 + 1000 * 30e6));
  const auto effect = netem_effect({tally}, {all});
  CHECK(effect.verdict == Effect::Verdict::confirmed);
  CHECK(effect.measures.front().requested == "20ms (ramp)");
}

TEST_CASE("netem: shares that the models lead to") {
  netem::Settings s;
  s.loss_model = netem::LossModel::gilbert_elliott;
  s.p = 0.01, s.r = 0.19, s.one_minus_h = 1, s.one_minus_k = 0;
  CHECK(expected_of(s, {}).loss == doctest::Approx(0.05));
  s.loss_model = netem::LossModel::four_states;
  s.p13 = 0.01, s.p31 = 0.5, s.p32 = 0, s.p23 = 1, s.p14 = 0;
  CHECK(expected_of(s, {}).loss == doctest::Approx(0.02 / 1.02));
  s.p13 = 0, s.p14 = 0.1;
  CHECK(expected_of(s, {}).loss == doctest::Approx(0.1 / 1.1));
  s = {};
  s.reorder = 0.25, s.gap = 5;
  CHECK(expected_of(s, {}).early == doctest::Approx(1.0 / 8));
  s = {};
  s.loss = 0.1, s.duplicate = 0.5;
  CHECK(expected_of(s, {}).loss == doctest::Approx(0.05));
  CHECK(expected_of(s, {}).duplicate == doctest::Approx(0.45));
}

TEST_CASE("netem: the limit follows from delay, rate and packet rate") {
  CHECK(needed_limit(delaying(0ms)) == 1000);
  CHECK(needed_limit(delaying(20ms)) == 25'000);
  auto params = delaying(20ms);
  params.delay.jitter = 5ms;
  CHECK(needed_limit(params) == 50'000);
  params.packet_rate = 100'000;
  CHECK(needed_limit(params) == 5'000);
  params.limit = 7;
  CHECK(limit_of(params, Bytes{1}) == 7);
  CHECK(limit_of(delaying(10s), Bytes{1 << 30}) == 116'508);
  params = delaying(100ms);
  params.rate.rate.bits = 10'000'000;
  CHECK(needed_limit(params) == 2901);  // 1.25 * (0.1 s * 14,881 + 833)
}

}  // namespace squall
