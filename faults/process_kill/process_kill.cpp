// SPDX-License-Identifier: Apache-2.0
//
// process_kill: ends the selected processes by a signal. That is not undone; but what
// it was told to start again is started again at the end, unless it already runs.

#include "faults/fault.hpp"
#include "faults/kit/process.hpp"
#include "faults/kit/process_target.hpp"
#include "faults/process_kill/restart.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace squall {
namespace {

// The run's loop stands still for so long at most; measure() judges `within`.
constexpr Duration kEndLimit = 100ms;

struct ProcessKill {
  struct Params {
    ProcessTarget target;
    Signal signal = Signal::kill;
    Duration within = 1s;
    Restart restart;
  };
  struct Hold {
    std::vector<ProcessId> killed;
    std::chrono::steady_clock::time_point at;
    Fd netns;  // without its last process it would go
  };

  static const Spec<Params>& describe() {
    static const Spec<Params> spec{
        "process_kill",
        "processes ended by a signal",
        Rung::not_undone,
        {"call:pidfd"},
        Table<Params>(
            group("target", &Params::target, process_target_fields()),
            {{kOneSelector, [](const Params& p) { return has_one_selector(p.target); }},
             {"restart and restart_unit exclude each other",
              [](const Params& p) { return p.restart.argv.empty() || p.restart.unit.empty(); }}})
            .add({field("signal", &Params::signal, "what the processes get"),
                  field("within", &Params::within, "time in which they must be gone")
                      .range(Duration(1ms), Duration(10min))})
            .add(restart_fields(&Params::restart)),
        "A killed process stays dead. `restart` (a command as words) or `restart_unit` starts it\n"
        "again at the end, unless something else that matches the target runs by then: the\n"
        "command as squall's own user, in a session of its own, in the killed process's\n"
        "directory, control groups (those left) and network namespace (or not at all), marked by\n"
        "SQUALL_RESTARTED in its environment. What systemd runs it is told to start itself: it\n"
        "never runs two. Who handles or ignores the signal may go on: the effect check says so.",
        "[[fault]]\nkind = \"process_kill\"\nduration = \"10s\"\n"
        "target = { name = \"order_gateway\" }\n"
        "restart = [\"/usr/bin/order_gateway\", \"--port\", \"9001\"]\n"};
    return spec;
  }

  Result<Plan> plan(const Params& p, const Machine& host, const RunContext& run) const {
    SQUALL_TRY(const auto found, find_targets(p.target, host, run.spare));
    Plan plan{run, {}, {}};
    if (p.restart.wanted()) {
      SQUALL_CHECK(plan_restart(plan, p.restart, p.target, found, host));
    } else {
      plan.notes.push_back("what is killed is not started again: no restart was asked for");
    }
    for (const auto& each : found) {
      plan.run.targets.push_back(to_text(each.id));
      plan.intents.push_back(with_process(
          {"end " + squall::describe(each) + " with signal '" + std::string(word(p.signal)) + "'",
           {"process_kill", {{"name", each.name}}},
           "nothing: this is not undone",
           ""},
          each.id));
    }
    return plan;
  }

  Result<Hold> inject(const Params& p, const Plan& plan, Machine& machine, Scope& scope) const {
    Hold hold;
    auto& processes = machine.processes();
    for (const auto& intent : plan.intents) {
      if (is_restart(intent.undo)) {
        SQUALL_TRY(hold.netns, hold_for_restart(intent.undo, machine));
        // Owed from here on; there is nothing to do yet.
        SQUALL_CHECK(scope.change(intent, [](const ChangeToken&) { return Result<>(); }));
        continue;
      }
      SQUALL_TRY(const auto id, process_of(intent.undo));
      auto sent = scope.change(intent, [&](const ChangeToken& token) {
        return processes.send_signal(token, id, p.signal);
      });
      if (!sent && sent.error().kind == ErrorKind::gone) continue;
      SQUALL_CHECK(std::move(sent));
      hold.killed.push_back(id);
    }
    hold.at = std::chrono::steady_clock::now();
    if (hold.killed.empty())
      return Error{ErrorKind::gone,
                   "every process that matched " + squall::describe(p.target) + " is gone already",
                   {},
                   {},
                   0};
    for (const auto& id : hold.killed)
      if (!processes.wait_until_gone(id, kEndLimit)) break;
    return hold;
  }

  // In force as long as they are gone and nothing has taken their place.
  Result<Reading> verify(const Params& p, const Machine& host, const RunContext& run) const {
    const auto planned = planned_processes(run.targets);
    const auto living = read_living(planned, host.processes());
    if (!living.empty())
      return living.size() == planned.size() ? Reading::absent : Reading::partial;
    return find_targets(p.target, host, run.spare) ? Reading::absent : Reading::present;
  }

  Result<> revert(const UndoRecord& undo, Machine& machine, const ChangeToken& token) const {
    if (is_restart(undo)) return restart_unless_running(undo, machine, token);
    return {};
  }

  Result<Effect> measure(const Params& p, const Hold& hold, const Machine& host) const {
    const auto alive = read_living(hold.killed, host.processes()).size();
    const auto all = std::to_string(hold.killed.size());
    const auto gone = std::to_string(hold.killed.size() - alive);
    Effect effect{Effect::Verdict::confirmed,
                  gone + " of " + all + " processes are gone",
                  {{"ended", all, gone}},
                  {{"signalled", hold.killed.size()}, {"alive", alive}}};
    if (alive == 0) return effect;
    const bool late = std::chrono::steady_clock::now() - hold.at > p.within;
    effect.verdict = late ? Effect::Verdict::mismatch : Effect::Verdict::inconclusive;
    effect.why += late ? ", not all within " + to_text(p.within) : " so far";
    return effect;
  }
};

}  // namespace

const Fault& process_kill_fault() {
  static const Adapt<ProcessKill> fault;
  return fault;
}

}  // namespace squall
