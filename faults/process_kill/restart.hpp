// SPDX-License-Identifier: Apache-2.0
//
// Starting again what process_kill has ended: the duty as an intent, and its fulfilment
// from the record alone.

#pragma once

#include "faults/fault.hpp"
#include "faults/kit/process_target.hpp"
#include "safety/base/fd.hpp"

#include <string>
#include <vector>

namespace squall {

struct Restart {
  std::vector<std::string> argv;
  std::string unit;
  bool wanted() const { return !argv.empty() || !unit.empty(); }
};

template <class P>
std::vector<Field<P>> restart_fields(Restart P::* member) {
  std::vector<Field<Restart>> own = {
      field("restart", &Restart::argv, "command that starts it again at the end"),
      field("restart_unit", &Restart::unit, "systemd unit that is started again at the end")};
  std::vector<Field<P>> fields;
  for (auto& each : own) {
    const auto name = each.sheet.name;
    auto grouped = group("", member, std::vector<Field<Restart>>{std::move(each)});
    grouped.front().sheet.name = name;
    fields.push_back(std::move(grouped.front()));
  }
  return fields;
}

// Adds the intent. `killed` are those that will be ended; what the first of them had (working
// directory, network namespace, control groups) the new one gets. What systemd starts by itself
// it is told to start, whatever the command is: it never starts two, and the plan says so.
Result<> plan_restart(Plan& plan, const Restart&, const ProcessTarget& target,
                      const std::vector<ProcessInfo>& killed, const Machine&);
bool is_restart(const UndoRecord&);
// The network namespace that it needs.
Result<Fd> hold_for_restart(const UndoRecord&, const Machine&);
// Once, however often it is called, also when an earlier call was killed half-way. A target that
// is a pid cannot run again: then a process with the same command line counts.
Result<> restart_unless_running(const UndoRecord&, Machine&, const ChangeToken&);

}  // namespace squall
