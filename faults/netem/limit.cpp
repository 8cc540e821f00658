// SPDX-License-Identifier: Apache-2.0

#include "faults/netem/limit.hpp"

#include <algorithm>
#include <cmath>

namespace squall {
namespace {

// Of a link that no rate bounds; smallest packets of Ethernet, with preamble and gap, on a rate.
constexpr double kPacketsPerSecond = 1e6;
constexpr double kSmallestPacket = 84 * 8;  // bits
constexpr double kUsualPacket = 1500 * 8;
constexpr double kSecondsOfBacklog = 1;
constexpr double kFewest = 1000;  // netem's own default
// Kernel: what a packet of 1,500 bytes takes (SKB_TRUESIZE).
constexpr std::uint64_t kBytesOfPacket = 2304;

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

std::uint64_t needed_limit(const NetemParams& p) {
  const auto bits = static_cast<double>(p.rate.rate.bits);
  double per_second = kPacketsPerSecond, piled_up = 0;
  if (bits > 0) {
    per_second = std::min(per_second, bits / kSmallestPacket);
    piled_up = bits / kUsualPacket * kSecondsOfBacklog;
  }
  if (p.packet_rate > 0) per_second = static_cast<double>(p.packet_rate);
  const double time = seconds(p.delay.delay) + 4 * seconds(p.delay.jitter) +
                      seconds(p.slot.longest) + seconds(p.slot.shortest) + seconds(p.slot.delay) +
                      4 * seconds(p.slot.jitter);
  const double wanted = 1.25 * (time * per_second + piled_up);
  return static_cast<std::uint64_t>(std::clamp(wanted, kFewest, 4294967295.0));
}

std::uint64_t bearable_limit(Bytes available) {
  const auto quarter = available.value / 4 / kBytesOfPacket;
  return std::clamp<std::uint64_t>(quarter, static_cast<std::uint64_t>(kFewest), 0xffffffff);
}

std::uint32_t limit_of(const NetemParams& p, Bytes available) {
  const auto limit = p.limit > 0 ? p.limit : std::min(needed_limit(p), bearable_limit(available));
  return static_cast<std::uint32_t>(limit);
}

}  // namespace squall
