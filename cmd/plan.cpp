// SPDX-License-Identifier: Apache-2.0
//
// squall plan: what would change, and how it is undone. Writes nothing.

#include "cmd/command.hpp"
#include "cmd/execute.hpp"
#include "cmd/files.hpp"
#include "cmd/plan_text.hpp"

#include <memory>

namespace squall {
namespace {

struct Arguments {
  std::string scenario, seed;
  std::vector<std::string> set, without;
  bool json = false;
};

Result<ExitCode> show_plan(const Arguments& given, Print& print) {
  SQUALL_TRY(const auto file, scenario_file(given.scenario));
  SQUALL_TRY(const auto set, overrides(given.set));
  SQUALL_TRY(auto seed, whole_number(given.seed, "seed"));
  Complaints complaints;
  auto scenario = read_scenario(file, set, complaints);
  auto checked = scenario ? resolve(std::move(*scenario), built_in_faults(), complaints)
                          : std::optional<CheckedScenario>();
  if (!checked) {
    print.complaints(complaints);
    return ExitCode::usage;
  }
  if (!seed) seed = checked->scenario.seed;
  const auto machine = this_machine();
  const auto nets = nets_given_up(checked->scenario, given.without);
  SQUALL_TRY(const auto planned,
             plan_run(*checked, *machine, kPreviewMark, nets, seed.value_or(0)));
  const PlanView view{*checked, planned, seed, nets};
  print.out(given.json ? plan_json(view) + "\n" : plan_text(view, print.look()));
  return ExitCode::held;
}

}  // namespace

CommandLine plan_command(const std::vector<std::string>&) {
  const auto given = std::make_shared<Arguments>();
  return {{scenario_argument(&given->scenario), set_option(&given->set), seed_option(&given->seed),
           without_option(&given->without), json_switch(&given->json)},
          [given](Print& print) { return finish(print, show_plan(*given, print)); }};
}

}  // namespace squall
