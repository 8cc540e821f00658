// SPDX-License-Identifier: Apache-2.0
//
// squall report: one earlier run, as it was judged then.

#include "scenarios/report.hpp"

#include "cmd/command.hpp"
#include "cmd/files.hpp"
#include "cmd/verdict_text.hpp"

#include <memory>

namespace squall {
namespace {

struct Arguments {
  std::string run;
  bool json = false;
};

Error refused(std::string what, std::string hint) {
  return {ErrorKind::refused, std::move(what), std::move(hint), {}, 0};
}

// The id, or its beginning where that is enough.
Result<std::string> run_of(const Paths& paths, const std::string& word) {
  SQUALL_TRY(const auto runs, earlier_runs(paths));
  if (runs.empty()) return refused("there is no earlier run in '" + paths.runs() + "'", "");
  if (word.empty()) return runs.front();
  std::vector<std::string> found;
  for (const auto& each : runs) {
    if (each == word) return each;
    if (each.starts_with(word)) found.push_back(each);
  }
  if (found.empty())
    return refused("there is no run '" + word + "'", "'squall history' shows the runs");
  if (found.size() > 1)
    return refused("'" + word + "' is the beginning of " + counted(found.size(), "run"),
                   "for example '" + found.front() + "' and '" + found.back() + "'");
  return found.front();
}

Result<ExitCode> show_report(const Arguments& given, Print& print) {
  const auto paths = paths_from_environment();
  SQUALL_TRY(const auto run, run_of(paths, given.run));
  auto result = read_result(paths.of_run(run));
  if (!result) {
    auto error = std::move(result).error();
    if (error.kind == ErrorKind::gone && is_active(paths, run))
      return refused("run '" + run + "' is not over", "'squall status' shows it");
    if (error.kind == ErrorKind::gone)
      return refused("run '" + run + "' ended before its verdict",
                     "what it did is in '" + paths.of_run(run) +
                         "/events.jsonl'; 'squall recover' settles it");
    return error;
  }
  if (given.json) {
    print.line(to_json(*result));
    return ExitCode::held;
  }
  print.line(print.look().paint(Tone::strong, visible(result->scenario)) + "  " +
             print.look().paint(Tone::faint, result->started.substr(0, 19) + "Z"));
  print.out(verdict_text(*result, print.look()));
  return ExitCode::held;
}

}  // namespace

CommandLine report_command(const std::vector<std::string>&) {
  const auto given = std::make_shared<Arguments>();
  return {{{"RUN", "", "id of a run, or its beginning; the newest unless told", &given->run,
            Offer::run},
           json_switch(&given->json)},
          [given](Print& print) { return finish(print, show_report(*given, print)); }};
}

}  // namespace squall
