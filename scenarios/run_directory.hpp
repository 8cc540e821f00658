// SPDX-License-Identifier: Apache-2.0
//
// The directory of a run that begins: marked as unsettled, with a journal that is held as
// long as a process of the run lives, and an event log.

#pragma once

#include "safety/base/fd.hpp"
#include "safety/event_log.hpp"
#include "safety/paths.hpp"
#include "safety/undo/journal_file.hpp"

#include <memory>
#include <string>

namespace squall {

struct RunDirectory {
  std::string path;
  std::unique_ptr<JournalFile> journal;
  Fd claim;  // on the journal
  std::unique_ptr<EventLog> log;

  // Error (refused) where it cannot be made: nothing was changed yet.
  static Result<RunDirectory> make(const Paths& paths, const JournalHeader& header);
};

}  // namespace squall
