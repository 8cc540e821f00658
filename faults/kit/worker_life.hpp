// SPDX-License-Identifier: Apache-2.0
//
// The life of a worker, from the fork on, inside the worker.

#pragma once

#include "faults/kit/worker.hpp"

namespace squall {

// Written once to the ready pipe: what could not be set up, or error 0.
struct WorkerTrouble {
  char attempt[48] = {};
  int error = 0;
};

[[noreturn]] void live_as_worker(const WorkerOrder& order, WorkerPage& page, pid_t parent,
                                 int lifeline, int ready);

// The job of a CPU worker: uses settings[load] of each second, as millionths, measured by
// its own CPU clock.
namespace burn {
inline constexpr std::size_t load = 0;
// Reports, of the time since the go; nanoseconds and, for the last, millionths.
inline constexpr std::size_t elapsed = 0, asked = 1, used = 2, worst_second = 3;
void work(WorkerPage& page, int lifeline);
}  // namespace burn

}  // namespace squall
