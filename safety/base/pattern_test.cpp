// SPDX-License-Identifier: Apache-2.0

#include "safety/base/pattern.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <ctime>
#include <string>

namespace squall {
namespace {

TEST_CASE("patterns match by lines, across zero bytes, and in bounded time") {
  const auto matches = [](const char* pattern, std::string_view text) {
    const auto made = Pattern::compile(pattern);
    REQUIRE(made);
    PatternSearch search;
    while (!search.step(*made, text)) {
    }
    return static_cast<bool>(search.found());
  };
  CHECK(matches("^b$", "a\nb\nc"));
  CHECK_FALSE(matches("a.b", "a\nb"));
  CHECK(matches("end", std::string_view("a\0end", 5)));
  CHECK(matches("^$", ""));
  const std::string many(64 * 1024, 'a');
  CHECK(matches("^(.|a)*$", many.substr(0, 1000)));
  CHECK(matches("^a", many));
  CHECK(matches("a$", many));
  CHECK_FALSE(matches("b|^a{0,9}$", many));
  // A match is found whole wherever it stands.
  for (const std::size_t before :
       {0, 500, 511, 512, 1000, 1020, 1023, 1024, 2040, 2047, 2048, 40'000}) {
    const auto text = std::string(before, '.') + "depth=123456\n...";
    const auto made = Pattern::compile("depth=([0-9]+)$");
    PatternSearch search;
    while (!search.step(*made, text)) {
    }
    REQUIRE(search.found());
    CHECK(search.found().match->group == "123456");
  }
  // Each of these hangs or overflows the stack of a backtracking matcher.
  for (const auto* slow : {"(a+)+b", "(a|aa)*b", "((a*)*)*b"}) {
    const auto began = std::clock();  // of this process
    CHECK_FALSE(matches(slow, many));
    CHECK(std::clock() - began < CLOCKS_PER_SEC);
  }
  for (const auto* wrong : {"(", "[a", "a{2,1}", "\\d", "(a)\\1", "(?:a)", "(?i)a", "*a\\D",
                            "(a{99}){99}", "a{9999999999}"})
    CHECK_FALSE(Pattern::compile(wrong));
  const auto group = Pattern::compile("lag=([0-9]+)|none");
  CHECK(group->search("x lag=12").match->group == "12");
  CHECK_FALSE(group->search("none").match->group);
}

std::string times(int count, const std::string& text) {
  std::string made;
  while (count-- > 0) made += text;
  return made;
}

Duration cpu_time() {
  timespec spent{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return std::chrono::seconds(spent.tv_sec) + Duration(spent.tv_nsec);
}

TEST_CASE("no turn of a search takes longer than 5 ms") {
  const auto text = times(2000, "abbabaaabbbabababbaaab") + std::string(20'000, 'x');
  for (const auto& slow :
       {std::string("x.*y"), std::string("(x+)+y"), std::string("a.*b.*c"), std::string("(a|ab)*c"),
        std::string("(.*a.{20}b)y"), std::string("(a|b)*a(a|b){12}y"), std::string("(a|b){1,300}y"),
        times(100, "(a|b)?") + "y", std::string("[ab]{1,900}y")}) {
    const auto made = Pattern::compile(slow);
    REQUIRE(made);
    // The shortest of a few: what else the machine does meanwhile is not the pattern's.
    auto shortest = Duration::max();
    for (int i = 0; i < 3; ++i) {
      const auto fresh = Pattern::compile(slow);
      const auto began = cpu_time();
      (void)fresh->search(text);
      shortest = std::min(shortest, cpu_time() - began);
    }
    CAPTURE(slow);
    CHECK(shortest.count() < Duration(5ms).count());
  }
}

TEST_CASE("what would be large when compiled is refused before it is") {
  for (const auto& large : {std::string("(a{100}){100}"), "(" + std::string(900, 'a') + "){900}",
                            times(40, "(") + "a" + times(40, "+)"), std::string("(a*){0,1000}"),
                            std::string("a{0,4000}"), std::string("((a{,20}){,20}){,20}"),
                            std::string("([[:digit:]]]*){2000}")}) {
    const auto made = Pattern::compile(large);
    REQUIRE_FALSE(made);
    CHECK(made.error().what.ends_with(
        "written out, its repetitions are longer than 2000 characters"));
  }
  for (const auto& fine :
       {std::string("([0-9]{1,3}\\.){3}[0-9]{1,3}:[0-9]{1,5}"), std::string("a{1000}"),
        std::string(1000, 'a'), times(5, "(") + "a" + times(5, "+)"), std::string("[]{9999}]"),
        std::string("\\{9999}"), std::string("[[:digit:]{9999}]"), std::string("()")})
    CHECK_MESSAGE(Pattern::compile(fine), fine);
}

TEST_CASE("a text that grows is searched again only where it may differ") {
  const auto made = Pattern::compile("^ok [0-9]+$");
  REQUIRE(made);
  std::string text;
  std::size_t decided = 0;
  for (int i = 0; i < 1000; ++i) {
    text += "line " + std::to_string(i) + "\n";
    const auto found = made->search(text, decided);
    CHECK_FALSE(found);
    CHECK(found.decided + 1024 >= text.size());
    decided = found.decided;
  }
  // The end of the text counts as the end of a line, until more of the line comes.
  CHECK(made->search(text + "ok 7", decided));
  CHECK_FALSE(made->search(text + "ok 7b", made->search(text + "ok 7", decided).decided));
  CHECK(made->search(text + "ok 7\nmore", decided).match->whole == "ok 7");
  CHECK_FALSE(made->search(text + "not ok 7", decided));
}

}  // namespace
}  // namespace squall
