// SPDX-License-Identifier: Apache-2.0
//
// Parsing is exact: what cannot be held without loss (too large, finer than a
// nanosecond) is refused, never rounded. Only a fraction of a KiB and above is cut
// to whole bytes, since 0.1GiB has no exact one.

#include "safety/base/units.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <span>

namespace squall {
namespace {

__extension__ using Wide = unsigned __int128;

struct Unit {
  std::string_view name;
  std::uint64_t size;
};

constexpr std::array kDurationUnits = {
    Unit{"d", 86'400'000'000'000},
    Unit{"h", 3'600'000'000'000},
    Unit{"m", 60'000'000'000},
    Unit{"s", 1'000'000'000},
    Unit{"ms", 1'000'000},
    Unit{"us", 1'000},
    Unit{"ns", 1},
};
constexpr std::array kByteUnits = {
    Unit{"TiB", 1ULL << 40},
    Unit{"GiB", 1ULL << 30},
    Unit{"MiB", 1ULL << 20},
    Unit{"KiB", 1ULL << 10},
    Unit{"TB", 1'000'000'000'000},
    Unit{"GB", 1'000'000'000},
    Unit{"MB", 1'000'000},
    Unit{"kB", 1'000},
    Unit{"B", 1},
};

// What people write from habit, and what they meant.
using Habit = std::pair<std::string_view, std::string_view>;
constexpr std::array kDurationHabits = {
    Habit{"sec", "s"},     Habit{"secs", "s"},   Habit{"second", "s"},     Habit{"seconds", "s"},
    Habit{"min", "m"},     Habit{"mins", "m"},   Habit{"minute", "m"},     Habit{"minutes", "m"},
    Habit{"hr", "h"},      Habit{"hrs", "h"},    Habit{"hour", "h"},       Habit{"hours", "h"},
    Habit{"day", "d"},     Habit{"days", "d"},   Habit{"msec", "ms"},      Habit{"msecs", "ms"},
    Habit{"millis", "ms"}, Habit{"usec", "us"},  Habit{"usecs", "us"},     Habit{"micros", "us"},
    Habit{"nsec", "ns"},   Habit{"nanos", "ns"}, Habit{"\xC2\xB5s", "us"}, Habit{"\xCE\xBCs", "us"},
};
constexpr std::array kByteHabits = {
    Habit{"k", "KiB"},  Habit{"m", "MiB"},   Habit{"g", "GiB"},  Habit{"t", "TiB"},
    Habit{"ki", "KiB"}, Habit{"mi", "MiB"},  Habit{"gi", "GiB"}, Habit{"ti", "TiB"},
    Habit{"byte", "B"}, Habit{"bytes", "B"},
};

// One kind of quantity, for its messages.
struct Kind {
  std::string_view name;     // "a duration"
  std::string_view example;  // "20ms"
  std::string_view unit;     // the unit of the example
  std::string_view finest;   // "a nanosecond"
  std::span<const Unit> units;
  std::span<const Habit> habits;
};
constexpr Kind kDuration{"a duration",   "20ms",         "ms",
                         "a nanosecond", kDurationUnits, kDurationHabits};
constexpr Kind kBytes{"a size", "64MiB", "MiB", "a byte", kByteUnits, kByteHabits};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
std::string lowered(std::string_view text) {
  std::string made(text);
  std::transform(made.begin(), made.end(), made.begin(), lower);
  return made;
}

// Keeps a message readable, whatever was typed.
std::string quoted(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  if (text.size() <= kLongest) return "'" + std::string(text) + "'";
  std::size_t cut = kLongest;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
  return "'" + std::string(text.substr(0, cut)) + "…'";
}

Error wrong(std::string what, std::string hint = {}) {
  return {ErrorKind::invalid, std::move(what), std::move(hint), {}, 0};
}

struct Number {
  std::string_view whole;
  std::string_view fraction;  // without trailing zeros
};

std::string_view take_digits(std::string_view& rest) {
  const auto end = std::find_if_not(rest.begin(), rest.end(), is_digit);
  const auto digits = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
  rest.remove_prefix(digits.size());
  return digits;
}

std::optional<Number> take_number(std::string_view& rest) {
  Number number{take_digits(rest), {}};
  if (number.whole.empty()) return std::nullopt;
  if (!rest.starts_with('.')) return number;
  rest.remove_prefix(1);
  number.fraction = take_digits(rest);
  if (number.fraction.empty()) return std::nullopt;
  while (number.fraction.ends_with('0')) number.fraction.remove_suffix(1);
  return number;
}

std::string_view take_unit(std::string_view& rest) {
  const auto end = std::find_if(rest.begin(), rest.end(), is_digit);
  const auto unit = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
  rest.remove_prefix(unit.size());
  return unit;
}

// "20", "1.5": a number, but of what? Also what is negative or no number at all.
Error no_quantity(std::string_view text, const Kind& kind) {
  if (text.size() > 1 && text.front() == '-' && is_digit(text[1]))
    return wrong(quoted(text) + " is negative");
  return wrong(quoted(text) + " is not " + std::string(kind.name),
               "write a number and its unit, for example " + std::string(kind.example));
}

Error unknown_unit(std::string_view text, std::string_view unit, const Kind& kind) {
  std::string trimmed = lowered(unit);
  std::erase(trimmed, ' ');
  std::string meant;
  std::string all;
  std::vector<std::string> known;
  for (const auto& each : kind.units) {
    if (lowered(each.name) == trimmed) meant = each.name;
    known.emplace_back(each.name);
    all = std::string(each.name) + (all.empty() ? "" : ", ") + all;
  }
  for (const auto& [habit, name] : kind.habits)
    if (habit == trimmed) meant = name;
  if (meant.empty() && trimmed.size() > 1) meant = nearest(trimmed, known);
  return wrong("unknown unit " + quoted(unit) + " in " + quoted(text) +
                   (meant.empty() ? "" : " (did you mean '" + meant + "'?)"),
               "the units of " + std::string(kind.name) + " are " + all);
}

enum class Fit { exact, too_large, too_fine };

// number × unit, added to `sum`, which stays at or below `most`.
Fit add_scaled(const Number& number, std::uint64_t unit, std::uint64_t most, std::uint64_t& sum) {
  constexpr std::size_t kMostDigits = 18;
  std::uint64_t whole = 0;
  const auto* end = number.whole.data() + number.whole.size();
  if (std::from_chars(number.whole.data(), end, whole).ec != std::errc{}) return Fit::too_large;
  const auto digits = number.fraction.substr(0, kMostDigits);
  Wide part = 0;
  Wide scale = 1;
  for (const char c : digits) {
    part = part * 10 + static_cast<unsigned>(c - '0');
    scale *= 10;
  }
  const Wide value = Wide{sum} + Wide{whole} * unit + part * unit / scale;
  if (value > most) return Fit::too_large;
  sum = static_cast<std::uint64_t>(value);
  const bool lossless = part * unit % scale == 0 && digits.size() == number.fraction.size();
  return lossless ? Fit::exact : Fit::too_fine;
}

const Unit* find_unit(std::string_view name, const Kind& kind) {
  if (name == "\xC2\xB5s" || name == "\xCE\xBCs") name = "us";  // both letters that look like µ
  for (const auto& each : kind.units)
    if (each.name == name) return &each;
  return nullptr;
}

// 1234567, 1000000 -> "1.234567". The unit is a power of ten.
std::string decimal(std::uint64_t value, std::uint64_t unit) {
  std::string text = std::to_string(value / unit);
  std::string fraction;
  for (auto rest = value % unit; rest != 0; rest %= unit) {
    unit /= 10;
    fraction += static_cast<char>('0' + rest / unit);
  }
  return fraction.empty() ? text : text + "." + fraction;
}

// Also of the most negative duration, whose magnitude is no duration.
std::uint64_t magnitude(Duration value) {
  const auto count = value.count();
  return count < 0 ? ~static_cast<std::uint64_t>(count) + 1 : static_cast<std::uint64_t>(count);
}

std::string exact_text(std::uint64_t left) {
  if (left == 0) return "0s";
  std::string text;
  for (const auto& unit : kDurationUnits) {
    if (left < unit.size || left == 0) continue;
    if (unit.size <= 1'000'000'000) return text + decimal(left, unit.size) + std::string(unit.name);
    text += std::to_string(left / unit.size) + std::string(unit.name);
    left %= unit.size;
    // Below a second, compound forms go on in seconds: "2m0.5s", not "2m500ms".
    if (left != 0 && left < 1'000'000'000) return text + decimal(left, 1'000'000'000) + "s";
  }
  return text;
}

// Restricted to two rows of the matrix: optimal string alignment distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> now(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      now[j] =
          std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        now[j] = std::min(now[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, now);
  }
  return last[b.size()];
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<Duration::rep>::max());
  std::uint64_t sum = 0;
  std::uint64_t previous = std::numeric_limits<std::uint64_t>::max();
  std::string_view rest = text;
  do {
    const auto number = take_number(rest);
    if (!number) return no_quantity(text, kDuration);
    const auto name = take_unit(rest);
    if (name.empty() && previous == std::numeric_limits<std::uint64_t>::max())
      return wrong(quoted(text) + " has no unit",
                   "write a unit, for example " + std::string(text) + "ms");
    if (name.empty())
      return wrong("the last part of " + quoted(text) + " has no unit", "write it as 2m30s");
    const auto* unit = find_unit(name, kDuration);
    if (!unit) return unknown_unit(text, name, kDuration);
    if (unit->size >= previous || (!number->fraction.empty() && !rest.empty()))
      return wrong(quoted(text) + " is not a duration",
                   "write larger units first and a fraction only at the end, for example 2m30.5s");
    previous = unit->size;
    const auto fit = add_scaled(*number, unit->size, kMost, sum);
    if (fit == Fit::too_large) return wrong(quoted(text) + " is too long", "at most 292 years");
    if (fit == Fit::too_fine) return wrong(quoted(text) + " is finer than a nanosecond");
  } while (!rest.empty());
  return Duration(static_cast<Duration::rep>(sum));
}

Result<Percent> parse_percent(std::string_view text) {
  std::string_view rest = text;
  constexpr Kind kPercent{"a percentage", "5%", "%", "", {}, {}};
  const auto number = take_number(rest);
  if (!number) return no_quantity(text, kPercent);
  if (rest.empty())
    return wrong(quoted(text) + " has no unit",
                 "write a unit, for example " + std::string(text) + "%");
  if (rest != "%")
    return wrong("unknown unit " + quoted(rest) + " in " + quoted(text) + " (did you mean '%'?)");
  Percent percent;
  const auto* end = text.data() + text.size() - 1;
  const auto [stop, code] =
      std::from_chars(text.data(), end, percent.value, std::chars_format::fixed);
  if (code != std::errc{} || stop != end || !std::isfinite(percent.value))
    return wrong(quoted(text) + " is too large or too small");
  return percent;
}

Result<Bytes> parse_bytes(std::string_view text) {
  std::string_view rest = text;
  const auto number = take_number(rest);
  if (!number) return no_quantity(text, kBytes);
  if (rest.empty())
    return wrong(quoted(text) + " has no unit",
                 "write a unit, for example " + std::string(text) + "MiB");
  const auto* unit = find_unit(rest, kBytes);
  if (!unit) return unknown_unit(text, rest, kBytes);
  Bytes bytes;
  const auto fit =
      add_scaled(*number, unit->size, std::numeric_limits<std::uint64_t>::max(), bytes.value);
  if (fit == Fit::too_large) return wrong(quoted(text) + " is too large", "at most 16777215TiB");
  if (fit == Fit::too_fine && unit->size == 1) return wrong(quoted(text) + " is finer than a byte");
  return bytes;
}

std::string to_text(Duration value) {
  return (value.count() < 0 ? "-" : "") + exact_text(magnitude(value));
}

std::string to_text(Percent value) {
  std::array<char, 400> text{};
  const auto end =
      std::to_chars(text.begin(), text.end(), value.value, std::chars_format::fixed).ptr;
  return std::string(text.begin(), end) + "%";
}

std::string to_text(Bytes value) {
  std::string best = std::to_string(value.value) + "B";
  if (value.value == 0) return best;
  for (const auto& unit : kByteUnits) {
    const Wide thousandths = Wide{value.value} * 1000;
    if (thousandths % unit.size != 0) continue;
    const auto scaled = thousandths / unit.size;
    if (scaled > std::numeric_limits<std::uint64_t>::max()) continue;
    auto text = decimal(static_cast<std::uint64_t>(scaled), 1000) + std::string(unit.name);
    if (text.size() < best.size()) best = std::move(text);
  }
  return best;
}

std::string to_rounded_text(Duration value) {
  auto left = magnitude(value);
  std::uint64_t grain = 1;  // the weight of the third digit
  if (left >= 3'600'000'000'000)
    grain = 60'000'000'000;
  else if (left >= 60'000'000'000)
    grain = 1'000'000'000;
  else
    while (left / grain >= 1000) grain *= 10;
  left = (left + grain / 2) / grain * grain;
  return (value.count() < 0 && left != 0 ? "-" : "") + exact_text(left);
}

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  constexpr std::size_t kLongest = 64;
  if (word.empty() || word.size() > kLongest) return {};
  // Case and the choice of '-' or '_' are never what was meant to differ.
  const auto plain = [](std::string_view text) {
    auto made = lowered(text);
    std::replace(made.begin(), made.end(), '-', '_');
    return made;
  };
  const auto sought = plain(word);
  std::size_t least = std::max<std::size_t>(1, sought.size() / 3) + 1;
  std::string best;
  for (const auto& each : known) {
    if (each.size() > kLongest) continue;
    const auto far = distance(sought, plain(each));
    if (far < least) {
      least = far;
      best = each;
    }
  }
  return best;
}

}  // namespace squall
