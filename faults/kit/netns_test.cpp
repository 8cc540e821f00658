// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/netns.hpp"

#include "tests/support/temporary.hpp"

#include <doctest/doctest.h>

#include <fstream>

using namespace squall;

TEST_CASE("a file that is left where a namespace was leads to none, and is no trouble") {
  const testing::TemporaryDirectory folder;
  std::ofstream(folder / "left").close();
  const auto found = netns::find(folder / "left");
  REQUIRE_FALSE(found);
  CHECK(found.error().kind == ErrorKind::gone);
  CHECK(found.error().what == "'" + (folder / "left") + "' is not a network namespace");
}
