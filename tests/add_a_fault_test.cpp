// SPDX-License-Identifier: Apache-2.0
//
// The tutorial's fault lives as a fault of the registry would, so that nobody learns
// from one that does not work.

#include "faults/registry.hpp"
#include "tests/support/fake_machine.hpp"
#include "tests/support/memory_journal.hpp"
#include "tests/support/undo_all.hpp"

#include "examples/add_a_fault/standstill.cpp"  // NOLINT(bugprone-suspicious-include)
#include <doctest/doctest.h>

using namespace squall;
using namespace squall::testing;

namespace {

constexpr int kPid = 201;  // of the fake machine's price service
const RunContext kRun{"c0ffee", 0, 7, {}};

const Registry& registry() {
  static const Registry made{{&standstill_fault()}};
  return made;
}

Boxed aimed_at(std::int64_t pid) {
  Complaints complaints;
  auto params = standstill_fault().parse({{"pid", {pid, {}, false}, {}}}, {}, complaints);
  CHECK(complaints.empty());
  return params;
}

Rollback rollback_on(FakeMachine& machine) {
  return Rollback([&machine](const UndoRecord& undo, const ChangeToken& token) {
    return revert(registry(), undo, machine, token);
  });
}

void live(FakeMachine& machine, Journal& journal) {
  const auto params = aimed_at(kPid);
  auto plan = standstill_fault().plan(params, machine, kRun);
  REQUIRE(plan);
  Scope scope(journal);
  (void)standstill_fault().inject(params, *plan, machine, scope);
}

}  // namespace

TEST_CASE("the tutorial's fault is in force between inject and rollback") {
  const auto machine = clean_machine();
  MemoryJournal journal(machine->gate());
  const auto params = aimed_at(kPid);
  CHECK(*standstill_fault().verify(params, *machine, kRun) == Reading::absent);
  live(*machine, journal);
  CHECK(*standstill_fault().verify(params, *machine, kRun) == Reading::present);
  CHECK(undo_all(rollback_on(*machine), journal).clean());
  CHECK(*standstill_fault().verify(params, *machine, kRun) == Reading::absent);
  CHECK(*machine == *clean_machine());
}

TEST_CASE("the tutorial's fault survives a death at any write") {
  for (int at = 0; at < 2; ++at) {  // the record, and the change
    CAPTURE(at);
    const auto machine = clean_machine();
    MemoryJournal journal(machine->gate());
    machine->gate().die_at(at);
    CHECK_THROWS_AS(live(*machine, journal), MachineDied);
    machine->gate().reset();
    (void)undo_all(rollback_on(*machine), journal);
    CHECK(undo_all(rollback_on(*machine), journal).clean());
    CHECK(*machine == *clean_machine());
  }
}

TEST_CASE("the tutorial's fault spares what is spared, and names what is not there") {
  const auto machine = clean_machine();
  auto spared = kRun;
  spared.spare.processes = {kPid};
  CHECK(standstill_fault().plan(aimed_at(kPid), *machine, spared).error().kind ==
        ErrorKind::refused);
  CHECK(standstill_fault().plan(aimed_at(4242), *machine, kRun).error().kind == ErrorKind::gone);
}
