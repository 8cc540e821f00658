// SPDX-License-Identifier: Apache-2.0
//
// One program run to its end from the loop: started with an argument vector (never a
// shell line), output bounded, its whole process group ended at the timeout, when it
// has exited, when its watch is destroyed, or when we die.

#pragma once

#include "safety/base/loop.hpp"
#include "safety/base/netns.hpp"
#include "safety/base/result.hpp"

#include <functional>
#include <string>
#include <vector>

namespace squall {

struct ChildCommand {
  std::vector<std::string> argv;  // looked for in PATH
  Netns netns;
};

struct ChildEnd {
  enum class Kind { exited, signalled, timed_out, not_started };
  Kind kind = Kind::not_started;
  int code = 0;        // exit code or signal
  std::string output;  // the first 64 KiB of stdout
  bool cut = false;    // there was more
  std::string errors;  // the first 1 KiB of stderr
  Duration took{};
  std::string why;  // one sentence, unless it exited: "was killed by SIGSEGV"
};

// `done` is called once, from the loop, at the latest when `timeout` is over. The loop must
// outlive the watch.
[[nodiscard]] Watch run_child(Loop& loop, const ChildCommand& command, Duration timeout,
                              std::function<void(ChildEnd)> done);

// The same without a loop: waits, at most `limit`. For what is done before a loop runs.
// `go_on` is asked several times a second; where it says no, that counts as the limit.
ChildEnd run_child_now(
    const ChildCommand& command, Duration limit,
    const std::function<bool()>& go_on = [] { return true; });

}  // namespace squall
