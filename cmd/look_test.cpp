// SPDX-License-Identifier: Apache-2.0

#include "cmd/look.hpp"

#include <doctest/doctest.h>

namespace squall {
namespace {

TEST_CASE("columns count characters, not bytes or escapes") {
  CHECK(columns("abc") == 3);
  CHECK(columns("✔ ▁▂") == 4);
  CHECK(columns("\x1b[1;31mred\x1b[0m") == 3);
  CHECK(columns("\x1b[") == 0);
}

TEST_CASE("clip keeps within the width and marks the cut") {
  const Look look{false, true, 80};
  CHECK(clip("short", 10, look) == "short");
  CHECK(clip("abcdef", 4, look) == "abc…");
  CHECK(clip("äöüäöü", 4, look) == "äöü…");
  CHECK(clip("abcdef", 4, Look{false, false, 80}) == "abc~");
  CHECK(clip("abcdef", 0, look) == "");
}

TEST_CASE("wrap breaks between words only") {
  CHECK(wrap("one two three", 7) == std::vector<std::string>{"one two", "three"});
  CHECK(wrap("unbreakable", 4) == std::vector<std::string>{"unbreakable"});
  CHECK(wrap("", 4) == std::vector<std::string>{""});
}

TEST_CASE("numbers and nouns") {
  CHECK(counted(1, "change") == "1 change");
  CHECK(counted(0, "change") == "0 changes");
  CHECK(counted(2, "process") == "2 processes");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1000) == "1,000");
  CHECK(grouped(18446744073709551615ull) == "18,446,744,073,709,551,615");
}

TEST_CASE("a table aligns by what is seen") {
  const Look look{true, true, 80};
  const auto text = table({{look.paint(Tone::good, "ä"), "x"}, {"bbb", "y"}}, 1);
  CHECK(text == " \x1b[32mä\x1b[0m    x\n bbb  y\n");
}

TEST_CASE("without colour nothing is escaped") {
  const Look look{false, true, 80};
  CHECK(look.paint(Tone::bad, "x") == "x");
  CHECK(look.mark(Glyph::good) == "✔");
  CHECK(Look{false, false, 80}.mark(Glyph::bad) == "x");
}

}  // namespace
}  // namespace squall
