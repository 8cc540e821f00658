// SPDX-License-Identifier: Apache-2.0

#include "faults/memory_pressure/workers.hpp"

#include "faults/kit/cgroup.hpp"
#include "faults/kit/kernel.hpp"
#include "faults/kit/memory_fill.hpp"

#include <algorithm>
#include <utility>

namespace squall {
namespace {

constexpr Duration kBeginLimit = 5s;  // on a machine that thrashes; else it is a millisecond

const char* text_of(memory::Kind kind) {
  switch (kind) {
    case memory::Kind::shared:
      return "shared memory";
    case memory::Kind::page_cache:
      return "page cache";
    case memory::Kind::anonymous:
      break;
  }
  return "anonymous memory";
}

filling::Job job_for(const MemoryPressureParams& p, const HeldMemory& held) {
  return {p.memory,
          p.huge_pages,
          p.numa_node.value_or(-1),
          held.amount.reserve,
          p.rate.value_or(ByteRate{}).each_second,
          p.touch_every,
          held.parts.size()};
}

Result<> begin(const MemoryPressureParams& p, const Worker& worker) {
  if (!worker.wait_for_report(filling::began, kBeginLimit))
    return Error{ErrorKind::system,
                 "worker " + std::to_string(worker.id().pid) + " did not begin",
                 "look for the OOM killer in the kernel's log",
                 {},
                 0};
  if (auto failure = filling::read_failure(worker, cache_directory(p))) return std::move(*failure);
  return {};
}

}  // namespace

std::string cache_directory(const MemoryPressureParams& p) {
  return p.directory.empty() ? "/var/tmp" : p.directory;
}

std::string manner(const MemoryPressureParams& p, const MemoryAmount& amount) {
  auto text = memory::rounded_text(amount.bytes(p)) + " of " + text_of(p.memory);
  if (p.huge_pages != HugePages::preferred)
    text += std::string(", huge pages ") + std::string(word(p.huge_pages));
  if (p.rate) text += ", growing by " + Value<ByteRate>::print(*p.rate);
  if (p.numa_node) text += ", of NUMA node " + std::to_string(*p.numa_node);
  if (amount.group) text += ", in cgroup '" + amount.group->path + "'";
  return text + ", with " + memory::rounded_text(amount.reserve) + " kept for others";
}

std::vector<std::string> notes_on(const MemoryPressureParams& p, const Machine& host) {
  std::vector<std::string> notes;
  const auto all = host.memory().read("/proc/meminfo");
  const auto swap = all ? memory::find_amount(*all, "SwapTotal").value_or(Bytes{}) : Bytes{};
  if (swap > Bytes{0} && p.touch_every == Duration{} && p.memory != memory::Kind::page_cache)
    notes.emplace_back(
        "this host has swap: what is held may be swapped out, unless 'touch_every' is given");
  if (!host.kernel().available("cap:ipc_lock"))
    notes.emplace_back(
        "squall's own memory may not be lockable here (CAP_IPC_LOCK): on a machine that thrashes "
        "it "
        "is slow, and its watchdog acts in its place");
  if (!host.memory().read("/proc/pressure/memory"))
    notes.emplace_back("this kernel tells no pressure (boot it with psi=1): none will be reported");
  return notes;
}

Result<HeldMemory> make_workers(const MemoryPressureParams& p, const std::string& name,
                                Machine& machine) {
  HeldMemory held;
  SQUALL_TRY(held.amount, find_amount(p, machine));
  held.asked = held.amount.bytes(p);
  WorkerOrder order{.name = name, .work = filling::work};
  if (p.memory == memory::Kind::page_cache) order.text = cache_directory(p);
  for (auto count = count_workers(held.asked, machine); count > 0; --count) {
    SQUALL_TRY(auto worker, machine.workers().make_idle(order));
    held.parts.push_back({std::move(worker), {}});
  }
  held.started = std::chrono::steady_clock::now();
  held.before = read_memory_events(machine, held.amount);
  return held;
}

std::vector<ProcessId> ids_of(const HeldMemory& held) {
  std::vector<ProcessId> ids;
  for (const auto& each : held.parts) ids.push_back(each.worker->id());
  return ids;
}

Result<> put_to_work(const MemoryPressureParams& p, HeldMemory& held, Machine& machine,
                     const ChangeToken& token) {
  // Before there is any pressure: what is paged out now is missing when it counts.
  if (auto locked = machine.memory().lock_own(token); !locked)
    held.unlocked = locked.error().sentence();
  for (auto& each : held.parts) {
    if (held.amount.group)
      SQUALL_CHECK(machine.cgroups().put_process(token, *held.amount.group, each.worker->id()));
    filling::set_job(token, *each.worker, job_for(p, held));
  }
  for (auto& each : held.parts) SQUALL_CHECK(each.worker->go(token));
  for (auto& each : held.parts) {
    SQUALL_CHECK(begin(p, *each.worker));
    if (const auto before = read_resident(machine, each.worker->id().pid, p.memory))
      each.before = *before;
  }
  set_sizes(token, held, held.asked);
  return {};
}

void set_sizes(const ChangeToken& token, HeldMemory& held, Bytes bytes) {
  held.asked = bytes;
  for (auto& each : held.parts)
    filling::set_size(token, *each.worker, {bytes.value / held.parts.size()});
}

Result<Verified> read_workers(const MemoryPressureParams& p, const Machine& host,
                              const std::string& name) {
  SQUALL_TRY(auto all, host.workers().find_all());
  std::erase_if(all, [&](const ProcessInfo& each) { return each.name != name; });
  if (!is_given(p.target)) return all.empty() ? Reading::absent : Reading::present;
  const auto group = find_group(p.target, "memory", host);
  if (!group && group.error().kind == ErrorKind::gone)
    return Verified(all.empty() ? Reading::absent : Reading::partial, group.error().what);
  if (all.empty()) return Reading::absent;
  const bool inside =
      group && std::ranges::all_of(all, [&](const auto& each) { return is_in(each, *group); });
  return inside ? Reading::present : Reading::partial;
}

}  // namespace squall
