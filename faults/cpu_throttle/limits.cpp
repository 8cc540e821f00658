// SPDX-License-Identifier: Apache-2.0

#include "faults/cpu_throttle/limits.hpp"

#include "faults/kit/ramped.hpp"

#include <cmath>
#include <sstream>

namespace squall {
namespace {

using cgroup::Limit;

// Kernel: a quota below a millisecond, or a period outside of 1 ms to 1 s, is refused.
constexpr std::int64_t kLeastQuota = 1000;  // microseconds

bool is_v2(const Cgroup& group) { return group.hierarchy.empty(); }
const char* quota_file(const Cgroup& group) {
  return is_v2(group) ? "cpu.max" : "cpu.cfs_quota_us";
}
const char* weight_file(const Cgroup& group) { return is_v2(group) ? "cpu.weight" : "cpu.shares"; }

Result<std::int64_t> microseconds(const Cgroup& group, const std::string& file,
                                  const Cgroups& cgroups) {
  SQUALL_TRY(const auto text, cgroups.read(group, file));
  std::istringstream words(text.substr(text.rfind(' ') + 1));
  std::int64_t number = 0;
  if (words >> number) return number;
  return Error{ErrorKind::system,
               "'" + file + "' of " + describe(group) + " is '" + text + "', which is no number",
               {},
               {},
               0};
}

Result<std::int64_t> period_of(const CpuThrottleParams& p, const Cgroup& group,
                               const Cgroups& cgroups) {
  if (!p.period)
    return microseconds(group, is_v2(group) ? "cpu.max" : "cpu.cfs_period_us", cgroups);
  if (is_v2(group)) return std::chrono::duration_cast<std::chrono::microseconds>(*p.period).count();
  return Error{ErrorKind::refused,
               describe(group) + " is of v1, where the period stays as it is",
               "leave 'period' out",
               {},
               0};
}

// Kernel: a quota below the burst that may be saved up is refused.
Result<> leaves_the_burst(const Cgroup& group, std::int64_t quota, const Cgroups& cgroups) {
  const auto* file = is_v2(group) ? "cpu.max.burst" : "cpu.cfs_burst_us";
  const auto burst = microseconds(group, file, cgroups);
  if (!burst || *burst <= quota) return {};
  return Error{ErrorKind::refused,
               "'" + std::string(file) + "' of " + describe(group) + " is '" +
                   std::to_string(*burst) + "', and no quota may be below it",
               "lower the burst first, or ask for a larger quota",
               {},
               0};
}

Result<Limit> quota_limit(const CpuThrottleParams& p, const Cgroup& group, const Cgroups& cgroups) {
  const auto* file = quota_file(group);
  SQUALL_CHECK(has_file(group, "cpu", file, cgroups));
  SQUALL_TRY(const auto before, cgroups.read(group, file));
  SQUALL_TRY(const auto period, period_of(p, group, cgroups));
  const auto quota = std::llround(p.quota->share() * static_cast<double>(period));
  if (quota < kLeastQuota)
    return Error{ErrorKind::refused,
                 to_text(*p.quota) + " of a period of " +
                     to_text(Duration(std::chrono::microseconds(period))) +
                     " is less than 1ms, the kernel's least quota",
                 "ask for a larger quota, or a longer 'period'",
                 {},
                 0};
  SQUALL_CHECK(leaves_the_burst(group, quota, cgroups));
  auto ours = std::to_string(quota);
  if (is_v2(group)) ours += " " + std::to_string(period);
  return Limit{file, before, ours, to_text(*p.quota) + " of one CPU"};
}

Result<Limit> weight_limit(std::int64_t weight, const Cgroup& group, const Cgroups& cgroups) {
  const auto* file = weight_file(group);
  SQUALL_CHECK(has_file(group, "cpu", file, cgroups));
  SQUALL_TRY(const auto before, cgroups.read(group, file));
  // v1's shares: 1024 are what a weight of 100 is.
  const auto ours =
      is_v2(group) ? weight
                   : std::max<std::int64_t>(2, std::llround(static_cast<double>(weight) * 10.24));
  return Limit{file, before, std::to_string(ours), is_v2(group) ? "" : "a weight"};
}

}  // namespace

Table<CpuThrottleParams> cpu_throttle_table() {
  using P = CpuThrottleParams;
  Table<P> table(
      group("target", &P::target, cgroup_target_fields()),
      {{kOneGroup, [](const P& p) { return has_one_selector(p.target); }},
       {"quota, weight or both are needed", [](const P& p) { return p.quota || p.weight; }},
       {"period needs quota", [](const P& p) { return !p.period || p.quota; }}});
  return table.add(
      {ramped(field("quota", &P::quota, "CPU time, as a share of one CPU: 150% is one and a half")
                  .range(Percent{0.1}, Percent{819200}),
              &P::quota),
       field("period", &P::period, "time over which the quota is granted; without it as it is")
           .range(Duration(1ms), Duration(1s)),
       ramped(field("weight", &P::weight, "share beside others who want the same CPU; usual is 100")
                  .range(std::int64_t{1}, std::int64_t{10000}),
              &P::weight)});
}

std::vector<std::string> cpu_files(const CpuThrottleParams& p, const Cgroup& group) {
  std::vector<std::string> files;
  if (p.quota) files.emplace_back(quota_file(group));
  if (p.weight) files.emplace_back(weight_file(group));
  return files;
}

Result<std::vector<Limit>> cpu_limits(const CpuThrottleParams& p, const Cgroup& group,
                                      const Cgroups& cgroups) {
  std::vector<Limit> limits;
  if (p.quota) {
    SQUALL_TRY(auto made, quota_limit(p, group, cgroups));
    limits.push_back(std::move(made));
  }
  if (p.weight) {
    SQUALL_TRY(auto made, weight_limit(*p.weight, group, cgroups));
    limits.push_back(std::move(made));
  }
  return limits;
}

}  // namespace squall
