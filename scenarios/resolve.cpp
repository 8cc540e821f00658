// SPDX-License-Identifier: Apache-2.0

#include "scenarios/resolve.hpp"

#include "scenarios/document.hpp"
#include "scenarios/keys.hpp"
#include "scenarios/ramp_steps.hpp"

#include <algorithm>
#include <limits>

namespace squall {
namespace {

// Sums of two times that a user chose may be longer than any duration: they stop there.
Duration sum(Duration a, Duration b) {
  Duration::rep total = 0;
  return __builtin_add_overflow(a.count(), b.count(), &total) ? Duration::max() : Duration(total);
}

std::vector<std::string> names(const TableSheet& sheet) {
  std::vector<std::string> all;
  for (const auto& each : sheet.fields) all.push_back(each.name);
  return all;
}

// `strat = "5s"` is unknown to the fault, but what was meant belongs to all faults.
Settings without_misspelt(const Settings& settings, const TableSheet& own,
                          std::vector<std::string> common, const std::string& owner,
                          Complaints& complaints) {
  Settings rest;
  const auto mine = names(own);
  for (const auto& each : settings) {
    const auto first = each.name.substr(0, each.name.find('.'));
    const bool known = std::any_of(own.fields.begin(), own.fields.end(), [&](const auto& field) {
      return field.rest_of(each.name).has_value();
    });
    const auto meant = known || !nearest(each.name, mine).empty() ? "" : nearest(first, common);
    if (meant.empty())
      rest.push_back(each);
    else
      complaints.push_back(
          {each.place, owner + ": unknown key '" + each.name + "' (did you mean '" + meant + "'?)",
           ""});
  }
  return rest;
}

// Goes on after each complaint with what is left, so that a file is told everything at
// once. What was told already is not told again in other words: an entry without a kind,
// a deadline that is missing, parameters that did not parse.
class Resolver {
 public:
  Resolver(const Registry& registry, Complaints& complaints)
      : registry_(registry), complaints_(complaints) {}

  CheckedScenario resolve(Scenario scenario) {
    for (auto& each : scenario.faults) add_fault(each);
    set_ends(scenario.max_duration);
    for (const auto& each : made_.faults) check_ramps(each);
    for (const auto& each : made_.faults) check_rules_on_the_way(each);
    check_conflicts();
    for (const auto& each : scenario.probes) add_probe(each);
    for (const auto& each : scenario.guards) add_guard(each);
    made_.scenario = std::move(scenario);
    return std::move(made_);
  }

 private:
  void complain(const Place& at, std::string what, std::string hint = {}) {
    complaints_.push_back({at, std::move(what), std::move(hint)});
  }

  void add_fault(const FaultEntry& entry) {
    CheckedFault checked;
    checked.entry = entry;
    checked.slot = static_cast<unsigned>(made_.faults.size());
    auto fault = registry_.get(entry.kind);
    if (!fault && !entry.kind.empty())
      complain(entry.places.of("kind", entry.place), fault.error().what, fault.error().hint);
    // A misspelt kind is checked as the one that was meant.
    checked.fault = fault ? *fault : registry_.find(registry_.nearest_to(entry.kind));
    if (checked.fault) set_parameters(checked);
    made_.faults.push_back(std::move(checked));
  }

  void set_parameters(CheckedFault& checked) {
    const auto& sheet = checked.fault->sheet();
    auto common = names(fault_keys().sheet());
    common.emplace_back("ramp");
    const auto before = complaints_.size();
    checked.entry.settings =
        without_misspelt(checked.entry.settings, sheet.params, common, sheet.name, complaints_);
    const auto& entry = checked.entry;
    checked.params = checked.fault->parse(entry.settings, entry.place, complaints_);
    auto at_end = entry.settings;
    for (const auto& ramp : entry.ramps) set_ramp_end(ramp, sheet, at_end);
    // Parsed once more only when it was right, so that nothing is complained of twice.
    if (!entry.ramps.empty() && complaints_.size() == before)
      checked.ramped = checked.fault->parse(at_end, entry.place, complaints_);
  }

  // Turns the settings at the start into those at the end of this ramp.
  void set_ramp_end(const Ramp& ramp, const FaultSheet& sheet, Settings& settings) {
    std::vector<std::string> possible;
    for (const auto& each : sheet.params.fields)
      if (each.rampable) possible.push_back(each.name);
    const auto known = names(sheet.params);
    const auto meant = nearest(ramp.field, known);
    const auto start = std::find_if(settings.begin(), settings.end(),
                                    [&](const auto& each) { return each.name == ramp.field; });
    if (std::find(known.begin(), known.end(), ramp.field) == known.end())
      complain(ramp.place, "ramp: '" + sheet.name + "' has no '" + ramp.field + "'" +
                               (meant.empty() ? "" : " (did you mean '" + meant + "'?)"));
    else if (std::find(possible.begin(), possible.end(), ramp.field) == possible.end())
      complain(ramp.place, "ramp: '" + ramp.field + "' of '" + sheet.name + "' cannot be ramped",
               can_be_ramped(possible, sheet.name));
    else if (start == settings.end())
      complain(ramp.place, "ramp: '" + ramp.field + "' has no value to start from",
               "give the fault its '" + ramp.field + "' at the start as well");
    else
      start->raw = ramp.to;
  }

  static std::string can_be_ramped(const std::vector<std::string>& possible,
                                   const std::string& kind) {
    return possible.empty() ? "'" + kind + "' takes no ramps" : "these can: " + joined(possible);
  }

