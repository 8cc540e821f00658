// SPDX-License-Identifier: Apache-2.0

#include "cmd/execute.hpp"

#include "cmd/files.hpp"
#include "cmd/plan_text.hpp"
#include "cmd/progress.hpp"
#include "cmd/verdict_text.hpp"
#include "scenarios/report.hpp"

#include <unistd.h>

namespace squall {
namespace {

// A run this short is over before a person has read the first picture of it.
constexpr Duration kWorthWatching = 1s;

Progress::Form form_of(const Execution& how, const CheckedScenario& checked, const Print& print) {
  if (how.json) return Progress::Form::json;
  if (checked.length < kWorthWatching) return Progress::Form::none;
  return print.in_place() ? Progress::Form::panel : Progress::Form::lines;
}

// Shows the plan and asks. The dialogue is not a result: it goes to stderr.
Result<bool> agreed(const CheckedScenario& checked, const Machine& machine, const Execution& how,
                    Print& print) {
  const auto seed = how.seed ? how.seed : checked.scenario.seed;
  const auto nets = nets_given_up(checked.scenario, how.without);
  SQUALL_TRY(const auto planned, plan_run(checked, machine, kPreviewMark, nets, seed.value_or(0)));
  const PlanView view{checked, planned, seed, nets};
  print.to_stderr(plan_text(view, print.error_look()) + "\n");
  return confirm(print, "Make " +
                            (view.changes() == 1 ? std::string("this change")
                                                 : "these " + counted(view.changes(), "change")) +
                            " on this host? [y/N] ");
}

ExitCode tell(const RunResult& result, const Execution& how, Print& print) {
  const auto code = static_cast<ExitCode>(result.exit_code);
  if (how.json) print.line(to_json(result));
  if (result.outcome == Outcome::refused) {
    print.error({ErrorKind::refused, result.reason, result.hint, {}, 0});
    return code;
  }
  if (!how.json) print.out(verdict_text(result, print.look()));
  if (!result.residue.empty()) print.to_stderr(residue_text(result));
  return code;
}

}  // namespace

std::vector<std::string> nets_given_up(const Scenario& scenario,
                                       const std::vector<std::string>& without) {
  auto all = scenario.without;
  all.insert(all.end(), without.begin(), without.end());
  return all;
}

ExitCode execute(Scenario scenario, Complaints complaints, const Execution& how, Print& print) {
  auto checked = resolve(std::move(scenario), built_in_faults(), complaints);
  if (!checked) {
    print.complaints(complaints);
    return ExitCode::usage;
  }
  const auto machine = this_machine();
  if (!how.yes && ::isatty(STDIN_FILENO)) {
    const auto yes = agreed(*checked, *machine, how, print);
    if (!yes) {
      print.error(yes.error());
      return exit_code(yes.error().kind);
    }
    if (!*yes) {
      print.to_stderr("Nothing was changed.\n");
      return ExitCode::refused;
    }
  }
  const auto form = form_of(how, *checked, print);
  Progress progress(print, form, *checked);
  RunOptions options;
  options.seed = how.seed;
  options.without = how.without;
  options.watchdog_program = watchdog_program();
  if (form != Progress::Form::none)
    options.listener = [&](const Event& event, const std::string& run) {
      progress.hear(event, run);
    };
  if (form == Progress::Form::panel) options.every_second = [&] { progress.draw(); };
  const auto result =
      run_scenario(*checked, *machine, built_in_faults(), paths_from_environment(), options);
  progress.end();
  return tell(result, how, print);
}

}  // namespace squall
