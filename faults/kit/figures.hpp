// SPDX-License-Identifier: Apache-2.0
//
// Figures of an effect check, as people read them.

#pragma once

#include <cstdint>
#include <string>

namespace squall::figures {

std::string number(double value, int digits = 3);  // so many significant digits
std::string percent(double share);                 // 0.0123: "1.23%"
std::string grouped(std::uint64_t value);          // "20,114"

}  // namespace squall::figures
