// SPDX-License-Identifier: Apache-2.0
//
// One attempt at all that a journal owes, without the patience that costs a test its time.

#pragma once

#include "safety/undo/rollback.hpp"

namespace squall::testing {

inline RollbackReport undo_all(const Rollback& rollback, Journal& journal) {
  auto report = rollback.undo(journal.owed());
  Rollback::settle(journal, report);
  return report;
}

}  // namespace squall::testing
