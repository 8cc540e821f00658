// SPDX-License-Identifier: Apache-2.0
//
// The journal as a file: JSON Lines in <run>/journal.jsonl, append only, readable
// with jq. A header line, one line per owed undo, one per settled one:
//
//   {"seq":0,"kind":"header","run":…,"boot":…,"scenario":…,"sum":"5c1d22f0"}
//   {"seq":1,"kind":"owe","fault":…,"sentence":…,"values":{…},"by_hand":…,"sum":…}
//   {"seq":2,"kind":"settled","of":1,"sum":…}
//
// `sum` is the CRC-32 of the line before `,"sum"`. A last line without its end means that
// its change had not begun; who writes on closes it with `#torn`. Any other line that
// cannot be understood is reported, and the rest is used.

#pragma once

#include "safety/base/fd.hpp"
#include "safety/paths.hpp"
#include "safety/undo/journal.hpp"

#include <cerrno>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace squall {

class JournalFile final : public Journal {
 public:
  using Made = Result<std::unique_ptr<JournalFile>>;
  // Reserves its space on disk first, so that a full disk cannot stop a rollback.
  static Made create(const std::string& run_directory, const JournalHeader& header);
  // Accepts any state of the file; what could not be understood is in problems(). One that
  // cannot be written is opened all the same: what it owes can be undone, not settled.
  static Made open(const std::string& run_directory) { return at(journal_of(run_directory), true); }
  // By a descriptor of it: also when its directory is gone.
  static Made open(int held) { return at("/proc/self/fd/" + std::to_string(held), true); }
  // As open, but never writes.
  static Made read(const std::string& run_directory) {
    return at(journal_of(run_directory), false);
  }

  Result<std::uint64_t> owe(const Intent& intent) override;
  Result<> settle(std::uint64_t seq) override;
  Result<> sync() override;
  std::vector<Owed> owed() const override;

  const JournalHeader& header() const { return header_; }
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  JournalFile() = default;
  static Made at(const std::string& path, bool writable);
  Result<> append(std::string line);
  void load(const std::string& text);
  void load_line(std::string_view text, std::size_t number);

  Fd file_;
  int unwritable_ = EBADF;  // why there is no file_
  std::string path_;
  JournalHeader header_;
  std::map<std::uint64_t, Intent> owed_;
  std::vector<std::string> problems_;
  std::uint64_t next_ = 0;
  bool torn_ = false;  // the file ends in the middle of a line
};

}  // namespace squall
