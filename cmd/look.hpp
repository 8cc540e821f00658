// SPDX-License-Identifier: Apache-2.0
//
// How text looks on the stream it goes to: colour, glyphs, width. Pure; what is
// built with it is compared line by line in tests.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace squall {

enum class Tone { plain, strong, faint, good, bad, warn, accent };
enum class Glyph { good, bad, warn, waiting, active, bullet, arrow };

struct Look {
  bool color = false;
  bool unicode = true;
  int width = 80;

  std::string paint(Tone tone, std::string_view text) const;
  std::string_view glyph(Glyph which) const;
  std::string mark(Glyph which) const;  // the glyph in its colour
};

// Columns that the text takes on a terminal; escape sequences take none.
int columns(std::string_view text);
// Fills with spaces on the right.
std::string pad(std::string text, int width);
// Text from outside (answers of probes, names of processes) with every control
// character made harmless, on one line.
std::string visible(std::string_view text);
// At most `width` columns; what was cut ends in an ellipsis. For text without escapes.
std::string clip(std::string_view text, int width, const Look& look);
std::vector<std::string> wrap(std::string_view text, int width);
// Several paragraphs (separated by line ends), made visible, each line indented.
std::string paragraph(std::string_view text, int indent, const Look& look);

// "1 change", "3 changes".
std::string counted(std::size_t number, std::string_view noun);
// 1234567 as "1,234,567".
std::string grouped(std::uint64_t number);

// The kind of a fault, to stand beside its name; "" where the name says it already.
std::string kind_beside(std::string_view name, std::string_view kind, const Look& look);

// Columns aligned to their widest cell; the last is not padded, and one that is empty in
// every row takes no room. Cells may hold escapes.
std::string table(const std::vector<std::vector<std::string>>& rows, int indent);

}  // namespace squall
