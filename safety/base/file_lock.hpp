// SPDX-License-Identifier: Apache-2.0
//
// A lock on a whole file that belongs to the open file: it lasts until the last process
// that inherited it is gone, and can be asked for without being taken.

#pragma once

#include "safety/base/result.hpp"

namespace squall {

// `fd` is open for writing. False: somebody else has it. Never waits.
Result<bool> lock_file(int fd, const std::string& path);
// Whether somebody else has it; any descriptor of the file will do.
bool is_locked(int fd);

}  // namespace squall
