// SPDX-License-Identifier: Apache-2.0

#include "scenarios/probe/pattern.hpp"

#include <array>
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

// What other dialects have and this one would silently take for something else.
Result<> check_dialect(const std::string& text) {
  constexpr std::size_t kLongest = 1000;  // repetitions cost memory when compiled
  if (text.size() > kLongest) return wrong(text.substr(0, 60) + "…", "it is too long", "");
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if (text.compare(i, 3, "(?:") == 0 || text.compare(i, 2, "(?") == 0)
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

std::optional<Pattern::Match> Pattern::search(std::string_view in) const {
  std::array<regmatch_t, 2> found{};
  found[0].rm_so = 0;
  found[0].rm_eo = static_cast<regoff_t>(in.size());
  // REG_STARTEND gives the length, so a zero byte in the text ends nothing.
  if (!compiled_ || ::regexec(&compiled_->regex, in.empty() ? "" : in.data(), found.size(),
                              found.data(), REG_STARTEND) != 0)
    return std::nullopt;
  const auto part = [&](const regmatch_t& at) {
    return in.substr(static_cast<std::size_t>(at.rm_so),
                     static_cast<std::size_t>(at.rm_eo - at.rm_so));
  };
  Match match{part(found[0]), std::nullopt};
  if (found[1].rm_so >= 0) match.group = part(found[1]);
  return match;
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
