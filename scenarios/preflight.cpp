// SPDX-License-Identifier: Apache-2.0
//
// Before anything is touched: can every fault of the scenario work here, and what
// exactly would it change. Reads only.

#include "faults/readiness.hpp"
#include "scenarios/run.hpp"
#include "scenarios/run_id.hpp"

#include <algorithm>

namespace squall {
namespace {

void add(Error& all, const std::string& name, const Error& error) {
  all.what += (all.what.empty() ? "" : "\n") + ("fault '" + name + "': " + error.sentence());
  if (!error.hint.empty() && all.hint.find(error.hint) == std::string::npos)
    all.hint += (all.hint.empty() ? "" : "\n") + error.hint;
}

}  // namespace

Result<std::vector<PlannedFault>> plan_run(const CheckedScenario& scenario, const Machine& machine,
                                           const std::string& mark,
                                           const std::vector<std::string>& without,
                                           std::uint64_t seed) {
  Error refusals{ErrorKind::refused, {}, {}, {}, 0};
  std::vector<PlannedFault> planned;
  const auto spare = find_spare_list(without);
  for (const auto& checked : scenario.faults) {
    const auto& sheet = checked.fault->sheet();
    if (const auto missing = lacks(sheet, machine); !missing.empty()) {
      for (const auto& each : missing) add(refusals, checked.entry.name, each);
      continue;
    }
    const RunContext run{mark, checked.slot, seed_of_slot(seed, checked.slot), spare};
    auto plan = checked.fault->plan(checked.params, machine, run);
    if (!plan) {
      add(refusals, checked.entry.name, plan.error());
      continue;
    }
    if (auto note = note_on_modules(sheet, machine); !note.empty())
      plan->notes.push_back(std::move(note));
    planned.push_back({&checked, std::move(*plan)});
  }
  if (!refusals.what.empty()) return refusals;
  return planned;
}

}  // namespace squall
