// SPDX-License-Identifier: Apache-2.0

#include "scenarios/verdict.hpp"

#include <doctest/doctest.h>

using namespace squall;

namespace {

RunResult judged(const Story& story, bool residue = false) {
  RunResult result;
  if (residue) result.residue.push_back({"a filter on eth0", "tc filter del dev eth0"});
  judge(story, result);
  return result;
}

}  // namespace

TEST_CASE("the exit code is that of the worst thing that happened") {
  Story story;
  CHECK(judged(story).exit_code == 0);
  story.breached("probe 'p': too slow");
  story.breached("a later one");
  CHECK(judged(story).exit_code == 1);
  CHECK(judged(story).reason == "probe 'p': too slow");
  story.aborted = StopReason{"guard", "guard 'pressure' objects"};
  CHECK(judged(story).exit_code == 4);
  story.bug = "std::bad_alloc";
  CHECK(judged(story).exit_code == 70);
  CHECK(judged(story, true).exit_code == 5);
  CHECK(judged(story, true).outcome == Outcome::not_clean);
}

TEST_CASE("a refusal tells its reason and its remedy") {
  Story story;
  story.refused = Error{ErrorKind::refused, "no interface 'eth9'", "try 'eth0'", {}, 0};
  const auto result = judged(story);
  CHECK(result.exit_code == 3);
  CHECK(result.reason == "no interface 'eth9'");
  CHECK(result.hint == "try 'eth0'");
}
