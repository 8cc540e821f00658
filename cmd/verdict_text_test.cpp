// SPDX-License-Identifier: Apache-2.0

#include "cmd/verdict_text.hpp"

#include <doctest/doctest.h>

namespace squall {
namespace {

const Look kPlain{false, false, 100};

RunResult held() {
  RunResult result;
  result.run = "20260101-101500-3fa2c1";
  result.file = "loss.toml";
  result.seed = 7;
  result.outcome = Outcome::held;
  result.exit_code = 0;
  return result;
}

bool shows(const RunResult& result, const std::string& text) {
  const auto told = verdict_text(result, kPlain);
  CAPTURE(told);
  return told.find(text) != std::string::npos;
}

TEST_CASE("what a reader must know besides stands below the headline") {
  auto result = held();
  result.notes = {"3 events could not be written to the event log"};
  CHECK(shows(result, "3 events could not be written to the event log\n"));
}

TEST_CASE("the values that were used are shown, and the command repeats those of --set") {
  auto result = held();
  result.parameters = {
      {"loss", "2%", "", true}, {"who", "it's me", "", true}, {"via", "eth0", "", false}};
  CHECK(shows(result, "loss = 2% (--set), who = it's me (--set), via = eth0"));
  CHECK(
      shows(result, "squall run loss.toml --seed 7 --set loss=2% --set 'who=it'\\''s me'   does"));
}

TEST_CASE("a fault that failed or is not undone says why instead of its effect") {
  auto result = held();
  FaultReport fault;
  fault.name = "hang";
  fault.injected = true;
  fault.effect = {Effect::Verdict::confirmed, "1 of 1 stand still", {}, {}};
  fault.error = "not undone: pause process 7: it is busy";
  result.faults = {fault};
  CHECK(shows(result, "failed"));
  CHECK(shows(result, "not undone: pause process 7: it is busy"));
}

TEST_CASE("a probe that failed after the rollback only has no tick beside it") {
  auto result = held();
  result.outcome = Outcome::deviated;
  ProbeReport probe;
  probe.name = "answers";
  probe.before = {1, 0};
  probe.after = {3, 3};
  probe.held = false;
  probe.breach = "it is down";
  result.probes = {probe};
  CHECK(shows(result, std::string(kPlain.glyph(Glyph::bad)) + " answers"));
  CHECK(shows(result, "first breach that counted: it is down"));
}

}  // namespace
}  // namespace squall
