// SPDX-License-Identifier: Apache-2.0

#include "safety/base/limit.hpp"

#include <array>

namespace squall {
namespace {

struct Sign {
  std::string_view text;
  Op op;
};
constexpr std::array kSigns = {Sign{"<=", Op::at_most}, Sign{">=", Op::at_least},
                               Sign{"==", Op::equal},   Sign{"<", Op::less},
                               Sign{">", Op::more},     Sign{"=", Op::equal}};

std::string trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return std::string(text.substr(from, text.find_last_not_of(" \t") - from + 1));
}

}  // namespace

LimitText split_limit(std::string_view text) {
  const auto whole = trimmed(text);
  for (const auto& [sign, op] : kSigns)
    if (whole.starts_with(sign)) return {op, false, trimmed(whole.substr(sign.size())), {}};
  if (const auto dots = whole.find(".."); dots != std::string::npos)
    return {Op::between, false, trimmed(whole.substr(0, dots)), trimmed(whole.substr(dots + 2))};
  return {Op::equal, true, whole, {}};
}

std::string print_limit(Op op, const std::string& value, const std::string& upper) {
  switch (op) {
    case Op::less:
      return "< " + value;
    case Op::at_most:
      return "<= " + value;
    case Op::more:
      return "> " + value;
    case Op::at_least:
      return ">= " + value;
    case Op::equal:
      return "= " + value;
    case Op::between:
      return value + ".." + upper;
  }
  return value;
}

Error bare_limit(const std::string& value) {
  return {ErrorKind::invalid,
          "'" + value + "' is not a comparison",
          "say on which side, for example \"< " + value + "\" or \"> " + value + "\"",
          {},
          0};
}

Error reversed_limit(const std::string& value) {
  return {ErrorKind::invalid,
          "'" + value + "' ends before it begins",
          "write the smaller value first",
          {},
          0};
}

TypeSheet limit_sheet(const TypeSheet& of, bool bare_allowed) {
  TypeSheet made;
  made.name = "comparison with a " + of.name;
  made.example = "< " + of.example;
  auto operand = of.pattern;
  if (operand.starts_with('^')) operand.erase(0, 1);
  if (operand.ends_with('$')) operand.pop_back();
  if (operand.empty()) operand = "-?[0-9]+(\\.[0-9]+)?(e[-+]?[0-9]+)?";
  const std::string sign = bare_allowed ? "(<=?|>=?|==?)?" : "(<=?|>=?|==?)";
  made.pattern = "^\\s*(" + sign + "\\s*(" + operand + ")|(" + operand + ")\\s*\\.\\.\\s*(" +
                 operand + "))\\s*$";
  made.json = {"string"};
  if (bare_allowed) made.json.insert(made.json.end(), of.json.begin(), of.json.end());
  return made;
}

}  // namespace squall
