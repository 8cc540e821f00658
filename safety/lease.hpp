// SPDX-License-Identifier: Apache-2.0
//
// What runner and watchdog share: one page and a few descriptor numbers.

#pragma once

#include <atomic>
#include <cstdint>

namespace squall {

struct LeasePage {
  std::atomic<std::int64_t> valid_until_ns{0};  // CLOCK_MONOTONIC
  std::atomic<std::uint32_t> released{0};       // 1: nothing is owed, go
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free, "shared between processes");

// Where the watchdog finds its inherited descriptors.
namespace lease_fd {
constexpr int runner = 3;  // pidfd of the runner
constexpr int page = 4;    // memfd of the LeasePage
constexpr int ready = 5;   // pipe: one byte, then the protection it could not get
constexpr int lock = 6;    // the host's lock, held until it exits
constexpr int claim = 7;   // the run's journal, held as long
}  // namespace lease_fd

}  // namespace squall
