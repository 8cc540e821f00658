// SPDX-License-Identifier: Apache-2.0
//
// squall-watchdog: started by a run, never by hand. Rolls back from the run's journal
// when the runner cannot.

#include "faults/registry.hpp"
#include "safety/watchdog.hpp"

#include <cstdio>

int main(int count, char** arguments) {
  if (count != 2) {
    std::fputs(
        "squall-watchdog is started by 'squall run'; to repair this host use 'squall recover'\n",
        stderr);
    return 2;
  }
  const auto machine = squall::this_machine();
  return squall::watch_over_runner(
      arguments[1], [&](const squall::UndoRecord& undo, const squall::ChangeToken& token) {
        return squall::revert(squall::built_in_faults(), undo, *machine, token);
      });
}
