// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/worker.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>

namespace squall {

std::string worker_name(const std::string& mark, unsigned slot) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "squall-%.6s%02x", mark.c_str(), slot & 0xffu);
  return text.data();
}

bool is_worker_name(const std::string& comm) {
  return comm.size() == 15 && comm.starts_with("squall-") &&
         std::ranges::all_of(comm.substr(7), [](unsigned char c) { return std::isxdigit(c) != 0; });
}

}  // namespace squall
