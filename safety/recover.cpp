// SPDX-License-Identifier: Apache-2.0

#include "safety/recover.hpp"

#include "safety/base/file.hpp"
#include "safety/base/file_lock.hpp"
#include "safety/event_log.hpp"
#include "safety/lock.hpp"
#include "safety/undo/journal_file.hpp"
#include "safety/unsettled.hpp"

#include <algorithm>
#include <fcntl.h>
#include <iterator>
#include <ranges>

namespace squall {
namespace {

// Of a dead runner: it rolls back with patience.
constexpr Duration kWatchdogEnd = 5s;

// Kernel state does not survive a reboot: of another boot, only flagged records remain owed.
std::vector<Owed> owed_in_this_boot(const JournalFile& journal, std::size_t& gone) {
  auto owed = journal.owed();
  if (!is_another_boot(journal.header().boot, boot_id())) return owed;
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

bool is_active(const std::string& run_directory) {
  const auto file = open_for_reading(journal_of(run_directory));
  return file && is_locked(file->get());
}

OwedRun look_at(const Paths& paths, const std::string& run) {
  OwedRun found{run, paths.of_run(run), {}, 0, "", false};
  auto journal = JournalFile::read(found.directory);
  if (!journal) {
    // No journal means that no change was ever begun.
    if (journal.error().kind != ErrorKind::gone) found.problem = journal.error().sentence();
    return found;
  }
  found.owed = owed_in_this_boot(**journal, found.gone_by_reboot);
  found.problem = joined((*journal)->problems());
  found.active = is_active(found.directory);
  return found;
}

StillOwed unreadable(const OwedRun& run, Error error) {
  return {{0,
           {"whatever run '" + run.run + "' owes",
            {},
            {},
            "read " + journal_of(run.directory) + " and run its 'by_hand' lines",
            false}},
          std::move(error)};
}

// What a damaged line recorded cannot be known: it stays owed until a person has looked.
StillOwed damaged(const OwedRun& run, const std::string& problem) {
  return {{0,
           {"what run '" + run.run + "' wrote into a line that cannot be read",
            {},
            {},
            "read " + journal_of(run.directory) + ", undo what that line names, then rm " +
                marker_of(run.directory),
            false}},
          {ErrorKind::system, problem, {}, {}, 0}};
}

void tell(const OwedRun& run, const RollbackReport& done) {
  if (auto log = EventLog::append_to(run.directory + "/events.jsonl", run.run))
    log->write("recovered", {{"undone", static_cast<std::int64_t>(done.settled)},
                             {"left", static_cast<std::int64_t>(done.left.size())},
                             {"gone_by_reboot", static_cast<std::int64_t>(run.gone_by_reboot)}});
}

void settle_run(const OwedRun& run, const Rollback& rollback, RecoverReport& report) {
  auto journal = JournalFile::open(run.directory);
  if (!journal) {
    if (journal.error().kind == ErrorKind::gone)
      (void)forget_unsettled(run.directory);
    else
      report.left.push_back(unreadable(run, std::move(journal).error()));
    return;
  }
  auto done = rollback.patiently(**journal, run.owed);
  for (const auto& problem : (*journal)->problems()) done.left.push_back(damaged(run, problem));
  tell(run, done);
  const bool clean = done.clean();
  report.settled += done.settled;
  std::ranges::move(done.left, std::back_inserter(report.left));
  std::ranges::move(done.complaints, std::back_inserter(report.complaints));
  if (!clean) return;
  for (const auto& gone : (*journal)->owed()) (void)(*journal)->settle(gone.seq);
  if (auto forgotten = forget_unsettled(run.directory); !forgotten)
    report.complaints.push_back(forgotten.error().sentence());
}

// Of what no journal knows.
class NoJournal final : public Journal {
 public:
  Result<std::uint64_t> owe(const Intent&) override { return std::uint64_t{0}; }
  Result<> settle(std::uint64_t) override { return {}; }
  Result<> sync() override { return {}; }
  std::vector<Owed> owed() const override { return {}; }
};

void remove_strays(const FindStrays& find, const Rollback& rollback, RecoverReport& report) {
  auto strays = find();
  std::vector<Owed> owed;
  for (auto& stray : strays.found) owed.push_back({0, std::move(stray)});
  NoJournal none;
  auto done = rollback.patiently(none, std::move(owed));
  report.strays += done.settled;
  std::ranges::move(done.left, std::back_inserter(report.left));
  std::ranges::move(strays.unseen, std::back_inserter(report.unseen));
  std::ranges::move(strays.active, std::back_inserter(report.active));
}

}  // namespace

bool is_another_boot(const std::string& then, const std::string& now) {
  return !then.empty() && !now.empty() && then != now;
}

Error run_is_active(const std::string& run) {
  return {ErrorKind::refused,
          "run '" + run + "' is active, with another SQUALL_RUN_DIR",
          "stop it with 'squall abort' and its SQUALL_RUN_DIR",
          {},
          0};
}

Result<Fd> claim_run(const std::string& run_directory) {
  const auto path = journal_of(run_directory);
  Fd file{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
  if (!file) {
    // Where nothing can be written the question remains.
    SQUALL_TRY(file, open_for_reading(path));
    if (!is_locked(file.get())) return file;
  } else {
    SQUALL_TRY(const bool ours, lock_file(file.get(), path));
    if (ours) return file;
  }
  return run_is_active(run_directory.substr(run_directory.rfind('/') + 1));
}

Result<std::vector<OwedRun>> find_owed(const Paths& paths) {
  std::vector<OwedRun> found;
  SQUALL_TRY(const auto runs, unsettled_runs(paths));
  for (const auto& run : runs) {
    auto owed = look_at(paths, run);
    if (!owed.owed.empty() || !owed.problem.empty()) found.push_back(std::move(owed));
  }
  return found;
}

Result<> refuse_debts(const Paths& paths) {
  SQUALL_TRY(const auto owed, find_owed(paths));
  if (owed.empty()) return {};
  if (owed.front().active) return run_is_active(owed.front().run);
  return Error{ErrorKind::refused,
               "run '" + owed.front().run + "' still owes repairs on this host",
               "settle them with 'squall recover'",
               {},
               0};
}

Result<RecoverReport> recover(const Paths& paths, const Rollback& rollback,
                              const FindStrays& strays) {
  auto lock = HostLock::take(paths, "recovery");
  if (!lock && HostLock::finish_watchdog(paths, kWatchdogEnd))
    lock = HostLock::take(paths, "recovery");
  if (!lock) return std::move(lock).error();
  RecoverReport report;
  auto runs = unsettled_runs(paths);
  // Their journals cannot be found; what they left may carry our mark all the same.
  if (!runs) {
    report.unseen.push_back(runs.error().sentence());
    runs = std::vector<std::string>{};
  }
  for (const auto& id : *runs | std::views::reverse) {  // newest first, as within a run
    // Held until it is settled: two recoveries may have lock directories of their own.
    const auto claim = claim_run(paths.of_run(id));
    if (!claim && claim.error().kind == ErrorKind::refused) {
      report.active.push_back(claim.error().sentence());
      continue;
    }
    auto run = look_at(paths, id);
    settle_run(run, rollback, report);
    if (!run.owed.empty() || !run.problem.empty() || run.gone_by_reboot != 0)
      report.runs.push_back(std::move(run));
  }
  remove_strays(strays, rollback, report);
  return report;
}

}  // namespace squall
