// SPDX-License-Identifier: Apache-2.0
//
// Ranges of quantities are told in the description only: a schema cannot compare
// "1h" with "90m". Any value may be a text with ${name} in it.

#include "scenarios/schema.hpp"

#include "safety/guard/guard.hpp"
#include "scenarios/keys.hpp"
#include "scenarios/probe/probe.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace squall {
namespace {

using Json = nlohmann::ordered_json;

Json with_parameter() { return {{"$ref", "#/$defs/with_parameter"}}; }

bool takes(const TypeSheet& type, const std::string& json) {
  return std::find(type.json.begin(), type.json.end(), json) != type.json.end();
}

Json one_value(const TypeSheet& type) {
  Json made;
  if (!type.words.empty()) {
    made["enum"] = type.words;
    return made;
  }
  if (type.json.size() == 1)
    made["type"] = type.json.front();
  else if (!type.json.empty())
    made["type"] = type.json;
  if (!type.pattern.empty()) made["pattern"] = type.pattern;
  if (type.name != "text" && !type.example.empty() && takes(type, "string"))
    made["examples"] = Json::array({type.example});
  return made;
}

// The fallback as its JSON type; what is no number or flag is text.
Json typed(const FieldSheet& field) {
  if (takes(field.type, "string")) return field.fallback;
  auto value = Json::parse(field.fallback, nullptr, false);
  return value.is_discarded() ? Json(field.fallback) : value;
}

std::string sentence(const FieldSheet& field) {
  return field.help + (field.range.empty() ? "" : ", " + field.range);
}

Json value_schema(const FieldSheet& field) {
  const auto one = one_value(field.type);
  Json made;
  made["description"] = sentence(field);
  if (field.type.list) {
    Json items;
    items["anyOf"] = Json::array({one, with_parameter()});
    made["anyOf"] = Json::array({{{"type", "array"}, {"items", items}}, one, with_parameter()});
  } else {
    made["anyOf"] = Json::array({one, with_parameter()});
  }
  if (!field.fallback.empty() && !field.required && !field.type.list)
    made["default"] = typed(field);
  return made;
}

Json empty_object() {
  return {{"type", "object"}, {"additionalProperties", false}, {"properties", Json::object()}};
}

void require(Json& object, const std::string& name) {
  auto& names = object["required"];
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

// Puts `schema` where its dotted name belongs, making the objects on the way. An open
// name ("json.<pointer>") allows every key with its beginning.
void put(Json& object, const std::string& name, Json schema, bool required) {
  const auto dot = name.find('.');
  const auto first = name.substr(0, dot);
  if (const auto place = first.find('<'); place != std::string::npos) {
    object["patternProperties"]["^" + first.substr(0, place) + "."] = std::move(schema);
    return;
  }
  if (required) require(object, first);
  auto& properties = object["properties"];
  if (dot == std::string::npos) {
    properties[first] = std::move(schema);
    return;
  }
  if (!properties.contains(first)) properties[first] = empty_object();
  put(properties[first], name.substr(dot + 1), std::move(schema), required);
}

void put_all(Json& object, const TableSheet& sheet) {
  for (const auto& each : sheet.fields) put(object, each.name, value_schema(each), each.required);
}

Json table_schema(const TableSheet& sheet) {
  auto made = empty_object();
  put_all(made, sheet);
  return made;
}

FieldSheet over_sheet() {
  return {
      "over", "time from the start value to this one", Value<Duration>::sheet(), true, false, "",
      ""};
}

// A kind of fault, probe or guard: what all have in common, then its own.
// `kind` is a constant, so that a validator and an editor can tell the kinds apart.
Json kind_schema(const std::string& name, const std::string& summary, const TableSheet& common,
                 const TableSheet& own) {
  auto made = empty_object();
  made["title"] = name;
  made["description"] = summary;
  put_all(made, common);
  made["properties"]["kind"] = {{"const", name}, {"description", summary}};
  put_all(made, own);
  return made;
}

Json fault_schema(const FaultSheet& sheet) {
  auto made = kind_schema(sheet.name, sheet.summary, fault_keys().sheet(), sheet.params);
  for (const auto& each : sheet.params.fields) {
    if (!each.rampable) continue;
    auto end = each;
    end.fallback.clear();
    auto ramp = empty_object();
    put(ramp, "to", value_schema(end), true);
    put(ramp, "over", value_schema(over_sheet()), true);
    put(made, "ramp." + each.name, std::move(ramp), false);
  }
  return made;
}

Json list_of(const std::string& what, Json kinds) {
  return {{"type", "array"}, {"description", what}, {"items", {{"oneOf", std::move(kinds)}}}};
}

Json parameters_schema() {
  auto one = table_schema(parameter_keys().sheet());
  one["properties"]["default"] = {{"type", {"string", "number", "boolean"}},
                                  {"description", "value unless --set gives another"}};
  return {{"type", "object"},
          {"description", "values that --set overrides and ${name} stands for"},
          {"additionalProperties", one}};
}

}  // namespace

std::string scenario_schema(const Registry& registry) {
  Json faults = Json::array();
  Json probes = Json::array();
  Json guards = Json::array();
  for (const auto* fault : registry.all()) faults.push_back(fault_schema(fault->sheet()));
  for (const auto& each : probe_kinds())
    probes.push_back(kind_schema(each.name, each.summary, probe_keys().sheet(), each.sheet));
  for (const auto& each : guard_kinds())
    guards.push_back(kind_schema(each.name, each.summary, guard_keys().sheet(), each.sheet));

  auto limits = table_schema(limit_keys().sheet());
  require(limits, "max_duration");
  Json made;
  made["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  made["title"] = "squall scenario";
  made["type"] = "object";
  made["additionalProperties"] = false;
  made["required"] = {"scenario", "limits"};
  made["properties"]["scenario"] = table_schema(scenario_keys().sheet());
  made["properties"]["parameters"] = parameters_schema();
  made["properties"]["limits"] = std::move(limits);
  made["properties"]["probe"] = list_of("questions to the system under test", std::move(probes));
  made["properties"]["guard"] = list_of("reasons to abort that watch the host", std::move(guards));
  made["properties"]["fault"] = list_of("disturbances", std::move(faults));
  made["$defs"]["with_parameter"] = {{"type", "string"},
                                     {"pattern", "\\$\\{[A-Za-z0-9_-]+\\}"},
                                     {"description", "a text with a parameter in it"}};
  return made.dump(2) + "\n";
}

}  // namespace squall
