// SPDX-License-Identifier: Apache-2.0
//
// cpu_pressure: uses up a share of chosen CPUs, by one pinned worker each. The workers
// die with us; they can compete at any priority, and inside the cgroup of a target.

#include "faults/cpu_pressure/chosen_cpus.hpp"
#include "faults/cpu_pressure/loaded_cpu.hpp"
#include "faults/cpu_pressure/params.hpp"
#include "faults/fault.hpp"
#include "faults/kit/cgroup.hpp"
#include "faults/kit/container_target.hpp"
#include "faults/kit/kernel.hpp"
#include "faults/kit/worker.hpp"
#include "faults/kit/worker_burn.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace squall {
namespace {

struct CpuPressure {
  using Params = CpuPressureParams;
  struct Hold {
    std::vector<LoadedCpu> cpus;
  };

  static const Spec<Params>& describe() {
    static const Spec<Params> spec{
        "cpu_pressure",
        "a share of chosen CPUs used up",
        Rung::dies_with_us,
        {"call:pidfd"},
        cpu_pressure_table(),
        kCpuPressureNotes,
        "[[fault]]\nkind = \"cpu_pressure\"\nduration = \"30s\"\nload = \"75%\"\ncpus = \"0\"\n"
        "ramp = { load = { to = \"90%\", over = \"10s\" } }\n"};
    return spec;
  }

  Result<Plan> plan(const Params& p, const Machine& host, const RunContext& run) const {
    if (p.priority == WorkerClass::fifo || p.nice < 0)
      SQUALL_CHECK(host.kernel().available("cap:sys_nice"));
    SQUALL_TRY(const auto cpus, choose_cpus(p, host));
    Plan plan{run, {}, {}};
    for (const auto cpu : cpus)
      plan.intents.push_back(
          {"use up " + to_text(p.load) + " of CPU " + std::to_string(cpu) + " at " + manner(p),
           {"cpu_pressure",
            {{"worker", worker_name(run.mark, run.slot)}, {"cpu", std::to_string(cpu)}}},
           "end the worker",
           "pkill -KILL -x " + worker_name(run.mark, run.slot)});
    SQUALL_CHECK(remember_container(plan, p.container, host));
    return plan;
  }

  Result<Hold> inject(const Params& p, const Plan& plan, Machine& machine, Scope& scope) const {
    Hold hold;
    for (const auto& intent : plan.intents) {
      SQUALL_TRY(const auto order, order_for(p, intent.undo));
      SQUALL_TRY(auto worker, machine.workers().make_idle(order));
      const auto known = with_process(intent, worker->id());
      SQUALL_CHECK(scope.change(known, [&](const ChangeToken& token) {
        return put_to_work(p, order.cpu, *worker, machine, token);
      }));
      hold.cpus.push_back(loaded_from_now(order.cpu, std::move(worker)));
    }
    return hold;
  }

  Result<Verified> verify(const Params& p, const Machine& host, const RunContext& run) const {
    auto there = p;
    there.container = planned_container(p.container, run);
    SQUALL_TRY(const auto reading, read_load(there, host, worker_name(run.mark, run.slot)));
    return Verified{reading, lost_container(run, host)};
  }

  Result<> revert(const UndoRecord& undo, Machine& machine, const ChangeToken& token) const {
    return delete_recorded_worker(undo, machine.workers(), token);
  }

  Result<> adjust(const Params& p, Hold& hold, Machine&, Scope& scope) const {
    return scope.adjust([&](const ChangeToken& token) -> Result<> {
      for (auto& each : hold.cpus) burn::set_load(token, *each.worker, p.load);
      return {};
    });
  }

  Result<Effect> measure(const Params&, const Hold& hold, const Machine&) const {
    return judge(hold.cpus);
  }

  Strays strays(const Machine& host) const { return find_stray_workers("cpu_pressure", host); }

  Result<std::vector<std::string>> survey(const Params&, const Machine& host) const {
    return survey_workers(host.workers());
  }

 private:
  static Result<WorkerOrder> order_for(const Params& p, const UndoRecord& undo) {
    SQUALL_TRY(const auto name, undo.text("worker"));
    SQUALL_TRY(const auto cpu, undo.number("cpu"));
    return WorkerOrder{name,
                       burn::work,
                       static_cast<int>(cpu),
                       p.priority,
                       static_cast<int>(p.nice),
                       static_cast<int>(p.rt_priority)};
  }
  static Result<> put_to_work(const Params& p, int cpu, Worker& worker, Machine& machine,
                              const ChangeToken& token) {
    SQUALL_TRY(const auto group, find_load_group(p, machine));
    if (group) {
      SQUALL_CHECK(machine.cgroups().put_process(token, *group, worker.id()));
      SQUALL_CHECK(worker.pin(token, cpu));
    }
    burn::set_load(token, worker, p.load);
    return worker.go(token);
  }
  static std::string manner(const Params& p) {
    auto text = std::string(word(p.priority)) + " priority";
    if (p.nice != 0) text += ", nice " + std::to_string(p.nice);
    if (!p.cgroup.empty()) text += ", in cgroup '" + p.cgroup + "'";
    if (!p.container.empty()) text += ", in container '" + p.container + "'";
    return text;
  }
};

}  // namespace

const Fault& cpu_pressure_fault() {
  static const Adapt<CpuPressure> fault;
  return fault;
}

}  // namespace squall
