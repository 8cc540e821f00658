// SPDX-License-Identifier: Apache-2.0
//
// Reading /proc. Every function tolerates that a process vanishes while it is read:
// that is an error of kind `gone`, never a half-filled answer.

#pragma once

#include "faults/kit/process.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace squall::procfs {

std::vector<std::pair<std::string, std::string>> parse_cgroups(std::string_view text);

// `root` is "/proc", but for tests.
Result<ProcessInfo> read_process(const std::string& root, pid_t pid);
Result<std::vector<pid_t>> read_pids(const std::string& root);

}  // namespace squall::procfs
