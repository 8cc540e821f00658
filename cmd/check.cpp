// SPDX-License-Identifier: Apache-2.0
//
// squall check: every mistake of every file, without looking at the host.

#include "cmd/command.hpp"
#include "cmd/files.hpp"
#include "scenarios/resolve.hpp"

#include <nlohmann/json.hpp>

#include <memory>

namespace squall {
namespace {

using Json = nlohmann::ordered_json;

struct Arguments {
  std::vector<std::string> files, set;
  bool json = false;
};

struct Checked {
  std::string file;
  std::string summary;
  Complaints complaints;
};

Checked check_file(const std::string& file, const Overrides& set) {
  Checked result{file, "", {}};
  auto scenario = read_scenario(file, set, result.complaints);
  if (!scenario) return result;
  const auto checked = resolve(std::move(*scenario), built_in_faults(), result.complaints);
  if (checked)
    result.summary = counted(checked->faults.size(), "fault") + ", " +
                     counted(checked->probes.size(), "probe") + ", " +
                     counted(checked->guards.size(), "guard") + ", " + to_text(checked->length);
  return result;
}

Json json_of(const Checked& one) {
  auto complaints = Json::array();
  for (const auto& each : one.complaints)
    complaints.push_back({{"file", each.place.file},
                          {"line", each.place.line},
                          {"column", each.place.column},
                          {"message", each.what},
                          {"hint", each.hint}});
  return {{"file", one.file}, {"valid", one.complaints.empty()}, {"complaints", complaints}};
}

Result<ExitCode> check_files(const Arguments& given, Print& print) {
  SQUALL_TRY(const auto set, overrides(given.set));
  auto all = Json::array();
  auto code = ExitCode::held;
  for (const auto& word : given.files) {
    SQUALL_TRY(const auto file, scenario_file(word));
    const auto one = check_file(file, set);
    if (!one.complaints.empty()) code = ExitCode::usage;
    if (given.json) {
      all.push_back(json_of(one));
    } else if (one.complaints.empty()) {
      print.line(print.look().mark(Glyph::good) + " " + file + ": " + one.summary);
    } else {
      print.complaints(one.complaints);
    }
  }
  if (given.json)
    print.line(Json{{"files", all}}.dump(-1, ' ', false, Json::error_handler_t::replace));
  return code;
}

}  // namespace

CommandLine check_command(const std::vector<std::string>&) {
  const auto given = std::make_shared<Arguments>();
  return {{{"SCENARIO",
            "",
            "scenario files, or names of installed ones",
            &given->files,
            Offer::scenario,
            {},
            true},
           set_option(&given->set),
           json_switch(&given->json)},
          [given](Print& print) { return finish(print, check_files(*given, print)); }};
}

}  // namespace squall
