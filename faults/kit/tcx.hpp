// SPDX-License-Identifier: Apache-2.0
//
// tcx: packet programs attached by a link that dies with its descriptor, in the
// namespace that this thread is in.

#pragma once

#include "faults/kit/network.hpp"
#include "safety/base/fd.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace squall::tcx {

struct Entry {
  std::uint32_t program = 0;
  std::uint32_t link = 0;  // 0: attached without one
  std::string name;        // of the program
};

// Error (unsupported): this kernel has no tcx.
Result<std::vector<Entry>> read(int ifindex, network::Direction);
// Behind the program with this number, or with 0 at the head of the list.
Result<Fd> put(const ChangeToken&, int ifindex, network::Direction, int program,
               std::uint32_t behind);
Result<> delete_link(const ChangeToken&, std::uint32_t link);

// For filters as well, which name their program by number.
Result<std::string> read_program_name(std::uint32_t program);

}  // namespace squall::tcx
