// SPDX-License-Identifier: Apache-2.0
//
// squall lab: only words and what is printed; the lab itself is in lab/.

#include "lab/lab.hpp"

#include "cmd/command.hpp"

#include <nlohmann/json.hpp>

#include <memory>

namespace squall {
namespace {

using Json = nlohmann::ordered_json;

struct Arguments {
  std::string action, name, programs;
  bool json = false;
};

std::string json_of(const LabInfo& info) {
  auto links = Json::array();
  for (const auto& each : info.links)
    links.push_back({{"from_network", each.from_network},
                     {"from_device", each.from_device},
                     {"from_v4", each.from_v4},
                     {"from_v6", each.from_v6},
                     {"to_network", each.to_network},
                     {"to_device", each.to_device},
                     {"to_v4", each.to_v4},
                     {"to_v6", each.to_v6}});
  auto services = Json::array();
  for (const auto& each : info.services)
    services.push_back({{"name", each.name},
                        {"program", each.program},
                        {"network", each.network},
                        {"address", each.address},
                        {"log", each.log},
                        {"stats", each.stats},
                        {"pid", each.pid}});
  const Json made = {{"up", info.up},           {"was_up", info.was_up},     {"name", info.name},
                     {"problem", info.problem}, {"networks", info.networks}, {"links", links},
                     {"services", services}};
  return made.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

void show(const LabInfo& info, bool json, Print& print) {
  if (json) return print.out(json_of(info));
  if (info.services.empty() && !info.up && info.problem.empty())
    return print.line("the lab is down; 'squall lab up' makes it");
  if (!info.problem.empty())
    print.line(print.look().mark(Glyph::warn) + " " + visible(info.problem) +
               "; 'squall lab down' removes what is there");
  print.out(lab_map(info));
}

Result<ExitCode> work_lab(const Arguments& given, Print& print) {
  LabOptions options;
  options.name = given.name;
  options.programs = given.programs;
  if (given.action == "down") {
    SQUALL_CHECK(lab_down(options));
    print.line(given.json ? R"({"up":false})" : "the lab is down; nothing of it is left");
    return ExitCode::held;
  }
  SQUALL_TRY(const auto info, given.action == "up" ? lab_up(options) : lab_status(options));
  if (info.was_up && !given.json) print.line("the lab was up already");
  show(info, given.json, print);
  return ExitCode::held;
}

}  // namespace

CommandLine lab_command(const std::vector<std::string>&) {
  const auto given = std::make_shared<Arguments>();
  return {
      {{"ACTION", "", "what to do", &given->action, Offer::words, {"up", "down", "status"}, true},
       {"--name", "NAME", "another lab, beside the usual one", &given->name},
       {"--programs", "DIR", "folder with the programs of the services", &given->programs,
        Offer::directory},
       json_switch(&given->json)},
      [given](Print& print) { return finish(print, work_lab(*given, print)); }};
}

}  // namespace squall
