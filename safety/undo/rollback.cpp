// SPDX-License-Identifier: Apache-2.0

#include "safety/undo/rollback.hpp"

#include <exception>
#include <ranges>

namespace squall {

RollbackReport Rollback::all(Journal& journal) const { return some(journal, journal.owed()); }

RollbackReport Rollback::some(Journal& journal, std::vector<Owed> owed) const {
  auto report = undo(std::move(owed));
  settle(journal, report);
  return report;
}

RollbackReport Rollback::undo(std::vector<Owed> owed) const {
  RollbackReport report;
  report.undone.reserve(owed.size());
  report.left.reserve(owed.size());
  for (auto& each : owed | std::views::reverse) {
    if (auto undone = attempt(each.intent.undo); !undone) {
      report.left.push_back({std::move(each), std::move(undone).error()});
      continue;
    }
    ++report.settled;
    report.undone.push_back(each.seq);
  }
  return report;
}

void Rollback::settle(Journal& journal, RollbackReport& report) {
  const auto complain = [&report](const Error& error) {
    // A journal that cannot be written says so at each line: once is enough.
    if (auto said = error.sentence(); report.complaints.empty() || report.complaints.back() != said)
      report.complaints.push_back(std::move(said));
  };
  for (const auto seq : report.undone)
    if (auto settled = journal.settle(seq); !settled) complain(settled.error());
  if (auto synced = journal.sync(); !synced) complain(synced.error());
}

Result<> Rollback::stray(const UndoRecord& record) const { return attempt(record); }

Result<> Rollback::attempt(const UndoRecord& record) const {
  const ChangeToken token;
  // Nothing of ours throws, but memory can run out: that must not cost the older undos.
  try {
    return revert_(record, token);
  } catch (const std::exception& thrown) {
    return Error{ErrorKind::internal, thrown.what(), {}, {}, 0};
  }
}

}  // namespace squall
