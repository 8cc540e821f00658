// SPDX-License-Identifier: Apache-2.0
//
// The machine's memory as the kernel tells of it: what there is, who stalls for it (PSI), whom
// the OOM killer ended. Reading only, but for squall's own pages.

#pragma once

#include "safety/base/units.hpp"
#include "safety/base/value.hpp"
#include "safety/undo/change.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace squall {

struct OomVictim {
  pid_t pid = 0;
  std::string name;
  bool operator==(const OomVictim&) const = default;
};

class Memory {
 public:
  virtual ~Memory() = default;

  // A file of /proc or /sys.
  virtual Result<std::string> read(const std::string& path) const = 0;
  // By the kernel's log, since that time; nothing when it may not be read.
  virtual std::vector<OomVictim> find_oom_victims(Instant since) const = 0;
  // Error (refused): files there would not be page cache, or cannot be made.
  virtual Result<> can_cache(const std::string& directory) const = 0;

  // Everything of squall's that is there now, and what comes to be used later, stays in memory
  // until squall ends.
  virtual Result<> lock_own(const ChangeToken&) = 0;
};

std::unique_ptr<Memory> this_hosts_memory();

namespace memory {

// "MemTotal:  24105 kB" of /proc/meminfo, /proc/<pid>/status and their like. Does not allocate.
std::optional<Bytes> find_amount(std::string_view text, std::string_view key);
// "oom_kill 3" of /proc/vmstat, memory.events and their like.
std::optional<std::uint64_t> find_count(const std::string& text, const std::string& key);

struct Room {
  Bytes total;
  Bytes available;  // without swapping, by the kernel's estimate
};
Result<Room> read_room(const Memory& memory);
// Of one NUMA node. Error (refused): there is no such node; which there are.
Result<Room> read_room(const Memory& memory, std::int64_t node);

enum class Kind { anonymous, shared, page_cache };
// Error (unsupported): the kernel gives no huge pages to memory of this kind.
Result<> can_be_huge(const Memory& memory, Kind kind);

// PSI of one file: shares over the last ten seconds, and microseconds since boot.
struct Pressure {
  Percent some_avg10, full_avg10;
  std::uint64_t some_us = 0, full_us = 0;
};
std::optional<Pressure> parse_pressure(const std::string& text);

std::string rounded_text(Bytes value);  // whole MiB, for people: "1464MiB"

}  // namespace memory

template <>
struct Words<memory::Kind> {
  static constexpr std::pair<memory::Kind, std::string_view> list[] = {
      {memory::Kind::anonymous, "anonymous"},
      {memory::Kind::shared, "shared"},
      {memory::Kind::page_cache, "page_cache"}};
};

}  // namespace squall
