// SPDX-License-Identifier: Apache-2.0

#include "safety/event_log.hpp"

#include "safety/base/file.hpp"
#include "tests/support/temporary.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <sys/resource.h>

using namespace squall;
using squall::testing::TemporaryDirectory;

TEST_CASE("an event that does not fit is counted, and leaves no half a line") {
  const TemporaryDirectory dir;
  auto log = EventLog::create(dir / "events.jsonl", "r1");
  REQUIRE(log);
  log->write("first");
  const auto whole = read_file(dir / "events.jsonl").value();
  const auto was = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit tight{whole.size() + 20, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &tight);
  log->write("second");
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, was);
  CHECK(log->lost() == 1);
  CHECK(read_file(dir / "events.jsonl").value() == whole);
  log->write("third");
  CHECK(log->lost() == 1);
  const auto text = read_file(dir / "events.jsonl").value();
  CHECK(text.starts_with(whole + "{"));
  CHECK(text.contains("\"event\":\"third\""));
}

TEST_CASE("counts are an object of their own, in the order in which they were counted") {
  const Event event{"fault_effect", {{"counters", EventCounts{{"seen", 7}, {"lost", 2}}}}, 0, 0};
  CHECK(to_json_line(event, "r1").ends_with(R"("counters":{"seen":7,"lost":2}})"));
}
