// SPDX-License-Identifier: Apache-2.0
//
// Document to model: the keys that all scenarios, probes, guards and faults share
// get their types; the others wait for their kind. The model is as complete as the
// file allows, so that resolve can add its complaints to those made here.

#include "scenarios/document.hpp"
#include "scenarios/keys.hpp"

#include <algorithm>
#include <map>

namespace squall {
namespace {

constexpr std::string_view kRamp = "ramp.";

// A name stands on terminals and in reports of one line.
void check_name(const std::string& name, const Place& at, Complaints& complaints) {
  constexpr std::size_t kLongest = 100;
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F;
  });
  if (!plain || name.size() > kLongest)
    complaints.push_back({at, "the name is longer than 100 bytes or holds a line break", ""});
}

// Takes the keys that `entry` shares with its siblings; the rest is left in its settings.
template <class Entry>
Settings split(const Section& section, const Table<Entry>& table, Settings& rest, Places& places) {
  Settings common;
  const auto sheet = table.sheet();
  for (const auto& each : section.settings) {
    const bool known = std::any_of(sheet.fields.begin(), sheet.fields.end(),
                                   [&](const auto& field) { return field.name == each.name; });
    (known ? common : rest).push_back(each);
    places[each.name] = each.raw.place;
  }
  return common;
}

template <class Entry>
Entry read_entry(const Section& section, const Table<Entry>& table, const std::string& owner,
                 Complaints& complaints) {
  Settings rest;
  Places places;
  auto entry = table.parse(split(section, table, rest, places), owner, section.place, complaints);
  entry.settings = std::move(rest);
  entry.place = section.place;
  entry.places = std::move(places);
  return entry;
}

// "ramp.loss.to" and "ramp.loss.over" leave the settings and become one ramp.
std::vector<Ramp> take_ramps(Settings& settings, Complaints& complaints) {
  struct Parts {
    const Setting* to = nullptr;
    const Setting* over = nullptr;
    Place place;
  };
  std::map<std::string, Parts> found;
  const auto complain = [&](const Setting& at, const std::string& what) {
    complaints.push_back(
        {at.place, what, "write ramp = { loss = { to = \"10%\", over = \"30s\" } }"});
  };
  for (const auto& each : settings) {
    if (each.name != "ramp" && !each.name.starts_with(kRamp)) continue;
    const auto path = each.name.substr(std::min(kRamp.size(), each.name.size()));
    const auto dot = path.rfind('.');
    const auto last = dot == std::string::npos ? "" : path.substr(dot + 1);
    if (last != "to" && last != "over") {
      complain(each, "'" + each.name + "' is not the `to` or `over` of a ramp");
      continue;
    }
    auto& parts = found.try_emplace(path.substr(0, dot), Parts{{}, {}, each.place}).first->second;
    (last == "to" ? parts.to : parts.over) = &each;
  }
  std::vector<Ramp> ramps;
  for (const auto& [field, parts] : found) {
    if (!parts.to || !parts.over) {
      complain(parts.to ? *parts.to : *parts.over,
               "the ramp of '" + field + "' has no `" + (parts.to ? "over" : "to") + "`");
      continue;
    }
    auto over = Value<Duration>::parse(parts.over->raw);
    if (parts.over->raw.broken) continue;
    if (!over)
      complaints.push_back(
          {parts.over->raw.place, parts.over->name + ": " + over.error().what, over.error().hint});
    else
      ramps.push_back({field, parts.to->raw, *over, parts.over->raw.place});
  }
  std::erase_if(settings, [](const auto& each) {
    return each.name == "ramp" || each.name.starts_with(kRamp);
  });
  return ramps;
}

ProbeEntry read_probe(const Section& section, Complaints& complaints) {
  const auto before = complaints.size();
  auto probe = read_entry(section, probe_keys(), "[[probe]]", complaints);
  const auto place = [&](const std::string& key) { return probe.places.of(key, probe.place); };
  const auto complained = [&](const Place& at) {
    return std::any_of(complaints.begin() + static_cast<std::ptrdiff_t>(before), complaints.end(),
                       [&](const auto& each) { return each.place == at; });
  };
  if (probe.name.empty()) probe.name = probe.kind;
  // A timeout that nobody wrote must not be one that is then complained of.
  if (!probe.places.contains("timeout")) probe.timeout = std::min(probe.timeout, probe.every);
  if (probe.timeout > probe.every && !complained(place("timeout")) && !complained(place("every")))
    complaints.push_back({place("timeout"),
                          "timeout: " + to_text(probe.timeout) + " is longer than every " +
                              to_text(probe.every) + ", so questions would overlap",
                          "make the timeout shorter or ask less often"});
  if (probe.when.empty())
    complaints.push_back(
        {place("when"), "when: the list is empty", "name at least one of before, during, after"});
  return probe;
}

FaultEntry read_fault(const Section& section, Complaints& complaints) {
  auto fault = read_entry(section, fault_keys(), "[[fault]]", complaints);
  if (fault.name.empty()) fault.name = fault.kind;
  fault.ramps = take_ramps(fault.settings, complaints);
  return fault;
}

template <class Entry>
void refuse_duplicates(const std::vector<Entry>& entries, const std::string& kind,
                       Complaints& complaints) {
  std::map<std::string, const Entry*> seen;
  for (const auto& each : entries) {
    const auto at = each.places.of("name", each.place);
    check_name(each.name, at, complaints);
    const auto [first, fresh] = seen.try_emplace(each.name, &each);
    if (fresh || each.name.empty()) continue;
    const auto line = first->second->places.of("name", first->second->place).line;
    complaints.push_back(
        {at,
         "the " + kind + " in line " + std::to_string(line) + " is also named '" + each.name + "'",
         "give each " + kind + " a name of its own"});
  }
}

// max_duration is not marked as required in its table: a deadline deserves a better
// message than "missing", also when the whole section is.
void read_limits(const Document& document, Scenario& scenario, Complaints& complaints) {
  const Section none{{scenario.file, 0, 0}, {}};
  const auto& section = document.limits ? *document.limits : none;
  auto limits = limit_keys().parse(section.settings, "[limits]", section.place, complaints);
  scenario.max_duration = limits.max_duration;
  scenario.seed = limits.seed;
  for (const auto net : limits.without) scenario.without.emplace_back(word(net));
  const bool given = std::any_of(section.settings.begin(), section.settings.end(),
                                 [](const auto& each) { return each.name == "max_duration"; });
  if (!given)
    complaints.push_back({section.place, "the scenario has no 'max_duration'",
                          "add its deadline under [limits], for example max_duration = \"5m\"; "
                          "everything is rolled back when that time is over"});
}

}  // namespace

Scenario assemble(const Document& document, const std::string& file, Complaints& complaints) {
  const Section none{{file, 0, 0}, {}};
  const auto& header = document.scenario ? *document.scenario : none;
  auto scenario = scenario_keys().parse(header.settings, "[scenario]", header.place, complaints);
  check_name(scenario.name, header.place, complaints);
  scenario.file = file;
  read_limits(document, scenario, complaints);
  for (const auto& each : document.probes) scenario.probes.push_back(read_probe(each, complaints));
  for (const auto& each : document.guards)
    scenario.guards.push_back(read_entry(each, guard_keys(), "[[guard]]", complaints));
  for (const auto& each : document.faults) scenario.faults.push_back(read_fault(each, complaints));
  refuse_duplicates(scenario.probes, "probe", complaints);
  refuse_duplicates(scenario.faults, "fault", complaints);
  return scenario;
}

}  // namespace squall
