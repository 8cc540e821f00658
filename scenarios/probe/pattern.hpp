// SPDX-License-Identifier: Apache-2.0
//
// Regular expressions of expectations: POSIX extended, lines separate. The C
// library's matcher is used because it runs in bounded stack and, without back
// references (which are refused), in time linear in the text; std::regex recurses
// once per character and can be made to take exponential time.

#pragma once

#include "safety/base/schema.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace squall {

class Pattern {
 public:
  static Result<Pattern> compile(const std::string& text);

  struct Match {
    std::string_view whole;
    std::optional<std::string_view> group;  // the first parenthesis
  };
  std::optional<Match> search(std::string_view in) const;
  const std::string& text() const { return text_; }

 private:
  struct Compiled;
  std::string text_;
  std::shared_ptr<const Compiled> compiled_;
};
SQUALL_DECLARE_VALUE(Pattern);

}  // namespace squall
