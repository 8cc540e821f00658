// SPDX-License-Identifier: Apache-2.0

#include "cmd/look.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace squall {
namespace {

constexpr bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// Length of an escape sequence that starts at `at`, 0 when there is none.
std::size_t escape_at(std::string_view text, std::size_t at) {
  if (text[at] != '\x1b' || at + 1 >= text.size() || text[at + 1] != '[') return 0;
  auto end = at + 2;
  while (end < text.size() && (text[end] < '@' || text[end] > '~')) ++end;
  return std::min(end + 1, text.size()) - at;
}

}  // namespace

std::string Look::paint(Tone tone, std::string_view text) const {
  if (!color || tone == Tone::plain || text.empty()) return std::string(text);
  const char* code = "";
  switch (tone) {
    case Tone::plain:
      break;
    case Tone::strong:
      code = "1";
      break;
    case Tone::faint:
      code = "2";
      break;
    case Tone::good:
      code = "32";
      break;
    case Tone::bad:
      code = "1;31";
      break;
    case Tone::warn:
      code = "33";
      break;
    case Tone::accent:
      code = "36";
      break;
  }
  return std::string("\x1b[") + code + "m" + std::string(text) + "\x1b[0m";
}

std::string_view Look::glyph(Glyph which) const {
  switch (which) {
    case Glyph::good:
      return unicode ? "✔" : "+";
    case Glyph::bad:
      return unicode ? "✖" : "x";
    case Glyph::warn:
      return "!";
    case Glyph::waiting:
      return unicode ? "○" : "o";
    case Glyph::active:
      return unicode ? "●" : "*";
    case Glyph::bullet:
      return unicode ? "·" : "-";
    case Glyph::arrow:
      return unicode ? "→" : "->";
  }
  return "?";
}

std::string Look::mark(Glyph which) const {
  switch (which) {
    case Glyph::good:
      return paint(Tone::good, glyph(which));
    case Glyph::bad:
      return paint(Tone::bad, glyph(which));
    case Glyph::warn:
      return paint(Tone::warn, glyph(which));
    case Glyph::active:
      return paint(Tone::accent, glyph(which));
    default:
      return paint(Tone::faint, glyph(which));
  }
}

int columns(std::string_view text) {
  int count = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (const auto escape = escape_at(text, at)) {
      at += escape;
      continue;
    }
    if (!continues(text[at])) ++count;
    ++at;
  }
  return count;
}

std::string pad(std::string text, int width) {
  const int missing = width - columns(text);
  if (missing > 0) text.append(static_cast<std::size_t>(missing), ' ');
  return text;
}

std::string visible(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    // The two bytes of U+0080 to U+009F: control characters to some terminals.
    const bool high =
        byte == 0xC2 && at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) < 0xA0;
    if (high) ++at;
    if (byte == '\n' || byte == '\t' || byte == '\r') {
      shown += ' ';
    } else {
      shown += high || byte < 0x20 || byte == 0x7f ? '?' : text[at];
    }
  }
  return shown;
}

std::string clip(std::string_view text, int width, const Look& look) {
  if (columns(text) <= width) return std::string(text);
  const std::string_view ellipsis = look.unicode ? "…" : "~";
  int left = width - 1;
  std::size_t end = 0;
  while (end < text.size() && (left > 0 || continues(text[end]))) {
    if (!continues(text[end])) --left;
    ++end;
    while (end < text.size() && continues(text[end])) ++end;
  }
  return std::string(text.substr(0, end)) + (width > 0 ? std::string(ellipsis) : "");
}

std::vector<std::string> wrap(std::string_view text, int width) {
  std::vector<std::string> lines;
  std::string line;
  for (std::size_t at = 0; at < text.size();) {
    const auto space = std::min(text.find(' ', at), text.size());
    const auto word = text.substr(at, space - at);
    at = space + 1;
    if (word.empty()) continue;
    if (!line.empty() && columns(line) + 1 + columns(word) > width)
      lines.push_back(std::exchange(line, {}));
    line += (line.empty() ? "" : " ") + std::string(word);
  }
  if (!line.empty() || lines.empty()) lines.push_back(line);
  return lines;
}

std::string paragraph(std::string_view text, int indent, const Look& look) {
  const std::string margin(static_cast<std::size_t>(indent), ' ');
  std::string made;
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    for (const auto& line :
         wrap(visible(text.substr(at, end - at)), std::max(20, look.width - indent)))
      made += line.empty() ? "\n" : margin + line + "\n";
    at = end + 1;
  }
  return made;
}

std::string counted(std::size_t number, std::string_view noun) {
  const bool hiss = noun.ends_with('s') || noun.ends_with('x') || noun.ends_with("ch");
  return grouped(number) + " " + std::string(noun) + (number == 1 ? "" : hiss ? "es" : "s");
}

std::string grouped(std::uint64_t number) {
  auto digits = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

std::string kind_beside(std::string_view name, std::string_view kind, const Look& look) {
  return name == kind ? "" : look.paint(Tone::faint, visible(kind));
}

std::string table(const std::vector<std::vector<std::string>>& rows, int indent) {
  std::vector<int> widths;
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (widths.size() <= i) widths.push_back(0);
      widths[i] = std::max(widths[i], columns(row[i]));
    }
  std::string made;
  for (const auto& row : rows) {
    std::string line(static_cast<std::size_t>(indent), ' ');
    for (std::size_t i = 0; i < row.size(); ++i)
      if (widths[i] > 0) line += i + 1 == row.size() ? row[i] : pad(row[i], widths[i]) + "  ";
    line.erase(line.find_last_not_of(' ') + 1);
    made += line + "\n";
  }
  return made;
}

}  // namespace squall
