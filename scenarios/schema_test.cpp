// SPDX-License-Identifier: Apache-2.0
//
// What a validator makes of it is tested in tests/golden/schema_test.py.

#include "scenarios/schema.hpp"

#include "scenarios/reference.hpp"
#include "tests/support/toy_fault.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace squall;
using namespace squall::testing;

TEST_CASE("the schema knows every fault with its parameters") {
  const auto schema = nlohmann::json::parse(scenario_schema(toy_registry()));
  CHECK(schema["required"] == nlohmann::json({"scenario", "limits"}));
  CHECK(schema["properties"]["limits"]["required"] == nlohmann::json({"max_duration"}));
  const auto& kinds = schema["properties"]["fault"]["items"]["oneOf"];
  REQUIRE(kinds.size() == 2);
  const auto& weather = kinds[1];
  CHECK(weather["properties"]["kind"]["const"] == "weather");
  CHECK(weather["additionalProperties"] == false);
  CHECK(weather["required"] == nlohmann::json({"kind", "interface"}));
  CHECK(weather["properties"]["loss"]["description"] == "share of packets lost, 0% to 100%");
  CHECK(weather["properties"]["loss"]["default"] == "0%");
  CHECK(weather["properties"]["ramp"]["properties"]["loss"]["required"] ==
        nlohmann::json({"to", "over"}));
  CHECK_FALSE(weather["properties"]["ramp"]["properties"].contains("interface"));
  CHECK_FALSE(kinds[0]["properties"].contains("ramp"));
}

TEST_CASE("a page of the reference has everything that the table says") {
  const auto page = find_reference(toy_registry(), "weather");
  REQUIRE(page);
  CHECK(page->group == "fault");
  const auto markdown = faults_reference(toy_registry());
  for (const auto* part :
       {"### weather", "- rung: 2, we own it", "- ramps: loss, delay, jitter", "- excludes: calm",
        "| `interface` | text | required | interface to disturb |", "- jitter is at most the delay",
        "| `loss` | percentage | `0%` | share of packets lost (0% to 100%) |", "### tcp"})
    CHECK_MESSAGE(markdown.find(part) != std::string::npos, part);
  CHECK(find_reference(toy_registry(), "wether").error().what ==
        "nothing is known of 'wether' (did you mean 'weather'?)");
}
