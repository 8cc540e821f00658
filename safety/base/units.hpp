// SPDX-License-Identifier: Apache-2.0
//
// Quantities with their units in the type. Each has one parser and one printer,
// so that `50ms` means the same in a scenario, on the command line, in a journal
// and in a report. A bare number is refused with a hint.

#pragma once

#include "safety/base/result.hpp"

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace squall {

using Duration = std::chrono::nanoseconds;
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;  // CLOCK_MONOTONIC
using namespace std::chrono_literals;

struct Percent {
  double value = 0;  // 0 to 100
  double share() const { return value / 100; }
  auto operator<=>(const Percent&) const = default;
};

struct Bytes {
  std::uint64_t value = 0;
  auto operator<=>(const Bytes&) const = default;
};

// "1.5s", "250us", "2m30s", "1h". Units: ns us ms s m h d. Zero may stand as "0s".
Result<Duration> parse_duration(std::string_view text);
// "0.5%". 250% parses; ranges are a matter of the field.
Result<Percent> parse_percent(std::string_view text);
// "64KiB", "2GiB", "1.5MB". Units: B, KiB MiB GiB TiB (1024), kB MB GB TB (1000).
Result<Bytes> parse_bytes(std::string_view text);

std::string to_text(Duration value);  // shortest exact form: "1.5s", "250us", "2m30s"
std::string to_text(Percent value);   // "0.5%"
std::string to_text(Bytes value);     // "2GiB"
// For people, three significant digits: "12.3ms".
std::string to_rounded_text(Duration value);

// The word of `known` that was probably meant, or "" when none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace squall
