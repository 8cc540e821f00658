// SPDX-License-Identifier: Apache-2.0
//
// squall list: what can be put into a scenario, and the scenarios that have a name.

#include "cmd/command.hpp"
#include "cmd/files.hpp"
#include "scenarios/reference.hpp"

#include <nlohmann/json.hpp>

#include <memory>

namespace squall {
namespace {

using Json = nlohmann::ordered_json;

struct Arguments {
  std::string what;
  bool json = false;
};

struct Entry {
  std::string name;
  std::string summary;
};

struct Group {
  std::string title;  // "faults"
  std::vector<Entry> entries;
};

// A library scenario that cannot be read is still a name, with the reason beside it.
Entry library_entry(const NamedScenario& named) {
  Complaints complaints;
  const auto scenario = read_scenario(named.file, {}, complaints);
  if (!scenario) return {named.name, "cannot be read: squall check " + named.file};
  return {named.name,
          visible(scenario->description.empty() ? scenario->name : scenario->description)};
}

std::vector<Group> groups(const std::string& what) {
  std::vector<Group> all = {{"faults", {}}, {"probes", {}}, {"guards", {}}, {"scenarios", {}}};
  for (const auto& each : references(built_in_faults()))
    for (auto& group : all)
      if (group.title == each.group + "s") group.entries.push_back({each.name, each.summary});
  if (what.empty() || what == "scenarios")
    for (const auto& each : library()) all.back().entries.push_back(library_entry(each));
  if (!what.empty()) std::erase_if(all, [&](const auto& each) { return each.title != what; });
  return all;
}

Json json_of(const std::vector<Group>& all) {
  auto made = Json::object();
  for (const auto& group : all) {
    auto entries = Json::array();
    for (const auto& each : group.entries)
      entries.push_back({{"name", each.name}, {"summary", each.summary}});
    made[group.title] = entries;
  }
  return made;
}

std::string text_of(const std::vector<Group>& all, const Look& look) {
  std::string text;
  for (const auto& group : all) {
    if (group.entries.empty()) continue;
    text += (text.empty() ? "" : "\n") + look.paint(Tone::strong, group.title) + "\n";
    std::vector<std::vector<std::string>> rows;
    int width = 0;
    for (const auto& each : group.entries) width = std::max(width, columns(each.name));
    for (const auto& each : group.entries)
      rows.push_back({look.paint(Tone::accent, each.name),
                      clip(each.summary, std::max(30, look.width - width - 4), look)});
    text += table(rows, 2);
  }
  return text + "\n'squall explain NAME' tells all about a fault, a probe or a guard\n";
}

Result<ExitCode> show_list(const Arguments& given, Print& print) {
  const auto all = groups(given.what);
  print.out(given.json ? json_of(all).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"
                       : text_of(all, print.look()));
  return ExitCode::held;
}

}  // namespace

CommandLine list_command(const std::vector<std::string>&) {
  const auto given = std::make_shared<Arguments>();
  return {{{"WHAT",
            "",
            "only these",
            &given->what,
            Offer::words,
            {"faults", "probes", "guards", "scenarios"}},
           json_switch(&given->json)},
          [given](Print& print) { return finish(print, show_list(*given, print)); }};
}

}  // namespace squall
