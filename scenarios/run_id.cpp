// SPDX-License-Identifier: Apache-2.0

#include "scenarios/run_id.hpp"

#include "safety/base/file.hpp"

#include <array>
#include <cstdio>
#include <sys/random.h>

namespace squall {

std::uint64_t draw_seed() {
  std::uint64_t seed = 0;
  if (::getrandom(&seed, sizeof seed, 0) != sizeof seed)
    seed = static_cast<std::uint64_t>(realtime_ns());
  // Kept below 2^53, so that every JSON reader and TOML integer carries it exactly.
  return seed & ((std::uint64_t{1} << 53) - 1);
}

RunId new_run_id() {
  std::array<char, 8> mark{};
  std::snprintf(mark.data(), mark.size(), "%06x", static_cast<unsigned>(draw_seed() & 0xffffff));
  auto time = rfc3339(realtime_ns()).substr(0, 19);
  std::erase_if(time, [](char each) { return each == '-' || each == ':'; });
  time[8] = '-';
  return {time + "-" + mark.data(), mark.data()};
}

std::uint64_t seed_of_slot(std::uint64_t run_seed, unsigned slot) {
  // SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
  std::uint64_t z = run_seed + 0x9e3779b97f4a7c15u * (std::uint64_t{slot} + 1);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

}  // namespace squall
