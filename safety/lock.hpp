// SPDX-License-Identifier: Apache-2.0
//
// One run per host. The lock is held by descriptor, so it cannot outlive its
// holders; the watchdog inherits it, so it lasts until the host is clean.

#pragma once

#include "safety/base/fd.hpp"
#include "safety/base/result.hpp"
#include "safety/base/units.hpp"
#include "safety/paths.hpp"

#include <optional>
#include <string>

namespace squall {

class HostLock {
 public:
  // Error (refused) when another run or recovery holds it: says who, and what to do.
  static Result<HostLock> take(const Paths& paths, const std::string& who);
  // "run 20260101-101500-3fa2c1 (pid 4711)", or "" when nobody holds it.
  static std::string holder(const Paths& paths);
  // Who holds it and what to do about it, as take() says it; nothing when nobody does.
  static std::optional<Error> objection(const Paths& paths);
  // So that others know whom to wait for when the runner is dead.
  static Result<> note_watchdog(int lock_fd, int watchdog);
  // Waits for the watchdog of a dead runner, at most `limit`, and continues one that somebody
  // has stopped. False: there is none, or it did not end.
  static bool finish_watchdog(const Paths& paths, Duration limit);

  int fd() const { return file_.get(); }

 private:
  Fd file_;
};

}  // namespace squall
