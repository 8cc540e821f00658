// SPDX-License-Identifier: Apache-2.0
//
// [parameters], --set, and ${name} in texts. A value is put in before its type is
// known, so its place stays that of the scenario; what is put in is not searched
// for further parameters.

#include "scenarios/document.hpp"
#include "scenarios/keys.hpp"

#include <algorithm>
#include <set>

namespace squall {
namespace {

// Parameters may be repeated, so their total is bounded, not their length.
constexpr std::size_t kMostPutIn = 4UL << 20;

bool is_name(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

// A default may be written as what it is: 9001, true, "5%".
Raw as_text(Raw raw) {
  if (!std::holds_alternative<std::string>(raw.value) &&
      !std::holds_alternative<Raw::List>(raw.value))
    raw.value = describe(raw);
  return raw;
}

struct Declared {
  std::string name;
  Place place;
  Settings keys;
};

std::vector<Declared> declared(const Section& section, Complaints& complaints) {
  std::vector<Declared> all;
  for (const auto& setting : section.settings) {
    const auto dot = setting.name.find('.');
    const auto name = setting.name.substr(0, dot);
    if (dot == std::string::npos || !is_name(name)) {
      complaints.push_back({setting.place,
                            dot == std::string::npos
                                ? "the parameter '" + name + "' is not a table"
                                : "the name of the parameter '" + name +
                                      "' is not made of letters, digits, '_' and '-'",
                            "write it like this: loss = { default = \"1%\", help = \"share of "
                            "packets lost\" }"});
      continue;
    }
    auto known =
        std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.name == name; });
    if (known == all.end()) known = all.insert(known, {name, setting.place, {}});
    known->keys.push_back({setting.name.substr(dot + 1), as_text(setting.raw), setting.place});
  }
  return all;
}

// The last one counts, as with any option that is given twice.
const std::string* override_of(const std::string& name, const Overrides& overrides) {
  const std::string* last = nullptr;
  for (const auto& [each, value] : overrides)
    if (each == name) last = &value;
  return last;
}

std::vector<std::string> names(const std::vector<ScenarioParameter>& parameters) {
  std::vector<std::string> all;
  for (const auto& each : parameters) all.push_back(each.name);
  return all;
}

Complaint unknown(const std::string& what, const std::string& name, const Place& at,
                  const std::vector<ScenarioParameter>& parameters, const std::string& otherwise) {
  const auto meant = nearest(name, names(parameters));
  return {at, what + " '" + name + "'" + (meant.empty() ? "" : " (did you mean '" + meant + "'?)"),
          meant.empty() ? otherwise : ""};
}

class Substitution {
 public:
  // `missing` are the names of those that have no value.
  Substitution(const std::vector<ScenarioParameter>& parameters, std::set<std::string> missing,
               Complaints& complaints)
      : parameters_(parameters), missing_(std::move(missing)), complaints_(complaints) {}

  void apply(Section& section) {
    for (auto& each : section.settings) apply(each.raw);
  }

 private:
  void apply(Raw& raw) {
    if (auto* list = std::get_if<Raw::List>(&raw.value))
      for (auto& each : *list) {
        apply(each);
        raw.broken = raw.broken || each.broken;
      }
    auto* text = std::get_if<std::string>(&raw.value);
    if (!text || text->find("${") == std::string::npos) return;
    std::string made;
    std::size_t from = 0;
    for (auto at = text->find('$'); at != std::string::npos; at = text->find('$', from)) {
      made.append(*text, from, at - from);
      if (text->compare(at, 3, "$${") == 0) {
        made += "${";
        from = at + 3;
      } else if (text->compare(at, 2, "${") == 0) {
        const auto end = text->find('}', at);
        if (end == std::string::npos) return complain_open(raw);
        // Only a value that is wholly a parameter is typed like a flag: "${port}" may
        // become a number, "port ${port}" stays text.
        raw.from_flag = at == 0 && end + 1 == text->size();
        put_in(text->substr(at + 2, end - at - 2), raw, made);
        from = end + 1;
      } else {
        made += '$';
        from = at + 1;
      }
    }
    made.append(*text, from);
    raw.value = std::move(made);
  }

  void put_in(const std::string& name, Raw& raw, std::string& made) {
    const auto found = std::find_if(parameters_.begin(), parameters_.end(),
                                    [&](const auto& each) { return each.name == name; });
    if (found == parameters_.end()) {
      complaints_.push_back(unknown("unknown parameter", name, raw.place, parameters_,
                                    "declare it under [parameters]"));
      raw.broken = true;
      return;
    }
    raw.broken = raw.broken || missing_.contains(name);
    put_in_ += found->value.size();
    if (put_in_ <= kMostPutIn) {
      made += found->value;
    } else if (!complained_) {
      complaints_.push_back(
          {raw.place, "the parameters of this file add up to more than 4 MiB", ""});
      complained_ = true;
    }
  }

  void complain_open(Raw& raw) {
    raw.broken = true;
    complaints_.push_back(
        {raw.place, "a '${' has no '}'", "write $${ where the text itself holds a ${"});
  }

  const std::vector<ScenarioParameter>& parameters_;
  const std::set<std::string> missing_;
  Complaints& complaints_;
  std::size_t put_in_ = 0;
  bool complained_ = false;
};

// Those that the file declares, with their values; `missing` gets the names of those without.
std::vector<ScenarioParameter> with_values(const Section& section, const Overrides& overrides,
                                           std::set<std::string>& missing, Complaints& complaints) {
  std::vector<ScenarioParameter> parameters;
  for (const auto& each : declared(section, complaints)) {
    const auto keys =
        parameter_keys().parse(each.keys, "parameter '" + each.name + "'", each.place, complaints);
    const auto* given = override_of(each.name, overrides);
    parameters.push_back(
        {each.name, given ? *given : keys.fallback.value_or(""), keys.help, given != nullptr});
    if (given || keys.fallback) continue;
    missing.insert(each.name);
    complaints.push_back({each.place, "the parameter '" + each.name + "' has no value",
                          "give it a default, or pass --set " + each.name + "=…"});
  }
  return parameters;
}

void check_overrides(const Overrides& overrides, const std::vector<ScenarioParameter>& parameters,
                     Complaints& complaints) {
  const auto known = names(parameters);
  for (const auto& [name, value] : overrides)
    if (std::find(known.begin(), known.end(), name) == known.end())
      complaints.push_back(unknown("--set: the scenario has no parameter", name, {}, parameters,
                                   "it declares " + (known.empty() ? "none" : joined(known))));
}

}  // namespace

std::vector<ScenarioParameter> put_in_parameters(Document& document, const Overrides& overrides,
                                                 Complaints& complaints) {
  std::vector<ScenarioParameter> parameters;
  std::set<std::string> missing;
  if (document.parameters)
    parameters = with_values(*document.parameters, overrides, missing, complaints);
  check_overrides(overrides, parameters, complaints);
  Substitution substitution(parameters, std::move(missing), complaints);
  for (auto* section : {&document.scenario, &document.limits})
    if (*section) substitution.apply(**section);
  for (auto* sections : {&document.probes, &document.guards, &document.faults})
    for (auto& each : *sections) substitution.apply(each);
  return parameters;
}

}  // namespace squall
