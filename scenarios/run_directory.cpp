// SPDX-License-Identifier: Apache-2.0

#include "scenarios/run_directory.hpp"

#include "safety/base/file.hpp"
#include "safety/recover.hpp"
#include "safety/unsettled.hpp"

#include <utility>

namespace squall {
namespace {

Result<RunDirectory> fill(const Paths& paths, const JournalHeader& header) {
  RunDirectory made;
  const auto path = made.path = paths.of_run(header.run);
  SQUALL_CHECK(make_directories(path));
  SQUALL_CHECK(mark_unsettled(path));
  SQUALL_TRY(made.journal, JournalFile::create(path, header));
  SQUALL_TRY(made.claim, claim_run(path));
  SQUALL_TRY(auto log, EventLog::create(path + "/events.jsonl", header.run));
  made.log = std::make_unique<EventLog>(std::move(log));
  SQUALL_CHECK(sync_directory(paths.runs()));
  return made;
}

}  // namespace

Result<RunDirectory> RunDirectory::make(const Paths& paths, const JournalHeader& header) {
  auto made = fill(paths, header);
  if (made) return made;
  auto error = std::move(made).error();
  error.kind = ErrorKind::refused;
  if (error.hint.empty()) error.hint = "set SQUALL_STATE_DIR to a directory that can be written";
  (void)forget_unsettled(paths.of_run(header.run));
  return error;
}

}  // namespace squall
