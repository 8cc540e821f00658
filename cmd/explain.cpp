// SPDX-License-Identifier: Apache-2.0
//
// squall explain: the reference of one kind, from its table.

#include "cmd/command.hpp"
#include "scenarios/reference.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>

namespace squall {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kWidest = 100;

struct Arguments {
  std::string kind;
  bool json = false, markdown = false;
};

std::string type_words(const FieldSheet& field) {
  std::string one = field.type.name;
  if (!field.type.words.empty()) one.clear();
  for (const auto& each : field.type.words) one += (one.empty() ? "" : " | ") + each;
  return field.type.list ? "list of " + one : one;
}

std::string keys_text(std::string_view title, const TableSheet& sheet, bool ramps,
                      const Look& look) {
  if (sheet.fields.empty()) return "";
  int width = 0;
  for (const auto& each : sheet.fields) width = std::max(width, columns(each.name));
  const std::string margin(static_cast<std::size_t>(width) + 4, ' ');
  auto text = "\n" + look.paint(Tone::strong, title) + "\n";
  for (const auto& each : sheet.fields) {
    text += "  " + pad(look.paint(Tone::accent, each.name), width + 2);
    bool first = true;
    for (const auto& line : wrap(each.help, look.width - width - 4))
      text += (std::exchange(first, false) ? "" : margin) + line + "\n";
    auto facts = type_words(each);
    if (!each.range.empty()) facts += ", " + each.range;
    if (each.required) facts += ", required";
    if (!each.fallback.empty()) facts += ", default " + each.fallback;
    if (ramps && each.rampable) facts += ", may be ramped";
    for (const auto& line : wrap(facts, look.width - width - 4))
      text += margin + look.paint(Tone::faint, line) + "\n";
  }
  return text;
}

std::string indented(std::string text) {
  while (text.starts_with('\n')) text.erase(0, 1);
  while (text.ends_with('\n')) text.pop_back();
  std::string made = "  ";
  for (const char c : text) made += c == '\n' ? std::string("\n  ") : std::string(1, c);
  return made + "\n";
}

std::string text_of(const Reference& about, const Look& wide) {
  auto look = wide;
  look.width = std::min(look.width, kWidest);
  auto text =
      look.paint(Tone::strong, about.name) + " (" + about.group + "): " + about.summary + "\n";
  std::vector<std::vector<std::string>> facts;
  for (const auto& [what, value] : about.facts)
    facts.push_back({look.paint(Tone::faint, what), value});
  text += table(facts, 2);
  if (!about.notes.empty()) {
    auto notes = about.notes;
    notes.erase(0, notes.find_first_not_of('\n'));
    notes.erase(notes.find_last_not_of('\n') + 1);
    text += "\n" + paragraph(notes, 0, look);
  }
  text += keys_text("keys", about.table, about.group == "fault", look);
  if (!about.table.rules.empty()) {
    text += "\n" + look.paint(Tone::strong, "rules") + "\n";
    for (const auto& each : about.table.rules) text += "  " + each + "\n";
  }
  text += keys_text("keys of every " + about.group, about.common, false, look);
  if (!about.example.empty())
    text += "\n" + look.paint(Tone::strong, "example") + "\n" + indented(about.example);
  if (about.group == "fault")
    text += "\n'squall inject " + about.name + " --help' lists the same as options\n";
  return text;
}

Json json_of(const TableSheet& sheet) {
  auto fields = Json::array();
  for (const auto& each : sheet.fields)
    fields.push_back({{"name", each.name},
                      {"help", each.help},
                      {"type", each.type.name},
                      {"words", each.type.words},
                      {"list", each.type.list},
                      {"required", each.required},
                      {"rampable", each.rampable},
                      {"default", each.fallback},
                      {"range", each.range}});
  return fields;
}

Json json_of(const Reference& about) {
  auto facts = Json::object();
  for (const auto& [what, value] : about.facts) facts[what] = value;
  return {{"name", about.name},           {"group", about.group},
          {"summary", about.summary},     {"facts", facts},
          {"keys", json_of(about.table)}, {"common_keys", json_of(about.common)},
          {"rules", about.table.rules},   {"notes", about.notes},
          {"example", about.example}};
}

Result<ExitCode> explain(const Arguments& given, Print& print) {
  if (given.kind.empty()) {
    if (!given.markdown)
      return Error{
          ErrorKind::usage, "KIND is missing", "'squall list' shows what can be explained", {}, 0};
    print.out(faults_reference(built_in_faults()));
    return ExitCode::held;
  }
  SQUALL_TRY(const auto about, find_reference(built_in_faults(), given.kind));
  print.out(given.json       ? json_of(about).dump() + "\n"
            : given.markdown ? as_markdown(about)
                             : text_of(about, print.look()));
  return ExitCode::held;
}

}  // namespace

CommandLine explain_command(const std::vector<std::string>&) {
  const auto given = std::make_shared<Arguments>();
  return {
      {{"KIND", "", "fault, probe or guard; 'squall list' shows them", &given->kind, Offer::kind},
       {"--markdown", "", "as Markdown; without KIND, the whole reference", &given->markdown},
       json_switch(&given->json)},
      [given](Print& print) { return finish(print, explain(*given, print)); }};
}

}  // namespace squall
