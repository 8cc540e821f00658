// SPDX-License-Identifier: Apache-2.0
//
// squall run: the main job.

#include "cmd/command.hpp"
#include "cmd/execute.hpp"
#include "cmd/files.hpp"

#include <memory>

namespace squall {
namespace {

struct Arguments {
  std::string scenario, seed;
  std::vector<std::string> set, without;
  bool json = false, yes = false;
};

ExitCode run_file(const Arguments& given, Print& print) {
  const auto go = [&]() -> Result<ExitCode> {
    SQUALL_TRY(const auto file, scenario_file(given.scenario));
    SQUALL_TRY(const auto set, overrides(given.set));
    SQUALL_TRY(const auto seed, whole_number(given.seed, "seed"));
    Complaints complaints;
    auto scenario = read_scenario(file, set, complaints);
    if (!scenario) {
      print.complaints(complaints);
      return ExitCode::usage;
    }
    return execute(std::move(*scenario), std::move(complaints),
                   {seed, given.without, given.json, given.yes}, print);
  };
  return finish(print, go());
}

}  // namespace

CommandLine run_command(const std::vector<std::string>&) {
  const auto given = std::make_shared<Arguments>();
  return {
      {scenario_argument(&given->scenario),
       set_option(&given->set),
       seed_option(&given->seed),
       {"--json", "", "print events as JSON Lines, and the result as the last line", &given->json},
       {"--yes", "", "run without asking", &given->yes},
       without_option(&given->without)},
      [given](Print& print) { return run_file(*given, print); }};
}

}  // namespace squall
