// SPDX-License-Identifier: Apache-2.0
//
// The one door through which every write of a test passes, on the fake machine and
// in the test journal: it counts them, and can let the program die at the n-th or
// have the n-th refused.

#pragma once

#include "safety/base/result.hpp"

#include <string>

namespace squall::testing {

struct MachineDied {};  // thrown in place of SIGKILL; only tests catch it

class WriteGate {
 public:
  // The write number `at` (from 0) does not happen, and the program is dead.
  void die_at(int at) { die_at_ = at; }
  // The write number `at` fails with EIO.
  void refuse_at(int at) { refuse_at_ = at; }
  // Every write from number `at` on fails with EPERM.
  void refuse_from(int at) { refuse_from_ = at; }
  void reset() { *this = WriteGate{}; }
  int writes() const { return writes_; }

  Result<> pass(const std::string& what) {
    const int now = writes_++;
    if (die_at_ >= 0 && now >= die_at_) throw MachineDied{};
    if (refuse_from_ >= 0 && now >= refuse_from_) return sys_error(what, 1 /* EPERM */);
    if (now == refuse_at_) return sys_error(what, 5 /* EIO */);
    return {};
  }

 private:
  int writes_ = 0;
  int die_at_ = -1;
  int refuse_at_ = -1;
  int refuse_from_ = -1;
};

}  // namespace squall::testing
