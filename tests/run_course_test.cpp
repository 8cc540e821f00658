// SPDX-License-Identifier: Apache-2.0
//
// What a run does and tells when the operator, a disk or an undo does not behave.

#include "safety/undo/journal_file.hpp"
#include "scenarios/report.hpp"
#include "tests/support/examples.hpp"
#include "tests/support/world.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <sys/resource.h>

using namespace squall;
using namespace squall::testing;

namespace {

const char* const kHang =
    "[[fault]]\nname = \"hang\"\nkind = \"process_pause\"\nduration = \"10s\"\n"
    "target = { name = \"price_service\" }\n";

CheckedScenario hang() { return checked(scenario_around(kHang)); }

bool begins(const Event& event, const std::string& phase) {
  return event.name == "phase" && event.text("phase") == phase;
}

// Files of this process cannot grow while it exists.
class FullDisk {
 public:
  FullDisk() {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit none{0, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &none);
  }
  ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("an undo that fails at its time stops the run, and is tried again until it works") {
  World world;
  world.machine->gate().refuse_at(1);  // the first write stops the process, the second continues it
  const auto result = world.run(hang());
  CHECK(result.exit_code == 4);
  CHECK(result.reason.find("fault 'hang' cannot be taken back") == 0);
  CHECK(result.residue.empty());
  CHECK(world.clean());
  CHECK(world.find("fault_ended"));
}

TEST_CASE("an undo that fails for a while is tried with patience, after all the others") {
  World world;
  // At its time, by the abort, and at the rollback's begin.
  world.machine->gate().refuse_from(1, 4);
  const auto result = world.run(hang());
  CHECK(result.exit_code == 4);
  CHECK(result.residue.empty());
  CHECK(world.clean());
}

TEST_CASE("an undo that fails for good is residue, and no fault is reported as ended") {
  World world;
  world.machine->gate().refuse_from(1);
  const auto result = world.run(hang());
  CHECK(result.exit_code == 5);
  REQUIRE_FALSE(result.residue.empty());
  CHECK(result.residue.front().by_hand.find("kill -CONT") == 0);
  CHECK(result.faults[0].error.find("not undone") == 0);
  CHECK(world.find("left"));
  CHECK_FALSE(world.find("fault_ended"));
  // The run goes on to count as unsettled.
  CHECK(world.run(hang()).hint.find("squall recover") != std::string::npos);
}

TEST_CASE("after an abort a second stop ends the questions that follow the rollback") {
  World world;
  auto scenario = with_probe(hang(), {true, false}, 1000, OnBreach::record);
  scenario.probes.back().entry.when = {Phase::before, Phase::after};
  scenario.guards.push_back({{}, std::make_unique<ObjectsAt>(5s)});
  world.heard = [](const Event& event) {
    if (begins(event, "after")) ::kill(::getpid(), SIGINT);
  };
  const auto begun = world.loop.now();
  const auto result = world.run(std::move(scenario));
  CHECK(world.loop.now() - begun < 60s);
  CHECK(result.exit_code == 4);
  CHECK(result.reason.find("it is time") != std::string::npos);
  REQUIRE(result.notes.size() == 1);
  CHECK(result.notes[0].find("was not asked for to the end") != std::string::npos);
  CHECK(world.clean());
}

TEST_CASE("a steady state that stays unknown until max_duration is over refuses the run") {
  World world;
  const auto begun = world.loop.now();
  const auto result = world.run(with_probe(hang(), {false}, 100000, OnBreach::abort));
  CHECK(world.loop.now() - begun <= 11min);
  CHECK(result.exit_code == 3);
  CHECK(result.reason.find("max_duration of 10m") != std::string::npos);
  CHECK(world.machine->gate().writes() == 0);
}

TEST_CASE("the values that were used are in the events, the journal and the result") {
  World world;
  auto scenario = hang();
  scenario.scenario.parameters = {{"interface", "eth1", "", true}, {"loss", "1%", "", false}};
  const auto result = world.run(std::move(scenario));
  REQUIRE(result.parameters.size() == 2);
  CHECK(result.parameters[0].overridden);
  REQUIRE(world.find("run_started"));
  CHECK(world.find("run_started")->text("parameters") == "interface='eth1' loss='1%'");
  const auto journal = JournalFile::read(result.directory);
  REQUIRE(journal);
  CHECK((*journal)->header().parameters ==
        std::vector<std::pair<std::string, std::string>>{{"interface", "eth1"}, {"loss", "1%"}});
  const auto back = read_result(result.directory);
  REQUIRE(back);
  CHECK(back->parameters[0].value == "eth1");
}

TEST_CASE("events that could not be written are told with the verdict") {
  World world;
  std::unique_ptr<FullDisk> full;
  world.heard = [&](const Event& event) {
    full.reset();
    if (begins(event, "rollback")) full = std::make_unique<FullDisk>();
  };
  const auto result = world.run(hang());
  CHECK(result.exit_code == 0);
  CHECK(result.notes == std::vector<std::string>{"1 event could not be written to the event log"});
}

TEST_CASE("a seed of any size is logged as it is") {
  World world;
  auto scenario = hang();
  scenario.scenario.seed = 18446744073709551615u;
  (void)world.run(std::move(scenario));
  REQUIRE(world.find("run_started"));
  CHECK(to_json_line(*world.find("run_started"), "r").find("\"seed\":18446744073709551615") !=
        std::string::npos);
}

TEST_CASE("a breach that is only recorded has an event of its own") {
  World world;
  const auto result = world.run(with_probe(hang(), {true, false, true}, 1, OnBreach::record));
  CHECK(result.exit_code == 1);
  const auto* breach = world.find("breach");
  REQUIRE(breach);
  CHECK(breach->text("probe") == "service");
  CHECK(breach->text("why") == "it is down");
  CHECK(breach->text("action") == "record");
  CHECK_FALSE(world.find("abort"));
}

TEST_CASE("a fault's start is counted from that of its run") {
  World world;
  const auto result = world.run(hang());
  CHECK(result.faults[0].started_ns >= 0);
  CHECK(Duration(result.faults[0].started_ns) < 1min);
}

TEST_CASE("a program of an earlier run at the target's interface refuses the run") {
  World world;
  auto& space = world.machine->network().edit().namespaces.begin()->second;
  for (const auto& link : space.links)
    space.hooks[link.index].in.push_back(
        {"squall_c0ffee00", 1, network::Means::tcx, 0, 0, true, false});
  const auto result = world.run(example_of(**built_in_faults().get("packet_loss")));
  CHECK(result.exit_code == 3);
  CHECK(result.reason.find("squall_c0ffee00") != std::string::npos);
  CHECK(result.hint == "remove it with 'squall recover'");
  CHECK(world.machine->gate().writes() == 0);
}
