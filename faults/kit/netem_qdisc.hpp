// SPDX-License-Identifier: Apache-2.0
//
// The kernel's netem as a qdisc of a sidecar's device, with everything that it takes. Values are
// the kernel's (include/uapi/linux/pkt_sched.h, net/sched/sch_netem.c); chances are shares of 1.

#pragma once

#include "safety/base/result.hpp"
#include "safety/base/units.hpp"
#include "safety/undo/change.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace squall::netem {

// Kernel: an entry of 8192 is one jitter away from the delay; the table is sampled evenly.
inline constexpr int kDistributionScale = 8192;
inline constexpr std::size_t kDistributionMost = 16384;
using Distribution = std::vector<std::int16_t>;

enum class LossModel { random, gilbert_elliott, four_states };

struct Rate {
  std::uint64_t bytes_per_second = 0;  // 0: no rate
  std::int32_t packet_overhead = 0;    // bytes
  std::uint32_t cell_size = 0;         // bytes; 0: no cells
  std::int32_t cell_overhead = 0;      // bytes
};

struct Slot {
  Duration shortest{}, longest{};       // between two slots
  Duration delay{}, jitter{};           // or by a distribution
  std::int32_t packets = 0, bytes = 0;  // per slot; 0: no bound
};

struct Settings {
  Duration delay{}, jitter{};
  double delay_correlation = 0;
  std::uint32_t limit = 1000;  // packets that wait at the same time

  LossModel loss_model = LossModel::random;
  double loss = 0, loss_correlation = 0;                  // random
  double p = 0, r = 0, one_minus_h = 0, one_minus_k = 0;  // gilbert_elliott
  double p13 = 0, p31 = 0, p32 = 0, p23 = 0, p14 = 0;     // four_states
  bool ecn = false;  // mark instead of drop, where the packet takes a mark

  double duplicate = 0, duplicate_correlation = 0;
  double corrupt = 0, corrupt_correlation = 0;
  double reorder = 0, reorder_correlation = 0;
  std::uint32_t gap = 0;
  Rate rate;
  Slot slot;
  std::uint64_t seed = 0;  // Kernel: taken from 6.6 on, left unread before
};

// Tables are sent when the qdisc is made, and stay.
struct Tables {
  Distribution delay, slot;
};

// What its statistics say.
struct Counters {
  std::uint64_t sent = 0;  // packets that left
  std::uint64_t sent_bytes = 0;
  std::uint32_t waiting = 0;  // inside at this moment
  std::uint32_t dropped = 0;  // by loss or by its limit; packets marked by ECN count as well
  bool seeded = false;        // the kernel took the seed
};

// In the namespace that this thread is in.
Result<> put(const ChangeToken&, int ifindex, const Settings&, const Tables&);
// Kernel: packets that wait stay, with the time that they were given (netem_change).
Result<> change(const ChangeToken&, int ifindex, const Settings&);
// nullopt: the root qdisc is not a netem of ours.
Result<std::optional<Counters>> read(int ifindex);

}  // namespace squall::netem
