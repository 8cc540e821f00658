// SPDX-License-Identifier: Apache-2.0
//
// A process of our own that looks at what may never answer: a file on a hung mount, a
// process that is stuck in its own page faults.
//
//   asker ── "look" ──> the other process: look(), its text in a shared page
//   asker <── "done" ──
//
// Not a thread. Kernel: what is stuck in an uninterruptible wait survives SIGKILL, and
// no process ends before its last thread has: the run could not leave, and its watchdog
// would wait for its death instead of rolling back.

#pragma once

#include "safety/base/loop.hpp"

#include <functional>
#include <memory>
#include <string>

namespace squall {

struct Sight {
  std::string error;  // why there is none: "no answer within 200ms"
  bool timed_out = false;
  std::string text;
  Duration took{};
};

class Onlooker {
 public:
  static constexpr const char* kName = "squall-look";
  static constexpr std::size_t kMost = 80 * 1024;  // of a text; the rest is lost

  // Runs over there, on a copy of what we had when it was first asked.
  using Look = std::function<std::string()>;
  using Done = std::function<void(Sight)>;

  explicit Onlooker(Look look);
  ~Onlooker();  // ends the process; one that is stuck is left for init to collect

  // One question at a time: a new one takes the place of the last, and waits until the
  // look for that has ended. The process is started with the first.
  [[nodiscard]] Watch ask(Loop& loop, Duration timeout, Done done);

 private:
  class Looking;
  class Question;
  std::shared_ptr<Looking> looking_;
};

}  // namespace squall
