// SPDX-License-Identifier: Apache-2.0

#include "safety/base/pattern.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <regex.h>
#include <utility>
#include <vector>

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

// How large regcomp makes an expression: every copy that a repetition asks for is a node of
// its own, and 'x+' is compiled as 'xx*', so that nested ones double.
class Size {
 public:
  static constexpr std::size_t kMost = 2000;

  explicit Size(std::string_view text) : text_(text) {
    while (at_ < text_.size() && groups_.back().done <= kMost) take();
    while (groups_.size() > 1) close();
  }
  bool too_large() const { return groups_.back().done + groups_.back().last > kMost; }

 private:
  struct Group {
    std::size_t done = 0;
    std::size_t last = 0;  // what a repetition after it would repeat
  };

  void take() {
    const char c = text_[at_++];
    auto& last = groups_.back().last;
    if (c == '(')
      groups_.emplace_back();
    else if (c == ')')
      close();
    else if (c == '*' || c == '?')
      last += 1;
    else if (c == '+')
      repeat(2);
    else if (c == '{')
      repeat(copies());
    else
      add(1, c);
  }

  void add(std::size_t size, char c = 0) {
    groups_.back().done = std::min(groups_.back().done + groups_.back().last, kMost + 1);
    groups_.back().last = std::min(size, kMost + 1);
    if (c == '\\') ++at_;
    if (c == '[') skip_set();
  }
  void repeat(std::size_t times) {
    auto& last = groups_.back().last;
    last = std::min((last + 1) * std::min(times, kMost), kMost + 1);
  }
  void close() {
    if (groups_.size() == 1) return;
    const auto inside = groups_.back();
    groups_.pop_back();
    add(inside.done + inside.last + 2);
  }

  // Behind "{": the largest number up to "}", and one more copy where there is no limit.
  std::size_t copies() {
    std::size_t most = 1;
    bool open = false;
    for (; at_ < text_.size() && text_[at_] != '}'; ++at_) {
      std::size_t count = 0;
      const auto* from = text_.data() + at_;
      const auto [stop, code] = std::from_chars(from, text_.data() + text_.size(), count);
      open = text_[at_] == ',';
      if (code == std::errc::invalid_argument) continue;
      most = std::max(most, code == std::errc{} ? count : kMost);
      at_ += static_cast<std::size_t>(stop - from) - 1;
    }
    ++at_;
    return most + (open ? 1 : 0);
  }

  // "[]a]" and "[^]a]" hold a bracket, "[[:digit:]]" a class.
  void skip_set() {
    if (at_ < text_.size() && text_[at_] == '^') ++at_;
    if (at_ < text_.size() && text_[at_] == ']') ++at_;
    for (; at_ < text_.size() && text_[at_] != ']'; ++at_) {
      const bool named = text_[at_] == '[' && at_ + 1 < text_.size() &&
                         std::string_view(":.=").contains(text_[at_ + 1]);
      if (!named) continue;
      const char end[] = {text_[at_ + 1], ']', 0};
      at_ = std::min(text_.find(end, at_ + 2), text_.size() - 1) + 1;
      if (at_ >= text_.size()) return;
    }
    ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Group> groups_{1};
};

// What other dialects have and this one would silently take for something else.
Result<> check_dialect(const std::string& text) {
  constexpr std::size_t kLongest = 1000;
  if (text.size() > kLongest) return wrong(text.substr(0, 60) + "…", "it is too long", "");
  if (Size(text).too_large())
    return wrong(text,
                 "written out, its repetitions are longer than " + std::to_string(Size::kMost) +
                     " characters",
                 "repeat less often, or without a limit: '*'");
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

namespace {

// The patience of one turn. Four times the text takes up to sixteen times as long, so each
// window is tried by its beginnings first, and left alone when the whole could take too long.
class Patience {
 public:
  // Whether a step may follow that takes up to sixteen times as long as the last one did.
  bool left() {
    const auto now = own_cpu_time();
    const auto step = now - std::exchange(last_, now);
    return now - began_ + 16 * step < kAll;
  }

 private:
  static constexpr Duration kAll = 4ms;
  const Duration began_ = own_cpu_time();
  Duration last_ = began_;
};

constexpr std::size_t kWindow = 1024;
constexpr std::size_t kStep = kWindow / 2;
constexpr std::size_t kFirstTry = 16;

bool affordable(const regex_t& regex, std::string_view in, std::size_t from, std::size_t to,
                Patience& patience) {
  for (auto length = kFirstTry; from + length < to; length *= 4) {
    regmatch_t part{static_cast<regoff_t>(from), static_cast<regoff_t>(from + length)};
    (void)::regexec(&regex, in.data(), 1, &part, REG_STARTEND | REG_NOTEOL);
    if (!patience.left()) return false;
  }
  return true;
}

}  // namespace

// A match that begins in the first half of a window has room to its end; one that begins
// in the second half is found again in the first half of the next.
Pattern::Found Pattern::search(std::string_view in, std::size_t decided) const {
  const char* text = in.empty() ? "" : in.data();
  Patience patience;
  for (std::size_t from = decided;; from += kStep) {
    const auto to = std::min(from + kWindow, in.size());
    const bool last = to == in.size();
    if (!affordable(compiled_->regex, in, from, to, patience)) return {{}, true, false, from};
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
      return {match, false, false, from};
    }
    if (last) return {{}, false, false, from};
  }
}

bool PatternSearch::step(const Pattern& pattern, std::string_view in) {
  constexpr auto kPatience = 50ms;  // what was slow for once is quick when tried again
  const auto began = own_cpu_time();
  found_ = pattern.search(in, found_.decided);
  spent_ += own_cpu_time() - began;
  if (found_.unfinished && spent_ > kPatience) found_.gave_up = true, found_.unfinished = false;
  return !found_.unfinished;
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
