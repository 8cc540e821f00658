// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/figures.hpp"

#include <charconv>
#include <cstddef>

namespace squall::figures {

std::string number(double value, int digits) {
  char text[32];
  const auto end =
      std::to_chars(text, text + sizeof text, value, std::chars_format::general, digits);
  return {text, end.ptr};
}

std::string percent(double share) { return number(share * 100, 4) + "%"; }

std::string grouped(std::uint64_t value) {
  auto text = std::to_string(value);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), ",");
  return text;
}

}  // namespace squall::figures
