// SPDX-License-Identifier: Apache-2.0

#pragma once

#include "safety/base/result.hpp"
#include "safety/base/units.hpp"

#include <string>

namespace squall::lab {

// Connects to "198.18.0.2:9001", sends `text` and waits until the answer contains `wanted`.
Result<> ask(const std::string& address, const std::string& text, const std::string& wanted,
             Duration limit);

}  // namespace squall::lab
