// SPDX-License-Identifier: Apache-2.0
//
// Types of values that a user writes: each has one parser and one printer, so that
// a value means the same in a scenario, on the command line, in a journal and in a
// report. The input is neutral (Raw): no type knows TOML or the command line.

#pragma once

#include "safety/base/result.hpp"
#include "safety/base/units.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace squall {

struct Place {
  std::string file;  // "" on the command line
  int line = 0;
  int column = 0;
  bool operator==(const Place&) const = default;
};

// A value as written, before its meaning is known.
struct Raw {
  using List = std::vector<Raw>;
  std::variant<bool, std::int64_t, double, std::string, List> value;
  Place place;
  // Typed on a command line, or put in for a parameter: everything arrives as text.
  bool from_flag = false;
  bool broken = false;  // could not be made out, which was complained of already
};

// What docs, help and JSON schema say about a type.
struct TypeSheet {
  std::string name;                // "duration"
  std::string example;             // "20ms"
  std::string pattern;             // regular expression of its text form; "" for none
  std::vector<std::string> words;  // the words of an enumeration
  std::vector<std::string> json;   // JSON types a scenario may use: "string", "integer", …
  bool list = false;
};

// Specialise for each type of parameter:
//   static Result<T> parse(const Raw&);   the error's `what` says what is wrong with the value
//   static std::string print(const T&);   parse(print(x)) == x
//   static TypeSheet sheet();
//   static T blend(const T& from, const T& to, double f);   optional: makes ramps possible
template <class T>
struct Value;

std::string joined(const std::vector<std::string>& words);  // "a, b, c"
std::string describe(const Raw& raw);                       // as the user typed it, for messages

#define SQUALL_DECLARE_VALUE(T)         \
  template <>                           \
  struct Value<T> {                     \
    static Result<T> parse(const Raw&); \
    static std::string print(const T&); \
    static TypeSheet sheet();           \
  }
#define SQUALL_DECLARE_NUMERIC_VALUE(T)                   \
  template <>                                             \
  struct Value<T> {                                       \
    static Result<T> parse(const Raw&);                   \
    static std::string print(const T&);                   \
    static TypeSheet sheet();                             \
    static T blend(const T& from, const T& to, double f); \
  }
SQUALL_DECLARE_NUMERIC_VALUE(Duration);
SQUALL_DECLARE_NUMERIC_VALUE(Percent);
SQUALL_DECLARE_NUMERIC_VALUE(Bytes);
SQUALL_DECLARE_NUMERIC_VALUE(int);
SQUALL_DECLARE_NUMERIC_VALUE(std::int64_t);
SQUALL_DECLARE_NUMERIC_VALUE(std::uint64_t);
SQUALL_DECLARE_NUMERIC_VALUE(double);
SQUALL_DECLARE_VALUE(bool);
SQUALL_DECLARE_VALUE(std::string);

// Lists: a TOML array, or one element; on the command line, elements with commas between.
template <class T>
struct Value<std::vector<T>> {
  static Result<std::vector<T>> parse(const Raw& raw);
  static std::string print(const std::vector<T>& list) {
    std::string text;
    for (const auto& each : list) text += (text.empty() ? "" : ",") + Value<T>::print(each);
    return text;
  }
  static TypeSheet sheet() {
    auto one = Value<T>::sheet();
    one.list = true;
    return one;
  }
};

template <class T>
struct Value<std::optional<T>> {
  static Result<std::optional<T>> parse(const Raw& raw) {
    SQUALL_TRY(auto value, Value<T>::parse(raw));
    return std::optional<T>(std::move(value));
  }
  static std::string print(const std::optional<T>& v) { return v ? Value<T>::print(*v) : ""; }
  static TypeSheet sheet() { return Value<T>::sheet(); }
};

// Enumerations: specialise `template <> struct Words<E>` with
//   static constexpr std::pair<E, std::string_view> list[] = {{E::egress, "egress"}, …};
template <class E>
struct Words;
template <class E>
concept Worded = std::is_enum_v<E> && requires { Words<E>::list; };

template <Worded E>
std::string_view word(E value) {
  for (const auto& [each, text] : Words<E>::list)
    if (each == value) return text;
  return "?";
}

Error not_a_word(const Raw& raw, const std::vector<std::string>& words);

template <Worded E>
struct Value<E> {
  static std::vector<std::string> words() {
    std::vector<std::string> all;
    for (const auto& [each, text] : Words<E>::list) all.emplace_back(text);
    return all;
  }
  static Result<E> parse(const Raw& raw) {
    if (const auto* text = std::get_if<std::string>(&raw.value))
      for (const auto& [each, name] : Words<E>::list)
        if (name == *text) return each;
    return not_a_word(raw, words());
  }
  static std::string print(const E& value) { return std::string(word(value)); }
  static TypeSheet sheet() { return {"word", words().front(), "", words(), {"string"}, false}; }
};

template <class T>
Result<std::vector<T>> Value<std::vector<T>>::parse(const Raw& raw) {
  std::vector<T> list;
  Raw::List parts;
  if (const auto* array = std::get_if<Raw::List>(&raw.value)) {
    parts = *array;
  } else if (const auto* text = std::get_if<std::string>(&raw.value); text && raw.from_flag) {
    for (std::size_t from = 0; from <= text->size();) {
      const auto comma = std::min(text->find(',', from), text->size());
      parts.push_back({text->substr(from, comma - from), raw.place, true});
      from = comma + 1;
    }
  } else {
    parts.push_back(raw);
  }
  for (const auto& part : parts) {
    SQUALL_TRY(auto value, Value<T>::parse(part));
    list.push_back(std::move(value));
  }
  return list;
}

}  // namespace squall
