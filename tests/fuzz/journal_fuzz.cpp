// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a journal: each line is understood or not, and what is understood is
// written and read to the same. Each line is tried as it is and with a checksum that
// fits, since nothing else would get past it.

#include "safety/journal_line.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

std::string sealed(std::string line) {
  if (line.ends_with('}')) line.pop_back();
  std::uint32_t crc = ~0U;
  for (const char each : line) {
    crc ^= static_cast<unsigned char>(each);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320U : 0U);
  }
  std::array<char, 9> hex{};
  std::snprintf(hex.data(), hex.size(), "%08x", ~crc);
  return line + ",\"sum\":\"" + hex.data() + "\"}";
}

void try_line(const std::string& text) {
  const auto line = squall::journal_line_from(text);
  if (!line) return;
  auto written = squall::to_text(*line);
  written.pop_back();  // the newline
  const auto again = squall::journal_line_from(written);
  if (!again || squall::to_text(*again) != written + "\n") std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  for (std::size_t from = 0; from < text.size();) {
    const auto end = std::min(text.find('\n', from), text.size());
    try_line(text.substr(from, end - from));
    try_line(sealed(text.substr(from, end - from)));
    from = end + 1;
  }
  return 0;
}
