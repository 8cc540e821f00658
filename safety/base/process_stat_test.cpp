// SPDX-License-Identifier: Apache-2.0

#include "safety/base/process_stat.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

using namespace squall;

namespace {

constexpr const char* kStat =
    "1234 (a) b (c)) S 77 1234 1234 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 3 0 987654 1000 20 "
    "18446744073709551615 0 0\n";

}  // namespace

TEST_CASE("a process's name may hold spaces and parentheses") {
  const auto stat = parse_process_stat(kStat);
  REQUIRE(stat);
  CHECK(stat->name == "a) b (c)");
  CHECK(stat->state == 'S');
  CHECK(stat->parent == 77);
  CHECK(stat->flags == 4194304);
  CHECK(stat->start == 987654);
}

TEST_CASE("a status cut off at any byte is an error or whole, and never crashes") {
  const std::string text = kStat;
  for (std::size_t cut = 0; cut < text.find("987654"); ++cut)
    CHECK_FALSE(parse_process_stat(text.substr(0, cut)));
}

TEST_CASE("a process that is not there is gone") {
  CHECK(read_process_stat(::getpid())->parent == ::getppid());
  const auto none = read_process_stat(0);
  REQUIRE_FALSE(none);
  CHECK(none.error().kind == ErrorKind::gone);
}
