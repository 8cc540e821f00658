// SPDX-License-Identifier: Apache-2.0
//
// What a journal holds: undo records as data. A record holds the identity of the object
// that was touched (not the way it was found), and the value before where the
// undo has to restore one. It never holds code or a shell line to execute.

#pragma once

#include "safety/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace squall {

struct UndoRecord {
  std::string fault;  // whose revert() understands the values
  std::vector<std::pair<std::string, std::string>> values;

  const std::string* find(const std::string& key) const;
  Result<std::string> text(const std::string& key) const;  // error: the record is damaged
  Result<std::int64_t> number(const std::string& key) const;
  UndoRecord with(std::string key, std::string value) const;  // a copy with one more value
  bool operator==(const UndoRecord&) const = default;
};

// One change that is meant to be made: what a person reads, what the undo reads.
struct Intent {
  std::string sentence;  // "drop 5% of the matching packets leaving eth0"
  UndoRecord undo;
  std::string undo_sentence;  // "detach the program"; for `squall plan`
  std::string by_hand;        // shell command by which a person could undo it; printed, never run
  bool survives_reboot = false;

  Intent with(std::string key, std::string value) const;
};

struct JournalHeader {
  std::string run;      // id of the run
  std::string boot;     // kernel's boot id: after another boot, kernel state is gone
  std::string version;  // of the tool
  std::string scenario_file;
  std::string scenario;  // its text, as written
  std::uint64_t seed = 0;
  std::vector<std::string> without;  // safety nets that were switched off, by name
  std::vector<std::pair<std::string, std::string>> parameters{};  // as used, with --set
};

struct Owed {
  std::uint64_t seq = 0;
  Intent intent;
};

}  // namespace squall
