// SPDX-License-Identifier: Apache-2.0
//
// /proc/<pid>/stat, read in one place.

#pragma once

#include "safety/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace squall {

struct ProcessStat {
  std::string name;
  char state = '?';  // R S D T t Z X …
  pid_t parent = 0;
  std::uint64_t flags = 0;
  std::uint64_t start = 0;  // clock ticks after boot

  bool ended() const { return state == 'Z' || state == 'X'; }
};

Result<ProcessStat> parse_process_stat(std::string_view text);
// Error (gone): there is no such process. `root` is "/proc", but for tests.
Result<ProcessStat> read_process_stat(pid_t pid, const std::string& root = "/proc");

}  // namespace squall
