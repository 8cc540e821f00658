// SPDX-License-Identifier: Apache-2.0
//
// The job of a worker that uses up a share of its CPU.

#pragma once

#include "faults/kit/worker.hpp"
#include "safety/base/units.hpp"

namespace squall::burn {

// Reports, of the time since the go: three in nanoseconds; then the largest deviation over one
// second in millionths, and the largest one without what the worker waited for others.
inline constexpr std::size_t elapsed = 0, asked = 1, used = 2, worst_second = 3,
                             worst_unexplained = 4;

void set_load(const ChangeToken&, Worker&, Percent load);
void work(WorkerPage& page, int lifeline);

}  // namespace squall::burn
