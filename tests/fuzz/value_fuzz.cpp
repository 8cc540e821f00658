// SPDX-License-Identifier: Apache-2.0
//
// Any text as a quantity: what parses survives print and parse.

#include "safety/base/units.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

template <class T>
void round_trip(std::string_view text, squall::Result<T> (*parse)(std::string_view)) {
  const auto value = parse(text);
  if (!value) return;
  const auto again = parse(squall::to_text(*value));
  if (!again || *again != *value) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  round_trip(text, squall::parse_duration);
  round_trip(text, squall::parse_percent);
  round_trip(text, squall::parse_bytes);
  (void)squall::nearest(text, {"latency", "loss", "match.port", ""});
  return 0;
}
