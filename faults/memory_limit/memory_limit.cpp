// SPDX-License-Identifier: Apache-2.0
//
// memory_limit: a control group may use less memory than before: a lower memory.high, above
// which it is slowed down and reclaimed, a lower memory.max, or both.

#include "faults/fault.hpp"
#include "faults/kit/cgroup_limit.hpp"
#include "faults/kit/cgroup_target.hpp"
#include "faults/kit/container_target.hpp"
#include "faults/memory_limit/effect.hpp"
#include "faults/memory_limit/limits.hpp"

#include <charconv>
#include <string>
#include <utility>
#include <vector>

namespace squall {
namespace {

struct MemoryLimit {
  using Params = MemoryLimitParams;
  struct Hold {
    cgroup::Held held;
    MemoryAccount before;
    MemoryBounds bounds;
  };

  static const Spec<Params>& describe() {
    static const Spec<Params> spec{
        "memory_limit",
        "a control group held to less memory",
        Rung::shared_state,
        {"cgroup:memory", "cap:sys_admin"},
        memory_limit_table(),
        "A share is one of what the group uses when the fault begins, caches included. Above "
        "'high'\n"
        "the kernel takes memory back from the group and slows it down, but kills nothing; beyond\n"
        "'max' it kills in the group when nothing can be taken back, so a 'max' below what is in "
        "use\n"
        "is refused, also in a ramp. In v2 the files are memory.high and memory.max; in v1 'max' "
        "is\n"
        "memory.limit_in_bytes, and there is no 'high'. Only what lowers the present value is "
        "taken;\n"
        "one that holds less already in a group above decides.\n"
        "At the end each file gets its old text again, if it still holds ours. A group that was\n"
        "removed, and made anew under the same name, is left alone. Memory that was taken back is\n"
        "read in again by its users, and what was killed stays dead: the effect says so.",
        "[[fault]]\nkind = \"memory_limit\"\nduration = \"30s\"\n"
        "target = { cgroup = \"/trading\" }\nhigh = \"256MiB\"\nmax = \"1GiB\"\n"
        "ramp = { high = { to = \"192MiB\", over = \"10s\" } }\n"};
    return spec;
  }

  Result<Plan> plan(const Params& p, const Machine& host, const RunContext& run) const {
    SQUALL_TRY(const auto group, find_group(p.target, "memory", host));
    SQUALL_CHECK(may_be_limited(group, host, run.spare));
    SQUALL_TRY(const auto use, read_use(group, host.cgroups()));
    SQUALL_TRY(const auto limits, memory_limits(p, group, use, host.cgroups()));
    Plan plan{run, {}, {}};
    for (const auto& each : limits) {
      SQUALL_CHECK(cgroup::lowers(group, each));
      for (auto& note : cgroup::tighter_above(group, each, host.cgroups()))
        plan.notes.push_back(std::move(note));
    }
    SQUALL_CHECK(cgroup::add_intents(plan, group, limits, describe().name, host.cgroups()));
    SQUALL_CHECK(remember_container(plan, p.target.container, host));
    for (auto& each : plan.intents) each = each.with("use", std::to_string(use.value));
    return plan;
  }

  Result<Hold> inject(const Params&, const Plan& plan, Machine& machine, Scope& scope) const {
    Hold hold;
    SQUALL_TRY(const auto group, cgroup::group_of(plan.intents.front().undo));
    SQUALL_TRY(hold.before, read_memory_account(group, machine.cgroups()));
    SQUALL_TRY(const auto use, plan.intents.front().undo.number("use"));
    hold.before.use.value = static_cast<std::uint64_t>(use);
    SQUALL_TRY(hold.held, cgroup::put(plan, machine, scope));
    hold.bounds = bounds_of(hold.held);
    return hold;
  }

  Result<Verified> verify(const Params& p, const Machine& host, const RunContext& run) const {
    const auto group = find_planned_group(p.target, "memory", host, run);
    if (!group && group.error().kind == ErrorKind::gone)
      return Verified{Reading::absent, group.error().what};
    if (!group) return group.error();
    return cgroup::verify(*group, memory_files(p, *group), host.cgroups());
  }

  Result<> revert(const UndoRecord& undo, Machine& machine, const ChangeToken& token) const {
    return cgroup::revert(undo, machine, token);
  }

  Result<> adjust(const Params& p, Hold& hold, Machine& machine, Scope& scope) const {
    SQUALL_TRY(const auto limits,
               memory_limits(p, hold.held.group, hold.before.use, machine.cgroups()));
    SQUALL_CHECK(cgroup::adjust(hold.held, limits, machine, scope));
    hold.bounds = bounds_of(hold.held);
    return {};
  }

  Result<Effect> measure(const Params&, const Hold& hold, const Machine& host) const {
    SQUALL_TRY(auto taken_over, cgroup::taken_over(hold.held, host.cgroups()));
    if (taken_over) return *std::move(taken_over);
    SQUALL_TRY(const auto after, read_memory_account(hold.held.group, host.cgroups()));
    return judge_limit(hold.bounds, hold.before, after);
  }

  Strays strays(const Machine& host) const {
    return cgroup::strays({kHighFile, "memory.max", "memory.limit_in_bytes"}, describe().name,
                          host.cgroups());
  }

  Result<std::vector<std::string>> survey(const Params& p, const Machine& host) const {
    SQUALL_TRY(const auto group, find_group(p.target, "memory", host));
    return cgroup::survey(group, memory_files(p, group), host.cgroups());
  }

 private:
  static MemoryBounds bounds_of(const cgroup::Held& held) {
    MemoryBounds bounds;
    for (const auto& each : held.limits) {
      Bytes bytes;
      std::from_chars(each.ours.data(), each.ours.data() + each.ours.size(), bytes.value);
      (each.file == kHighFile ? bounds.high : bounds.max) = bytes;
    }
    return bounds;
  }
};

}  // namespace

const Fault& memory_limit_fault();
const Fault& memory_limit_fault() {
  static const Adapt<MemoryLimit> fault;
  return fault;
}

}  // namespace squall
