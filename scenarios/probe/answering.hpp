// SPDX-License-Identifier: Apache-2.0
//
// What a probe saw, on its way to be judged: a long text is searched over several turns
// of the loop, none of which takes long.

#pragma once

#include "scenarios/probe/expectation.hpp"

#include <memory>
#include <string>
#include <utility>

namespace squall {

// One question; the watch that the asker holds owns it.
class Answering {
 public:
  Answering(Loop& loop, std::shared_ptr<Judge> judge, Probe::Done done)
      : loop_(loop), judge_(std::move(judge)), done_(std::move(done)) {}

  void wait_for(Watch answer) { asked_ = std::move(answer); }
  // Each is the last thing to happen here: `done` may destroy the question.
  void judge(Seen seen);
  void judge(Seen seen, std::string text, PatternSearch begun = PatternSearch{});
  void fail(std::string why, Duration waited, bool counts);

 private:
  void search();
  void tell(ProbeAnswer answer);

  Loop& loop_;
  std::shared_ptr<Judge> judge_;
  Probe::Done done_;
  Watch asked_;
  Seen seen_;
  std::string text_;
  PatternSearch search_;
  Watch next_;
};

}  // namespace squall
