// SPDX-License-Identifier: Apache-2.0

#pragma once

#include "safety/base/schema.hpp"

#include <compare>
#include <cstdint>
#include <string>

namespace squall {

// "10Mbit", as tc writes it: bits per second. Value 0 is "no rate" and cannot be written.
struct BitRate {
  std::uint64_t bits = 0;
  auto operator<=>(const BitRate&) const = default;
};
SQUALL_DECLARE_NUMERIC_VALUE(BitRate);

}  // namespace squall
