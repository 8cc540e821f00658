// SPDX-License-Identifier: Apache-2.0
//
// Rollback: takes back what a journal owes, newest first, then settles it: a disk that
// stalls must not hold up an undo. It never stops at a failure, goes on when the
// journal cannot be written, and may be repeated any number of times. Ordinary clean-up, the
// watchdog and `squall recover` are this one function.

#pragma once

#include "safety/base/units.hpp"
#include "safety/undo/change.hpp"
#include "safety/undo/journal.hpp"

#include <functional>
#include <string>
#include <vector>

namespace squall {

// Takes back one record; knows the faults by their names. Must be repeatable, and "gone already"
// is success. Error (busy): not yet; packets are on their way through it, memory is being freed.
using Reverter = std::function<Result<>(const UndoRecord&, const ChangeToken&)>;

struct StillOwed {
  Owed owed;
  Error error;
};

struct RollbackReport {
  std::size_t settled = 0;
  std::vector<std::uint64_t> undone;    // the records behind `settled`
  std::vector<StillOwed> left;          // could not be undone
  std::vector<std::string> complaints;  // the journal's own failures
  bool busy = false;                    // some of `left` only has to be waited for
  bool clean() const { return left.empty(); }
};

class Rollback {
 public:
  explicit Rollback(Reverter revert) : revert_(std::move(revert)) {}

  static constexpr Duration kLongestBusy = 30s;

  // These. What fails may work a moment later (memory that was short): it is tried twice
  // more, within about a second; what is busy, until it is not.
  RollbackReport patiently(Journal& journal, std::vector<Owed> owed) const;
  // The two halves of one attempt, for faults that end together: all undos, then the journal.
  RollbackReport undo(std::vector<Owed> owed) const;
  static void settle(Journal& journal, RollbackReport& report);
  // One record; alone, what was found by its mark without any journal.
  Result<> stray(const UndoRecord& record) const;

 private:
  void attempt(Owed owed, RollbackReport& report) const;

  Reverter revert_;
};

}  // namespace squall
