// SPDX-License-Identifier: Apache-2.0

#include "scenarios/schedule.hpp"

#include "tests/support/toy_fault.hpp"

#include <doctest/doctest.h>

#include <map>
#include <random>

using namespace squall;
using namespace squall::testing;

namespace {

const ToyParams& open(const Boxed& params) { return *static_cast<const ToyParams*>(params.get()); }

Setting text(const std::string& name, const std::string& value) { return {name, {value, {}}, {}}; }

// Loss and delay go from what is given to 50% and 10s, each over its own time.
CheckedFault fault(Duration start, Duration length, std::optional<Duration> loss_over = {},
                   std::optional<Duration> delay_over = {}) {
  CheckedFault made;
  made.fault = toy_registry().find("weather");
  made.entry.name = "w";
  made.entry.start = start;
  made.end = start + length;
  made.entry.settings = {text("interface", "x"), text("loss", "1%"), text("delay", "1ms")};
  auto at_end = made.entry.settings;
  if (loss_over) {
    made.entry.ramps.push_back({"loss", {std::string("50%"), {}}, *loss_over, {}});
    at_end[1] = text("loss", "50%");
  }
  if (delay_over) {
    made.entry.ramps.push_back({"delay", {std::string("10s"), {}}, *delay_over, {}});
    at_end[2] = text("delay", "10s");
  }
  Complaints complaints;
  made.params = made.fault->parse(made.entry.settings, {}, complaints);
  if (loss_over || delay_over) made.ramped = made.fault->parse(at_end, {}, complaints);
  REQUIRE(complaints.empty());
  return made;
}

}  // namespace

TEST_CASE("a fault is injected at its start and ended at its end") {
  CheckedScenario scenario;
  scenario.faults.push_back(fault(5s, 60s));
  const auto actions = schedule(scenario);
  REQUIRE(actions.size() == 2);
  CHECK(actions[0].kind == Action::Kind::inject);
  CHECK(actions[0].at == 5s);
  CHECK(actions[1].kind == Action::Kind::end);
  CHECK(actions[1].at == 65s);
}

TEST_CASE("a fault of no length still starts before it ends, after those that end") {
  CheckedScenario scenario;
  scenario.faults.push_back(fault(5s, 0s));
  scenario.faults.push_back(fault(0s, 5s));
  scenario.faults.push_back(fault(5s, 5s));
  const auto actions = schedule(scenario);
  REQUIRE(actions.size() == 6);
  const auto is = [&](std::size_t i, Action::Kind kind, std::size_t which) {
    return actions[i].kind == kind && actions[i].fault == which;
  };
  CHECK(is(0, Action::Kind::inject, 1));
  CHECK(is(1, Action::Kind::end, 1));
  CHECK(is(2, Action::Kind::inject, 0));
  CHECK(is(3, Action::Kind::inject, 2));
  CHECK(is(4, Action::Kind::end, 0));
  CHECK(is(5, Action::Kind::end, 2));
}

TEST_CASE("a ramp goes in even steps to exactly its end") {
  CheckedScenario scenario;
  scenario.faults.push_back(fault(10s, 60s, 1s));
  const auto actions = schedule(scenario);
  REQUIRE(actions.size() == 12);
  CHECK(actions[1].at == 10'100ms);
  CHECK(open(actions[1].params).loss.value == doctest::Approx(5.9));
  CHECK(open(actions[5].params).loss.value == doctest::Approx(25.5));
  CHECK(actions[10].at == 11s);
  CHECK(open(actions[10].params).loss.value == 50);
  CHECK(open(actions[10].params).delay == 1ms);
}

TEST_CASE("ramps of different length each go their own way") {
  CheckedScenario scenario;
  scenario.faults.push_back(fault(0s, 60s, 1s, 4s));
  const auto actions = schedule(scenario, 1);
  REQUIRE(actions.size() == 6);
  CHECK(actions[1].at == 1s);
  CHECK(open(actions[1].params).loss.value == 50);
  CHECK(open(actions[1].params).delay == 2'500'750us);
  CHECK(actions[4].at == 4s);
  CHECK(open(actions[4].params).loss.value == 50);
  CHECK(open(actions[4].params).delay == 10s);
}

TEST_CASE("long and short ramps have a bounded number of steps, and at least one") {
  for (const auto over : {Duration(1ns), Duration(50ms), Duration(24h * 30)}) {
    CheckedScenario scenario;
    scenario.faults.push_back(fault(0s, 24h * 30, over));
    const auto actions = schedule(scenario);
    CHECK(actions.size() >= 3);
    CHECK(actions.size() <= 1002);
    CHECK(actions[actions.size() - 2].at == over);
    CHECK(open(actions[actions.size() - 2].params).loss.value == 50);
  }
}

TEST_CASE("properties of any schedule") {
  std::mt19937_64 random(5);
  const auto seconds = [&](int most) { return Duration(std::chrono::seconds(random() % most)); };
  for (int round = 0; round < 200; ++round) {
    CheckedScenario scenario;
    for (std::size_t i = 0; i < random() % 6; ++i) {
      const auto length = seconds(20);
      std::optional<Duration> loss;
      std::optional<Duration> delay;
      if (length > 0s && random() % 2) loss = Duration(1 + random() % length.count());
      if (length > 0s && random() % 2) delay = Duration(1 + random() % length.count());
      scenario.faults.push_back(fault(seconds(20), length, loss, delay));
    }
    const auto actions = schedule(scenario, 2);
    std::map<std::size_t, int> state;  // 0 before, 1 active, 2 over
    std::map<std::size_t, const Action*> last_step;
    for (std::size_t i = 0; i < actions.size(); ++i) {
      const auto& action = actions[i];
      if (i > 0) CHECK(actions[i - 1].at <= action.at);
      const bool begins = action.kind == Action::Kind::inject;
      CHECK(state[action.fault] == (begins ? 0 : 1));
      if (begins) state[action.fault] = 1;
      if (action.kind == Action::Kind::adjust) last_step[action.fault] = &action;
      if (action.kind != Action::Kind::end) {
        CHECK(action.params != nullptr);
        continue;
      }
      state[action.fault] = 2;
      const auto& checked = scenario.faults[action.fault];
      CHECK(action.at == checked.end);
      if (!checked.ramped) continue;
      CHECK(open(last_step[action.fault]->params).loss == open(checked.ramped).loss);
      CHECK(open(last_step[action.fault]->params).delay == open(checked.ramped).delay);
    }
    CHECK(state.size() == scenario.faults.size());
    for (const auto& [which, reached] : state) CHECK(reached == 2);
  }
}
