// SPDX-License-Identifier: Apache-2.0

#include "scenarios/probing.hpp"

#include "scenarios/probe/expectation.hpp"
#include "tests/support/asking.hpp"
#include "tests/support/service.hpp"
#include "tests/support/temporary.hpp"

namespace squall {
namespace {

using namespace testing;

// A probe of a service that accepts and never answers, asked as often as its timeout is long.
std::vector<CheckedProbe> hanging(const Service& service, int breaches) {
  ProbeEntry entry;
  entry.name = "hangs";
  entry.kind = "tcp";
  entry.every = entry.timeout = 30ms;
  entry.breaches = breaches;
  entry.when = {Phase::during};
  std::vector<CheckedProbe> probes;
  probes.push_back({entry, make_probe("tcp", {setting("address", service.address()),
                                              setting("send", std::string("hello\n")),
                                              setting("expect.matches", std::string("world"))})});
  return probes;
}

TEST_CASE("a timeout as long as the interval counts: the next question waits for it") {
  const auto loop = make_loop();
  const Service service(*loop, {});
  const TemporaryDirectory folder;
  auto log = EventLog::create(folder / "events.jsonl", "20260101-000000-c0ffee");
  REQUIRE(log);
  auto probes = hanging(service, 3);
  std::string breach;
  Probing probing(*loop, probes, *log, [&](const ProbeEntry&, const std::string& why) {
    breach = why;
    loop->stop();
  });
  const auto late = loop->after(10s, [&] { loop->stop(); });
  probing.start();
  loop->run();
  probing.stop();
  CHECK(breach == "no answer within 30ms");
  RunResult result;
  probing.report(result);
  REQUIRE(result.probes.size() == 1);
  CHECK(result.probes[0].during.asked == 3);
  CHECK(result.probes[0].during.breached == 3);
}

TEST_CASE("what was never answered during the run did not hold") {
  const auto loop = make_loop();
  const Service service(*loop, {});
  const TemporaryDirectory folder;
  auto log = EventLog::create(folder / "events.jsonl", "20260101-000000-c0ffee");
  REQUIRE(log);
  auto probes = hanging(service, 1);
  probes[0].entry.timeout = 5s;
  probes[0].entry.on_breach = OnBreach::abort;
  std::vector<std::string> breaches;
  Probing probing(*loop, probes, *log, [&](const ProbeEntry& entry, const std::string& why) {
    CHECK(entry.on_breach == OnBreach::record);  // nothing is left to abort
    breaches.push_back(why);
  });
  const auto finish = [&] {
    probing.ask_all(Phase::after, [&](const std::string&) { loop->stop(); });
    loop->run();
  };
  SUBCASE("a run that ends before the answer") {
    probing.start();
    const auto end = loop->after(20ms, [&] { loop->stop(); });
    loop->run();
    CHECK(service.connections() == 1);  // asked at once, however long the interval
    probing.stop();
    finish();
    const std::string why =
        "it was not answered once during the run; let the run last longer than 5s, the timeout "
        "of the probe";
    CHECK(breaches == std::vector{why});
    RunResult result;
    probing.report(result);
    CHECK_FALSE(result.probes[0].held);
    CHECK(result.probes[0].breach == why);
  }
  SUBCASE("but not where nothing was disturbed") {
    finish();
    CHECK(breaches.empty());
  }
}

// A service that is slow while it is disturbed, judged by its median.
class SlowMeanwhile final : public Probe {
 public:
  explicit SlowMeanwhile(const Duration& latency) : latency_(latency) {
    Expectation expect;
    expect.percentiles = {{"50", {Op::less, 10ms, 10ms}}};
    judge_ = std::make_unique<Judge>(std::move(expect));
  }
  Watch ask(Loop& loop, Duration, Done done) override {
    return loop.after(0s, [this, &loop, done = std::move(done)] {
      Seen seen;
      seen.latency = latency_;
      done(judge_->judge(loop.now(), seen));
    });
  }
  void begin_phase() override { judge_->begin_phase(); }

 private:
  const Duration& latency_;
  std::unique_ptr<Judge> judge_;
};

TEST_CASE("what was seen during the faults says nothing about the service after them") {
  const auto loop = make_loop();
  const TemporaryDirectory folder;
  auto log = EventLog::create(folder / "events.jsonl", "20260101-000000-c0ffee");
  REQUIRE(log);
  Duration latency = 50ms;
  ProbeEntry entry;
  entry.every = 1ms;
  entry.breaches = 20;
  entry.when = {Phase::during, Phase::after};
  std::vector<CheckedProbe> probes;
  probes.push_back({entry, std::make_unique<SlowMeanwhile>(latency)});
  Probing probing(*loop, probes, *log, [&](const ProbeEntry&, const std::string&) {
    latency = 1ms;
    loop->stop();
  });
  probing.start();
  loop->run();
  probing.stop();
  std::string failure = "not asked";
  probing.ask_all(Phase::after, [&](const std::string& said) {
    failure = said;
    loop->stop();
  });
  loop->run();
  CHECK(failure.empty());
  RunResult result;
  probing.report(result);
  CHECK(result.probes[0].after.asked == 1);
}

TEST_CASE(
    "a probe that fails only after the faults is reported as failed; a refusal is no latency") {
  const auto loop = make_loop();
  const TemporaryDirectory folder;
  auto log = EventLog::create(folder / "events.jsonl", "20260101-000000-c0ffee");
  REQUIRE(log);
  ProbeEntry entry;
  entry.when = {Phase::after};
  std::vector<CheckedProbe> probes;
  probes.push_back(
      {entry,
       make_probe("tcp", {setting("address", "127.0.0.1:" + std::to_string(closed_port()))})});
  probes.push_back(
      {entry,
       make_probe("tcp", {setting("address", "127.0.0.1:" + std::to_string(closed_port()))})});
  probes[1].entry.when = {Phase::during};
  Probing probing(*loop, probes, *log,
                  [&](const ProbeEntry&, const std::string&) { loop->stop(); });
  probing.start();
  loop->run();
  probing.stop();
  probing.ask_all(Phase::after, [&](const std::string&) { loop->stop(); });
  loop->run();
  RunResult result;
  probing.report(result);
  CHECK_FALSE(result.probes[0].held);
  CHECK(result.probes[0].breach == "connection refused");
  CHECK(result.probes[1].during.asked == 1);
  CHECK(result.probes[1].max_ns == 0);
}

}  // namespace
}  // namespace squall
