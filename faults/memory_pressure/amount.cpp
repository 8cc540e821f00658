// SPDX-License-Identifier: Apache-2.0

#include "faults/memory_pressure/amount.hpp"

#include "faults/kit/cgroup_memory.hpp"
#include "faults/kit/kernel.hpp"
#include "faults/kit/memory.hpp"
#include "faults/kit/worker.hpp"
#include "faults/machine.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace squall {
namespace {

using memory::Room;
using memory::rounded_text;

// Others allocate some 2 GiB in a second at most and are looked after every 10 ms: they need far
// less than this. More would make a share of 95% of what is available impossible on small hosts.
constexpr Bytes kLeastReserve{64ULL << 20};
constexpr std::uint64_t kReservePerCent = 2;
constexpr std::uint64_t kWorthAWorker = 64ULL << 20, kMostWorkers = 8;

Error refused(std::string what, std::string hint) {
  return {ErrorKind::refused, std::move(what), std::move(hint), {}, 0};
}

std::uint64_t without(Bytes all, Bytes part) { return all.value - std::min(all.value, part.value); }

Result<std::optional<Cgroup>> find_target_group(const CgroupTarget& target, const Machine& host) {
  if (!is_given(target)) return std::optional<Cgroup>{};
  SQUALL_TRY(auto group, find_group(target, "memory", host));
  SQUALL_CHECK(cgroup_memory::read_use(host.cgroups(), group));
  return std::optional(std::move(group));
}

Result<Bytes> choose_reserve(const MemoryPressureParams& p, const Room& room) {
  const Bytes reserve =
      p.reserve.value_or(std::max(kLeastReserve, Bytes{room.total.value / 100 * kReservePerCent}));
  if (reserve < room.total) return reserve;
  return refused("a reserve of " + to_text(reserve) + " is more than the memory there is, " +
                     rounded_text(room.total),
                 "lower 'reserve'");
}

Result<> fits_host(Bytes bytes, const Room& room, Bytes reserve) {
  if (bytes.value + reserve.value <= room.available.value) return {};
  return refused(rounded_text(bytes) + " cannot be held: " + rounded_text(room.available) +
                     " are available, of which " + rounded_text(reserve) + " are reserved",
                 "ask for at most " + rounded_text({without(room.available, reserve)}) +
                     ", or lower 'reserve'");
}

Result<> fits_group(Bytes bytes, const cgroup_memory::Limited& each) {
  const Bytes use{without(each.use, each.reclaimable)};
  if (bytes.value + use.value <= each.limit.value) return {};
  return refused(rounded_text(bytes) + " cannot be held in cgroup '" + each.group.path +
                     "': its limit is " + rounded_text(each.limit) + ", of which " +
                     rounded_text(use) + " are in use",
                 "ask for at most " + rounded_text({without(each.limit, use)}));
}

Result<> fits(const MemoryPressureParams& p, const MemoryAmount& amount, const Room& room,
              const std::vector<cgroup_memory::Limited>& limits) {
  const auto bytes = amount.bytes(p);
  SQUALL_CHECK(fits_host(bytes, room, amount.reserve));
  for (const auto& each : limits) SQUALL_CHECK(fits_group(bytes, each));
  if (bytes.value >= kWorthAWorker / 64) return {};
  if (amount.group && p.share)
    return refused("cgroup '" + amount.limiter->path + "' uses " + rounded_text(amount.used) +
                       " of its limit of " + rounded_text(amount.whole) + " already",
                   "ask for a larger share");
  return refused(to_text(bytes) + " is less than the least, 1MiB", "ask for more");
}

}  // namespace

Bytes MemoryAmount::bytes(const MemoryPressureParams& p) const {
  if (p.size) return *p.size;
  const auto asked = static_cast<double>(whole.value) * p.share->share();
  return {without({static_cast<std::uint64_t>(std::llround(asked))}, used)};
}

Result<MemoryAmount> find_amount(const MemoryPressureParams& p, const Machine& host) {
  const auto& memory = host.memory();
  SQUALL_TRY(auto room, memory::read_room(memory));
  MemoryAmount amount;
  SQUALL_TRY(amount.reserve, choose_reserve(p, room));
  if (p.numa_node) {
    SQUALL_TRY(const auto node, memory::read_room(memory, *p.numa_node));
    room.available = std::min(room.available, node.available);
  }
  if (p.huge_pages == HugePages::on) SQUALL_CHECK(memory::can_be_huge(memory, p.memory));
  amount.whole = room.available;
  SQUALL_TRY(amount.group, find_target_group(p.target, host));
  std::vector<cgroup_memory::Limited> limits;
  if (amount.group) {
    SQUALL_TRY(limits, cgroup_memory::read_limits(host.cgroups(), *amount.group));
    if (limits.empty() && p.share)
      return refused(
          "cgroup '" + amount.group->path + "' has no memory limit, nor has one above it",
          "give a 'size', or set a limit");
    if (p.share) amount.whole = limits.front().limit;
    if (p.share) amount.used = limits.front().use;
    if (!limits.empty()) amount.limiter = limits.front().group;
  }
  SQUALL_CHECK(fits(p, amount, room, limits));
  return amount;
}

std::uint64_t count_workers(Bytes bytes, const Machine& host) {
  const auto cpus = host.workers().read_usable_cpus().size();
  return std::clamp<std::uint64_t>(bytes.value / kWorthAWorker, 1,
                                   std::clamp<std::uint64_t>(cpus, 1, kMostWorkers));
}

}  // namespace squall
