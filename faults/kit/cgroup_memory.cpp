// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/cgroup_memory.hpp"

#include "faults/kit/memory.hpp"

#include <charconv>
#include <string>

namespace squall::cgroup_memory {
namespace {

struct Files {
  const char *limit, *use, *inactive, *active;
};
constexpr Files kV2{"memory.max", "memory.current", "inactive_file", "active_file"};
constexpr Files kV1{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file",
                    "total_active_file"};
// Kernel: v1 says "no limit" by the largest number of whole pages.
constexpr std::uint64_t kNoLimit = 1ULL << 62;

const Files& files_of(const Cgroup& group) { return group.hierarchy.empty() ? kV2 : kV1; }

Result<std::uint64_t> read_number(const Cgroups& cgroups, const Cgroup& group, const char* file) {
  SQUALL_TRY(const auto text, cgroups.read(group, file));
  std::uint64_t number = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc{})
    return Error{ErrorKind::unsupported,
                 "'" + std::string(file) + "' of cgroup '" + group.path + "' is '" + text + "'",
                 {},
                 {},
                 0};
  return number;
}

// Nothing: it has none. The root of v2 has no such file.
Result<std::optional<Bytes>> read_limit(const Cgroups& cgroups, const Cgroup& group) {
  const auto text = cgroups.read(group, files_of(group).limit);
  if (!text && text.error().kind == ErrorKind::gone) return std::optional<Bytes>{};
  if (!text) return text.error();
  if (*text == "max") return std::optional<Bytes>{};
  SQUALL_TRY(const auto number, read_number(cgroups, group, files_of(group).limit));
  return number >= kNoLimit ? std::optional<Bytes>{} : std::optional(Bytes{number});
}

Bytes read_reclaimable(const Cgroups& cgroups, const Cgroup& group) {
  const auto text = cgroups.read(group, "memory.stat");
  if (!text) return {};
  const auto& files = files_of(group);
  return {memory::find_count(*text, files.inactive).value_or(0) +
          memory::find_count(*text, files.active).value_or(0)};
}

}  // namespace

Result<std::vector<Limited>> read_limits(const Cgroups& cgroups, const Cgroup& named) {
  std::vector<Limited> found;
  for (std::optional<Cgroup> group = named; group && group->path != "/";
       group = parent_of(*group)) {
    SQUALL_TRY(const auto limit, read_limit(cgroups, *group));
    if (!limit) continue;
    SQUALL_TRY(const auto use, read_use(cgroups, *group));
    found.push_back({*group, *limit, use, read_reclaimable(cgroups, *group)});
  }
  return found;
}

Result<Bytes> read_use(const Cgroups& cgroups, const Cgroup& group) {
  auto use = read_number(cgroups, group, files_of(group).use);
  if (use) return Bytes{*use};
  if (use.error().kind != ErrorKind::gone) return std::move(use).error();
  return Error{ErrorKind::gone,
               "cgroup '" + group.path + "' does not count its memory, or is gone",
               "enable the memory controller in 'cgroup.subtree_control' of the group above it",
               {},
               use.error().code};
}

std::optional<std::uint64_t> read_oom_kills(const Cgroups& cgroups, const Cgroup& group) {
  const auto text =
      cgroups.read(group, group.hierarchy.empty() ? "memory.events" : "memory.oom_control");
  return text ? memory::find_count(*text, "oom_kill") : std::nullopt;
}

}  // namespace squall::cgroup_memory
