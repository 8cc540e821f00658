// SPDX-License-Identifier: Apache-2.0
//
// squall recover: what the boot unit calls, and what a person calls after a crash.

#include "cmd/command.hpp"
#include "cmd/settle.hpp"
#include "cmd/survey.hpp"
#include "faults/registry.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>
#include <memory>

namespace squall {
namespace {

using Json = nlohmann::ordered_json;

Strays all_strays(const Machine& machine) {
  Strays all;
  // A run that keeps its state elsewhere (SQUALL_RUN_DIR) holds another lock than ours: what
  // it holds carries our mark and is no stray. Every run has a watchdog to be known by.
  if (const auto other = living_watchdog(); !other.empty()) {
    all.active.push_back(other + " guards a run with another SQUALL_RUN_DIR");
    return all;
  }
  for (const auto* fault : built_in_faults().all()) {
    auto strays = fault->strays(machine);
    for (const auto& each : strays.unseen)
      all.unseen.push_back("'" + fault->sheet().name + "': " + each);
    std::ranges::move(strays.found, std::back_inserter(all.found));
  }
  return all;
}

Json json_of(const RecoverReport& report) {
  auto runs = Json::array();
  for (const auto& each : report.runs) {
    auto owed = Json::array();
    for (const auto& one : each.owed)
      owed.push_back({{"change", one.intent.sentence}, {"by_hand", one.intent.by_hand}});
    runs.push_back({{"run", each.run},
                    {"directory", each.directory},
                    {"owed", owed},
                    {"gone_by_reboot", each.gone_by_reboot},
                    {"problem", each.problem}});
  }
  auto left = Json::array();
  for (const auto& each : report.left)
    left.push_back({{"what", each.owed.intent.sentence},
                    {"error", each.error.sentence()},
                    {"by_hand", each.owed.intent.by_hand}});
  return {{"clean", report.clean()},
          {"runs", runs},
          {"settled", report.settled},
          {"strays", report.strays},
          {"left", left},
          {"complaints", report.complaints},
          {"looked_everywhere", report.looked_everywhere()},
          {"unseen", report.unseen},
          {"active", report.active}};
}

std::string text_of(const RecoverReport& report, const Look& look) {
  std::string text;
  for (const auto& run : report.runs) {
    text += "run " + look.paint(Tone::strong, run.run) +
            (run.owed.empty() && run.gone_by_reboot == 0 ? "" : " had not undone:") + "\n";
    for (const auto& each : run.owed) text += "  " + visible(each.intent.sentence) + "\n";
    if (run.gone_by_reboot)
      text += "  " + counted(run.gone_by_reboot, "change") + " went away with the reboot\n";
    if (!run.problem.empty()) text += "  " + look.mark(Glyph::warn) + " " + run.problem + "\n";
  }
  const std::string unseen = report.looked_everywhere() ? "" : "; not everything was looked at";
  if (report.clean() && report.settled == 0 && report.strays == 0)
    return text + look.mark(unseen.empty() ? Glyph::good : Glyph::warn) + " nothing is owed" +
           (unseen.empty() ? ", and nothing of squall is on this host" : unseen) + "\n";
  text += look.mark(report.clean() ? Glyph::good : Glyph::bad) + " " +
          counted(report.settled, "change") + " undone";
  if (report.strays) text += ", " + counted(report.strays, "stray") + " removed";
  if (!report.left.empty()) text += ", " + std::to_string(report.left.size()) + " left";
  return text + (report.clean() && unseen.empty() ? "; nothing of squall is left" : unseen) + "\n";
}

void tell_unseen(Print& print, const RecoverReport& report) {
  for (const auto& each : report.unseen)
    print.error({ErrorKind::system,
                 "could not look for what an earlier run left: " + each,
                 "mend that, then recover again",
                 {},
                 0});
  for (const auto& each : report.active)
    print.error({ErrorKind::refused,
                 each + ": what carries squall's marks was left to it",
                 "recover again when it has ended",
                 {},
                 0});
}

ExitCode recover_now(Print& print, bool json) {
  const auto report = settle_everything();
  if (!report) {
    print.error(report.error());
    return exit_code(report.error().kind);
  }
  if (json)
    print.line(json_of(*report).dump(-1, ' ', false, Json::error_handler_t::replace));
  else
    print.out(text_of(*report, print.look()));
  for (const auto& each : report->complaints) print.warn(each);
  tell_left(print, report->left);
  tell_unseen(print, *report);
  if (!report->clean()) return ExitCode::not_clean;
  return report->active.empty() ? ExitCode::held : ExitCode::refused;
}

}  // namespace

Result<RecoverReport> settle_everything() {
  const auto machine = this_machine();
  const auto& registry = built_in_faults();
  const Rollback rollback([&](const UndoRecord& undo, const ChangeToken& token) {
    return revert(registry, undo, *machine, token);
  });
  return recover(paths_from_environment(), rollback, [&] { return all_strays(*machine); });
}

bool settle_after_bug(Print& print) {
  const auto report = settle_everything();
  if (!report) {
    // Refused while a run is active: that run, or its watchdog, settles what it did.
    print.error(report.error());
    return report.error().kind == ErrorKind::refused;
  }
  tell_left(print, report->left);
  tell_unseen(print, *report);
  return report->clean();
}

void tell_left(Print& print, const std::vector<StillOwed>& left) {
  for (const auto& each : left) {
    print.error({ErrorKind::system,
                 "left on this host: " + each.owed.intent.sentence + ": " + each.error.sentence(),
                 each.owed.intent.by_hand.empty() ? each.error.hint
                                                  : "by hand: " + each.owed.intent.by_hand,
                 {},
                 0});
  }
}

CommandLine recover_command(const std::vector<std::string>&) {
  const auto json = std::make_shared<bool>(false);
  return {{json_switch(json.get())}, [json](Print& print) { return recover_now(print, *json); }};
}

}  // namespace squall