  // A fault that ends exactly at the deadline would race with it: then it is chance
  // whether the run ends by itself or is aborted. So it must end before.
  void set_ends(Duration deadline) {
    Duration latest{};
    bool any = false;
    for (const auto& each : made_.faults) {
      if (!each.entry.duration) continue;
      latest = std::max(latest, sum(each.entry.start, *each.entry.duration));
      any = true;
    }
    made_.length = any ? latest : deadline;
    for (auto& each : made_.faults) {
      const auto& entry = each.entry;
      each.end = entry.duration ? sum(entry.start, *entry.duration) : made_.length;
      if (deadline == Duration{}) continue;  // missing or wrong, which was told already
      if (entry.duration && each.end >= deadline)
        complain(entry.places.of("duration", entry.place),
                 "fault '" + entry.name + "' ends at " + to_text(each.end) +
                     ", which is not before the deadline of " + to_text(deadline) +
                     " ('max_duration')",
                 "make the fault shorter or max_duration longer");
      else if (!entry.duration && entry.start >= made_.length)
        complain(entry.places.of("start", entry.place),
                 "fault '" + entry.name + "' starts at " + to_text(entry.start) +
                     ", but the run is over at " + to_text(made_.length),
                 any ? "give it a duration of its own" : "start it earlier");
    }
  }

  void check_ramps(const CheckedFault& checked) {
    const auto& entry = checked.entry;
    const auto lasts = checked.end - entry.start;
    for (const auto& ramp : entry.ramps) {
      if (ramp.over <= Duration{})
        complain(ramp.place, "ramp: 'over' of '" + ramp.field + "' is " + to_text(ramp.over),
                 "a ramp takes time, for example over = \"30s\"");
      else if (lasts > Duration{} && ramp.over > lasts)
        complain(ramp.place,
                 "ramp: '" + ramp.field + "' takes " + to_text(ramp.over) + ", but fault '" +
                     entry.name + "' lasts only " + to_text(lasts),
                 "make the ramp shorter or the fault longer");
    }
  }

  // Both ends of the ramps were checked when they were parsed.
  void check_rules_on_the_way(const CheckedFault& checked) {
    const auto& entry = checked.entry;
    if (!checked.ramped) return;
    for (const auto& step : ramp_steps(checked)) {
      const auto rule = checked.fault->broken_rule(step.params);
      if (rule.empty()) continue;
      complain(entry.ramps.front().place,
               "ramp: fault '" + entry.name + "' breaks a rule " + to_text(step.since_start) +
                   " after its start: " + rule,
               "let its ramps take the same time");
      return;
    }
  }

  // One of the two naming the other is enough. A fault that starts when the other ends
  // does not overlap it: the schedule has ends first.
  void check_conflicts() {
    const auto refuses = [](const CheckedFault& a, const CheckedFault& b) {
      const auto& list = a.fault->sheet().conflicts;
      return std::find(list.begin(), list.end(), b.fault->sheet().name) != list.end();
    };
    for (auto later = made_.faults.begin(); later != made_.faults.end(); ++later)
      for (auto first = made_.faults.begin(); first != later; ++first) {
        if (!first->fault || !later->fault) continue;
        if (!refuses(*first, *later) && !refuses(*later, *first)) continue;
        const auto from = std::max(first->entry.start, later->entry.start);
        const auto until = std::min(first->end, later->end);
        if (from >= until) continue;
        complain(later->entry.place,
                 "fault '" + later->entry.name + "' (" + later->entry.kind + ") overlaps fault '" +
                     first->entry.name + "' (" + first->entry.kind + ") from " + to_text(from) +
                     " to " + to_text(until) + ", and the two exclude each other",
                 "let one end before the other starts");
      }
  }

  // Probes and guards, whose kinds have the same shape.
  template <class Kind, class Entry>
  typename decltype(Kind::make)::result_type make(const std::vector<Kind>& kinds,
                                                  const Entry& entry, const std::string& what,
                                                  const TableSheet& common) {
    if (entry.kind.empty()) return nullptr;
    std::vector<std::string> known;
    for (const auto& each : kinds) known.push_back(each.name);
    auto kind = std::find(known.begin(), known.end(), entry.kind);
    if (kind == known.end()) {
      const auto meant = nearest(entry.kind, known);
      complain(entry.places.of("kind", entry.place),
               "unknown " + what + " '" + entry.kind + "'" +
                   (meant.empty() ? "" : " (did you mean '" + meant + "'?)"),
               "the kinds of " + what + "s are " + joined(known));
      kind = std::find(known.begin(), known.end(), meant);
    }
    if (kind == known.end()) return nullptr;
    const auto& chosen = kinds[static_cast<std::size_t>(kind - known.begin())];
    const auto settings =
        without_misspelt(entry.settings, chosen.sheet, names(common), chosen.name, complaints_);
    return chosen.make(settings, entry.place, complaints_);
  }

  void add_probe(const ProbeEntry& entry) {
    made_.probes.push_back({entry, make(probe_kinds(), entry, "probe", probe_keys().sheet())});
  }

  void add_guard(const GuardEntry& entry) {
    made_.guards.push_back({entry, make(guard_kinds(), entry, "guard", guard_keys().sheet())});
  }

  const Registry& registry_;
  Complaints& complaints_;
  CheckedScenario made_;
};

}  // namespace

std::optional<CheckedScenario> resolve(Scenario scenario, const Registry& registry,
                                       Complaints& complaints) {
  auto checked = Resolver(registry, complaints).resolve(std::move(scenario));
  sort_by_place(complaints);
  if (!complaints.empty()) return std::nullopt;
  return checked;
}

}  // namespace squall
