// SPDX-License-Identifier: Apache-2.0

#include "scenarios/report.hpp"

#include "tests/support/temporary.hpp"

#include <doctest/doctest.h>

#include <filesystem>

namespace squall {
namespace {

RunResult full_result() {
  RunResult result;
  result.run = "20260101-101500-3fa2c1";
  result.scenario = "slow uplink";
  result.hypothesis = "orders arrive";
  result.seed = 18446744073709551615ull;
  result.outcome = Outcome::not_clean;
  result.exit_code = 5;
  result.reason = "bytes that are no text: \xff";
  result.duration_ns = 61'000'000'000;
  FaultReport fault{"lossy", "packet_loss", 1, true, 5'000, 60'000, "loss=5%", {}, ""};
  fault.effect = {Effect::Verdict::confirmed,
                  "4.97% of 20,114",
                  {{"loss", "5%", "4.97%"}},
                  {{"seen", 20114}, {"hit", 1000}}};
  result.faults.push_back(fault);
  ProbeReport probe;
  probe.name = "gateway answers";
  probe.during = {57, 2};
  probe.held = false;
  probe.p99_ns = 3'400'000;
  result.probes.push_back(probe);
  result.residue.push_back({"program squall_loss on eth0", "tc filter del dev eth0 egress"});
  result.foreign = {"link eth7 appeared"};
  result.parameters = {{"loss", "2%", "", true}, {"interface", "eth0", "", false}};
  result.notes = {"3 events could not be written to the event log"};
  return result;
}

TEST_CASE("a result is read back as it was written") {
  const testing::TemporaryDirectory folder;
  auto result = full_result();
  result.directory = folder.path();
  REQUIRE(write_result(result));
  const auto back = read_result(folder.path());
  REQUIRE(back);
  CHECK(back->seed == result.seed);
  CHECK(back->outcome == Outcome::not_clean);
  CHECK(back->exit_code == 5);
  REQUIRE(back->faults.size() == 1);
  CHECK(back->faults[0].effect.verdict == Effect::Verdict::confirmed);
  CHECK(back->faults[0].effect.measures[0].achieved == "4.97%");
  CHECK(back->faults[0].effect.counters == result.faults[0].effect.counters);
  REQUIRE(back->probes.size() == 1);
  CHECK(back->probes[0].during.breached == 2);
  CHECK_FALSE(back->probes[0].held);
  CHECK(back->residue[0].by_hand == result.residue[0].by_hand);
  CHECK(back->foreign == result.foreign);
  CHECK(back->notes == result.notes);
  REQUIRE(back->parameters.size() == 2);
  CHECK(back->parameters[0].name == "loss");
  CHECK(back->parameters[0].value == "2%");
  CHECK(back->parameters[0].overridden);
  CHECK_FALSE(back->parameters[1].overridden);
  CHECK(to_json(*back).find('\n') == std::string::npos);
}

TEST_CASE("a file that is no result is an error that names it") {
  const testing::TemporaryDirectory folder;
  REQUIRE_FALSE(read_result(folder.path()));
  RunResult result;
  result.directory = folder.path();
  REQUIRE(write_result(result));
  std::filesystem::resize_file(folder / "result.json", 20);
  const auto torn = read_result(folder.path());
  REQUIRE_FALSE(torn);
  CHECK(torn.error().what.find(folder.path()) != std::string::npos);
}

TEST_CASE("earlier runs come newest first, and none at all is no error") {
  const testing::TemporaryDirectory folder;
  Paths paths;
  paths.state = folder / "state";
  auto none = earlier_runs(paths);
  REQUIRE(none);
  CHECK(none->empty());
  for (const auto* id : {"20260101-101500-a", "20260301-101500-b", "20260201-101500-c"})
    std::filesystem::create_directories(paths.of_run(id));
  const auto runs = earlier_runs(paths);
  REQUIRE(runs);
  CHECK(*runs ==
        std::vector<std::string>{"20260301-101500-b", "20260201-101500-c", "20260101-101500-a"});
}

}  // namespace
}  // namespace squall
