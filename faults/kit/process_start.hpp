// SPDX-License-Identifier: Apache-2.0
//
// Starting programs by argument vector, never by a shell. What is started gets clean
// signals, no descriptor of ours, and an ordinary place in the OOM killer's order.

#pragma once

#include "faults/kit/process.hpp"

#include <string>
#include <vector>

namespace squall {

// Nobody's child, in a session of its own. An error when the program cannot be executed, or is
// not within a second: then it is ended. Both return within a bounded time, whatever happens.
Result<> start_detached(const StartOrder& order);
// Waits for its end, at most `limit`; then it is killed, and that is an error.
Result<> run_to_end(const std::vector<std::string>& argv, Duration limit);

}  // namespace squall
