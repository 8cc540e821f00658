// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/bit_rate.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

namespace squall {
namespace {

struct RateUnit {
  std::string_view name;
  double bits;
};
constexpr RateUnit kRateUnits[] = {{"Gbit", 1e9}, {"Mbit", 1e6}, {"kbit", 1e3}, {"bit", 1}};

}  // namespace

Result<BitRate> Value<BitRate>::parse(const Raw& raw) {
  const auto* text = std::get_if<std::string>(&raw.value);
  double number = -1;
  const RateUnit* unit = nullptr;
  if (text) {
    const auto [stop, problem] = std::from_chars(text->data(), text->data() + text->size(), number);
    const std::string_view rest(stop, static_cast<std::size_t>(text->data() + text->size() - stop));
    const auto* found = std::ranges::find(kRateUnits, rest, &RateUnit::name);
    if (problem == std::errc{} && found != std::end(kRateUnits)) unit = found;
  }
  if (!unit || number < 0 || number * unit->bits > 1e13)
    return Error{ErrorKind::invalid,
                 describe(raw) + " is not a rate",
                 "write it with its unit: \"10Mbit\"; units: bit kbit Mbit Gbit",
                 {},
                 0};
  if (number * unit->bits < 8)
    return Error{ErrorKind::invalid,
                 "a rate of 0 lets nothing through, and what waits never leaves",
                 "for a partition write loss = \"100%\"",
                 {},
                 0};
  return BitRate{static_cast<std::uint64_t>(std::llround(number * unit->bits))};
}

std::string Value<BitRate>::print(const BitRate& rate) {
  if (rate.bits == 0) return "";
  for (const auto& each : kRateUnits) {
    const auto unit = static_cast<std::uint64_t>(each.bits);
    if (rate.bits % unit == 0) return std::to_string(rate.bits / unit) + std::string(each.name);
  }
  return "";
}

TypeSheet Value<BitRate>::sheet() {
  return {"rate", "10Mbit", "^[0-9]+(\\.[0-9]+)?(k|M|G)?bit$", {}, {"string"}, false};
}

BitRate Value<BitRate>::blend(const BitRate& from, const BitRate& to, double f) {
  const auto a = static_cast<double>(from.bits), b = static_cast<double>(to.bits);
  return {static_cast<std::uint64_t>(std::llround(a + (b - a) * f))};
}

}  // namespace squall
