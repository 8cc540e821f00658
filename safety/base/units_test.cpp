// SPDX-License-Identifier: Apache-2.0

#include "safety/base/units.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

using namespace squall;

namespace {

std::string refusal(std::string_view text) {
  auto parsed = parse_duration(text);
  return parsed ? "parsed as " + to_text(*parsed) : parsed.error().what;
}

// Spread over all magnitudes, where the units change.
std::uint64_t any_magnitude(std::mt19937_64& random) { return random() >> (random() % 64); }

}  // namespace

TEST_CASE("durations mean what they say") {
  CHECK(*parse_duration("250us") == 250us);
  CHECK(*parse_duration("250\xC2\xB5s") == 250us);
  CHECK(*parse_duration("1.5s") == 1500ms);
  CHECK(*parse_duration("2m30s") == 150s);
  CHECK(*parse_duration("1d2h3m4.5s") == 26h + 3min + 4500ms);
  CHECK(*parse_duration("0.1h") == 6min);
  CHECK(*parse_duration("0s") == 0s);
  CHECK(parse_duration("9223372036854775807ns")->count() ==
        std::numeric_limits<std::int64_t>::max());
}

TEST_CASE("durations are printed short and exact") {
  CHECK(to_text(Duration(1500ms)) == "1.5s");
  CHECK(to_text(Duration(250us)) == "250us");
  CHECK(to_text(Duration(150s)) == "2m30s");
  CHECK(to_text(Duration(120'500ms)) == "2m0.5s");
  CHECK(to_text(Duration(1h)) == "1h");
  CHECK(to_text(Duration(0s)) == "0s");
  CHECK(to_text(Duration(-20ms)) == "-20ms");
}

TEST_CASE("every duration survives print and parse") {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    const Duration value(static_cast<std::int64_t>(any_magnitude(random) >> 1));
    CAPTURE(to_text(value));
    REQUIRE(parse_duration(to_text(value)));
    CHECK(*parse_duration(to_text(value)) == value);
  }
}

TEST_CASE("what is not exactly a duration is refused by its name") {
  CHECK(refusal("20") == "'20' has no unit");
  CHECK(parse_duration("20").error().hint == "write a unit, for example 20ms");
  CHECK(refusal("1m30") == "the last part of '1m30' has no unit");
  CHECK(refusal("") == "'' is not a duration");
  CHECK(refusal("soon") == "'soon' is not a duration");
  CHECK(refusal(".5s") == "'.5s' is not a duration");
  CHECK(refusal("5.s") == "'5.s' is not a duration");
  CHECK(refusal("-5ms") == "'-5ms' is negative");
  CHECK(refusal("20sec") == "unknown unit 'sec' in '20sec' (did you mean 's'?)");
  CHECK(refusal("20 ms") == "unknown unit ' ms' in '20 ms' (did you mean 'ms'?)");
  CHECK(refusal("20MS") == "unknown unit 'MS' in '20MS' (did you mean 'ms'?)");
  CHECK(refusal("20parsec") == "unknown unit 'parsec' in '20parsec'");
  CHECK(refusal("30s2m") == "'30s2m' is not a duration");
  CHECK(refusal("1.5m3s") == "'1.5m3s' is not a duration");
  CHECK(refusal("1s1s") == "'1s1s' is not a duration");
  CHECK(refusal("0.5ns") == "'0.5ns' is finer than a nanosecond");
  CHECK(refusal("9223372036854775808ns") == "'9223372036854775808ns' is too long");
  CHECK(refusal("99999999999999999999d") == "'99999999999999999999d' is too long");
  CHECK(refusal(std::string(5000, '9') + "s").size() < 120);
}

TEST_CASE("percentages") {
  CHECK(parse_percent("0.5%")->value == 0.5);
  CHECK(parse_percent("250%")->value == 250);
  CHECK(to_text(Percent{0.1}) == "0.1%");
  CHECK(to_text(Percent{100}) == "100%");
  CHECK(parse_percent("5").error().hint == "write a unit, for example 5%");
  CHECK(parse_percent("5 %").error().what == "unknown unit ' %' in '5 %' (did you mean '%'?)");
  CHECK(parse_percent("-5%").error().what == "'-5%' is negative");
  for (const auto* text : {"nan%", "inf%", "1e3%", "%", "", "0x1%", "5%%"})
    CHECK_FALSE(parse_percent(text));
  CHECK_FALSE(parse_percent(std::string(400, '9') + "%"));
}

TEST_CASE("every percentage survives print and parse") {
  std::mt19937_64 random(2);
  std::uniform_real_distribution<double> exponent(-30, 30);
  for (int i = 0; i < 20'000; ++i) {
    const Percent value{std::pow(10.0, exponent(random))};
    CAPTURE(to_text(value));
    REQUIRE(parse_percent(to_text(value)));
    CHECK(*parse_percent(to_text(value)) == value);
  }
}

TEST_CASE("sizes") {
  CHECK(parse_bytes("64KiB")->value == 65536);
  CHECK(parse_bytes("1.5MB")->value == 1'500'000);
  CHECK(parse_bytes("0.1GiB")->value == 107'374'182);
  CHECK(to_text(Bytes{2ULL << 30}) == "2GiB");
  CHECK(to_text(Bytes{1536 * 1024}) == "1.5MiB");
  CHECK(to_text(Bytes{1000}) == "1kB");
  CHECK(to_text(Bytes{0}) == "0B");
  CHECK(parse_bytes("64").error().what == "'64' has no unit");
  CHECK(parse_bytes("64K").error().what == "unknown unit 'K' in '64K' (did you mean 'KiB'?)");
  CHECK(parse_bytes("64KB").error().what == "unknown unit 'KB' in '64KB' (did you mean 'kB'?)");
  CHECK(parse_bytes("1.5B").error().what == "'1.5B' is finer than a byte");
  CHECK(parse_bytes("-1B").error().what == "'-1B' is negative");
  CHECK(parse_bytes("16777216TiB").error().what == "'16777216TiB' is too large");
}

TEST_CASE("every size survives print and parse") {
  std::mt19937_64 random(3);
  for (int i = 0; i < 20'000; ++i) {
    auto value = Bytes{any_magnitude(random)};
    if (i % 2 == 0) value.value &= ~std::uint64_t{0xFFFFF};
    CAPTURE(to_text(value));
    REQUIRE(parse_bytes(to_text(value)));
    CHECK(*parse_bytes(to_text(value)) == value);
  }
}

TEST_CASE("rounded durations have three digits") {
  CHECK(to_rounded_text(12'345'678ns) == "12.3ms");
  CHECK(to_rounded_text(999'900ns) == "1ms");
  CHECK(to_rounded_text(999ns) == "999ns");
  CHECK(to_rounded_text(59'960ms) == "1m");
  CHECK(to_rounded_text(150'400ms) == "2m30s");
  CHECK(to_rounded_text(3'725s) == "1h2m");
  CHECK(to_rounded_text(-1'234'567ns) == "-1.23ms");
}

TEST_CASE("nearest guesses what was meant, and only when it is near") {
  const std::vector<std::string> known = {"latency", "loss", "match.port", "burst_length"};
  CHECK(nearest("latncy", known) == "latency");
  CHECK(nearest("lsos", known) == "loss");
  CHECK(nearest("LOSS", known) == "loss");
  CHECK(nearest("burst-length", known) == "burst_length");
  CHECK(nearest("mtach.port", known) == "match.port");
  CHECK(nearest("colour", known).empty());
  CHECK(nearest("", known).empty());
  CHECK(nearest(std::string(100'000, 'l'), known).empty());
}
