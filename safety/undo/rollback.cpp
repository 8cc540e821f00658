// SPDX-License-Identifier: Apache-2.0

#include "safety/undo/rollback.hpp"

#include <chrono>
#include <exception>
#include <ranges>
#include <thread>
#include <utility>

namespace squall {
RollbackReport Rollback::patiently(Journal& journal, std::vector<Owed> owed) const {
  auto report = undo(std::move(owed));
  const auto until = std::chrono::steady_clock::now() + kLongestBusy;
  for (int failures = 0; !report.clean() && failures < 2;) {
    const bool waits =
        std::exchange(report.busy, false) && std::chrono::steady_clock::now() < until;
    std::this_thread::sleep_for(waits ? 5ms : ++failures == 1 ? 100ms : 500ms);
    auto left = std::exchange(report.left, {});
    report.left.reserve(left.size());
    for (auto& each : left) attempt(std::move(each.owed), report);
  }
  settle(journal, report);
  return report;
}

RollbackReport Rollback::undo(std::vector<Owed> owed) const {
  RollbackReport report;
  report.undone.reserve(owed.size());
  report.left.reserve(owed.size());
  for (auto& each : owed | std::views::reverse) attempt(std::move(each), report);
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

Result<> Rollback::stray(const UndoRecord& record) const {
  const ChangeToken token;
  // Nothing of ours throws, but memory can run out: that must not cost the older undos.
  try {
    return revert_(record, token);
  } catch (const std::exception& thrown) {
    return Error{ErrorKind::internal, thrown.what(), {}, {}, 0};
  }
}

void Rollback::attempt(Owed owed, RollbackReport& report) const {
  if (auto undone = stray(owed.intent.undo); !undone) {
    report.busy |= undone.error().kind == ErrorKind::busy;
    return report.left.push_back({std::move(owed), std::move(undone).error()});
  }
  ++report.settled;
  report.undone.push_back(owed.seq);
}

}  // namespace squall
