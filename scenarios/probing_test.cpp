// SPDX-License-Identifier: Apache-2.0

#include "scenarios/probing.hpp"

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

}  // namespace
}  // namespace squall
