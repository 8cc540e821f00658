// SPDX-License-Identifier: Apache-2.0

#include "faults/memory_limit/limits.hpp"

#include "faults/kit/ramped.hpp"

#include <sstream>

namespace squall {
namespace {

using cgroup::Limit;

bool is_v2(const Cgroup& group) { return group.hierarchy.empty(); }

// Kernel: memory counts where it was first touched, so that a group may use next to nothing though
// its processes do not.
Result<Limit> limit_of(const std::string& file, const std::string& before,
                       const LimitAmount& amount, Bytes use) {
  const auto bytes = amount.resolve(use);
  if (bytes < kLeastMemory)
    return Error{ErrorKind::refused,
                 "'" + file + "' would be less than " + to_text(kLeastMemory) + ": " +
                     to_text(*amount.of_use) + " of the " + to_rounded_text(use) + " in use",
                 "give a size",
                 {},
                 0};
  auto meaning = amount.of_use ? to_rounded_text(bytes) : to_text(bytes);
  if (amount.of_use)
    meaning += ", " + to_text(*amount.of_use) + " of the " + to_rounded_text(use) + " in use";
  return Limit{file, before, std::to_string(bytes.value), meaning};
}

Result<Limit> high_limit(const LimitAmount& amount, const Cgroup& group, Bytes use,
                         const Cgroups& cgroups) {
  if (!is_v2(group))
    return Error{ErrorKind::unsupported,
                 describe(group) + " is of v1, which knows no 'high'",
                 "use 'max', or mount cgroup2",
                 {},
                 0};
  SQUALL_CHECK(has_file(group, "memory", kHighFile, cgroups));
  SQUALL_TRY(const auto before, cgroups.read(group, kHighFile));
  return limit_of(kHighFile, before, amount, use);
}

Result<Limit> max_limit(const LimitAmount& amount, const Cgroup& group, Bytes use,
                        const Cgroups& cgroups) {
  const auto* file = max_file(group);
  SQUALL_CHECK(has_file(group, "memory", file, cgroups));
  SQUALL_TRY(const auto before, cgroups.read(group, file));
  SQUALL_TRY(const auto now, read_use(group, cgroups));
  SQUALL_TRY(auto limit, limit_of(file, before, amount, use));
  if (amount.resolve(use) >= now) return limit;
  return Error{ErrorKind::refused,
               describe(group) + " uses " + to_rounded_text(now) + ", more than the " +
                   limit.meaning + " of 'max': the kernel would kill its processes",
               std::string(is_v2(group) ? "'high' throttles them instead; or " : "") +
                   "give it room, for example max = \"110%\"",
               {},
               0};
}

}  // namespace

Table<MemoryLimitParams> memory_limit_table() {
  using P = MemoryLimitParams;
  Table<P> table(group("target", &P::target, cgroup_target_fields()),
                 {{kOneGroup, [](const P& p) { return has_one_selector(p.target); }},
                  {"high, max or both are needed", [](const P& p) { return p.high || p.max; }}});
  return table.add(
      {ramped(field("high", &P::high, "above it the group is slowed down and reclaimed"), &P::high),
       ramped(
           field("max", &P::max,
                 "it never gets more: what it needs beyond is refused, or the kernel kills in it"),
           &P::max)});
}

const char* max_file(const Cgroup& group) {
  return is_v2(group) ? "memory.max" : "memory.limit_in_bytes";
}

std::vector<std::string> memory_files(const MemoryLimitParams& p, const Cgroup& group) {
  std::vector<std::string> files;
  if (p.high) files.emplace_back(kHighFile);
  if (p.max) files.emplace_back(max_file(group));
  return files;
}

Result<Bytes> read_bytes(const Cgroup& group, const std::string& file, const Cgroups& cgroups) {
  SQUALL_TRY(const auto text, cgroups.read(group, file));
  Bytes bytes;
  if (std::istringstream(text) >> bytes.value) return bytes;
  return Error{ErrorKind::system,
               "'" + file + "' of " + describe(group) + " is '" + text + "', which is no number",
               {},
               {},
               0};
}

Result<Bytes> read_use(const Cgroup& group, const Cgroups& cgroups) {
  const std::string file = is_v2(group) ? "memory.current" : "memory.usage_in_bytes";
  SQUALL_CHECK(has_file(group, "memory", file, cgroups));
  return read_bytes(group, file, cgroups);
}

Result<std::vector<Limit>> memory_limits(const MemoryLimitParams& p, const Cgroup& group, Bytes use,
                                         const Cgroups& cgroups) {
  std::vector<Limit> limits;
  if (p.high) {
    SQUALL_TRY(auto made, high_limit(*p.high, group, use, cgroups));
    limits.push_back(std::move(made));
  }
  if (p.max) {
    SQUALL_TRY(auto made, max_limit(*p.max, group, use, cgroups));
    limits.push_back(std::move(made));
  }
  return limits;
}

}  // namespace squall
