// SPDX-License-Identifier: Apache-2.0

#include "scenarios/resolve.hpp"

#include "scenarios/parse.hpp"
#include "tests/support/toy_fault.hpp"

#include <doctest/doctest.h>

using namespace squall;
using namespace squall::testing;

namespace {

constexpr auto kHeader = "[scenario]\nname = \"s\"\n[limits]\nmax_duration = \"5m\"\n";

std::optional<CheckedScenario> check(const std::string& text, Complaints& complaints) {
  auto scenario = parse_scenario("f.toml", text, {}, complaints);
  REQUIRE(scenario);
  return resolve(std::move(*scenario), toy_registry(), complaints);
}

CheckedScenario checked(const std::string& text) {
  Complaints complaints;
  auto made = check(kHeader + text, complaints);
  for (const auto& each : complaints) FAIL_CHECK(each.text());
  REQUIRE(made);
  return std::move(*made);
}

std::string complaints_of(const std::string& text, const std::string& header = kHeader) {
  Complaints complaints;
  CHECK_FALSE(check(header + text, complaints));
  std::string all;
  for (const auto& each : complaints) all += each.text() + "\n";
  return all;
}

std::string weather(const std::string& keys) {
  return "[[fault]]\nkind = \"weather\"\ninterface = \"x\"\n" + keys;
}

const ToyParams& open(const Boxed& params) { return *static_cast<const ToyParams*>(params.get()); }

}  // namespace

TEST_CASE("a scenario without faults only observes, for its whole time") {
  const auto made = checked("");
  CHECK(made.faults.empty());
  CHECK(made.length == 5min);
}

TEST_CASE("the run is over when the last fault with a duration is") {
  const auto made = checked(weather("start = \"5s\"\nduration = \"1m\"\n") +
                            weather("name = \"second\"\nloss = \"5%\"\n"));
  CHECK(made.length == 65s);
  REQUIRE(made.faults.size() == 2);
  CHECK(made.faults[0].end == 65s);
  CHECK(made.faults[1].end == 65s);
  CHECK(made.faults[1].slot == 1);
  CHECK(open(made.faults[1].params).loss.value == 5);
  CHECK(checked(weather("")).length == 5min);
}

TEST_CASE("ramps carry the parameters of their end") {
  const auto made = checked(weather(
      "duration = \"30s\"\nloss = \"1%\"\nramp = { loss = { to = \"10%\", over = \"30s\" } }\n"));
  CHECK(open(made.faults[0].params).loss.value == 1);
  CHECK(open(made.faults[0].ramped).loss.value == 10);
}

TEST_CASE("complaints of parsing and resolving come together, in the order of the file") {
  CHECK(complaints_of("[[fault]]\nkind = \"wether\"\n[[probe]]\nevery = \"1\"\n" +
                      weather("loss = \"250%\"\nstrat = \"5s\"\ndlay = \"1ms\"\nstart = 5\n")) ==
        "f.toml:5:1: error: weather: 'interface' is missing\n"
        "  hint: write interface = \"…\" (interface to disturb)\n"
        "f.toml:6:8: error: unknown fault 'wether' (did you mean 'weather'?)\n"
        "  hint: 'squall list' shows the faults\n"
        "f.toml:7:1: error: [[probe]]: 'kind' is missing\n"
        "  hint: write kind = \"…\" (kind of probe)\n"
        "f.toml:8:9: error: every: '1' has no unit\n"
        "  hint: write a unit, for example 1ms\n"
        "f.toml:12:8: error: loss: 250% is outside 0% to 100%\n"
        "f.toml:13:1: error: weather: unknown key 'strat' (did you mean 'start'?)\n"
        "f.toml:14:1: error: weather: unknown key 'dlay' (did you mean 'delay'?)\n"
        "f.toml:15:9: error: start: '5' has no unit\n"
        "  hint: write a unit, for example \"5ms\"\n");
}

TEST_CASE("a fault ends before the deadline") {
  CHECK(complaints_of(weather("name = \"rain\"\nstart = \"1m\"\nduration = \"4m\"\n")) ==
        "f.toml:10:12: error: fault 'rain' ends at 5m, which is not before the deadline of 5m "
        "('max_duration')\n"
        "  hint: make the fault shorter or max_duration longer\n");
  CHECK(complaints_of(weather("start = \"292d\"\nduration = \"99999d\"\n")).find("is outside") !=
        std::string::npos);
  CHECK(complaints_of(weather("start = \"30d\"\nduration = \"106751d\"\n")).find("ends at") !=
        std::string::npos);
  CHECK(complaints_of(weather("name = \"rain\"\nstart = \"2m\"\n") +
                      weather("duration = \"1m\"\n")) ==
        "f.toml:9:9: error: fault 'rain' starts at 2m, but the run is over at 1m\n"
        "  hint: give it a duration of its own\n");
}

