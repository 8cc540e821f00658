// SPDX-License-Identifier: Apache-2.0

#include "faults/memory_pressure/held_memory.hpp"

#include "faults/kit/cgroup_memory.hpp"
#include "faults/kit/memory_fill.hpp"
#include "faults/kit/procfs.hpp"
#include "faults/memory_pressure/workers.hpp"

#include <algorithm>
#include <chrono>

namespace squall {
namespace {

bool is_member(const Machine& host, pid_t pid, const Cgroup& group) {
  const auto text = host.memory().read("/proc/" + std::to_string(pid) + "/cgroup");
  ProcessInfo process;
  if (text) process.cgroups = procfs::parse_cgroups(*text);
  return !text || is_in(process, group);
}

std::uint64_t since(const std::optional<std::uint64_t>& now,
                    const std::optional<std::uint64_t>& before) {
  return now && before && *now > *before ? *now - *before : 0;
}

}  // namespace

MemoryEvents read_memory_events(const Machine& host, const MemoryAmount& amount) {
  MemoryEvents events;
  if (const auto text = host.memory().read("/proc/pressure/memory"))
    events.pressure = memory::parse_pressure(*text);
  if (const auto text = host.memory().read("/proc/vmstat"))
    events.oom_kills = memory::find_count(*text, "oom_kill");
  if (const auto& group = amount.limiter ? amount.limiter : amount.group)
    events.group_kills = cgroup_memory::read_oom_kills(host.cgroups(), *group);
  return events;
}

Result<Bytes> read_resident(const Machine& host, pid_t pid, memory::Kind kind) {
  SQUALL_TRY(const auto text, host.memory().read("/proc/" + std::to_string(pid) + "/status"));
  const auto of = [&](const char* key) {
    return memory::find_amount(text, key).value_or(Bytes{}).value;
  };
  // Kernel: a file on an overlay of a tmpfs counts as shared memory.
  if (kind == memory::Kind::page_cache) return Bytes{of("RssFile") + of("RssShmem")};
  return Bytes{of(kind == memory::Kind::shared ? "RssShmem" : "RssAnon")};
}

HeldSum sum_of(const MemoryPressureParams& p, const HeldMemory& held, const Machine& host) {
  HeldSum sum;
  for (const auto& [worker, before] : held.parts) {
    if (worker->ended()) {
      ++sum.ended;
      continue;
    }
    const auto pid = worker->id().pid;
    if (const auto now = read_resident(host, pid, p.memory))
      sum.resident += now->value - std::min(now->value, before.value);
    sum.held += worker->read_report(filling::held);
    sum.withheld += worker->read_report(filling::withheld);
    sum.given_back += worker->read_report(filling::given_back);
    sum.huge += worker->read_report(filling::huge);
    sum.on_node = std::min(sum.on_node, worker->read_report(filling::on_node));
    if (!sum.failure) sum.failure = filling::read_failure(*worker, cache_directory(p));
    if (held.amount.group && !is_member(host, pid, *held.amount.group)) sum.moved = true;
  }
  return sum;
}

OomKills find_kills(const HeldMemory& held, const HeldSum& sum, const MemoryEvents& now,
                    const Machine& host) {
  const auto all = std::max(since(now.oom_kills, held.before.oom_kills),
                            since(now.group_kills, held.before.group_kills));
  OomKills kills;
  if (all == 0) return kills;
  auto victims = host.memory().find_oom_victims(held.started - 1s);
  if (victims.size() > all) victims.erase(victims.begin(), victims.end() - static_cast<long>(all));
  // Also those of another fault of this kind: they stand in the same line.
  const auto is_ours = [](const OomVictim& each) { return is_worker_name(each.name); };
  kills.ours = static_cast<std::uint64_t>(std::ranges::count_if(victims, is_ours));
  // A log that is closed to us: workers that ended when something was killed were killed so.
  if (victims.size() < all) kills.ours = std::min<std::uint64_t>(all, sum.ended);
  kills.others = all - kills.ours;
  std::erase_if(victims, is_ours);
  for (const auto& each : victims)
    kills.names += (kills.names.empty() ? "" : ", ") + ("'" + each.name + "' (pid ") +
                   std::to_string(each.pid) + ")";
  return kills;
}

}  // namespace squall
