// SPDX-License-Identifier: Apache-2.0
//
// The messages that all tables share.

#include "safety/base/schema.hpp"

namespace squall {
namespace {

std::string last_part(const std::string& name) { return name.substr(name.rfind('.') + 1); }

// "port" for "match.port", "mtach.port" for "match.port", "los" for "loss".
std::string meant_key(const std::string& name, const TableSheet& sheet) {
  std::vector<std::string> names;
  for (const auto& each : sheet.fields) {
    if (last_part(each.name) == last_part(name)) return each.name;
    names.push_back(each.name);
  }
  if (auto meant = nearest(name, names); !meant.empty()) return meant;
  std::vector<std::string> parts;
  for (const auto& each : names) parts.push_back(last_part(each));
  const auto part = nearest(last_part(name), parts);
  for (const auto& each : names)
    if (!part.empty() && last_part(each) == part) return each;
  return {};
}

}  // namespace

std::string Complaint::text() const {
  std::string made;
  if (!place.file.empty()) {
    made = place.file + ":";
    if (place.line > 0)
      made += std::to_string(place.line) + ":" + std::to_string(place.column) + ":";
    made += " ";
  }
  made += "error: " + what;
  if (!hint.empty()) made += "\n  hint: " + hint;
  return made;
}

std::string FieldSheet::flag() const {
  std::string made = "--" + last_part(name);
  std::replace(made.begin(), made.end(), '_', '-');
  return made;
}

std::optional<std::string> FieldSheet::rest_of(std::string_view key) const {
  if (!open()) return key == name ? std::optional(std::string()) : std::nullopt;
  const auto prefix = std::string_view(name).substr(0, name.find('<'));
  if (!key.starts_with(prefix) || key.size() == prefix.size()) return std::nullopt;
  return std::string(key.substr(prefix.size()));
}

void complain_unknown(const Setting& setting, const TableSheet& sheet, const std::string& owner,
                      Complaints& complaints) {
  std::vector<std::string> inside;
  std::vector<std::string> all;
  for (const auto& each : sheet.fields) {
    all.push_back(each.name);
    if (each.name.starts_with(setting.name + ".")) inside.push_back(last_part(each.name));
  }
  if (!inside.empty()) {
    complaints.push_back({setting.place, owner + ": '" + setting.name + "' is a table",
                          "it holds " + joined(inside) + "; write " + setting.name + " = { " +
                              inside.front() + " = … }"});
    return;
  }
  const auto meant = meant_key(setting.name, sheet);
  const auto known = all.empty() ? owner + " takes no parameters" : owner + " takes " + joined(all);
  complaints.push_back({setting.place,
                        owner + ": unknown key " + describe({setting.name, {}}) +
                            (meant.empty() ? "" : " (did you mean '" + meant + "'?)"),
                        meant.empty() ? known : ""});
}

void complain_missing(const FieldSheet& field, const std::string& owner, const Place& at,
                      Complaints& complaints) {
  const auto& json = field.type.json;
  const bool bare = std::find(json.begin(), json.end(), "string") == json.end();
  const auto example = bare ? field.type.example : "\"" + field.type.example + "\"";
  complaints.push_back({at, owner + ": '" + field.name + "' is missing",
                        "write " + field.name + " = " + example + " (" + field.help + ")"});
}

}  // namespace squall
