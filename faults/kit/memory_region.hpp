// SPDX-License-Identifier: Apache-2.0
//
// Memory that grows and shrinks, inside a worker. Does not allocate, and throws away what
// it has when its process ends.

#pragma once

#include "faults/kit/memory_fill.hpp"

#include <cstdint>

namespace squall::filling {

inline constexpr std::uint64_t kHugePage = 2 << 20;

enum class Step : std::uint64_t { none, bind, map, make_file, look, grow };

class Region {
 public:
  // What could not be done, with errno; Step::none when all went well.
  Step make(memory::Kind kind, HugePages pages, std::int64_t node, const char* directory);
  // Fills up to `size`, which is more than it holds. False: the kernel refuses; errno.
  bool grow(std::uint64_t size);
  // Down to `size` or a huge page below it.
  void shrink(std::uint64_t size);
  // Looks at each page of a part, so that it is in memory and counts as in use.
  void touch(std::uint64_t from, std::uint64_t to) const;

  std::uint64_t held() const { return held_; }
  // Sizes on the way are whole ones of these.
  std::uint64_t granule() const;
  std::uint64_t read_huge() const;
  std::uint64_t read_thousandths_on(std::int64_t node) const;

 private:
  Step map(const char* directory);
  void write(std::uint64_t from, std::uint64_t to);

  memory::Kind kind_ = memory::Kind::anonymous;
  bool huge_ = true;
  int file_ = -1;
  unsigned char* start_ = nullptr;
  std::uint64_t room_ = 0;  // of addresses
  std::uint64_t held_ = 0;
  const unsigned char* pattern_ = nullptr;
};

}  // namespace squall::filling
