// SPDX-License-Identifier: Apache-2.0
//
// One line of a journal: JSON with a checksum at its end (format in
// undo/journal_file.hpp). Text in, data out; no file is touched here.

#pragma once

#include "safety/undo/journal.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace squall {

struct SettledLine {
  std::uint64_t of = 0;
};

struct JournalLine {
  std::uint64_t seq = 0;
  std::variant<JournalHeader, Intent, SettledLine> what;
};

std::string to_text(const JournalLine& line);  // with its newline
// Null for a line that is torn, damaged, or of an unknown kind.
std::optional<JournalLine> journal_line_from(const std::string& text);

}  // namespace squall
