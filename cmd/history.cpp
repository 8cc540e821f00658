// SPDX-License-Identifier: Apache-2.0
//
// squall history: earlier runs, from their directories.

#include "cmd/command.hpp"
#include "cmd/files.hpp"
#include "scenarios/report.hpp"

#include <nlohmann/json.hpp>

#include <memory>
#include <utility>

namespace squall {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kUsual = 20;  // rows shown unless asked for more

struct Arguments {
  std::string limit;
  bool json = false;
};

std::string outcome_text(const RunResult& result, const Look& look) {
  const auto tone = result.outcome == Outcome::held      ? Tone::good
                    : result.outcome == Outcome::aborted ? Tone::warn
                    : result.outcome == Outcome::refused ? Tone::faint
                                                         : Tone::bad;
  return look.paint(tone, word(result.outcome));
}

// "20260101-101500-3fa2c1" begins with the time at which its run began.
std::string started_of(const std::string& run) {
  auto text = run.substr(0, 15);
  if (text.size() < 15) return "-";
  for (const auto& [at, what] : {std::pair{13, ":"}, {11, ":"}, {6, "-"}, {4, "-"}})
    text.insert(static_cast<std::size_t>(at), what);
  text[10] = 'T';
  return text;
}

std::vector<std::string> row_of(const std::string& run, const Result<RunResult>& result,
                                bool active, const Look& look) {
  if (!result)
    return {run, started_of(run),
            active ? look.paint(Tone::accent, "active") : look.paint(Tone::warn, "no verdict"), "-",
            "-"};
  return {run, result->started.substr(0, 19), outcome_text(*result, look),
          to_rounded_text(Duration(result->duration_ns)), visible(result->scenario)};
}

Json json_of(const std::string& run, const Result<RunResult>& result, bool active) {
  if (!result) return {{"run", run}, {"outcome", nullptr}, {"active", active}};
  return {{"run", run},
          {"started", result->started},
          {"scenario", result->scenario},
          {"outcome", word(result->outcome)},
          {"exit_code", result->exit_code},
          {"duration_ns", result->duration_ns}};
}

Result<ExitCode> show_history(const Arguments& given, Print& print) {
  const auto paths = paths_from_environment();
  SQUALL_TRY(const auto limit, whole_number(given.limit, "limit"));
  SQUALL_TRY(const auto runs, earlier_runs(paths));
  const auto most = static_cast<std::size_t>(limit.value_or(kUsual));
  auto all = Json::array();
  std::vector<std::vector<std::string>> rows = {
      {"RUN", "STARTED (UTC)", "OUTCOME", "LASTED", "SCENARIO"}};
  for (std::size_t i = 0; i < runs.size() && i < most; ++i) {
    const auto result = read_result(paths.of_run(runs[i]));
    const bool active = !result && is_active(paths, runs[i]);
    if (given.json)
      all.push_back(json_of(runs[i], result, active));
    else
      rows.push_back(row_of(runs[i], result, active, print.look()));
  }
  if (given.json) {
    print.line(Json{{"runs", all}}.dump(-1, ' ', false, Json::error_handler_t::replace));
  } else if (runs.empty()) {
    print.line("no run yet; 'squall doctor' says what can be done here");
  } else {
    print.out(table(rows, 0));
    if (runs.size() > most)
      print.line("and " + counted(runs.size() - most, "earlier one") + "; --limit N shows more");
  }
  return ExitCode::held;
}

}  // namespace

CommandLine history_command(const std::vector<std::string>&) {
  const auto given = std::make_shared<Arguments>();
  return {{{"--limit", "N", "at most this many runs; 20 unless told", &given->limit},
           json_switch(&given->json)},
          [given](Print& print) { return finish(print, show_history(*given, print)); }};
}

}  // namespace squall
