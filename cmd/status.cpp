// SPDX-License-Identifier: Apache-2.0
//
// squall status: what is active, asked of the run itself over its control socket.

#include "cmd/command.hpp"
#include "cmd/panel.hpp"
#include "safety/recover.hpp"

#include <nlohmann/json.hpp>

#include <memory>

namespace squall {
namespace {

using Json = nlohmann::ordered_json;

Glyph glyph_of(const ActiveFault& fault) {
  return fault.state == "active"    ? Glyph::active
         : fault.state == "waiting" ? Glyph::waiting
         : fault.state == "ended"   ? Glyph::good
                                    : Glyph::bad;
}

std::string text_of(const RunStatus& status, const Look& look) {
  auto text = look.paint(Tone::strong, visible(status.scenario)) + "  run " + status.run +
              ", pid " + std::to_string(status.pid) + "\n  running for " +
              clock_text(Duration(status.elapsed_ns)) + ", still " +
              clock_text(Duration(status.left_ns)) + "\n";
  std::vector<std::vector<std::string>> rows;
  for (const auto& each : status.faults) {
    auto state = each.state;
    if (state == "active")
      state += " for " + clock_text(Duration(each.since_ns)) + ", still " +
               clock_text(Duration(each.left_ns));
    rows.push_back({look.mark(glyph_of(each)) + " " + visible(each.name),
                    kind_beside(each.name, each.kind, look), state});
  }
  if (!rows.empty()) text += look.paint(Tone::strong, "faults") + "\n" + table(rows, 2);
  rows.clear();
  for (const auto& [name, last] : status.probes) rows.push_back({visible(name), visible(last)});
  if (!rows.empty()) text += look.paint(Tone::strong, "probes") + "\n" + table(rows, 2);
  return text + "\n'squall abort' stops it and puts everything back\n";
}

Result<ExitCode> show_status(Print& print, bool json) {
  const auto paths = paths_from_environment();
  SQUALL_TRY(const auto status, ask_status(paths));
  if (status) {
    print.out(json ? to_json(*status) + "\n" : text_of(*status, print.look()));
    return ExitCode::held;
  }
  SQUALL_TRY(const auto owed, find_owed(paths));
  if (json) {
    auto runs = Json::array();
    for (const auto& each : owed) runs.push_back(each.run);
    print.line(Json{{"active", false}, {"owed", runs}}.dump());
    return ExitCode::held;
  }
  print.line("no run is active");
  for (const auto& each : owed)
    print.line(print.look().mark(Glyph::warn) + " run " + each.run + " still owes " +
               counted(each.owed.size(), "repair") + ": squall recover");
  return ExitCode::held;
}

}  // namespace

CommandLine status_command(const std::vector<std::string>&) {
  const auto json = std::make_shared<bool>(false);
  return {{json_switch(json.get())},
          [json](Print& print) { return finish(print, show_status(print, *json)); }};
}

}  // namespace squall
