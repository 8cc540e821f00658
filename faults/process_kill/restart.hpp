// SPDX-License-Identifier: Apache-2.0
//
// Starting again what process_kill has ended: the duty as an undo record, and its
// fulfilment from the record alone.

#pragma once

#include "faults/kit/process_target.hpp"
#include "faults/machine.hpp"
#include "safety/undo/change.hpp"

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

// `killed` is one of those that will be ended: its working directory is kept. `spared` match
// as well (the shell or sudo that started squall, say) and do not mean that it runs.
Intent restart_intent(const Restart&, const ProcessTarget&, const ProcessInfo& killed,
                      const std::vector<ProcessInfo>& spared, const Machine&);
bool is_restart(const UndoRecord& undo);
// A target that is a pid cannot run again: then a process with the same command line counts.
Result<> restart_unless_running(const UndoRecord&, Machine&, const ChangeToken&);

}  // namespace squall
