// SPDX-License-Identifier: Apache-2.0
//
// squall doctor: the first thing a newcomer runs.

#include "cmd/command.hpp"
#include "cmd/survey.hpp"
#include "faults/readiness.hpp"
#include "faults/registry.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>

namespace squall {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kWidest = 100;

struct Readiness {
  const FaultSheet* sheet = nullptr;
  std::vector<Error> missing;
  bool ready() const { return missing.empty(); }
};

struct Diagnosis {
  std::string host;
  std::vector<Readiness> faults;
  std::vector<FindingGroup> groups;

  std::size_t ready() const {
    return static_cast<std::size_t>(std::ranges::count_if(faults, &Readiness::ready));
  }
  bool has_bad(const std::string& hint) const {
    for (const auto& group : groups)
      for (const auto& each : group.findings)
        if (each.mark == Glyph::bad && each.hint == hint) return true;
    return false;
  }
};

std::string hinted(const std::string& hint, int indent, const Look& look) {
  std::string text;
  const std::string margin(static_cast<std::size_t>(indent), ' ');
  for (const auto& line : wrap(hint, std::max(40, look.width - indent)))
    if (!line.empty()) text += margin + look.paint(Tone::faint, line) + "\n";
  return text;
}

std::string faults_text(const Diagnosis& diagnosis, const Look& look) {
  auto text =
      look.paint(Tone::strong, "faults") + "  " +
      look.paint(Tone::faint, std::to_string(diagnosis.ready()) + " of " +
                                  std::to_string(diagnosis.faults.size()) + " can work here") +
      "\n";
  int width = 0;
  for (const auto& each : diagnosis.faults) width = std::max(width, columns(each.sheet->name));
  for (const auto& each : diagnosis.faults) {
    const auto& sheet = *each.sheet;
    text += "  " + look.mark(each.ready() ? Glyph::good : Glyph::bad) + " " +
            pad(sheet.name, width + 2) +
            look.paint(Tone::faint, clip(sheet.summary, look.width - width - 6, look)) + "\n";
    for (const auto& missing : each.missing) {
      text += "      " + visible(missing.sentence()) + "\n";
      text += hinted(visible(missing.hint), 6, look);
    }
  }
  return text;
}

std::string group_text(const FindingGroup& group, const Look& look) {
  auto text = "\n" + look.paint(Tone::strong, group.title) + "\n";
  for (const auto& each : group.findings) {
    text += "  " + look.mark(each.mark) + " " + each.what + "\n";
    if (!each.hint.empty()) text += hinted(each.hint, 4, look);
  }
  return text;
}

struct Step {
  std::string command, why;
};

Step next_step(const Diagnosis& diagnosis) {
  if (diagnosis.has_bad("squall recover")) return {"squall recover", "settles what is owed"};
  if (diagnosis.ready() == 0)
    return {"squall doctor", "again, when you have what is missing above"};
  return {"squall lab up", "makes something to hurt, and says what to run"};
}

std::string text_of(const Diagnosis& diagnosis, const Look& wide) {
  auto look = wide;
  look.width = std::min(look.width, kWidest);
  auto text = look.paint(Tone::strong, "squall " SQUALL_VERSION) + " on " + diagnosis.host +
              "\n\n" + faults_text(diagnosis, look);
  for (const auto& each : diagnosis.groups) text += group_text(each, look);
  const auto next = next_step(diagnosis);
  return text + "\n" + look.paint(Tone::strong, "next") + "  " + next.command + "   " + next.why +
         "\n";
}

std::string_view state_of(Glyph mark) {
  return mark == Glyph::good ? "ok" : mark == Glyph::bad ? "bad" : "warning";
}

std::string json_of(const Diagnosis& diagnosis) {
  auto faults = Json::array();
  for (const auto& each : diagnosis.faults) {
    auto missing = Json::array();
    for (const auto& one : each.missing)
      missing.push_back({{"what", one.sentence()}, {"hint", one.hint}});
    faults.push_back({{"name", each.sheet->name}, {"ready", each.ready()}, {"missing", missing}});
  }
  auto groups = Json::object();
  for (const auto& group : diagnosis.groups) {
    auto findings = Json::array();
    for (const auto& each : group.findings)
      findings.push_back(
          {{"state", state_of(each.mark)}, {"what", each.what}, {"hint", each.hint}});
    groups[group.title] = findings;
  }
  const Json made = {{"version", SQUALL_VERSION},
                     {"host", diagnosis.host},
                     {"faults", faults},
                     {"findings", groups},
                     {"next", next_step(diagnosis).command}};
  return made.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::vector<Readiness> readiness(const Machine& machine) {
  std::vector<Readiness> all;
  for (const auto* fault : built_in_faults().all())
    all.push_back({&fault->sheet(), lacks(fault->sheet(), machine)});
  return all;
}

ExitCode examine(Print& print, bool json) {
  const auto machine = this_machine();
  const Diagnosis diagnosis{
      host_line(), readiness(*machine), {privileges(), safety(), misleading_things()}};
  print.out(json ? json_of(diagnosis) : text_of(diagnosis, print.look()));
  return diagnosis.ready() > 0 ? ExitCode::held : ExitCode::refused;
}

}  // namespace

CommandLine doctor_command(const std::vector<std::string>&) {
  const auto json = std::make_shared<bool>(false);
  return {{json_switch(json.get())}, [json](Print& print) { return examine(print, *json); }};
}

}  // namespace squall
