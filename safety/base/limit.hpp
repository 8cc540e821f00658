// SPDX-License-Identifier: Apache-2.0
//
// A comparison as users write it in guards and expectations: "< 50ms", ">= 3",
// "10..20". A bare value means "equal" where that makes sense (200, but not "50ms").

#pragma once

#include "safety/base/schema.hpp"

#include <cstdint>
#include <string>

namespace squall {

enum class Op { less, at_most, more, at_least, equal, between };

template <class T>
struct Limit {
  Op op = Op::equal;
  T value{};
  T upper{};  // of between; both ends belong to it

  bool holds(const T& seen) const {
    switch (op) {
      case Op::less:
        return seen < value;
      case Op::at_most:
        return !(value < seen);
      case Op::more:
        return value < seen;
      case Op::at_least:
        return !(seen < value);
      case Op::equal:
        return !(seen < value) && !(value < seen);
      case Op::between:
        return !(seen < value) && !(upper < seen);
    }
    return false;
  }
  bool operator==(const Limit&) const = default;
};

// The operator and the operands, still as text; `bare`: there was no operator.
struct LimitText {
  Op op = Op::equal;
  bool bare = true;
  std::string value;
  std::string upper;
};
LimitText split_limit(std::string_view text);
std::string print_limit(Op op, const std::string& value, const std::string& upper);
Error bare_limit(const std::string& value);      // a comparison was needed
Error reversed_limit(const std::string& value);  // "20..10"
TypeSheet limit_sheet(const TypeSheet& of, bool bare_allowed);

template <class T>
inline constexpr bool kBareLimit = std::is_same_v<T, double> || std::is_same_v<T, std::int64_t> ||
                                   std::is_same_v<T, std::uint64_t>;

template <class T>
struct Value<Limit<T>> {
  static Result<Limit<T>> parse(const Raw& raw) {
    const auto* text = std::get_if<std::string>(&raw.value);
    if (!text) {
      // A number without unit: the type itself says what it lacks.
      SQUALL_TRY(const T value, Value<T>::parse(raw));
      return Limit<T>{Op::equal, value, value};
    }
    const auto parts = split_limit(*text);
    SQUALL_TRY(const T value, Value<T>::parse({parts.value, raw.place, true}));
    Limit<T> limit{parts.op, value, value};
    if (parts.bare && !kBareLimit<T>) return bare_limit(parts.value);
    if (parts.op == Op::between) {
      SQUALL_TRY(limit.upper, Value<T>::parse({parts.upper, raw.place, true}));
      if (limit.upper < limit.value) return reversed_limit(*text);
    }
    return limit;
  }
  static std::string print(const Limit<T>& limit) {
    return print_limit(limit.op, Value<T>::print(limit.value), Value<T>::print(limit.upper));
  }
  static TypeSheet sheet() { return limit_sheet(Value<T>::sheet(), kBareLimit<T>); }
};

// "latency 71ms is not < 50ms", or "" when the limit holds.
template <class T>
std::string breach_of(const std::string& name, const Limit<T>& limit, const T& seen,
                      const std::string& seen_text) {
  if (limit.holds(seen)) return {};
  const auto text = Value<Limit<T>>::print(limit);
  return name + " " + seen_text + (limit.op == Op::between ? " is outside " : " is not ") + text;
}

}  // namespace squall
