// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/distribution.hpp"

#include "tests/support/temporary.hpp"

#include <doctest/doctest.h>

#include <fstream>

using namespace squall;
using namespace squall::netem;

TEST_CASE("a table is numbers, with comments") {
  const auto table = parse_distribution("# made by hand\n-8192 0\n\n 8192 # one jitter\n", "x");
  REQUIRE(table);
  CHECK(*table == Distribution{-8192, 0, 8192});
}

TEST_CASE("what is not a table is refused with its line") {
  const auto what = [](const std::string& text) {
    const auto table = parse_distribution(text, "/x/y.dist");
    return table ? "" : table.error().what;
  };
  CHECK(what("1 2\nthree 4\n") == "'/x/y.dist' is not a distribution table: line 2 has 'three'");
  CHECK(what("1 2\n40000\n") == "'/x/y.dist' is not a distribution table: line 2 has '40000'");
  CHECK(what("1.5") == "'/x/y.dist' is not a distribution table: line 1 has '1.5'");
  CHECK(what("# nothing\n") ==
        "'/x/y.dist' is not a distribution table: line 2 ends it without a number");
  std::string long_one;
  for (int i = 0; i < 16385; ++i) long_one += "1\n";
  CHECK(what(long_one) ==
        "'/x/y.dist' is not a distribution table: line 16385 is beyond the 16384th number");
}

TEST_CASE("a table is found by its path, and unknown names are refused") {
  const testing::TemporaryDirectory folder;
  const auto path = folder.path() + "/mine.dist";
  std::ofstream(path) << "0 1 2\n";
  CHECK(read_distribution(path).value() == Distribution{0, 1, 2});
  CHECK(read_distribution("uniform").value().empty());
  CHECK(read_distribution("nomral").error().what == "there is no distribution 'nomral'");
  CHECK(read_distribution(folder.path() + "/other").error().kind == ErrorKind::gone);
}

TEST_CASE("mean and deviation follow the kernel's arithmetic") {
  CHECK(spread_of(20ms, 0ms, {}).mean_ns == doctest::Approx(20e6));
  const auto uniform = spread_of(20ms, 6ms, {});
  CHECK(uniform.mean_ns == doctest::Approx(20e6));
  CHECK(uniform.deviation_ns == doctest::Approx(6e6 / 1.7320508));
  // Half of the packets would leave before their time: at once.
  CHECK(spread_of(0ms, 8ms, {-8192, 8192}).mean_ns == doctest::Approx(4e6));
  const auto table = spread_of(20ms, 8ms, {-8192, 8192});
  CHECK(table.mean_ns == doctest::Approx(20e6));
  CHECK(table.deviation_ns == doctest::Approx(8e6));
  // Below zero uniform delays are cut off as well: of 0 ± 10 ms half are 0, the rest 5 ms.
  CHECK(spread_of(0ms, 10ms, {}).mean_ns == doctest::Approx(2.5e6));
}
