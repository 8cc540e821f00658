// SPDX-License-Identifier: Apache-2.0
//
// What happened in a run, and what it amounts to. Pure.

#pragma once

#include "safety/controller.hpp"
#include "scenarios/run.hpp"

#include <optional>
#include <string>

namespace squall {

struct Story {
  std::optional<Error> refused;       // before any change
  std::optional<StopReason> aborted;  // by a guard, the deadline, the operator, a failed injection
  std::string bug;                    // an exception; "" for none
  std::string breach;                 // the first counted breach; "" when the hypothesis held

  void breached(std::string why) {
    if (breach.empty()) breach = std::move(why);
  }
};

// Fills outcome, exit_code, reason and hint; result.residue must be known. The worst
// wins: a host that is not clean, then an abort, then a hypothesis that did not hold.
void judge(const Story& story, RunResult& result);

}  // namespace squall
