// SPDX-License-Identifier: Apache-2.0

#include "scenarios/probe/expectation.hpp"

#include "scenarios/probe/json_value.hpp"

#include <doctest/doctest.h>

#include <cerrno>

namespace squall {
namespace {

constexpr Instant kBegin{Duration(1h)};

TEST_CASE("a percentile is taken over the window, the slowest included") {
  Expectation expect;
  expect.percentiles = {{"50", {Op::less, 20ms, 20ms}}, {"99", {Op::less, 80ms, 80ms}}};
  expect.window = 1s;
  Judge judge(expect);
  auto now = kBegin;
  Seen seen;
  for (int i = 0; i < 50; ++i) {
    now += 10ms;
    seen.latency = 10ms;
    CHECK(judge.judge(now, seen).held);
  }
  seen.latency = 90ms;
  CHECK(judge.judge(now, seen).why == "p99 latency of the last 51 answers 90ms is not < 80ms");
  seen.latency = 10ms;
  // Outside the window the slow one is forgotten.
  for (int i = 0; i < 10; ++i) judge.judge(now += 10ms, seen);
  now += 1s;
  CHECK(judge.judge(now, seen).held);
  // A timeout counts as its wait.
  judge.fail(now, "no answer within 200ms", 200ms, true);
  CHECK_FALSE(judge.judge(now, seen).held);
}

TEST_CASE("the window of a percentile is bounded in memory") {
  Expectation expect;
  expect.percentiles = {{"99.9", {Op::less, 1s, 1s}}};
  expect.window = 10min;
  Judge judge(expect);
  Seen seen;
  seen.latency = 1ms;
  for (int i = 0; i < 10'001; ++i) judge.fail(kBegin, "x", 1ms, true);
  CHECK(judge.judge(kBegin, seen).held);
}

TEST_CASE("the first number of a text") {
  CHECK(first_number("depth: 41.5 orders") == 41.5);
  CHECK(first_number("at -3 degrees") == -3);
  CHECK(first_number("a-b 1e3") == 1000);
  CHECK_FALSE(first_number("none - at all"));
  CHECK_FALSE(first_number(""));
}

TEST_CASE("values at JSON pointers compare as text, or within a limit") {
  const auto expected = [](auto value) {
    return *Value<JsonExpectation>::parse({value, {}, false});
  };
  CHECK(expected(std::string("ok")).text == "ok");
  CHECK(expected(std::string("< 100")).limit->holds(99));
  CHECK(expected(std::string("= 1.5")).limit->holds(1.5));
  CHECK(expected(std::string("= <none>")).text == "<none>");
  CHECK(expected(std::string("../up")).text == "../up");
  CHECK(expected(std::string("1..2")).limit->holds(1.5));
  CHECK(expected(true).text == "true");
  CHECK(expected(std::int64_t{5}).limit->holds(5));
  CHECK_FALSE(Value<JsonExpectation>::parse({std::string("< many"), {}, false}));
}

TEST_CASE("JSON of any shape is looked up without a throw") {
  const auto json = JsonText::parse(R"({"a":{"b~/c":[10,{"d":null}]},"":1,"s":"\u00e9"})");
  REQUIRE(json);
  CHECK(json->find("/a/b~0~1c/0")->number == 10);
  CHECK(json->find("/a/b~0~1c/1/d")->text == "null");
  CHECK(json->find("/")->number == 1);
  CHECK(json->find("/s")->text == "\u00e9");
  CHECK_FALSE(json->find("/a/b~0~1c/7"));
  CHECK_FALSE(json->find("/a/b~0~1c/x"));
  CHECK_FALSE(json->find("/a/b~0~1c/01"));
  CHECK_FALSE(json->find("/s/0"));
  CHECK_FALSE(JsonText::parse("{"));
  CHECK_FALSE(JsonText::parse(""));
  CHECK_FALSE(JsonText::parse("\xff\xfe"));
  CHECK_FALSE(JsonText::parse(std::string(60'000, '[')));
  const auto deep = std::string(30'000, '[') + std::string(30'000, ']');
  CHECK(JsonText::parse(deep));
  CHECK_FALSE(check_json_pointer("state"));
  CHECK_FALSE(check_json_pointer("/a~2"));
}

TEST_CASE("what a service sends cannot act on a terminal") {
  CHECK(readable("a\x1b[31mb\r\n") == "a [31mb");
  CHECK(readable("caf\xc3\xa9") == "caf??");
  CHECK(readable(std::string(100, 'x')).size() < 70);
}

TEST_CASE("what others say becomes the end of a sentence") {
  CHECK(reason_of(ECONNREFUSED) == "connection refused");
  CHECK(as_reason("HTTP/0.9 is not allowed") == "HTTP/0.9 is not allowed");
  CHECK(as_reason("").empty());
}

}  // namespace
}  // namespace squall
