// SPDX-License-Identifier: Apache-2.0
//
// The one door through which every write of a test passes, on the fake machine and
// in the test journal: it counts them, and can let the program die at the n-th or
// have the n-th refused.

#pragma once

#include "safety/base/result.hpp"

#include <limits>
#include <string>

namespace squall::testing {

struct MachineDied {};  // thrown in place of SIGKILL; only tests catch it

class WriteGate {
 public:
  // The write number `at` (from 0) does not happen, and the program is dead.
  void die_at(int at) { die_at_ = at; }
  // The write number `at` fails with EIO.
  void refuse_at(int at) { refuse_at_ = at; }
  // Every write from number `at` on, up to `end`, fails with EPERM.
  void refuse_from(int at, int end = std::numeric_limits<int>::max()) {
    refuse_from_ = at;
    refuse_until_ = end;
  }
  void reset() { *this = WriteGate{}; }
  int writes() const { return writes_; }

  Result<> pass(const std::string& what) {
    const int now = writes_++;
    if (die_at_ >= 0 && now >= die_at_) throw MachineDied{};
    if (refuse_from_ >= 0 && now >= refuse_from_ && now < refuse_until_)
      return sys_error(what, 1 /* EPERM */);
    if (now == refuse_at_) return sys_error(what, 5 /* EIO */);
    return {};
  }

 private:
  int writes_ = 0;
  int die_at_ = -1;
  int refuse_at_ = -1;
  int refuse_from_ = -1;
  int refuse_until_ = 0;
};

}  // namespace squall::testing
