// SPDX-License-Identifier: Apache-2.0
//
// An amount of memory: a size, or a share of what the group uses when the fault begins.

#pragma once

#include "safety/base/schema.hpp"

#include <optional>
#include <string>

namespace squall {

inline constexpr Bytes kLeastMemory{1 << 20};

struct LimitAmount {
  std::optional<Percent> of_use;
  Bytes size;  // without of_use

  // Whole pages of any architecture, so that the kernel shows what was written.
  Bytes resolve(Bytes use) const;
  bool operator==(const LimitAmount&) const = default;
};

// For people, three significant digits: "12.3MiB".
std::string to_rounded_text(Bytes bytes);

SQUALL_DECLARE_NUMERIC_VALUE(LimitAmount);

}  // namespace squall
