// SPDX-License-Identifier: Apache-2.0

#include "faults/cpu_pressure/chosen_cpus.hpp"

#include "faults/kit/cgroup.hpp"
#include "faults/kit/container.hpp"
#include "faults/kit/cpu_list.hpp"
#include "faults/kit/worker.hpp"
#include "faults/machine.hpp"

#include <algorithm>
#include <utility>

namespace squall {
namespace {

// What the cpuset of the cgroup allows, or of the nearest group above that has one. v1 has its
// cpusets in another hierarchy, unless both controllers are mounted together.
Result<std::vector<int>> read_cpuset(const Cgroups& cgroups, Cgroup group,
                                     std::vector<int> without_one) {
  for (;;) {
    for (const auto* file : {"cpuset.cpus.effective", "cpuset.effective_cpus"}) {
      auto text = cgroups.read(group, file);
      if (!text && text.error().kind != ErrorKind::gone) return std::move(text).error();
      if (!text || text->empty()) continue;
      SQUALL_TRY(auto list, Value<CpuList>::parse({*text, {}, true}));
      return std::move(list.cpus);
    }
    const auto above = parent_of(group);
    if (!above) return without_one;
    group = *above;
  }
}

std::string list_of(const std::vector<int>& cpus) { return Value<CpuList>::print({cpus}); }

bool among(int cpu, const std::vector<int>& cpus) {
  return std::ranges::find(cpus, cpu) != cpus.end();
}

}  // namespace

Result<std::optional<Cgroup>> find_load_group(const CpuPressureParams& p, const Machine& host) {
  auto name = p.cgroup;
  if (!p.container.empty()) {
    SQUALL_TRY(const auto container, find_container(p.container, host));
    name = container.cgroup;
  }
  if (name.empty()) return std::optional<Cgroup>{};
  SQUALL_TRY(auto group, host.cgroups().find(name, "cpu"));
  return std::optional(std::move(group));
}

Result<std::vector<int>> choose_cpus(const CpuPressureParams& p, const Machine& host) {
  const auto usable = host.workers().read_usable_cpus();
  auto allowed = usable;
  SQUALL_TRY(const auto group, find_load_group(p, host));
  if (group) {
    SQUALL_TRY(allowed, read_cpuset(host.cgroups(), *group, usable));
  }
  const auto where = group ? group->path : "";
  for (const auto cpu : p.cpus.cpus) {
    if (!among(cpu, usable))
      return Error{ErrorKind::refused,
                   "CPU '" + std::to_string(cpu) + "' cannot be used; squall may run on '" +
                       list_of(usable) + "'",
                   "name other CPUs, or widen squall's affinity with 'taskset'",
                   {},
                   0};
    if (!among(cpu, allowed))
      return Error{ErrorKind::refused,
                   "CPU '" + std::to_string(cpu) + "' cannot be used in cgroup '" + where +
                       "', whose cpuset is '" + list_of(allowed) + "'",
                   "name CPUs of its cpuset, or leave 'cpus' out",
                   {},
                   0};
  }
  if (!p.cpus.cpus.empty()) return p.cpus.cpus;
  std::erase_if(allowed, [&](int cpu) { return !among(cpu, usable); });
  if (!allowed.empty()) return allowed;
  return Error{ErrorKind::refused,
               "no CPU of the cpuset of cgroup '" + where + "' can be used; squall may run on '" +
                   list_of(usable) + "'",
               "widen squall's affinity with 'taskset'",
               {},
               0};
}

Result<Reading> read_load(const CpuPressureParams& p, const Machine& host,
                          const std::string& worker) {
  SQUALL_TRY(const auto all, host.workers().find_all());
  std::vector<int> loaded;
  for (const auto& each : all) {
    if (each.name != worker) continue;
    const auto cpus = host.workers().read_cpus(each.id);
    if (!cpus && cpus.error().kind == ErrorKind::gone) continue;
    if (!cpus) return cpus.error();
    loaded.insert(loaded.end(), cpus->begin(), cpus->end());
  }
  if (loaded.empty()) return Reading::absent;
  const auto wanted = choose_cpus(p, host);
  if (!wanted && wanted.error().kind != ErrorKind::refused) return wanted.error();
  std::ranges::sort(loaded);
  return wanted && loaded == *wanted ? Reading::present : Reading::partial;
}

}  // namespace squall
