// SPDX-License-Identifier: Apache-2.0
//
// Live progress of a run: a model that events keep up to date, and a pure function
// that draws it.

#pragma once

#include "cmd/look.hpp"
#include "scenarios/run.hpp"

#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace squall {

struct PanelFault {
  std::string name, kind;
  Duration start{};
  Duration end{};  // after the run's start; where it is planned to end
  enum class State { waiting, active, ended, failed } state = State::waiting;
  Duration since{};                 // when it became active
  Duration lasted{};                // once ended
  std::vector<std::string> ramped;  // parameters that move
  std::string strength;             // their values now
  std::string verdict;              // of its effect check
  std::string why;                  // of a failure
};

struct PanelProbe {
  std::string name;
  int tolerated = 1;  // consecutive breaches that count
  bool asked = false;
  bool held = true;
  std::string said;                         // last answer, or why it was a breach
  std::deque<std::optional<double>> trend;  // newest last; none: a breach without a number
  int in_a_row = 0;
  bool recovered = false;  // the last answer held, the one before did not
  unsigned long breaches = 0;
  unsigned long answers = 0;
};

struct PanelGuard {
  std::string name;
  std::string word = "carry_on";
  std::string value;
};

struct Panel {
  std::string name, hypothesis, run;
  std::uint64_t seed = 0;
  bool seeded = false;
  std::string phase = "before";  // during, rollback, after, finished
  std::int64_t start_ns = 0;     // CLOCK_MONOTONIC when the schedule began; 0: not yet
  Duration elapsed{};            // since then
  Duration length{};
  std::string stopping;  // why the run is being aborted
  std::vector<PanelFault> faults;
  std::vector<PanelProbe> probes;
  std::vector<PanelGuard> guards;
};

constexpr std::size_t kTrend = 30;  // answers that a sparkline shows

Panel panel_of(const CheckedScenario& checked);
void apply(Panel& panel, const Event& event);
// At most `rows` lines, none wider than the look.
std::vector<std::string> panel_lines(const Panel& panel, const Look& look, int rows);
// What happened, in one sentence for a log of plain lines; "" for what is not told there.
std::string event_line(const Panel& panel, const Event& event, const Look& look);

// ▁▂▃▄▅▆▇█ between the least and the largest of the values; × for a breach without one.
std::string sparkline(const std::deque<std::optional<double>>& trend, const Look& look);
std::string clock_text(Duration since);  // "00:12", "1:02:03"
std::string bar(double share, int width, const Look& look);

}  // namespace squall
