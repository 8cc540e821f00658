// SPDX-License-Identifier: Apache-2.0
//
// The runner behind run_scenario, on a loop of the caller's: with a loop whose time is
// made up, a ten-minute scenario takes a millisecond.

#pragma once

#include "scenarios/run.hpp"

namespace squall {

struct RunSurroundings {
  Loop& loop;
  Machine& machine;
  const Registry& registry;
  const Paths& paths;
  bool watched = true;  // by a watchdog process; only tests on a fake machine go without
};

RunResult run_on(const RunSurroundings& surroundings, CheckedScenario& scenario,
                 const RunOptions& options);

}  // namespace squall
