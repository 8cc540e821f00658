// SPDX-License-Identifier: Apache-2.0
//
// No load that a fault may make keeps the watchdog from the CPU.

#include "faults/registry.hpp"
#include "safety/watchdog.hpp"
#include "tests/support/guarding.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace squall;
using namespace squall::testing;

TEST_CASE("the watchdog's priority is above every one that a fault may ask for") {
  std::size_t seen = 0;
  for (const auto* fault : built_in_faults().all())
    for (const auto& field : fault->sheet().params.fields) {
      if (!field.name.ends_with("rt_priority")) continue;
      ++seen;
      Complaints complaints;
      const Setting setting{field.name, {std::int64_t{Watchdog::kPriority}, {}}, {}};
      (void)fault->parse({setting}, {}, complaints);
      CHECK(std::ranges::any_of(complaints, [&](const Complaint& each) {
        return each.text().contains(field.name + ": " + std::to_string(Watchdog::kPriority) +
                                    " is outside");
      }));
    }
  CHECK(seen > 0);
}
