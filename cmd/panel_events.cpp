// SPDX-License-Identifier: Apache-2.0
//
// Plain lines, one per event that a person wants to know of: for pipes, CI logs and
// terminals on which nothing can be redrawn.

#include "cmd/panel.hpp"

#include <algorithm>
#include <cstdio>

namespace squall {
namespace {

std::string stamp(const Panel& panel) {
  char text[24];
  const auto tenths = panel.elapsed.count() / 100'000'000;
  std::snprintf(text, sizeof text, "%02lld:%02lld.%lld", static_cast<long long>(tenths / 600),
                static_cast<long long>(tenths / 10 % 60), static_cast<long long>(tenths % 10));
  return text;
}

std::string named(const Event& event) { return "'" + visible(event.text("fault")) + "'"; }

std::string phase_sentence(const Panel& panel, const std::string& phase) {
  if (phase == "during") return "the run begins";
  if (phase == "rollback") return "putting everything back";
  if (panel.probes.empty()) return {};
  if (phase == "before") return "asking for the steady state before anything is changed";
  return "asking for the steady state again";
}

// A probe is told when its answer changes, or it would fill the log.
std::string probe_sentence(const Panel& panel, const Event& event) {
  const auto probe = std::ranges::find(panel.probes, event.text("probe"), &PanelProbe::name);
  if (probe == panel.probes.end()) return {};
  const bool first = probe->answers == 1;
  const auto name = "probe '" + visible(probe->name) + "': ";
  if (!probe->held)
    return probe->in_a_row > 1 && probe->in_a_row != probe->tolerated
               ? ""
               : name + "breached: " + probe->said +
                     (probe->tolerated > 1 ? " (" + std::to_string(probe->in_a_row) + " of " +
                                                 std::to_string(probe->tolerated) + " in a row)"
                                           : "");
  if (first || probe->recovered) return name + "holds: " + probe->said;
  return {};
}

std::string fault_sentence(const Event& event) {
  if (event.name == "fault_active")
    return "fault " + named(event) +
           (event.text("fault") == event.text("kind") ? "" : " (" + event.text("kind") + ")") +
           " is active";
  if (event.name == "fault_ended") return "fault " + named(event) + " has ended";
  if (event.name == "fault_lost")
    return "fault " + named(event) + " waits for its target: " + visible(event.text("why"));
  if (event.name == "fault_failed")
    return "fault " + named(event) + " failed: " + visible(event.text("error"));
  if (event.name == "left")
    return "fault " + named(event) + " is not undone: " + visible(event.text("what")) + ": " +
           visible(event.text("error"));
  if (event.name == "fault_effect" && !event.text("why").empty())
    return "fault " + named(event) + " " + event.text("verdict") + ": " +
           visible(event.text("why"));
  return {};
}

std::string sentence(const Panel& panel, const Event& event) {
  if (event.name == "phase") return phase_sentence(panel, event.text("phase"));
  if (event.name == "probe_answer") return probe_sentence(panel, event);
  if (event.name.starts_with("fault_") || event.name == "left") return fault_sentence(event);
  if (event.name == "guard_word" && event.text("word") != "carry_on")
    return "guard '" + visible(event.text("guard")) + "': " + visible(event.text("why"));
  if (event.name == "abort") return "stopping: " + visible(event.text("why"));
  if (event.name == "without_safety_net")
    return "safety net '" + visible(event.text("name")) + "' is given up";
  return {};
}

}  // namespace

std::string event_line(const Panel& panel, const Event& event, const Look& look) {
  const auto text = sentence(panel, event);
  return text.empty() ? "" : look.paint(Tone::faint, stamp(panel)) + "  " + text + "\n";
}

}  // namespace squall
