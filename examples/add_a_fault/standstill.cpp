// SPDX-License-Identifier: Apache-2.0
//
// standstill: one process stands still, and goes on afterwards. The smallest complete
// fault; in a tree of your own it would be faults/standstill/standstill.cpp.

#include "faults/fault.hpp"
#include "faults/kit/process.hpp"

namespace squall {
namespace {

struct Standstill {
  struct Params {
    std::int64_t pid = 0;
  };
  struct Hold {};  // nothing has to be held while the process stands still

  static const Spec<Params>& describe() {
    static const Spec<Params> spec{
        "standstill",
        "a process that stands still",
        Rung::shared_state,
        {},
        Table<Params>({field("pid", &Params::pid, "process to stop")
                           .required()
                           .range(std::int64_t{2}, std::int64_t{4'194'304})}),
        "The process gets SIGSTOP, and SIGCONT at the end.",
        "[[fault]]\nkind = \"standstill\"\nduration = \"5s\"\npid = 1234\n"};
    return spec;
  }

  Result<Plan> plan(const Params& p, const Machine& host, const RunContext& run) const {
    const auto pid = static_cast<pid_t>(p.pid);
    if (run.spare.spares(pid))
      return Error{ErrorKind::refused,
                   "process '" + std::to_string(pid) + "' is on the spare list",
                   "choose a process that is neither squall's, yours nor the system's",
                   {},
                   0};
    SQUALL_TRY(const auto process, host.processes().read_pid(pid));
    return Plan{run,
                {with_process({"stop " + squall::describe(process),
                               {"standstill", {}},
                               "continue it",
                               "kill -CONT " + std::to_string(pid)},
                              process.id)},
                {}};
  }

  Result<Hold> inject(const Params&, const Plan& plan, Machine& machine, Scope& scope) const {
    for (const auto& intent : plan.intents) {
      SQUALL_TRY(const auto id, process_of(intent.undo));
      SQUALL_CHECK(scope.change(intent, [&](const ChangeToken& token) {
        return machine.processes().send_signal(token, id, Signal::stop);
      }));
      machine.processes().wait_until_stopped(id, 100ms);
    }
    return Hold{};
  }

  Result<Reading> verify(const Params& p, const Machine& host, const RunContext&) const {
    const auto process = host.processes().read_pid(static_cast<pid_t>(p.pid));
    return process && process->stopped() ? Reading::present : Reading::absent;
  }

  Result<> revert(const UndoRecord& undo, Machine& machine, const ChangeToken& token) const {
    SQUALL_TRY(const auto id, process_of(undo));
    auto sent = machine.processes().send_signal(token, id, Signal::cont);
    if (!sent && sent.error().kind != ErrorKind::gone) return sent;
    return {};  // gone already is success
  }
};

}  // namespace

const Fault& standstill_fault() {
  static const Adapt<Standstill> fault;
  return fault;
}

}  // namespace squall
