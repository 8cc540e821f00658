// SPDX-License-Identifier: Apache-2.0

#include "cmd/inject.hpp"

#include <algorithm>

namespace squall {
namespace {

// After the fault's own end: for its rollback and the comparison.
constexpr Duration kGrace = 5s;

Error wrong(std::string what, std::string hint) {
  return {ErrorKind::usage, std::move(what), std::move(hint), {}, 0};
}

Raw typed(std::string text) { return {std::move(text), {}, true}; }

Result<Ramp> ramp_of(const std::string& text) {
  const auto equals = text.find('=');
  const auto slash = text.rfind('/');
  if (equals == text.npos || equals == 0 || slash == text.npos || slash < equals)
    return wrong("'" + text + "' is not a ramp", "write --ramp loss=10%/30s: parameter, end, time");
  SQUALL_TRY(const auto over, parse_duration(text.substr(slash + 1)));
  return Ramp{text.substr(0, equals), typed(text.substr(equals + 1, slash - equals - 1)), over, {}};
}

// --ramp takes the short name of a parameter as well, as its flag does.
std::string full_name(const FaultSheet& sheet, const std::string& name) {
  std::string found;
  for (const auto& each : sheet.params.fields) {
    if (each.name == name) return name;
    if (each.name.ends_with("." + name)) found = found.empty() ? each.name : name;
  }
  return found.empty() ? name : found;
}

std::string quoted(const std::string& text) {
  std::string made = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') made += '\\';
    made += c;
  }
  return made + "\"";
}

// As TOML wants it: words and quantities in quotes, numbers and flags bare.
std::string toml_value(const FaultSheet& sheet, const std::string& name, const std::string& text) {
  const auto field = std::ranges::find(sheet.params.fields, name, &FieldSheet::name);
  if (field == sheet.params.fields.end()) return quoted(text);
  const auto& json = field->type.json;
  const bool bare = std::ranges::find(json, "string") == json.end();
  if (!field->type.list) return bare ? text : quoted(text);
  std::string list = "[";
  for (std::size_t at = 0; at <= text.size();) {
    const auto comma = std::min(text.find(',', at), text.size());
    const auto one = text.substr(at, comma - at);
    list += (at ? ", " : "") + (bare ? one : quoted(one));
    at = comma + 1;
  }
  return list + "]";
}

// The journal keeps the scenario as a file that could have been run.
std::string toml_text(const FaultSheet& sheet, const Scenario& scenario) {
  const auto& fault = scenario.faults.front();
  auto text = "[scenario]\nname = " + quoted(scenario.name) +
              "\n\n[limits]\nmax_duration = " + quoted(to_text(scenario.max_duration)) +
              "\n\n[[fault]]\nkind = " + quoted(fault.kind) +
              "\nduration = " + quoted(to_text(*fault.duration)) + "\n";
  for (const auto& each : fault.settings)
    text += each.name + " = " +
            toml_value(sheet, each.name, std::get<std::string>(each.raw.value)) + "\n";
  for (const auto& each : fault.ramps)
    text += "ramp." + each.field +
            " = { to = " + toml_value(sheet, each.field, std::get<std::string>(each.to.value)) +
            ", over = " + quoted(to_text(each.over)) + " }\n";
  return text;
}

}  // namespace

Result<Scenario> scenario_of(const FaultSheet& sheet, const InjectFlags& flags) {
  auto duration = parse_duration(flags.duration);
  if (!duration) {
    auto error = std::move(duration).error();
    error.what = "--for: " + error.what;
    error.kind = ErrorKind::usage;
    return error;
  }
  FaultEntry fault;
  fault.name = sheet.name;
  fault.kind = sheet.name;
  fault.duration = *duration;
  for (const auto& [name, value] : flags.settings)
    fault.settings.push_back({name, typed(value), {}});
  for (const auto& each : flags.ramps) {
    SQUALL_TRY(auto ramp, ramp_of(each));
    ramp.field = full_name(sheet, ramp.field);
    fault.ramps.push_back(std::move(ramp));
  }
  Scenario scenario;
  scenario.name = "inject " + sheet.name;
  scenario.max_duration = *duration + kGrace;
  scenario.faults.push_back(std::move(fault));
  scenario.text = toml_text(sheet, scenario);
  return scenario;
}

}  // namespace squall
