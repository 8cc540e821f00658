// SPDX-License-Identifier: Apache-2.0

#include "scenarios/probe/pattern.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <regex.h>

namespace squall {

struct Pattern::Compiled {
  Compiled() = default;
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
  ~Compiled() {
    if (good) ::regfree(&regex);
  }
  regex_t regex{};
  bool good = false;
};

namespace {

Error wrong(const std::string& text, const std::string& why, std::string hint) {
  return {ErrorKind::invalid,
          "'" + text + "' is not a regular expression: " + why,
          std::move(hint),
          {},
          0};
}

// Copies that repetitions ask for: "(a{100}){100}" would take 10,000 times the memory.
bool repeats_too_often(const std::string& text) {
  constexpr std::uint64_t kMost = 1000;
  std::uint64_t copies = 1;
  for (auto at = text.find('{'); at != std::string::npos; at = text.find('{', at + 1)) {
    std::uint64_t most = 1;
    for (auto digit = at + 1; digit < text.size() && text[digit] != '}';) {
      std::uint64_t count = 0;
      const auto [stop, code] =
          std::from_chars(text.data() + digit, text.data() + text.size(), count);
      if (code == std::errc::result_out_of_range) return true;
      most = std::max(most, count);
      digit = static_cast<std::size_t>(stop - text.data()) + 1;
    }
    copies *= std::min(most, kMost + 1);
    if (copies > kMost) return true;
  }
  return false;
}

// What other dialects have and this one would silently take for something else.
Result<> check_dialect(const std::string& text) {
  constexpr std::size_t kLongest = 1000;  // repetitions cost memory when compiled
  if (text.size() > kLongest) return wrong(text.substr(0, 60) + "…", "it is too long", "");
  if (repeats_too_often(text)) return wrong(text, "it repeats more than 1000 times", "");
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if (text.compare(i, 2, "(?") == 0)
      return wrong(text, "'(?' is not known", "write a plain parenthesis");
    if (text[i] != '\\') continue;
    const char next = text[++i];
    if (next == 'd' || next == 'D')
      return wrong(text, std::string("'\\") + next + "' is not known",
                   next == 'd' ? "write [0-9]" : "write [^0-9]");
    if (next >= '1' && next <= '9')
      return wrong(text, std::string("'\\") + next + "' refers back", "do without it");
  }
  return {};
}

// Of the CPU, not of the wall: a machine under pressure must not make a pattern fail.
Duration own_cpu_time() {
  timespec spent{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return std::chrono::seconds(spent.tv_sec) + Duration(spent.tv_nsec);
}

}  // namespace

Result<Pattern> Pattern::compile(const std::string& text) {
  SQUALL_CHECK(check_dialect(text));
  auto compiled = std::make_shared<Compiled>();
  const int code = ::regcomp(&compiled->regex, text.c_str(), REG_EXTENDED | REG_NEWLINE);
  if (code != 0) {
    std::array<char, 128> why{};
    ::regerror(code, &compiled->regex, why.data(), why.size());
    return wrong(text, why.data(), "it is POSIX extended, as in grep -E");
  }
  compiled->good = true;
  Pattern made;
  made.text_ = text;
  made.compiled_ = std::move(compiled);
  return made;
}

// A match that begins in the first half of a window has room to its end; one that begins
// in the second half is found again in the first half of the next.
Pattern::Found Pattern::search(std::string_view in) const {
  constexpr std::size_t kWindow = 2048;
  constexpr std::size_t kStep = kWindow / 2;
  constexpr auto kPatience = 50ms;
  const auto began = own_cpu_time();
  const char* text = in.empty() ? "" : in.data();
  for (std::size_t from = 0;; from += kStep) {
    const auto to = std::min(from + kWindow, in.size());
    const bool last = to == in.size();
    std::array<regmatch_t, 2> found{};
    found[0] = {static_cast<regoff_t>(from), static_cast<regoff_t>(to)};
    // REG_STARTEND gives the ends: zero bytes are text, and what stands before is seen by '^'.
    const int flags = REG_STARTEND | (last || in[to] == '\n' ? 0 : REG_NOTEOL);
    const bool hit = ::regexec(&compiled_->regex, text, found.size(), found.data(), flags) == 0;
    if (hit && (last || static_cast<std::size_t>(found[0].rm_so) < from + kStep)) {
      const auto part = [&](const regmatch_t& at) {
        return in.substr(static_cast<std::size_t>(at.rm_so),
                         static_cast<std::size_t>(at.rm_eo - at.rm_so));
      };
      Match match{part(found[0]), std::nullopt};
      if (found[1].rm_so >= 0) match.group = part(found[1]);
      return {match, false};
    }
    if (last) return {};
    if (own_cpu_time() - began > kPatience) return {std::nullopt, true};
  }
}

Result<Pattern> Value<Pattern>::parse(const Raw& raw) {
  SQUALL_TRY(const auto text, Value<std::string>::parse(raw));
  return Pattern::compile(text);
}
std::string Value<Pattern>::print(const Pattern& pattern) { return pattern.text(); }
TypeSheet Value<Pattern>::sheet() {
  return {"regular expression", "^ok", "", {}, {"string"}, false};
}

}  // namespace squall
