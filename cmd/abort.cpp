// SPDX-License-Identifier: Apache-2.0
//
// squall abort: asks the active run to stop, and waits until it has rolled back.

#include "cmd/command.hpp"
#include "scenarios/run.hpp"

#include <nlohmann/json.hpp>

#include <memory>

namespace squall {
namespace {

struct Arguments {
  std::string run;
  bool json = false;
};

Result<ExitCode> abort_run(const Arguments& given, Print& print) {
  SQUALL_TRY(const auto outcome, ask_abort(paths_from_environment(), given.run));
  if (given.json) {
    print.line(
        nlohmann::ordered_json{{"aborted", outcome.has_value()}, {"outcome", outcome.value_or("")}}
            .dump());
  } else if (!outcome) {
    print.line("no run is active");
  } else {
    print.line("stopped; the run ended as '" + *outcome + "'");
  }
  return outcome == word(Outcome::not_clean) ? ExitCode::not_clean : ExitCode::held;
}

}  // namespace

CommandLine abort_command(const std::vector<std::string>&) {
  const auto given = std::make_shared<Arguments>();
  return {{{"RUN", "", "only if this run is the active one", &given->run, Offer::run},
           json_switch(&given->json)},
          [given](Print& print) { return finish(print, abort_run(*given, print)); }};
}

}  // namespace squall
