// SPDX-License-Identifier: Apache-2.0

#include "cmd/inject.hpp"

#include "scenarios/parse.hpp"

#include <doctest/doctest.h>

namespace squall {
namespace {

FieldSheet field_of(std::string name, std::vector<std::string> json, bool list = false) {
  FieldSheet field;
  field.name = std::move(name);
  field.type.json = std::move(json);
  field.type.list = list;
  return field;
}

FaultSheet example() {
  FaultSheet sheet;
  sheet.name = "packet_loss";
  sheet.params.fields = {field_of("interface", {"string"}), field_of("loss", {"string"}),
                         field_of("match.port", {"integer"}, true),
                         field_of("match.invert", {"boolean"})};
  return sheet;
}

TEST_CASE("flags become a scenario with a deadline, and a file that says the same") {
  const auto scenario = scenario_of(
      example(),
      {"30s",
       {"loss=10%/20s"},
       {{"interface", "eth\"0"}, {"match.port", "9001,9002"}, {"match.invert", "true"}}});
  REQUIRE(scenario);
  CHECK(scenario->max_duration == 35s);
  REQUIRE(scenario->faults.size() == 1);
  CHECK(*scenario->faults[0].duration == 30s);
  REQUIRE(scenario->faults[0].ramps.size() == 1);
  CHECK(scenario->faults[0].ramps[0].over == 20s);

  Complaints complaints;
  const auto read = parse_scenario("journal", scenario->text, {}, complaints);
  REQUIRE_MESSAGE(complaints.empty(), (complaints.empty() ? "" : complaints[0].text()));
  REQUIRE(read);
  CHECK(read->max_duration == 35s);
  REQUIRE(read->faults.size() == 1);
  CHECK(read->faults[0].kind == "packet_loss");
  CHECK(read->faults[0].settings.size() == 3);
  CHECK(read->faults[0].ramps.size() == 1);
}

TEST_CASE("what is no duration or no ramp is refused by name") {
  const auto late = scenario_of(example(), {"30", {}, {}});
  REQUIRE_FALSE(late);
  CHECK(late.error().kind == ErrorKind::usage);
  CHECK(late.error().what.starts_with("--for: "));
  for (const auto* text : {"loss", "loss=10%", "=1/2s", "loss=10%/soon"})
    CHECK_FALSE(scenario_of(example(), {"30s", {text}, {}}));
}

TEST_CASE("a ramp may name a parameter by its flag") {
  const auto scenario = scenario_of(example(), {"30s", {"port=1/2s"}, {}});
  REQUIRE(scenario);
  CHECK(scenario->faults[0].ramps[0].field == "match.port");
}

TEST_CASE("flags that two parameters share, or that squall has, take their whole name") {
  const auto flags = flags_of({field_of("match.port", {}), field_of("target.port", {}),
                               field_of("seed", {}), field_of("match.dest_ip", {})});
  CHECK(flags ==
        std::vector<std::string>{"--match-port", "--target-port", "--seed-of-fault", "--dest-ip"});
}

}  // namespace
}  // namespace squall
