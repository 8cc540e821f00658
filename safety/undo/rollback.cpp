// SPDX-License-Identifier: Apache-2.0

#include "safety/undo/rollback.hpp"

#include <ranges>

namespace squall {

RollbackReport Rollback::all(Journal& journal) const { return some(journal, journal.owed()); }

RollbackReport Rollback::some(Journal& journal, std::vector<Owed> owed) const {
  RollbackReport report;
  for (const auto& each : owed | std::views::reverse) {
    const ChangeToken token;
    if (auto undone = revert_(each.intent.undo, token); !undone) {
      report.left.push_back({each, std::move(undone).error()});
      continue;
    }
    ++report.settled;
    if (auto settled = journal.settle(each.seq); !settled)
      report.complaints.push_back(settled.error().sentence());
  }
  if (auto synced = journal.sync(); !synced) report.complaints.push_back(synced.error().sentence());
  return report;
}

Result<> Rollback::stray(const UndoRecord& record) const {
  const ChangeToken token;
  return revert_(record, token);
}

}  // namespace squall
