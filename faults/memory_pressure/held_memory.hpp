// SPDX-License-Identifier: Apache-2.0
//
// What memory_pressure holds, and what became of it by the kernel's account.

#pragma once

#include "faults/fault.hpp"
#include "faults/kit/memory.hpp"
#include "faults/kit/worker.hpp"
#include "faults/memory_pressure/amount.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace squall {

struct HeldPart {
  std::unique_ptr<Worker> worker;
  Bytes before;  // resident of this kind, when it held nothing yet
};

// Counted since boot; the difference is what happened meanwhile.
struct MemoryEvents {
  std::optional<memory::Pressure> pressure;
  std::optional<std::uint64_t> oom_kills;    // on the whole host
  std::optional<std::uint64_t> group_kills;  // in the group whose limit counts
};

struct HeldMemory {
  MemoryAmount amount;
  Bytes asked;
  std::vector<HeldPart> parts;
  Instant started;
  MemoryEvents before;
  std::string unlocked;  // why squall's own memory could not be locked, if so
};

// All parts together.
struct HeldSum {
  std::uint64_t resident = 0, held = 0, withheld = 0, given_back = 0, huge = 0, on_node = 1000;
  std::size_t ended = 0;
  bool moved = false;
  std::optional<Error> failure;
};

// Ended by the OOM killer since: ours, and those of others.
struct OomKills {
  std::uint64_t ours = 0, others = 0;
  std::string names;  // of the others, as far as the log tells
};

MemoryEvents read_memory_events(const Machine& host, const MemoryAmount& amount);
// Resident memory of one process, of the kind that is asked for.
Result<Bytes> read_resident(const Machine& host, pid_t pid, memory::Kind kind);
HeldSum sum_of(const MemoryPressureParams& p, const HeldMemory& held, const Machine& host);
OomKills find_kills(const HeldMemory& held, const HeldSum& sum, const MemoryEvents& now,
                    const Machine& host);
Effect judge(const MemoryPressureParams& p, const HeldMemory& held, const Machine& host);

}  // namespace squall
