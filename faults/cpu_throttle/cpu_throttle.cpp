// SPDX-License-Identifier: Apache-2.0
//
// cpu_throttle: a control group gets less CPU than it had: a lower quota (cpu.max), a lower
// weight (cpu.weight), or both. Its processes are not touched.

#include "faults/cpu_throttle/effect.hpp"
#include "faults/cpu_throttle/limits.hpp"
#include "faults/fault.hpp"
#include "faults/kit/cgroup_limit.hpp"
#include "faults/kit/cgroup_target.hpp"
#include "faults/kit/container_target.hpp"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace squall {
namespace {

using cgroup::Limit;

struct CpuThrottle {
  using Params = CpuThrottleParams;
  struct Hold {
    cgroup::Held held;
    CpuTally tally;
  };

  static const Spec<Params>& describe() {
    static const Spec<Params> spec{
        "cpu_throttle",
        "a control group held to less CPU time",
        Rung::shared_state,
        {"cgroup:cpu", "cap:sys_admin"},
        cpu_throttle_table(),
        "The quota is what the group may use in each period, all its CPUs together; then it "
        "stands\n"
        "still until the next. The weight is its share where others want the same CPU, and "
        "nothing\n"
        "else. In v2 the files are cpu.max and cpu.weight, in v1 cpu.cfs_quota_us and cpu.shares\n"
        "(1024 for a weight of 100). Only what lowers the present value is taken; groups below\n"
        "count as well, and one above that has less already decides.\n"
        "At the end each file gets its old text again, if it still holds ours. A group that was\n"
        "removed, and made anew under the same name, is left alone.",
        "[[fault]]\nkind = \"cpu_throttle\"\nduration = \"30s\"\n"
        "target = { cgroup = \"/trading\" }\nquota = \"50%\"\n"
        "ramp = { quota = { to = \"20%\", over = \"10s\" } }\n"};
    return spec;
  }

  Result<Plan> plan(const Params& p, const Machine& host, const RunContext& run) const {
    SQUALL_TRY(const auto group, find_group(p.target, "cpu", host));
    SQUALL_CHECK(may_be_limited(group, host, run.spare));
    SQUALL_TRY(const auto limits, cpu_limits(p, group, host.cgroups()));
    Plan plan{run, {}, {}};
    for (const auto& each : limits) {
      SQUALL_CHECK(cgroup::lowers(group, each));
      // A weight above is one among other neighbours.
      if (p.quota && each.file == limits.front().file)
        plan.notes = cgroup::tighter_above(group, each, host.cgroups());
    }
    SQUALL_CHECK(cgroup::add_intents(plan, group, limits, describe().name, host.cgroups()));
    SQUALL_CHECK(remember_container(plan, p.target.container, host));
    return plan;
  }

  Result<Hold> inject(const Params& p, const Plan& plan, Machine& machine, Scope& scope) const {
    SQUALL_TRY(auto held, cgroup::put(plan, machine, scope));
    SQUALL_TRY(const auto account, read_cpu_account(held.group, machine.cgroups()));
    return Hold{std::move(held), tally_from(account, p.quota, now())};
  }

  Result<Verified> verify(const Params& p, const Machine& host, const RunContext& run) const {
    const auto group = find_planned_group(p.target, "cpu", host, run);
    if (!group && group.error().kind == ErrorKind::gone)
      return Verified{Reading::absent, group.error().what};
    if (!group) return group.error();
    return cgroup::verify(*group, cpu_files(p, *group), host.cgroups());
  }

  Result<> revert(const UndoRecord& undo, Machine& machine, const ChangeToken& token) const {
    return cgroup::revert(undo, machine, token);
  }

  Result<> adjust(const Params& p, Hold& hold, Machine& machine, Scope& scope) const {
    SQUALL_TRY(auto limits, cpu_limits(p, hold.held.group, machine.cgroups()));
    SQUALL_CHECK(cgroup::adjust(hold.held, limits, machine, scope));
    hold.tally.change_to(p.quota, now());
    return {};
  }

  Result<Effect> measure(const Params&, const Hold& hold, const Machine& host) const {
    SQUALL_TRY(auto taken_over, cgroup::taken_over(hold.held, host.cgroups()));
    if (taken_over) return *std::move(taken_over);
    SQUALL_TRY(const auto account, read_cpu_account(hold.held.group, host.cgroups()));
    return judge_throttle(hold.tally, account, now());
  }

  Strays strays(const Machine& host) const {
    return cgroup::strays({"cpu.max", "cpu.weight", "cpu.cfs_quota_us", "cpu.shares"},
                          describe().name, host.cgroups());
  }

  Result<std::vector<std::string>> survey(const Params& p, const Machine& host) const {
    SQUALL_TRY(const auto group, find_group(p.target, "cpu", host));
    return cgroup::survey(group, cpu_files(p, group), host.cgroups());
  }

 private:
  static Instant now() { return std::chrono::steady_clock::now(); }
};

}  // namespace

const Fault& cpu_throttle_fault();
const Fault& cpu_throttle_fault() {
  static const Adapt<CpuThrottle> fault;
  return fault;
}

}  // namespace squall
