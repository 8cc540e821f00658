// SPDX-License-Identifier: Apache-2.0
//
// Settles what any earlier run still owes: from journals, also after a crash or a
// reboot, and without any journal by finding our marks.

#pragma once

#include "safety/base/fd.hpp"
#include "safety/paths.hpp"
#include "safety/strays.hpp"
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
  bool active = false;             // somebody holds it: it is no run of the past
};

struct RecoverReport {
  std::vector<OwedRun> runs;  // that owed something
  std::size_t settled = 0;
  std::size_t strays = 0;  // found by mark and removed
  std::vector<StillOwed> left;
  std::vector<std::string> complaints;
  std::vector<std::string> unseen;  // looks that failed: for journals, for strays
  std::vector<std::string> active;  // living runs with roots of their own: left to themselves
  bool looked_everywhere() const { return unseen.empty() && active.empty(); }
  bool clean() const { return left.empty() && unseen.empty(); }
};

using FindStrays = std::function<Strays()>;

// Of kernel state. What is not known counts as the same boot: then everything is undone.
bool is_another_boot(const std::string& then, const std::string& now);

Error run_is_active(const std::string& run);
// A run holds its journal until the last of its processes is gone: whatever lock directory it
// uses, a recovery that shares its state sees that it lives. Error (refused): somebody else has it.
Result<Fd> claim_run(const std::string& run_directory);

// Reads only: for doctor and status.
Result<std::vector<OwedRun>> find_owed(const Paths& paths);
// Error (refused) when anything is owed: a run must not begin on such a host.
Result<> refuse_debts(const Paths& paths);
// Error (refused) while a run is active. A watchdog that outlived its runner is waited for.
Result<RecoverReport> recover(const Paths& paths, const Rollback& rollback,
                              const FindStrays& strays);

}  // namespace squall
