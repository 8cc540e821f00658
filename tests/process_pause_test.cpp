// SPDX-License-Identifier: Apache-2.0
//
// Pausing several processes on the fake machine.

#include "faults/registry.hpp"
#include "safety/undo/rollback.hpp"
#include "tests/support/fake_machine.hpp"
#include "tests/support/memory_journal.hpp"

#include <doctest/doctest.h>

using namespace squall;
using namespace squall::testing;

TEST_CASE("all are asked to stop before the first is waited for") {
  const auto machine = clean_machine();
  for (const pid_t pid : {301, 302}) {
    auto another = *machine->processes().read_pid(201);
    another.id.pid = pid;
    machine->processes().add(another);
  }
  const auto& fault = *built_in_faults().find("process_pause");
  Complaints complaints;
  const auto params =
      fault.parse({{"target.name", {"price_service", {}, true}, {}}}, {}, complaints);
  REQUIRE(complaints.empty());
  const auto plan = fault.plan(params, *machine, {"c0ffee", 0, 7, {}});
  REQUIRE(plan);
  MemoryJournal journal(machine->gate());
  Scope scope(journal);
  REQUIRE(fault.inject(params, *plan, *machine, scope));
  CHECK(machine->processes().waits() == std::vector<int>(3, machine->gate().writes()));
}