TEST_CASE("without a deadline, nothing is said of what depends on it") {
  CHECK(complaints_of(weather("duration = \"4m\"\n"), "[scenario]\nname = \"s\"\n")
            .starts_with("f.toml: error: the scenario has no 'max_duration'"));
}

TEST_CASE("ramps of different length are checked on their way") {
  const auto ramps = [](const std::string& jitter_over) {
    return weather(
        "duration = \"10s\"\ndelay = \"1s\"\njitter = \"0s\"\n"
        "ramp.delay = { to = \"5s\", over = \"10s\" }\n"
        "ramp.jitter = { to = \"4s\", over = \"" +
        jitter_over + "\" }\n");
  };
  CHECK(checked(ramps("10s")).faults.size() == 1);
  const auto told = complaints_of(ramps("5s"));
  INFO(told);
  CHECK(told.find("error: ramp: fault 'weather' breaks a rule 2.6s after its start: jitter is at "
                  "most the delay\n  hint: let its ramps take the same time\n") !=
        std::string::npos);
}

TEST_CASE("a misspelt kind does not hide what else is wrong with its entry") {
  const auto told = complaints_of(
      "[[fault]]\nkind = \"wether\"\ninterface = \"x\"\nloss = \"5\"\n"
      "[[probe]]\nkind = \"tpc\"\nadress = \"x\"\n");
  INFO(told);
  for (const auto* each : {"did you mean 'weather'?", "loss: '5' has no unit",
                           "did you mean 'tcp'?", "did you mean 'address'?"})
    CHECK(told.find(each) != std::string::npos);
}

TEST_CASE("ramps that cannot work") {
  const auto ramp = [](const std::string& text) {
    return complaints_of(weather("duration = \"10s\"\nloss = \"1%\"\nramp = { " + text + " }\n"));
  };
  CHECK(ramp("los = { to = \"10%\", over = \"5s\" }") ==
        "f.toml:10:37: error: ramp: 'weather' has no 'los' (did you mean 'loss'?)\n");
  CHECK(ramp("delay = { to = \"10s\", over = \"5s\" }") ==
        "f.toml:10:39: error: ramp: 'delay' has no value to start from\n"
        "  hint: give the fault its 'delay' at the start as well\n");
  CHECK(ramp("interface = { to = \"y\", over = \"5s\" }") ==
        "f.toml:10:41: error: ramp: 'interface' of 'weather' cannot be ramped\n"
        "  hint: these can: loss, delay, jitter\n");
  CHECK(ramp("loss = { to = \"101%\", over = \"5s\" }") ==
        "f.toml:10:24: error: loss: 101% is outside 0% to 100%\n");
  CHECK(ramp("loss = { to = \"10%\", over = \"11s\" }") ==
        "f.toml:10:38: error: ramp: 'loss' takes 11s, but fault 'weather' lasts only 10s\n"
        "  hint: make the ramp shorter or the fault longer\n");
  CHECK(ramp("loss = { to = \"10%\", over = \"0s\" }") ==
        "f.toml:10:38: error: ramp: 'over' of 'loss' is 0s\n"
        "  hint: a ramp takes time, for example over = \"30s\"\n");
  CHECK(complaints_of("[[fault]]\nkind = \"calm\"\ninterface = \"x\"\nloss = \"1%\"\nramp.loss = { "
                      "to = \"2%\", over = \"1s\" }\n")
            .find("'calm' takes no ramps") != std::string::npos);
}

TEST_CASE("faults that exclude each other do not overlap") {
  const auto both = [](const std::string& calm) {
    return weather("duration = \"10s\"\n") +
           "[[fault]]\nkind = \"calm\"\ninterface = \"x\"\nduration = \"10s\"\n" + calm;
  };
  CHECK(complaints_of(both("start = \"5s\"\n")) ==
        "f.toml:9:1: error: fault 'calm' (calm) overlaps fault 'weather' (weather) from 5s to 10s, "
        "and the two exclude each other\n"
        "  hint: let one end before the other starts\n");
  CHECK(checked(both("start = \"10s\"\n")).faults.size() == 2);
}

TEST_CASE("unknown probes and guards") {
  const auto text = complaints_of("[[probe]]\nkind = \"tpc\"\n[[guard]]\nkind = \"free_memroy\"\n");
  CHECK(text.find("f.toml:6:8: error: unknown probe 'tpc' (did you mean 'tcp'?)") !=
        std::string::npos);
  CHECK(text.find("f.toml:8:8: error: unknown guard 'free_memroy' (did you mean 'free_memory'?)") !=
        std::string::npos);
}
