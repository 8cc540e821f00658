// SPDX-License-Identifier: Apache-2.0
//
// Settles what any earlier run still owes: from journals, also after a crash or a
// reboot, and without any journal by finding our marks.

#pragma once

#include "safety/paths.hpp"
#include "safety/undo/rollback.hpp"

#include <functional>
#include <string>
#include <vector>

namespace squall {

struct OwedRun {
  std::string run;
  std::string directory;
  std::vector<Owed> owed;          // still owed in this boot
  std::size_t gone_by_reboot = 0;  // kernel state that the reboot took away
  std::string problem;             // the journal cannot be read: why
};

struct RecoverReport {
  std::vector<OwedRun> runs;  // that owed something
  std::size_t settled = 0;
  std::size_t strays = 0;  // found by mark and removed
  std::vector<StillOwed> left;
  std::vector<std::string> complaints;
  bool clean() const { return left.empty(); }
};

// Finds what carries our mark, as intents that a revert understands.
using FindStrays = std::function<Result<std::vector<Intent>>()>;

// Reads only: for doctor, and for run's refusal.
Result<std::vector<OwedRun>> find_owed(const Paths& paths);
// Error (refused) while a run is active.
Result<RecoverReport> recover(const Paths& paths, const Rollback& rollback,
                              const FindStrays& strays);

}  // namespace squall
