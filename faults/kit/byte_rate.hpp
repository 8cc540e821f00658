// SPDX-License-Identifier: Apache-2.0
//
// Bytes in a second, as a type of parameter: "200MiB/s".

#pragma once

#include "safety/base/value.hpp"

namespace squall {

struct ByteRate {
  Bytes each_second;
  auto operator<=>(const ByteRate&) const = default;
};

SQUALL_DECLARE_VALUE(ByteRate);

}  // namespace squall
