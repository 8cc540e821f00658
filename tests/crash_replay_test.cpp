// SPDX-License-Identifier: Apache-2.0
//
// The signature test: the program is killed at its n-th write, for every n, and so is
// the recovery; afterwards one more recovery must find the machine as it was. It runs
// for every fault of the registry, with the example of its spec.

#include "faults/registry.hpp"
#include "scenarios/run_id.hpp"
#include "tests/support/examples.hpp"
#include "tests/support/fake_machine.hpp"
#include "tests/support/memory_journal.hpp"
#include "tests/support/undo_all.hpp"

#include <doctest/doctest.h>

using namespace squall;
using namespace squall::testing;

namespace {

const RunContext kRun{"c0ffee", 0, 7, {}};

Rollback rollback_on(FakeMachine& machine) {
  return Rollback([&machine](const UndoRecord& undo, const ChangeToken& token) {
    return revert(built_in_faults(), undo, machine, token);
  });
}

// From the plan to the end; what the kernel would take away with a dying process goes
// with the hold when MachineDied unwinds.
void live(FakeMachine& machine, Journal& journal, const CheckedFault& checked) {
  auto plan = checked.fault->plan(checked.params, machine, kRun);
  REQUIRE_MESSAGE(plan, plan.error().sentence());
  Scope scope(journal);
  auto hold = checked.fault->inject(checked.params, *plan, machine, scope);
  if (hold && checked.ramped) (void)checked.fault->adjust(checked.ramped, *hold, machine, scope);
  (void)undo_all(rollback_on(machine), journal);
}

void recover(FakeMachine& machine, Journal& journal) {
  (void)undo_all(rollback_on(machine), journal);
}

template <class Life>
bool survives(Life&& life) {
  try {
    life();
    return true;
  } catch (const MachineDied&) {
    return false;
  }
}

int writes_of_a_life(const CheckedFault& checked) {
  const auto machine = clean_machine();
  MemoryJournal journal(machine->gate());
  live(*machine, journal, checked);
  CHECK(journal.owed().empty());
  CHECK(*machine == *clean_machine());
  return machine->gate().writes();
}

void replay(const CheckedFault& checked, bool kernel_cleans_up) {
  const int writes = writes_of_a_life(checked);
  REQUIRE(writes > 0);
  for (int at = 0; at < writes; ++at)
    for (int again = -1; again <= writes; ++again) {
      CAPTURE(checked.entry.kind);
      CAPTURE(at);
      CAPTURE(again);
      const auto machine = clean_machine();
      MemoryJournal journal(machine->gate());
      machine->workers().outlive_holder(!kernel_cleans_up);
      machine->gate().die_at(at);
      CHECK_FALSE(survives([&] { live(*machine, journal, checked); }));
      machine->gate().reset();
      if (again >= 0) machine->gate().die_at(again);
      (void)survives([&] { recover(*machine, journal); });
      machine->gate().reset();
      recover(*machine, journal);
      CHECK(journal.owed().empty());
      CHECK(*machine == *clean_machine());
    }
}

void for_each_fault(const std::function<void(const CheckedFault&)>& test) {
  for (const auto* fault : built_in_faults().all()) {
    const auto scenario = example_of(*fault);
    for (const auto& checked : scenario.faults) test(checked);
  }
}

}  // namespace

TEST_CASE("a crash at any write, and one of the recovery at any write, is recoverable") {
  for_each_fault([](const CheckedFault& checked) { replay(checked, true); });
}

TEST_CASE("nor does recovery rely on the kernel having ended our helpers") {
  for_each_fault([](const CheckedFault& checked) { replay(checked, false); });
}

TEST_CASE("a write that is refused at any place leaves nothing behind") {
  for_each_fault([](const CheckedFault& checked) {
    const int writes = writes_of_a_life(checked);
    for (int at = 0; at < writes; ++at) {
      CAPTURE(checked.entry.kind);
      CAPTURE(at);
      const auto machine = clean_machine();
      MemoryJournal journal(machine->gate());
      machine->gate().refuse_at(at);
      live(*machine, journal, checked);
      machine->gate().reset();
      recover(*machine, journal);
      CHECK(journal.owed().empty());
      CHECK(*machine == *clean_machine());
    }
  });
}

TEST_CASE("reverting twice, and without an inject, changes nothing more") {
  for_each_fault([](const CheckedFault& checked) {
    CAPTURE(checked.entry.kind);
    const auto machine = clean_machine();
    auto plan = checked.fault->plan(checked.params, *machine, kRun);
    REQUIRE(plan);
    MemoryJournal journal(machine->gate());
    for (const auto& intent : plan->intents) REQUIRE(journal.owe(intent));
    const auto owed = journal.owed();
    const auto rollback = rollback_on(*machine);
    CHECK(rollback.undo(owed).clean());
    CHECK(rollback.undo(owed).clean());
    CHECK(*machine == *clean_machine());
  });
}

TEST_CASE("looking never writes") {
  for_each_fault([](const CheckedFault& checked) {
    CAPTURE(checked.entry.kind);
    const auto machine = clean_machine();
    REQUIRE(checked.fault->plan(checked.params, *machine, kRun));
    const auto reading = checked.fault->verify(checked.params, *machine, kRun);
    REQUIRE(reading);
    CHECK(*reading == Reading::absent);
    REQUIRE(checked.fault->survey(checked.params, *machine));
    const auto strays = checked.fault->strays(*machine);
    CHECK(strays.found.empty());
    CHECK(strays.unseen.empty());
    CHECK(machine->gate().writes() == 0);
    CHECK(*machine == *clean_machine());
  });
}

TEST_CASE("a fault that is in force says so, and its marks lead to it without a journal") {
  for_each_fault([](const CheckedFault& checked) {
    CAPTURE(checked.entry.kind);
    const auto machine = clean_machine();
    MemoryJournal journal(machine->gate());
    auto plan = checked.fault->plan(checked.params, *machine, kRun);
    REQUIRE(plan);
    Scope scope(journal);
    auto hold = checked.fault->inject(checked.params, *plan, *machine, scope);
    REQUIRE_MESSAGE(hold, hold.error().sentence());
    const auto reading = checked.fault->verify(checked.params, *machine, kRun);
    REQUIRE(reading);
    CHECK(*reading == Reading::present);
    const auto strays = checked.fault->strays(*machine);
    CHECK(strays.unseen.empty());
    for (const auto& stray : strays.found) CHECK(rollback_on(*machine).stray(stray.undo));
    (void)undo_all(rollback_on(*machine), journal);
    hold->reset();  // what lives with a descriptor goes with it
    CHECK(*machine == *clean_machine());
  });
}
