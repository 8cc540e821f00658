// SPDX-License-Identifier: Apache-2.0
//
// Whole runs on the fake machine and with made-up time: aborted at every tick of the
// schedule, breached, refused, and run to their end.

#include "scenarios/active_faults.hpp"
#include "tests/support/examples.hpp"
#include "tests/support/world.hpp"

#include <doctest/doctest.h>

#include <new>

using namespace squall;
using namespace squall::testing;

namespace {

// Has a bug, or no memory, at a given time after it was armed.
class ThrowsAt final : public Guard {
 public:
  explicit ThrowsAt(Duration at) : at_(at) {}
  std::string name() const override { return "test"; }
  GuardWord look() override { return {}; }
  Result<Watch> arm(Loop& loop, Say) override {
    return loop.after(at_, [] { throw std::bad_alloc(); });
  }

 private:
  Duration at_;
};

// Settles only on a machine that is clean.
class CleanWhenSettled final : public Journal {
 public:
  explicit CleanWhenSettled(const FakeMachine& machine) : machine_(machine) {}
  Result<std::uint64_t> owe(const Intent&) override { return ++last_; }
  Result<> settle(std::uint64_t) override {
    CHECK(machine_ == *clean_machine());
    ++settled;
    return {};
  }
  Result<> sync() override { return {}; }
  std::vector<Owed> owed() const override { return {}; }

  std::size_t settled = 0;

 private:
  const FakeMachine& machine_;
  std::uint64_t last_ = 0;
};

}  // namespace

TEST_CASE("a run of every fault ends by itself and leaves the machine as it was") {
  World world;
  const auto result = world.run(with_probe(all_examples(), {true}, 1, OnBreach::abort));
  CHECK(result.exit_code == 0);
  CHECK_MESSAGE(result.outcome == Outcome::held, result.reason);
  CHECK(result.faults.size() == built_in_faults().all().size());
  for (const auto& fault : result.faults) CHECK(fault.injected);
  CHECK(result.changes > 0);
  CHECK(result.residue.empty());
  CHECK(world.clean());
}

TEST_CASE("an abort at any tick of the schedule leaves the machine as it was") {
  const auto length = all_examples().length;
  for (Duration at{}; at < length; at += length / 200) {
    CAPTURE(to_text(at));
    World world;
    auto scenario = all_examples();
    scenario.guards.push_back({{}, std::make_unique<ObjectsAt>(at)});
    const auto result = world.run(std::move(scenario));
    CHECK(result.exit_code == 4);
    CHECK(result.reason.find("it is time") != std::string::npos);
    CHECK(result.residue.empty());
    CHECK(world.clean());
  }
}

TEST_CASE("a steady state that is not met before refuses the run, and nothing is changed") {
  World world;
  const auto result = world.run(with_probe(all_examples(), {false}, 2, OnBreach::abort));
  CHECK(result.exit_code == 3);
  CHECK(result.changes == 0);
  CHECK(world.machine->gate().writes() == 0);
}

TEST_CASE("as many consecutive breaches as the tolerance allows stop the run; fewer do not") {
  World tolerant;
  CHECK(
      tolerant.run(with_probe(all_examples(), {true, false, true}, 2, OnBreach::abort)).exit_code ==
      0);
  World strict;
  const auto result =
      strict.run(with_probe(all_examples(), {true, true, false, false, true}, 2, OnBreach::abort));
  CHECK(result.exit_code == 1);
  CHECK(result.outcome == Outcome::deviated);
  CHECK(result.reason == "probe 'service': it is down");
  CHECK(strict.clean());
}

TEST_CASE("a breach that is only recorded lets the run go on to its end") {
  World world;
  const auto before = world.loop.now();
  auto scenario = with_probe(all_examples(), {true, false, true}, 1, OnBreach::record);
  const auto length = scenario.length;
  const auto result = world.run(std::move(scenario));
  CHECK(result.exit_code == 1);
  CHECK(world.loop.now() - before >= length);
  CHECK(world.clean());
}

TEST_CASE("a steady state that does not come back after the rollback is a deviation") {
  World world;
  auto scenario = with_probe(all_examples(), {true, false}, 1, OnBreach::record);
  scenario.probes.back().entry.when = {Phase::before, Phase::after};
  const auto result = world.run(std::move(scenario));
  CHECK(result.exit_code == 1);
  CHECK(result.reason.find("after the rollback") == 0);
}

TEST_CASE("a fault that cannot be injected takes the others back") {
  World world;
  world.machine->gate().refuse_at(0);
  const auto result = world.run(all_examples());
  CHECK(result.exit_code == 4);
  CHECK(world.clean());
}

TEST_CASE("what cannot be undone is exit code 5, with the command that undoes it by hand") {
  World world;
  auto scenario = all_examples();
  scenario.guards.push_back({{}, std::make_unique<ObjectsAt>(scenario.length / 2)});
  // From some write on the machine refuses everything, as if a privilege were gone.
  world.machine->gate().refuse_from(3);
  const auto result = world.run(std::move(scenario));
  CHECK(result.exit_code == 5);
  REQUIRE_FALSE(result.residue.empty());
  CHECK_FALSE(result.residue.front().by_hand.empty());
}

TEST_CASE("an exception is code 70, and the machine is as it was") {
  World world;
  auto scenario = all_examples();
  scenario.guards.push_back({{}, std::make_unique<ThrowsAt>(scenario.length / 2)});
  const auto result = world.run(std::move(scenario));
  CHECK(result.exit_code == 70);
  CHECK(result.reason.find("std::bad_alloc") != std::string::npos);
  CHECK(world.clean());
  CHECK(world.run(all_examples()).exit_code == 0);
}

TEST_CASE("an exception that leaves something is code 5") {
  World world;
  auto scenario = all_examples();
  scenario.guards.push_back({{}, std::make_unique<ThrowsAt>(scenario.length / 2)});
  world.machine->gate().refuse_from(3);
  CHECK(world.run(std::move(scenario)).exit_code == 5);
}

TEST_CASE(
    "every record of a fault is a sign of life, and all faults are undone before any settles") {
  const TemporaryDirectory dir;
  const auto machine = clean_machine();
  const auto scenario = all_examples();
  auto planned = plan_run(scenario, *machine, "test", {}, 7);
  REQUIRE(planned);
  const auto count = planned->size();
  const Rollback rollback([&](const UndoRecord& undo, const ChangeToken& token) {
    return revert(built_in_faults(), undo, *machine, token);
  });
  CleanWhenSettled journal(*machine);
  auto log = EventLog::create(dir / "events.jsonl", "test");
  REQUIRE(log);
  ActiveFaults faults(std::move(*planned), *machine, rollback, journal, *log, {});
  std::size_t signs = 0;
  faults.on_progress([&] { ++signs; });
  // One may find its target taken by another: all the same it may have changed something.
  for (std::size_t i = 0; i < count; ++i) (void)faults.inject(i);
  CHECK(signs >= faults.changes());
  CHECK_FALSE(*machine == *clean_machine());
  faults.end_all();
  CHECK(journal.settled == faults.changes());
}

TEST_CASE("a second run is refused while one holds the host, and after a crash until recovery") {
  World world;
  world.machine->gate().die_at(2);
  CHECK_THROWS_AS((void)world.run(all_examples()), MachineDied);
  world.machine->gate().reset();
  const auto refused = world.run(all_examples());
  CHECK(refused.exit_code == 3);
  CHECK(refused.hint.find("squall recover") != std::string::npos);
}
