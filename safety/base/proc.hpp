// SPDX-License-Identifier: Apache-2.0
//
// Processes as /proc and process descriptors show them: reading only.

#pragma once

#include "safety/base/fd.hpp"
#include "safety/base/units.hpp"

#include <charconv>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace squall {

// The whole text must be the number.
template <class Number>
bool parse_number(std::string_view text, Number& number, int base = 10) {
  const auto end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number, base);
  return error == std::errc{} && stopped == end && !text.empty();
}

// Without "." and ".."; none where the directory cannot be read.
std::vector<std::string> names_in(const std::string& directory);
std::vector<pid_t> all_processes();
std::string process_name(pid_t pid);  // at most 15 characters; "" when it is gone
// Readable when the process has ended; no descriptor, and errno, when there is none.
Fd open_process(pid_t pid);
bool ends_within(int process, Duration limit);

}  // namespace squall
