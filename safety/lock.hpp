// SPDX-License-Identifier: Apache-2.0
//
// One run per host. The lock is held by descriptor, so it cannot outlive its
// holders; the watchdog inherits it, so it lasts until the host is clean.

#pragma once

#include "safety/base/fd.hpp"
#include "safety/base/result.hpp"
#include "safety/paths.hpp"

#include <string>

namespace squall {

class HostLock {
 public:
  // Error (refused) when another run or recovery holds it: says who, and what to do.
  static Result<HostLock> take(const Paths& paths, const std::string& who);
  // "run 20260101-101500-3fa2c1 (pid 4711)", or "" when nobody holds it.
  static std::string holder(const Paths& paths);

  int fd() const { return file_.get(); }

 private:
  Fd file_;
};

}  // namespace squall
