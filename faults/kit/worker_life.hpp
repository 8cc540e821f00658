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

}  // namespace squall
