// SPDX-License-Identifier: Apache-2.0
//
// squall abort: asks the active run to stop, and waits until it has rolled back.

#include "cmd/command.hpp"
#include "safety/lock.hpp"
#include "safety/recover.hpp"
#include "scenarios/run.hpp"

#include <nlohmann/json.hpp>

#include <memory>

namespace squall {
namespace {

struct Arguments {
  std::string run;
  bool json = false;
};

// Nobody answers: the run may have died with its work half done, or live where we do not ask.
Result<ExitCode> tell_owed(const Paths& paths, Print& print) {
  SQUALL_TRY(const auto owed, find_owed(paths));
  const auto objection = HostLock::objection(paths);
  auto code = ExitCode::held;
  for (const auto& run : owed) {
    if (run.active && !objection) {
      print.error(run_is_active(run.run));
      if (code == ExitCode::held) code = ExitCode::refused;
      continue;
    }
    code = ExitCode::not_clean;
    auto what = run.problem;
    for (const auto& each : run.owed) what += (what.empty() ? "" : "; ") + each.intent.sentence;
    print.error(run.active ? *objection
                           : Error{ErrorKind::system,
                                   "run '" + run.run + "' has died and not undone: " + what,
                                   "squall recover",
                                   {},
                                   0});
  }
  return code;
}

Result<ExitCode> abort_run(const Arguments& given, Print& print) {
  const auto paths = paths_from_environment();
  SQUALL_TRY(const auto outcome, ask_abort(paths, given.run));
  auto code = outcome == word(Outcome::not_clean) ? ExitCode::not_clean : ExitCode::held;
  if (!outcome) {
    SQUALL_TRY(code, tell_owed(paths, print));
  }
  if (given.json) {
    print.line(
        nlohmann::ordered_json{{"aborted", outcome.has_value()}, {"outcome", outcome.value_or("")}}
            .dump());
  } else if (!outcome) {
    print.line("no run is active");
  } else {
    print.line("stopped; the run ended as '" + *outcome + "'");
  }
  return code;
}

}  // namespace

CommandLine abort_command(const std::vector<std::string>&) {
  const auto given = std::make_shared<Arguments>();
  return {{{"RUN", "", "only if this run is the active one", &given->run, Offer::run},
           json_switch(&given->json)},
          [given](Print& print) { return finish(print, abort_run(*given, print)); }};
}

}  // namespace squall
