// SPDX-License-Identifier: Apache-2.0

#include "tests/support/fake_machine.hpp"

#include <doctest/doctest.h>

using namespace squall;
using namespace squall::testing;

namespace {
const WorkerOrder order{.name = "squall-3f2a9c00"};
}

TEST_CASE("two clean machines are equal, and a paused process makes a difference") {
  const auto a = clean_machine();
  const auto b = clean_machine();
  CHECK(*a == *b);
  b->processes().edit().all.back().state = 'T';
  CHECK_FALSE(*a == *b);
  CHECK(dump(*a) != dump(*b));
}

TEST_CASE("a worker shows on the fake machine and goes with its holder") {
  const auto machine = clean_machine();
  {
    auto worker = machine->workers().make_idle(order);
    REQUIRE(worker);
    CHECK(machine->workers().find_all()->size() == 1);
    CHECK_FALSE(*machine == *clean_machine());
  }
  CHECK(*machine == *clean_machine());
}

TEST_CASE("the gate lets the program die at the n-th write") {
  const auto machine = clean_machine();
  machine->gate().die_at(0);
  CHECK_THROWS_AS((void)machine->workers().make_idle(order), MachineDied);
  CHECK(*machine == *clean_machine());
}
