// SPDX-License-Identifier: Apache-2.0

#include "safety/base/limit.hpp"

#include <doctest/doctest.h>

namespace squall {
namespace {

template <class T>
Result<Limit<T>> parse(const char* text) {
  return Value<Limit<T>>::parse({std::string(text), {}, false});
}

TEST_CASE("a limit is an operator and a value with its unit") {
  const auto limit = parse<Duration>("< 50ms");
  REQUIRE(limit);
  CHECK(limit->op == Op::less);
  CHECK(limit->holds(49ms));
  CHECK_FALSE(limit->holds(50ms));
  CHECK(parse<Duration>("<=50ms")->holds(50ms));
  CHECK(parse<Bytes>(">= 500MiB")->holds(Bytes{500ull << 20}));
  CHECK_FALSE(parse<Bytes>("> 500MiB")->holds(Bytes{500ull << 20}));
  CHECK(parse<Percent>("10%..20%")->holds(Percent{20}));
  CHECK_FALSE(parse<Percent>("10%..20%")->holds(Percent{20.5}));
}

TEST_CASE("numbers may stand bare and mean equal, quantities may not") {
  CHECK(parse<double>("5")->holds(5));
  CHECK_FALSE(parse<double>("5")->holds(5.5));
  CHECK(parse<double>("-3 .. -1")->holds(-2));
  CHECK(Value<Limit<std::int64_t>>::parse({std::int64_t{200}, {}, false})->holds(200));
  CHECK(parse<std::int64_t>("200..299")->holds(204));

  const auto bare = parse<Duration>("50ms");
  REQUIRE_FALSE(bare);
  CHECK(bare.error().what == "'50ms' is not a comparison");
  CHECK(bare.error().hint == "say on which side, for example \"< 50ms\" or \"> 50ms\"");
}

TEST_CASE("a wrong limit says what is wrong with it") {
  CHECK(parse<Duration>("< 50").error().what == "'50' has no unit");
  CHECK_FALSE(parse<Duration>("<"));
  CHECK_FALSE(parse<Duration>(""));
  CHECK_FALSE(parse<double>("< many"));
  CHECK(parse<double>("20..10").error().what == "'20..10' ends before it begins");
  CHECK_FALSE(Value<Limit<Duration>>::parse({std::int64_t{5}, {}, false}));
}

TEST_CASE("what is printed parses to the same") {
  for (const auto* text : {"< 50ms", "<= 1s", "> 2m", ">= 3us", "= 1s", "1s..2s"}) {
    const auto limit = parse<Duration>(text);
    REQUIRE(limit);
    CHECK(Value<Limit<Duration>>::print(*limit) == text);
  }
}

TEST_CASE("a breach is told as a sentence") {
  CHECK(breach_of("latency", *parse<Duration>("< 50ms"), Duration(71ms), "71ms") ==
        "latency 71ms is not < 50ms");
  CHECK(breach_of("number", *parse<double>("1..2"), 3.0, "3") == "number 3 is outside 1..2");
  CHECK(breach_of("latency", *parse<Duration>("< 50ms"), Duration(7ms), "7ms").empty());
}

}  // namespace
}  // namespace squall
