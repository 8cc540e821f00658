// SPDX-License-Identifier: Apache-2.0

#include "cmd/panel.hpp"

#include <algorithm>

namespace squall {
namespace {

std::int64_t number(const Event& event, const std::string& key, std::int64_t otherwise = 0) {
  const auto* found = event.find(key);
  if (!found) return otherwise;
  if (const auto* whole = std::get_if<std::int64_t>(found)) return *whole;
  if (const auto* large = std::get_if<std::uint64_t>(found))
    return static_cast<std::int64_t>(*large);
  if (const auto* real = std::get_if<double>(found)) return static_cast<std::int64_t>(*real);
  return otherwise;
}

std::optional<double> value(const Event& event) {
  const auto* found = event.find("value");
  if (!found) return {};
  if (const auto* real = std::get_if<double>(found)) return *real;
  if (const auto* whole = std::get_if<std::int64_t>(found)) return static_cast<double>(*whole);
  return {};
}

bool truth(const Event& event, const std::string& key) {
  const auto* found = event.find(key);
  const auto* flag = found ? std::get_if<bool>(found) : nullptr;
  return flag && *flag;
}

PanelFault* fault_of(Panel& panel, const Event& event) {
  const auto slot = static_cast<std::size_t>(number(event, "slot", -1));
  return slot < panel.faults.size() ? &panel.faults[slot] : nullptr;
}

void apply_probe(Panel& panel, const Event& event) {
  const auto probe = std::ranges::find(panel.probes, event.text("probe"), &PanelProbe::name);
  if (probe == panel.probes.end()) return;
  probe->asked = true;
  const bool held = truth(event, "held");
  probe->recovered = held && !probe->held;
  probe->held = held;
  ++probe->answers;
  if (!probe->held) ++probe->breaches;
  probe->in_a_row = static_cast<int>(number(event, "breaches", probe->held ? 0 : 1));
  probe->said = visible(probe->held ? event.text("said") : event.text("why"));
  if (probe->said.empty()) probe->said = visible(event.text("said"));
  probe->trend.push_back(value(event));
  if (probe->trend.size() > kTrend) probe->trend.pop_front();
}

void apply_guard(Panel& panel, const Event& event) {
  const auto name = event.text("guard");
  auto guard = std::ranges::find(panel.guards, name, &PanelGuard::name);
  if (guard == panel.guards.end()) guard = panel.guards.insert(panel.guards.end(), {name, {}, {}});
  guard->word = event.text("word");
  guard->value = visible(event.text("value"));
}

// Of "interface='eth0' loss='7.2%'" only what moves: "loss 7.2%".
std::string moving(const std::string& strength, const std::vector<std::string>& ramped) {
  std::string text;
  for (const auto& name : ramped) {
    const auto at = (" " + strength).find(" " + name + "=");
    if (at == std::string::npos) continue;
    const auto from = at + name.size() + 1;
    auto value = strength.substr(from, strength.find(' ', from) - from);
    std::erase(value, '\'');
    text += (text.empty() ? "" : ", ") + name + " " + visible(value);
  }
  return text;
}

void apply_fault(Panel& panel, const Event& event) {
  auto* fault = fault_of(panel, event);
  if (!fault) return;
  if (event.name == "fault_active") {
    fault->state = PanelFault::State::active;
    fault->since = panel.elapsed;
  } else if (event.name == "fault_adjusted") {
    fault->strength = moving(event.text("strength"), fault->ramped);
  } else if (event.name == "fault_effect") {
    fault->verdict = event.text("verdict");
  } else if (event.name == "fault_ended") {
    if (fault->state == PanelFault::State::failed) return;  // ended, but it never was as asked
    fault->state = PanelFault::State::ended;
    fault->lasted = Duration(number(event, "active_ns"));
  } else if (event.name == "fault_failed") {
    fault->state = PanelFault::State::failed;
    fault->why = visible(event.text("error"));
  } else if (event.name == "left") {
    fault->state = PanelFault::State::failed;
    fault->why = "not undone: " + visible(event.text("error"));
  }
}

}  // namespace

Panel panel_of(const CheckedScenario& checked) {
  Panel panel;
  panel.name = visible(checked.scenario.name);
  panel.hypothesis = visible(checked.scenario.hypothesis);
  panel.length = checked.length;
  for (const auto& each : checked.faults) {
    PanelFault fault;
    fault.name = visible(each.entry.name);
    fault.kind = each.entry.kind;
    fault.start = each.entry.start;
    fault.end = each.end;
    for (const auto& ramp : each.entry.ramps) fault.ramped.push_back(ramp.field);
    panel.faults.push_back(std::move(fault));
  }
  for (const auto& each : checked.probes) {
    PanelProbe probe;
    probe.name = each.entry.name;
    probe.tolerated = each.entry.breaches;
    panel.probes.push_back(std::move(probe));
  }
  for (const auto& each : checked.guards) panel.guards.push_back({each.guard->name(), {}, {}});
  return panel;
}

void apply(Panel& panel, const Event& event) {
  if (panel.start_ns) panel.elapsed = Duration(event.monotonic_ns - panel.start_ns);
  if (event.name == "probe_answer") return apply_probe(panel, event);
  if (event.name == "guard_word") return apply_guard(panel, event);
  if (event.name.starts_with("fault_") || event.name == "left") return apply_fault(panel, event);
  if (event.name == "run_started") {
    panel.seed = static_cast<std::uint64_t>(number(event, "seed"));
    panel.seeded = true;
  } else if (event.name == "phase") {
    panel.phase = event.text("phase");
    if (panel.phase == "during") panel.start_ns = event.monotonic_ns;
  } else if (event.name == "run_finished") {
    panel.phase = event.text("outcome") == "not clean" ? "rollback" : "finished";
  } else if (event.name == "abort") {
    panel.stopping = visible(event.text("why"));
  }
}

}  // namespace squall
