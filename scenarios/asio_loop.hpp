// SPDX-License-Identifier: Apache-2.0
//
// The event loop of a real run. One thread; the only file behind it that knows Asio.

#pragma once

#include "safety/base/loop.hpp"

#include <memory>

namespace squall {

// A watch may outlive the loop. What a task throws ends run() and is the caller's to
// catch, as with any other bug.
std::unique_ptr<Loop> make_loop();

}  // namespace squall
