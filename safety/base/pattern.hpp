// SPDX-License-Identifier: Apache-2.0
//
// Regular expressions of users: POSIX extended, lines separate, a match at most 512
// bytes long. The C library's matcher is used because it does not recurse (std::regex
// does, once per character, and takes exponential time on some patterns). It can take
// time quadratic in the text, so it sees the text through a window that slides, and a
// long search goes on in a later turn of the loop.

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
    bool unfinished = false;  // its time is over; to go on behind what is decided
    bool gave_up = false;     // a search of several turns: they add up to too much
    std::size_t decided = 0;  // no match begins before it, however the text goes on
    explicit operator bool() const { return match.has_value(); }
  };
  // For at most 5 ms. `decided` is that of the search before, in the beginning of this text.
  Found search(std::string_view in, std::size_t decided = 0) const;
  const std::string& text() const { return text_; }

 private:
  struct Compiled;
  std::string text_;
  std::shared_ptr<const Compiled> compiled_;
};
SQUALL_DECLARE_VALUE(Pattern);

// A search that may take several turns of the loop, and gives up when they add up.
class PatternSearch {
 public:
  explicit PatternSearch(std::size_t decided = 0) { found_.decided = decided; }
  // Whether it has ended; until then it is to be called again, with the same text.
  bool step(const Pattern& pattern, std::string_view in);
  const Pattern::Found& found() const { return found_; }

 private:
  Pattern::Found found_;
  Duration spent_{};
};

}  // namespace squall
