// SPDX-License-Identifier: Apache-2.0
//
// Text is taken for a number only from a flag or a parameter, where everything is text;
// in a file it is a mistake that its author should see.

#include "safety/base/value.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace squall {
namespace {

Error wrong(std::string what, std::string hint = {}) {
  return {ErrorKind::invalid, std::move(what), std::move(hint), {}, 0};
}

std::string shortened(const std::string& text) {
  constexpr std::size_t kLongest = 60;
  if (text.size() <= kLongest) return text;
  std::size_t cut = kLongest;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
  return text.substr(0, cut) + "…";
}

std::string number_text(double value) {
  std::array<char, 32> text{};
  return {text.begin(), std::to_chars(text.begin(), text.end(), value).ptr};
}

bool is_list(const Raw& raw) { return std::holds_alternative<Raw::List>(raw.value); }

// `text` is what a value with a unit was written as; numbers pass, to be told that
// their unit is missing.
template <class T>
Result<T> parse_with_unit(const Raw& raw, Result<T> (*parse)(std::string_view), const char* name,
                          const char* example) {
  if (const auto* text = std::get_if<std::string>(&raw.value)) return parse(*text);
  if (is_list(raw) || std::holds_alternative<bool>(raw.value))
    return wrong(describe(raw) + " is not " + name,
                 std::string("write a number and its unit, for example \"") + example + "\"");
  const auto number = describe(raw);
  if (number.starts_with('-')) return wrong("'" + number + "' is negative");
  const std::string unit(
      std::string_view(example).substr(std::string_view(example).find_first_not_of("0123456789")));
  return wrong("'" + number + "' has no unit",
               "write a unit, for example \"" + number + unit + "\"");
}

template <class T>
Result<T> parse_number_text(const std::string& text, const char* name) {
  T value{};
  const auto* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value);
  if (code == std::errc::result_out_of_range)
    return wrong("'" + shortened(text) + "' is too large");
  if (code != std::errc{} || stop != end) return wrong("'" + shortened(text) + "' is not " + name);
  return value;
}

// TOML's integers are 64 bits with a sign, narrower or unsigned ones are checked here.
template <class T>
Result<T> parse_whole(const Raw& raw) {
  if (const auto* value = std::get_if<std::int64_t>(&raw.value)) {
    if (std::is_unsigned_v<T> && *value < 0)
      return wrong("'" + std::to_string(*value) + "' is negative");
    if (!std::in_range<T>(*value)) return wrong("'" + std::to_string(*value) + "' is too large");
    return static_cast<T>(*value);
  }
  const auto* text = std::get_if<std::string>(&raw.value);
  if (text && raw.from_flag) {
    if (std::is_unsigned_v<T> && text->starts_with('-'))
      return wrong("'" + shortened(*text) + "' is negative");
    return parse_number_text<T>(*text, "a whole number");
  }
  if (text && parse_number_text<T>(*text, ""))
    return wrong(describe(raw) + " is text, not a number", "write it without quotes");
  return wrong(describe(raw) + " is not a whole number");
}

// The share `f` of the way; both ends exactly.
template <class T>
T between(T from, T to, double f) {
  if (f <= 0) return from;
  if (f >= 1) return to;
  const auto span = static_cast<long double>(to) - static_cast<long double>(from);
  const auto value = static_cast<long double>(from) + span * static_cast<long double>(f);
  if constexpr (std::is_integral_v<T>) {
    const auto rounded = std::round(value);
    if (rounded >= static_cast<long double>(std::numeric_limits<T>::max()))
      return std::numeric_limits<T>::max();
    return static_cast<T>(rounded);
  } else {
    return static_cast<T>(value);
  }
}

}  // namespace

std::string joined(const std::vector<std::string>& words) {
  std::string all;
  for (const auto& each : words) all += (all.empty() ? "" : ", ") + each;
  return all;
}

std::string describe(const Raw& raw) {
  if (const auto* flag = std::get_if<bool>(&raw.value)) return *flag ? "true" : "false";
  if (const auto* whole = std::get_if<std::int64_t>(&raw.value)) return std::to_string(*whole);
  if (const auto* number = std::get_if<double>(&raw.value)) return number_text(*number);
  if (const auto* text = std::get_if<std::string>(&raw.value)) return "'" + shortened(*text) + "'";
  return "a list";
}

Error not_a_word(const Raw& raw, const std::vector<std::string>& words) {
  const auto* text = std::get_if<std::string>(&raw.value);
  const auto meant = text ? nearest(*text, words) : "";
  return wrong(describe(raw) + " is not one of " + joined(words) +
               (meant.empty() ? "" : " (did you mean '" + meant + "'?)"));
}

Error out_of_range(const std::string& value, const std::string& low, const std::string& high) {
  return wrong(value + " is outside " + low + " to " + high);
}

