// SPDX-License-Identifier: Apache-2.0
//
// memory_pressure: holds memory of the host or of a control group, down to a reserve. Workers
// do it, which die with us and stand first in line for the OOM killer.

#include "faults/fault.hpp"
#include "faults/kit/cgroup.hpp"
#include "faults/kit/container_target.hpp"
#include "faults/kit/kernel.hpp"
#include "faults/kit/memory_fill.hpp"
#include "faults/kit/worker.hpp"
#include "faults/memory_pressure/amount.hpp"
#include "faults/memory_pressure/held_memory.hpp"
#include "faults/memory_pressure/params.hpp"
#include "faults/memory_pressure/workers.hpp"

#include <string>

namespace squall {
namespace {

struct MemoryPressure {
  using Params = MemoryPressureParams;
  using Hold = HeldMemory;

  static const Spec<Params>& describe() {
    static const Spec<Params> spec{
        "memory_pressure",
        "memory of the host or of a control group held, down to a reserve",
        Rung::dies_with_us,
        {"call:pidfd"},
        memory_pressure_table(),
        kMemoryPressureNotes,
        "[[fault]]\nkind = \"memory_pressure\"\nduration = \"30s\"\n"
        "target = { cgroup = \"/prices\" }\nshare = \"60%\"\n"
        "ramp = { share = { to = \"80%\", over = \"10s\" } }\n"};
    return spec;
  }

  Result<Plan> plan(const Params& p, const Machine& host, const RunContext& run) const {
    SQUALL_TRY(const auto amount, find_amount(p, host));
    if (p.memory == memory::Kind::page_cache)
      SQUALL_CHECK(host.memory().can_cache(cache_directory(p)));
    const auto name = worker_name(run.mark, run.slot);
    const auto count = count_workers(amount.bytes(p), host);
    Plan plan{run, {}, notes_on(p, host)};
    plan.intents.push_back({"hold " + manner(p, amount) + ", in " + std::to_string(count) +
                                (count == 1 ? " worker" : " workers"),
                            {"memory_pressure", {{"worker", name}}},
                            "end the " + std::string(count == 1 ? "worker" : "workers"),
                            "pkill -KILL -x " + name});
    SQUALL_CHECK(remember_container(plan, p.target.container, host));
    return plan;
  }

  Result<Hold> inject(const Params& p, const Plan& plan, Machine& machine, Scope& scope) const {
    SQUALL_TRY(const auto name, plan.intents.front().undo.text("worker"));
    SQUALL_TRY(auto hold, make_workers(p, name, machine));
    const auto known = with_workers(plan.intents.front(), ids_of(hold));
    SQUALL_CHECK(scope.change(
        known, [&](const ChangeToken& token) { return put_to_work(p, hold, machine, token); }));
    return hold;
  }

  Result<Verified> verify(const Params& p, const Machine& host, const RunContext& run) const {
    auto there = p;
    there.target.container = planned_container(p.target.container, run);
    SQUALL_TRY(auto seen, read_workers(there, host, worker_name(run.mark, run.slot)));
    if (auto lost = lost_container(run, host); !lost.empty()) seen.lost = std::move(lost);
    return seen;
  }

  Result<> revert(const UndoRecord& undo, Machine& machine, const ChangeToken& token) const {
    return delete_recorded_worker(undo, machine.workers(), token);
  }

  Result<> adjust(const Params& p, Hold& hold, Machine&, Scope& scope) const {
    return scope.adjust([&](const ChangeToken& token) -> Result<> {
      set_sizes(token, hold, hold.amount.bytes(p));
      return {};
    });
  }

  Result<Effect> measure(const Params& p, const Hold& hold, const Machine& host) const {
    return judge(p, hold, host);
  }

  Strays strays(const Machine& host) const { return find_stray_workers("memory_pressure", host); }

  Result<std::vector<std::string>> survey(const Params&, const Machine& host) const {
    return survey_workers(host.workers());
  }
};

}  // namespace

const Fault& memory_pressure_fault() {
  static const Adapt<MemoryPressure> fault;
  return fault;
}

}  // namespace squall
