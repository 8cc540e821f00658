// SPDX-License-Identifier: Apache-2.0

#include "scenarios/reference.hpp"

#include "safety/guard/guard.hpp"
#include "scenarios/keys.hpp"
#include "scenarios/probe/probe.hpp"

#include <algorithm>

namespace squall {
namespace {

Reference of_fault(const FaultSheet& sheet) {
  Reference made{sheet.name,           "fault",     sheet.summary, {}, sheet.params,
                 fault_keys().sheet(), sheet.notes, sheet.example};
  made.facts.emplace_back(
      "rung", std::to_string(static_cast<int>(sheet.rung)) + ", " + std::string(word(sheet.rung)));
  made.facts.emplace_back("needs", sheet.needs.empty() ? "nothing" : joined(sheet.needs));
  std::vector<std::string> ramps;
  for (const auto& each : sheet.params.fields)
    if (each.rampable) ramps.push_back(each.name);
  made.facts.emplace_back("ramps", ramps.empty() ? "none" : joined(ramps));
  if (!sheet.conflicts.empty()) made.facts.emplace_back("excludes", joined(sheet.conflicts));
  return made;
}

std::string type_of(const FieldSheet& field) {
  const auto one =
      field.type.words.empty() ? field.type.name : "one of " + joined(field.type.words);
  return field.type.list ? "list of " + one : one;
}

std::string default_of(const FieldSheet& field) {
  return field.required ? "required" : field.fallback;
}

std::string help_of(const FieldSheet& field) {
  return field.help + (field.range.empty() ? "" : " (" + field.range + ")");
}

// A table of Markdown has '|' between its cells.
std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2)
    text.insert(at, "\\");
  return text;
}

std::string markdown_table(const TableSheet& sheet) {
  std::string text = "| key | type | default | meaning |\n|---|---|---|---|\n";
  for (const auto& each : sheet.fields) {
    const auto fallback = default_of(each);
    const bool quoted = !each.required && !fallback.empty();
    text += "| `" + each.name + "` | " + cell(type_of(each)) + " | " +
            (quoted ? "`" + cell(fallback) + "`" : fallback) + " | " + cell(help_of(each)) + " |\n";
  }
  return text;
}

std::string trimmed(const std::string& text) {
  const auto from = text.find_first_not_of('\n');
  if (from == std::string::npos) return {};
  return text.substr(from, text.find_last_not_of('\n') - from + 1);
}

// Columns as wide as their widest cell; codepoints count, not bytes.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string padded(const std::string& text, std::size_t columns) {
  return text + std::string(columns - std::min(columns, width(text)), ' ');
}

std::string text_table(const TableSheet& sheet) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& each : sheet.fields)
    rows.push_back({each.name, type_of(each), default_of(each), help_of(each)});
  std::vector<std::size_t> widths(3, 0);
  for (const auto& row : rows)
    for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  std::string text;
  for (const auto& row : rows) {
    text += "  ";
    for (std::size_t i = 0; i < widths.size(); ++i) text += padded(row[i], widths[i] + 2);
    text += row.back() + "\n";
  }
  return text;
}

std::string indented(const std::string& text) {
  std::string made = "  ";
  for (const char c : text) made += c == '\n' ? std::string("\n  ") : std::string(1, c);
  for (std::size_t at = 0; (at = made.find("\n  \n", at)) != std::string::npos;)
    made.replace(at, 4, "\n\n");
  return made;
}

std::string markdown_section(const std::vector<Reference>& all, const std::string& group,
                             const std::string& title, const std::string& about) {
  std::string text = "\n## " + title + "\n\n" + about + "\n";
  bool first = true;
  for (const auto& each : all) {
    if (each.group != group) continue;
    if (first) text += "\n" + markdown_table(each.common);
    first = false;
    text += "\n" + as_markdown(each);
  }
  return text;
}

}  // namespace

std::vector<Reference> references(const Registry& registry) {
  std::vector<Reference> all;
  for (const auto* fault : registry.all()) all.push_back(of_fault(fault->sheet()));
  for (const auto& each : probe_kinds())
    all.push_back(
        {each.name, "probe", each.summary, {}, each.sheet, probe_keys().sheet(), "", each.example});
  for (const auto& each : guard_kinds())
    all.push_back(
        {each.name, "guard", each.summary, {}, each.sheet, guard_keys().sheet(), "", each.example});
  return all;
}

Result<Reference> find_reference(const Registry& registry, const std::string& name) {
  std::vector<std::string> known;
  for (auto& each : references(registry)) {
    if (each.name == name) return std::move(each);
    known.push_back(each.name);
  }
  const auto meant = nearest(name, known);
  return Error{ErrorKind::usage,
               "nothing is known of '" + name + "'" +
                   (meant.empty() ? "" : " (did you mean '" + meant + "'?)"),
               "these can be explained: " + joined(known),
               {},
               0};
}

std::string as_text(const Reference& reference) {
  std::string text = reference.name + " (" + reference.group + "): " + reference.summary + "\n";
  for (const auto& [what, value] : reference.facts) text += "  " + padded(what, 10) + value + "\n";
  if (!reference.table.fields.empty()) text += "\nKeys\n" + text_table(reference.table);
  text += "\nKeys of every " + reference.group + "\n" + text_table(reference.common);
  if (!reference.table.rules.empty()) {
    text += "\nRules\n";
    for (const auto& each : reference.table.rules) text += "  " + each + "\n";
  }
  if (const auto notes = trimmed(reference.notes); !notes.empty())
    text += "\nNotes\n" + indented(notes) + "\n";
  if (const auto example = trimmed(reference.example); !example.empty())
    text += "\nExample\n" + indented(example) + "\n";
  return text;
}

std::string as_markdown(const Reference& reference) {
  std::string text = "### " + reference.name + "\n\n" + reference.summary + "\n";
  if (!reference.facts.empty()) text += "\n";
  for (const auto& [what, value] : reference.facts) text += "- " + what + ": " + value + "\n";
  if (!reference.table.fields.empty()) text += "\n" + markdown_table(reference.table);
  if (!reference.table.rules.empty()) text += "\nRules:\n\n";
  for (const auto& each : reference.table.rules) text += "- " + each + "\n";
  if (const auto notes = trimmed(reference.notes); !notes.empty()) text += "\n" + notes + "\n";
  if (const auto example = trimmed(reference.example); !example.empty())
    text += "\n```toml\n" + example + "\n```\n";
  return text;
}

std::string faults_reference(const Registry& registry) {
  const auto all = references(registry);
  return "# Faults, probes and guards\n\n"
         "Generated by `squall explain --markdown` from the tables that parse scenarios; do not "
         "edit.\n" +
         markdown_section(all, "fault", "Faults",
                          "A fault is one disturbance. The rung says who undoes it: 1 the kernel, "
                          "2 squall by its mark, 3 squall from the value before, 4 nobody. Every "
                          "`[[fault]]` takes:") +
         markdown_section(all, "probe", "Probes",
                          "A probe is a question to the system under test. Every `[[probe]]` "
                          "takes:") +
         markdown_section(all, "guard", "Guards",
                          "A guard is a reason to abort that watches the host. Every `[[guard]]` "
                          "takes:");
}

}  // namespace squall
