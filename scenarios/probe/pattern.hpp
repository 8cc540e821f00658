// SPDX-License-Identifier: Apache-2.0
//
// Regular expressions of expectations: POSIX extended, lines separate, a match at most
// 1 KiB long. The C library's matcher is used because it does not recurse (std::regex
// does, once per character, and takes exponential time on some patterns). It can take
// time quadratic in the text, so it sees the text through a window that slides, and
// gives up after a while.

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
  struct Found {
    std::optional<Match> match;
    bool gave_up = false;
    explicit operator bool() const { return match.has_value(); }
  };
  Found search(std::string_view in) const;
  const std::string& text() const { return text_; }

 private:
  struct Compiled;
  std::string text_;
  std::shared_ptr<const Compiled> compiled_;
};
SQUALL_DECLARE_VALUE(Pattern);

}  // namespace squall
