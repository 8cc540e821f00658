// SPDX-License-Identifier: Apache-2.0
//
// Asks the probes of a scenario: each once or a few times before and after the
// faults, and at its own interval meanwhile; counts consecutive breaches.

#pragma once

#include "safety/event_log.hpp"
#include "scenarios/run.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace squall {

class Probing {
 public:
  // A probe's tolerance was exceeded: which, and what it saw.
  using Breach = std::function<void(const ProbeEntry&, const std::string& why)>;

  Probing(Loop& loop, std::vector<CheckedProbe>& probes, EventLog& log, Breach breach);
  ~Probing();

  // Before and after: asks until each probe has held once or breached as often as its
  // tolerance allows. `done` gets the first failure, or "". After a run, a probe that was to
  // be asked meanwhile and never answered is a breach.
  void ask_all(Phase phase, std::function<void(std::string failure)> done);
  void start();  // during: every probe at its interval
  void stop();

  void report(RunResult& result) const;
  std::vector<std::pair<std::string, std::string>> last_answers() const;

 private:
  struct One;
  void note_unanswered();
  void ask_each(Phase phase);
  void ask(One& one, Phase phase);
  void answered(One& one, Phase phase, const ProbeAnswer& answer);
  void settled(const std::string& failure);
  void finish_phase();

  Loop& loop_;
  std::vector<std::unique_ptr<One>> probes_;
  EventLog& log_;
  Breach breach_;
  std::function<void(std::string)> phase_done_;
  bool during_ = false;  // it has begun
  std::size_t unsettled_ = 0;
  std::string failure_;
  Watch finish_;
};

}  // namespace squall