Result<Duration> Value<Duration>::parse(const Raw& raw) {
  return parse_with_unit<Duration>(raw, parse_duration, "a duration", "20ms");
}
std::string Value<Duration>::print(const Duration& value) { return to_text(value); }
TypeSheet Value<Duration>::sheet() {
  return {"duration", "20ms",     "^([0-9]+(\\.[0-9]+)?(ns|us|µs|ms|s|m|h|d))+$",
          {},         {"string"}, false};
}
Duration Value<Duration>::blend(const Duration& from, const Duration& to, double f) {
  return Duration(between(from.count(), to.count(), f));
}

Result<Percent> Value<Percent>::parse(const Raw& raw) {
  return parse_with_unit<Percent>(raw, parse_percent, "a percentage", "5%");
}
std::string Value<Percent>::print(const Percent& value) { return to_text(value); }
TypeSheet Value<Percent>::sheet() {
  return {"percentage", "5%", "^[0-9]+(\\.[0-9]+)?%$", {}, {"string"}, false};
}
Percent Value<Percent>::blend(const Percent& from, const Percent& to, double f) {
  return {between(from.value, to.value, f)};
}

Result<Bytes> Value<Bytes>::parse(const Raw& raw) {
  return parse_with_unit<Bytes>(raw, parse_bytes, "a size", "64MiB");
}
std::string Value<Bytes>::print(const Bytes& value) { return to_text(value); }
TypeSheet Value<Bytes>::sheet() {
  return {"size", "64MiB", "^[0-9]+(\\.[0-9]+)?(B|[KMGT]iB|kB|MB|GB|TB)$", {}, {"string"}, false};
}
Bytes Value<Bytes>::blend(const Bytes& from, const Bytes& to, double f) {
  return {between(from.value, to.value, f)};
}

Result<int> Value<int>::parse(const Raw& raw) { return parse_whole<int>(raw); }
std::string Value<int>::print(const int& value) { return std::to_string(value); }
TypeSheet Value<int>::sheet() { return Value<std::int64_t>::sheet(); }
int Value<int>::blend(const int& from, const int& to, double f) { return between(from, to, f); }

Result<std::int64_t> Value<std::int64_t>::parse(const Raw& raw) {
  return parse_whole<std::int64_t>(raw);
}
std::string Value<std::int64_t>::print(const std::int64_t& value) { return std::to_string(value); }
TypeSheet Value<std::int64_t>::sheet() { return {"whole number", "3", "", {}, {"integer"}, false}; }
std::int64_t Value<std::int64_t>::blend(const std::int64_t& from, const std::int64_t& to,
                                        double f) {
  return between(from, to, f);
}

Result<std::uint64_t> Value<std::uint64_t>::parse(const Raw& raw) {
  return parse_whole<std::uint64_t>(raw);
}
std::string Value<std::uint64_t>::print(const std::uint64_t& value) {
  return std::to_string(value);
}
TypeSheet Value<std::uint64_t>::sheet() {
  return {"whole number", "3", "", {}, {"integer"}, false};
}
std::uint64_t Value<std::uint64_t>::blend(const std::uint64_t& from, const std::uint64_t& to,
                                          double f) {
  return between(from, to, f);
}

Result<double> Value<double>::parse(const Raw& raw) {
  double value = 0;
  const auto* text = std::get_if<std::string>(&raw.value);
  if (const auto* number = std::get_if<double>(&raw.value)) {
    value = *number;
  } else if (const auto* whole = std::get_if<std::int64_t>(&raw.value)) {
    value = static_cast<double>(*whole);
  } else if (text && raw.from_flag) {
    SQUALL_TRY(value, parse_number_text<double>(*text, "a number"));
  } else if (text && parse_number_text<double>(*text, "")) {
    return wrong(describe(raw) + " is text, not a number", "write it without quotes");
  } else {
    return wrong(describe(raw) + " is not a number");
  }
  if (!std::isfinite(value)) return wrong(describe(raw) + " is not a finite number");
  return value;
}
std::string Value<double>::print(const double& value) { return number_text(value); }
TypeSheet Value<double>::sheet() { return {"number", "0.5", "", {}, {"number"}, false}; }
double Value<double>::blend(const double& from, const double& to, double f) {
  return between(from, to, f);
}

Result<bool> Value<bool>::parse(const Raw& raw) {
  if (const auto* flag = std::get_if<bool>(&raw.value)) return *flag;
  const auto* text = std::get_if<std::string>(&raw.value);
  const bool word = text && (*text == "true" || *text == "false");
  if (word && raw.from_flag) return *text == "true";
  return wrong(describe(raw) + " is neither true nor false", word ? "write it without quotes" : "");
}
std::string Value<bool>::print(const bool& value) { return value ? "true" : "false"; }
TypeSheet Value<bool>::sheet() { return {"flag", "true", "", {}, {"boolean"}, false}; }

Result<std::string> Value<std::string>::parse(const Raw& raw) {
  const auto* text = std::get_if<std::string>(&raw.value);
  if (!text) return wrong(describe(raw) + " is not text", is_list(raw) ? "" : "put it in quotes");
  if (text->find('\0') != std::string::npos) return wrong("the text holds a NUL byte");
  return *text;
}
std::string Value<std::string>::print(const std::string& value) { return value; }
TypeSheet Value<std::string>::sheet() { return {"text", "…", "", {}, {"string"}, false}; }

}  // namespace squall
