// SPDX-License-Identifier: Apache-2.0

#include "safety/recover.hpp"

#include "safety/base/file.hpp"
#include "safety/event_log.hpp"
#include "safety/lock.hpp"
#include "safety/undo/journal_file.hpp"
#include "safety/unsettled.hpp"

#include <algorithm>

namespace squall {
namespace {

// Kernel state does not survive a reboot: of another boot, only flagged records remain owed.
// A header that cannot be read may be of this boot.
std::vector<Owed> owed_in_this_boot(const JournalFile& journal, std::size_t& gone) {
  auto owed = journal.owed();
  const auto& boot = journal.header().boot;
  if (boot.empty() || boot == boot_id()) return owed;
  const auto before = owed.size();
  std::erase_if(owed, [](const Owed& each) { return !each.intent.survives_reboot; });
  gone = before - owed.size();
  return owed;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += (text.empty() ? "" : "; ") + line;
  return text;
}

OwedRun look_at(const Paths& paths, const std::string& run) {
  OwedRun found{run, paths.of_run(run), {}, 0, ""};
  auto journal = JournalFile::read(found.directory);
  if (!journal) {
    // No journal means that no change was ever begun.
    if (journal.error().kind != ErrorKind::gone) found.problem = journal.error().sentence();
    return found;
  }
  found.owed = owed_in_this_boot(**journal, found.gone_by_reboot);
  found.problem = joined((*journal)->problems());
  return found;
}

void settle_run(const OwedRun& run, const Rollback& rollback, RecoverReport& report) {
  auto journal = JournalFile::open(run.directory);
  if (!journal) {
    if (journal.error().kind == ErrorKind::gone) {
      (void)forget_unsettled(run.directory);
    } else {
      const auto file = run.directory + "/journal.jsonl";
      report.left.push_back({{0,
                              {"whatever run '" + run.run + "' owes",
                               {},
                               {},
                               "read " + file + " and run its 'by_hand' lines",
                               false}},
                             std::move(journal).error()});
    }
    return;
  }
  auto done = rollback.some(**journal, run.owed);
  report.settled += done.settled;
  for (auto& left : done.left) report.left.push_back(std::move(left));
  for (auto& text : done.complaints) report.complaints.push_back(std::move(text));
  if (auto log = EventLog::append_to(run.directory + "/events.jsonl", run.run))
    log->write("recovered", {{"undone", static_cast<std::int64_t>(done.settled)},
                             {"left", static_cast<std::int64_t>(done.left.size())},
                             {"gone_by_reboot", static_cast<std::int64_t>(run.gone_by_reboot)}});
  if (!done.clean()) return;
  for (const auto& gone : (*journal)->owed()) (void)(*journal)->settle(gone.seq);
  if (auto forgotten = forget_unsettled(run.directory); !forgotten)
    report.complaints.push_back(forgotten.error().sentence());
}

}  // namespace

Result<std::vector<OwedRun>> find_owed(const Paths& paths) {
  std::vector<OwedRun> found;
  SQUALL_TRY(const auto runs, unsettled_runs(paths));
  for (const auto& run : runs) {
    auto owed = look_at(paths, run);
    if (!owed.owed.empty() || !owed.problem.empty()) found.push_back(std::move(owed));
  }
  return found;
}

Result<RecoverReport> recover(const Paths& paths, const Rollback& rollback,
                              const FindStrays& strays) {
  SQUALL_TRY(const auto lock, HostLock::take(paths, "recovery"));
  RecoverReport report;
  SQUALL_TRY(auto runs, unsettled_runs(paths));
  std::ranges::reverse(runs);  // newest first, as within a run
  for (const auto& id : runs) {
    auto run = look_at(paths, id);
    settle_run(run, rollback, report);
    if (!run.owed.empty() || !run.problem.empty()) report.runs.push_back(std::move(run));
  }
  if (auto found = strays(); !found) {
    report.complaints.push_back(found.error().sentence());
  } else {
    for (auto& stray : *found) {
      if (auto undone = rollback.stray(stray.undo); undone)
        ++report.strays;
      else
        report.left.push_back({{0, std::move(stray)}, std::move(undone).error()});
    }
  }
  return report;
}

}  // namespace squall
