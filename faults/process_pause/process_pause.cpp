// SPDX-License-Identifier: Apache-2.0
//
// process_pause: the selected processes stand still (SIGSTOP) and go on afterwards.
// A process that is stopped already is not ours: it is neither stopped nor continued.

#include "faults/fault.hpp"
#include "faults/kit/container_target.hpp"
#include "faults/kit/process.hpp"
#include "faults/kit/process_target.hpp"
#include "faults/process_pause/effect.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

namespace squall {
namespace {

// Kernel: a process stops when it next returns from the kernel; one that waits in an
// uninterruptible state does so later, and verify() says "partial" until then. For all together.
constexpr Duration kStopLimit = 500ms;

struct ProcessPause {
  struct Params {
    ProcessTarget target;
    bool children = false;
  };
  struct Hold {
    std::vector<ProcessId> paused;
  };

  static const Spec<Params>& describe() {
    static const Spec<Params> spec{
        "process_pause",
        "processes that stand still, and go on afterwards",
        Rung::shared_state,
        {"call:pidfd"},
        Table<Params>(group("target", &Params::target, process_target_fields()),
                      {{kOneSelector, [](const Params& p) { return has_one_selector(p.target); }}})
            .add({field("children", &Params::children, "also all descendants")}),
        "Each process gets SIGSTOP, and SIGCONT at the end. The kernel keeps its sockets open and\n"
        "fills their buffers, so peers see silence, not a closed connection. A process that was\n"
        "stopped before is left as it is. Which processes are meant is decided when the run is\n"
        "planned; those that match later are not paused. A parent that waits for stopped\n"
        "children, a shell for one, is told of the stop.",
        "[[fault]]\nkind = \"process_pause\"\nduration = \"10s\"\n"
        "target = { name = \"price_service\" }\n"};
    return spec;
  }

  Result<Plan> plan(const Params& p, const Machine& host, const RunContext& run) const {
    Plan plan{run, {}, {}};
    SQUALL_TRY(const auto found, find(p, host, run.spare));
    for (const auto& each : found) {
      if (each.stopped()) {
        plan.notes.push_back(squall::describe(each) + " is stopped already and is left as it is");
        continue;
      }
      plan.run.targets.push_back(to_text(each.id));
      plan.intents.push_back(with_process({"pause " + squall::describe(each),
                                           {"process_pause", {{"name", each.name}}},
                                           "continue it",
                                           "kill -CONT " + std::to_string(each.id.pid)},
                                          each.id));
    }
    SQUALL_CHECK(remember_container(plan, p.target.container, host));
    if (!plan.intents.empty()) return plan;
    return Error{ErrorKind::refused,
                 "every process that matches " + squall::describe(p.target) + " is stopped already",
                 "continue it with 'kill -CONT', or choose another target",
                 {},
                 0};
  }

  Result<Hold> inject(const Params& p, const Plan& plan, Machine& machine, Scope& scope) const {
    Hold hold;
    auto& processes = machine.processes();
    for (const auto& intent : plan.intents) {
      SQUALL_TRY(const auto id, process_of(intent.undo));
      const auto now = processes.read(id);
      // Gone or stopped by somebody else since the plan: nothing to do, nothing to undo.
      if (!now || now->stopped() || now->ended()) continue;
      auto sent = scope.change(intent, [&](const ChangeToken& token) {
        return processes.send_signal(token, id, Signal::stop);
      });
      if (!sent && sent.error().kind == ErrorKind::gone) continue;
      SQUALL_CHECK(std::move(sent));
      hold.paused.push_back(id);
    }
    const auto end = std::chrono::steady_clock::now() + kStopLimit;
    for (const auto& id : hold.paused)
      processes.wait_until_stopped(id,
                                   std::max<Duration>(0s, end - std::chrono::steady_clock::now()));
    if (!hold.paused.empty()) return hold;
    return Error{ErrorKind::gone,
                 "of the processes that matched " + squall::describe(p.target) +
                     ", none can be paused any more",
                 {},
                 {},
                 0};
  }

  Result<Verified> verify(const Params& p, const Machine& host, const RunContext& run) const {
    auto living = read_living(planned_processes(run.targets), host.processes());
    if (run.targets.empty()) {
      SQUALL_TRY(living, find(p, host, run.spare));
    }
    const auto stopped = std::ranges::count_if(living, &ProcessInfo::stopped);
    const auto some = stopped == std::ssize(living) ? Reading::present : Reading::partial;
    return Verified{stopped == 0 ? Reading::absent : some, lost_container(run, host)};
  }

  Result<> revert(const UndoRecord& undo, Machine& machine, const ChangeToken& token) const {
    SQUALL_TRY(const auto id, process_of(undo));
    // Also when it has not stopped yet: SIGCONT takes a stop that is under way back.
    auto sent = machine.processes().send_signal(token, id, Signal::cont);
    if (!sent && sent.error().kind != ErrorKind::gone) return sent;
    return {};
  }

  Result<Effect> measure(const Params&, const Hold& hold, const Machine& host) const {
    return judge_pause(hold.paused, host.processes());
  }

  // Only those that stand still, so that one that ends by itself makes no difference.
  Result<std::vector<std::string>> survey(const Params& p, const Machine& host) const {
    std::vector<std::string> facts;
    const auto found = find(p, host, SpareList{});
    if (!found) return facts;
    for (const auto& each : *found)
      if (each.stopped()) facts.push_back(squall::describe(each) + " is stopped");
    return facts;
  }

 private:
  static Result<std::vector<ProcessInfo>> find(const Params& p, const Machine& host,
                                               const SpareList& spare) {
    return p.children ? find_families(p.target, host, spare) : find_targets(p.target, host, spare);
  }
};

}  // namespace

const Fault& process_pause_fault() {
  static const Adapt<ProcessPause> fault;
  return fault;
}

}  // namespace squall
