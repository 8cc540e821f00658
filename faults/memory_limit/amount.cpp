// SPDX-License-Identifier: Apache-2.0

#include "faults/memory_limit/amount.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace squall {
namespace {

constexpr std::uint64_t kLargestPage = 64 << 10;
constexpr Percent kMostOfUse{1000};

Error wrong(const Raw& raw, const std::string& why) {
  return {ErrorKind::invalid,
          describe(raw) + " " + why,
          "write a size, \"512MiB\", or a share of the present use, \"80%\"",
          {},
          0};
}

bool is_share(const Raw& raw) {
  const auto* text = std::get_if<std::string>(&raw.value);
  return text && text->ends_with('%');
}

}  // namespace

Bytes LimitAmount::resolve(Bytes use) const {
  const auto exact = of_use ? static_cast<std::uint64_t>(
                                  std::llround(static_cast<double>(use.value) * of_use->share()))
                            : size.value;
  return {(exact + kLargestPage - 1) / kLargestPage * kLargestPage};
}

std::string to_rounded_text(Bytes bytes) {
  constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes.value);
  std::size_t unit = 0;
  for (; value >= 999.5 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.begin(), text.end(), value, std::chars_format::general, 3);
  return std::string(text.begin(), end.ptr) + kUnits.at(unit);
}

Result<LimitAmount> Value<LimitAmount>::parse(const Raw& raw) {
  LimitAmount made;
  if (is_share(raw)) {
    SQUALL_TRY(made.of_use, Value<Percent>::parse(raw));
    if (made.of_use->value <= 0 || *made.of_use > kMostOfUse)
      return wrong(raw,
                   "is not above 0% and at most " + to_text(kMostOfUse) + " of the present use");
    return made;
  }
  SQUALL_TRY(made.size, Value<Bytes>::parse(raw));
  if (made.size < kLeastMemory) return wrong(raw, "is less than " + to_text(kLeastMemory));
  return made;
}

std::string Value<LimitAmount>::print(const LimitAmount& value) {
  return value.of_use ? to_text(*value.of_use) : to_text(value.size);
}

TypeSheet Value<LimitAmount>::sheet() {
  return {"size or share", "512MiB", "^[0-9]+(\\.[0-9]+)?(B|[KMGT]iB|kB|MB|GB|TB|%)$", {},
          {"string"},      false};
}

// A size and a share have nothing between them: a ramp from one to the other is a step at its end.
LimitAmount Value<LimitAmount>::blend(const LimitAmount& from, const LimitAmount& to, double f) {
  if (from.of_use && to.of_use) return {Value<Percent>::blend(*from.of_use, *to.of_use, f), {}};
  if (!from.of_use && !to.of_use) return {{}, Value<Bytes>::blend(from.size, to.size, f)};
  return f < 1 ? from : to;
}

}  // namespace squall
