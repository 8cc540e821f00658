// SPDX-License-Identifier: Apache-2.0

#include "safety/base/schema.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <random>

namespace squall {
namespace {

enum class Side { left, right };
struct Inner {
  std::int64_t port = 0;
  std::vector<std::int64_t> ports;
};
struct Params {
  Duration delay{};
  Percent loss{};
  std::optional<Bytes> size;
  std::string name;
  bool invert = false;
  double rate = 1;
  Side side = Side::left;
  Inner match;
};

}  // namespace

template <>
struct Words<Side> {
  static constexpr std::pair<Side, std::string_view> list[] = {{Side::left, "left"},
                                                               {Side::right, "right"}};
};

namespace {

Table<Params> table() {
  Table<Params> made(
      {field("delay", &Params::delay, "added to every packet").range(Duration(0s), Duration(10s)),
       field("loss", &Params::loss, "share of packets lost").range(Percent{0}, Percent{100}),
       field("size", &Params::size, "size of a chunk"),
       field("name", &Params::name, "name of the thing").required(),
       field("invert", &Params::invert, "the opposite"), field("rate", &Params::rate, "speed"),
       field("side", &Params::side, "side of the road")},
      {{"loss needs a delay", [](const Params& p) { return p.loss.value == 0 || p.delay > 0s; }}});
  made.add(group<Params>("match", &Params::match,
                         std::vector<Field<Inner>>{field("port", &Inner::port, "port"),
                                                   field("ports", &Inner::ports, "ports")}));
  return made;
}

Setting setting(std::string name, decltype(Raw::value) value, bool flag = false) {
  return {std::move(name), {std::move(value), {"f.toml", 3, 9}, flag}, {"f.toml", 3, 1}};
}

std::string complaints_of(Settings settings) {
  Complaints complaints;
  table().parse(settings, "thing", {"f.toml", 1, 1}, complaints);
  std::string all;
  for (const auto& each : complaints) all += each.text() + "\n";
  return all;
}

}  // namespace

TEST_CASE("a table parses each type") {
  Complaints complaints;
  const auto p = table().parse(
      {setting("name", "x"), setting("delay", "20ms"), setting("loss", "5%"),
       setting("size", "2GiB"), setting("invert", true), setting("rate", std::int64_t{3}),
       setting("side", "right"), setting("match.port", std::int64_t{9001}),
       setting("match.ports", Raw::List{{std::int64_t{1}, {}}, {std::int64_t{2}, {}}})},
      "thing", {}, complaints);
  CHECK(complaints.empty());
  CHECK(p.delay == 20ms);
  CHECK(p.loss.value == 5);
  CHECK(p.size->value == 2ULL << 30);
  CHECK(p.invert);
  CHECK(p.rate == 3);
  CHECK(p.side == Side::right);
  CHECK(p.match.port == 9001);
  CHECK(p.match.ports == std::vector<std::int64_t>{1, 2});
}

TEST_CASE("what a table prints, it parses to the same from flags") {
  std::mt19937_64 random(4);
  for (int i = 0; i < 500; ++i) {
    Params p;
    p.delay = Duration(static_cast<std::int64_t>(random() % 10'000'000'000));
    p.loss = {static_cast<double>(random() % 1'000'000) / 10'000};
    if (p.loss.value > 0) p.delay += 1ns;
    p.delay = std::min(p.delay, Duration(10s));
    if (random() % 2) p.size = Bytes{random()};
    p.name = "n" + std::to_string(random());
    p.invert = random() % 2;
    p.rate = std::ldexp(static_cast<double>(random()), static_cast<int>(random() % 200) - 100);
    p.side = random() % 2 ? Side::left : Side::right;
    p.match.port = static_cast<std::int64_t>(random());
    p.match.ports = {1, static_cast<std::int64_t>(random())};
    Complaints complaints;
    const auto again = table().parse(table().print(p), "thing", {}, complaints);
    REQUIRE(complaints.empty());
    CHECK(again.delay == p.delay);
    CHECK(again.loss == p.loss);
    CHECK(again.size == p.size);
    CHECK(again.name == p.name);
    CHECK(again.invert == p.invert);
    CHECK(again.rate == p.rate);
    CHECK(again.side == p.side);
    CHECK(again.match.port == p.match.port);
    CHECK(again.match.ports == p.match.ports);
  }
}

TEST_CASE("every complaint at once, each at its place") {
  CHECK(complaints_of({setting("delay", "11s"), setting("loss", std::int64_t{5}),
                       setting("sied", "left"), setting("side", "lfet"),
                       setting("invert", "true")}) ==
        "f.toml:3:9: error: delay: 11s is outside 0s to 10s\n"
        "f.toml:3:9: error: loss: '5' has no unit\n"
        "  hint: write a unit, for example \"5%\"\n"
        "f.toml:3:1: error: thing: unknown key 'sied' (did you mean 'side'?)\n"
        "f.toml:3:9: error: side: 'lfet' is not one of left, right (did you mean 'left'?)\n"
        "f.toml:3:9: error: invert: 'true' is neither true nor false\n"
        "  hint: write it without quotes\n"
        "f.toml:1:1: error: thing: 'name' is missing\n"
        "  hint: write name = \"…\" (name of the thing)\n");
}

TEST_CASE("keys in the wrong place are told the right one") {
  const auto name = setting("name", "x");
  CHECK(complaints_of({name, setting("mtach.port", "1")}) ==
        "f.toml:3:1: error: thing: unknown key 'mtach.port' (did you mean 'match.port'?)\n");
  CHECK(complaints_of({name, setting("port", "1")}) ==
        "f.toml:3:1: error: thing: unknown key 'port' (did you mean 'match.port'?)\n");
  CHECK(complaints_of({name, setting("match", "1")}) ==
        "f.toml:3:1: error: thing: 'match' is a table\n"
        "  hint: it holds port, ports; write match = { port = … }\n");
  CHECK(complaints_of({name, setting("colour", "red")}) ==
        "f.toml:3:1: error: thing: unknown key 'colour'\n"
        "  hint: thing takes delay, loss, size, name, invert, rate, side, match.port, "
        "match.ports\n");
}

TEST_CASE("rules are checked once the values are good") {
  CHECK(complaints_of({setting("name", "x"), setting("loss", "1%")}) ==
        "f.toml:1:1: error: thing: loss needs a delay\n");
}

TEST_CASE("numbers as text are taken from flags only") {
  CHECK(*Value<std::int64_t>::parse({std::string("42"), {}, true}) == 42);
  CHECK(Value<std::int64_t>::parse({std::string("42"), {}, false}).error().what ==
        "'42' is text, not a number");
  CHECK(Value<std::uint64_t>::parse({std::int64_t{-1}, {}}).error().what == "'-1' is negative");
  CHECK(Value<std::int64_t>::parse({std::string("99999999999999999999"), {}, true}).error().what ==
        "'99999999999999999999' is too large");
  CHECK_FALSE(Value<double>::parse({std::numeric_limits<double>::infinity(), {}}));
  CHECK_FALSE(Value<double>::parse({std::string("nan"), {}, true}));
  CHECK_FALSE(Value<std::string>::parse({std::string("a\0b", 3), {}}));
  CHECK(Value<std::string>::parse({std::int64_t{5}, {}}).error().hint == "put it in quotes");
  CHECK(Value<Percent>::parse({-5.5, {}}).error().what == "'-5.5' is negative");
}

TEST_CASE("blending meets both ends exactly") {
  CHECK(Value<Percent>::blend({1}, {10}, 1).value == 10);
  CHECK(Value<Percent>::blend({1}, {10}, 0).value == 1);
  CHECK(Value<Percent>::blend({0}, {10}, 0.5).value == 5);
  CHECK(Value<Duration>::blend(10ms, 20ms, 0.25) == 12500us);
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  CHECK(Value<std::uint64_t>::blend(0, kMost, 1) == kMost);
  CHECK(Value<std::uint64_t>::blend(kMost, 0, 1e-30) == kMost);
  CHECK(Value<std::int64_t>::blend(10, -10, 0.5) == 0);
}

TEST_CASE("the key of an open field is the user's") {
  struct Answer {
    OpenList<std::int64_t> json;
  };
  struct Asked {
    Answer expect;
  };
  const Table<Asked> open(
      group<Asked, Answer>("expect", &Asked::expect,
                           {open_field("json.<pointer>", &Answer::json, "values by pointer")}));
  Complaints complaints;
  const auto asked = open.parse({{"expect.json./queue/a.b", {std::int64_t{5}, {}}, {}},
                                 {"expect.json./x", {std::string("five"), {}}, {}},
                                 {"expect.json.", {std::int64_t{5}, {}}, {}}},
                                "http", {}, complaints);
  REQUIRE(asked.expect.json.size() == 1);
  CHECK(asked.expect.json[0].first == "/queue/a.b");
  CHECK(asked.expect.json[0].second == 5);
  REQUIRE(complaints.size() == 2);
  CHECK(complaints[0].what == "expect.json./x: 'five' is not a whole number");
  CHECK(complaints[1].what == "http: unknown key 'expect.json.'");
  const auto printed = open.print(asked);
  REQUIRE(printed.size() == 1);
  CHECK(printed[0].name == "expect.json./queue/a.b");
}

TEST_CASE("flags are the last part of a name") {
  FieldSheet sheet;
  sheet.name = "match.burst_length";
  CHECK(sheet.flag() == "--burst-length");
}

}  // namespace squall
