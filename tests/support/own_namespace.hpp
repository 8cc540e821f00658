// SPDX-License-Identifier: Apache-2.0
//
// A network namespace of a test's own, held by a child and known by its pid. It ends
// with the test.

#pragma once

#include "safety/base/child.hpp"

#include <csignal>
#include <sched.h>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace squall::testing {

class OwnNamespace {
 public:
  OwnNamespace() {
    int told[2];
    if (::pipe(told) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      const char made = ::unshare(CLONE_NEWNET) == 0 ? 'y' : 'n';
      if (::write(told[1], &made, 1) != 1) ::_exit(1);
      for (;;) ::pause();
    }
    char made = 0;
    good_ = ::read(told[0], &made, 1) == 1 && made == 'y';
    ::close(told[0]);
    ::close(told[1]);
    good_ = good_ && ip({"link", "set", "lo", "up"});
  }
  OwnNamespace(const OwnNamespace&) = delete;
  OwnNamespace& operator=(const OwnNamespace&) = delete;
  ~OwnNamespace() {
    if (pid_ > 0) ::kill(pid_, SIGKILL), ::waitpid(pid_, nullptr, 0);
  }

  explicit operator bool() const { return good_; }  // false: no privileges for one
  Netns netns() const { return {std::to_string(pid_)}; }
  bool ip(std::vector<std::string> words) const {
    words.insert(words.begin(), "ip");
    const auto end = run_child_now({std::move(words), netns()}, 5s);
    return end.kind == ChildEnd::Kind::exited && end.code == 0;
  }

 private:
  pid_t pid_ = 0;
  bool good_ = false;
};

}  // namespace squall::testing
