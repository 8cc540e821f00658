// SPDX-License-Identifier: Apache-2.0
//
// One execution of a scenario: preflight, steady state before, the schedule with
// probes and guards, rollback, comparison, steady state after, verdict.

#pragma once

#include "safety/event_log.hpp"
#include "safety/paths.hpp"
#include "scenarios/resolve.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace squall {

enum class Outcome { held, deviated, refused, aborted, not_clean, internal_error };
template <>
struct Words<Outcome> {
  static constexpr std::pair<Outcome, std::string_view> list[] = {
      {Outcome::held, "held"},           {Outcome::deviated, "deviated"},
      {Outcome::refused, "refused"},     {Outcome::aborted, "aborted"},
      {Outcome::not_clean, "not clean"}, {Outcome::internal_error, "internal error"}};
};

struct FaultReport {
  std::string name;
  std::string kind;
  unsigned slot = 0;
  bool injected = false;
  std::int64_t started_ns = 0;  // after the run's start
  std::int64_t active_ns = 0;
  std::string requested;  // "loss=5% match.port=9001": what differs from the defaults
  Effect effect;
  std::string error;  // why it could not be injected, adjusted or undone
};

struct ProbeReport {
  struct Count {
    std::uint64_t asked = 0;
    std::uint64_t breached = 0;
  };
  std::string name;
  std::string kind;
  Count before, during, after;
  bool held = true;    // its tolerance was never exceeded, in no phase, and it was answered
  std::string breach;  // the first counted breach: "latency 71ms is not < 50ms"
  std::string last;    // what was seen last
  std::int64_t p50_ns = 0, p99_ns = 0, max_ns = 0;  // latency while faults were active
};

struct Residue {
  std::string what;     // "program squall_loss on eth0 of namespace gw"
  std::string by_hand;  // how a person removes it
};

struct RunResult {
  std::string run;
  std::string scenario;
  std::string hypothesis;
  std::string file;
  std::uint64_t seed = 0;
  std::vector<ScenarioParameter> parameters;  // as used
  Outcome outcome = Outcome::internal_error;
  int exit_code = 70;
  std::string reason;  // of an abort, a refusal or a deviation
  std::string hint;
  std::string started;           // RFC 3339
  std::int64_t duration_ns = 0;  // of the whole run
  std::int64_t rollback_ns = 0;  // from the decision to stop until the last change was undone
  std::vector<FaultReport> faults;
  std::vector<ProbeReport> probes;
  std::vector<std::string> guards;   // names
  std::vector<std::string> without;  // safety nets given up
  std::size_t changes = 0;           // made and undone
  std::size_t compared = 0;          // facts read before and again after
  std::vector<std::string> foreign;  // differences that others made meanwhile
  std::vector<Residue> residue;
  std::vector<std::string> notes;  // what else a reader of the verdict must know
  std::string directory;
};

// The events of a run, for the log, --json and live progress. A fault is known by its slot.
//   run_started     scenario hypothesis seed parameters ("loss='2%'") length_ns max_duration_ns
//   phase           phase (before, during, rollback, after)
//   probe_answer    probe phase held said why value latency_ns breaches (consecutive ones so far)
//   breach          probe why action (abort, record): consecutive ones that count, during the run
//   guard_word      guard word (carry_on, abort, blind) value why
//   fault_active    slot fault kind
//   fault_adjusted  slot fault strength ("loss=7.2%")
//   fault_effect    slot fault verdict why counters (an object; pressure (PSI) among them)
//   fault_ended     slot fault active_ns
//   fault_lost      slot fault why: it was taken back, and waits for its target; then fault_active
//   fault_failed    slot fault error (of its injection, of a new strength, or lost while active)
//   draining        slot fault what: packets on their way, waited for before the last undo
//   left            slot fault what error by_hand: could not be undone
//   abort           by why decided_ns
//   rolled_back     changes left took_ns
//   journal_trouble what
//   compared        facts differences
//   run_finished    outcome exit_code reason
//   without_safety_net  name
//   watchdog_lacks  what

struct RunOptions {
  std::optional<std::uint64_t> seed;
  std::vector<std::string> without;
  EventLog::Listener listener;         // each event, as it happens
  std::function<void()> every_second;  // redraw of live progress; null: no such wake-up
  std::string watchdog_program;        // path of squall-watchdog
};

struct PlannedFault {
  const CheckedFault* checked = nullptr;
  Plan plan;
};

// Reads the host and refuses what cannot work: missing needs, unknown targets, conflicts, spared
// processes. Writes nothing. All refusals are in the error, one per line.
Result<std::vector<PlannedFault>> plan_run(const CheckedScenario&, const Machine&,
                                           const std::string& mark,  // six hex digits
                                           const std::vector<std::string>& without,
                                           std::uint64_t seed);

RunResult run_scenario(CheckedScenario&, Machine&, const Registry&, const Paths&,
                       const RunOptions&);

// squall status / abort, over the control socket. nullopt: no run is active.
struct ActiveFault {
  std::string name, kind, state;  // "waiting", "active", "ended", "failed", "not undone"
  std::int64_t since_ns = 0, left_ns = 0;
};
struct RunStatus {
  std::string run, scenario;
  int pid = 0;
  std::int64_t elapsed_ns = 0, left_ns = 0;
  std::vector<ActiveFault> faults;
  std::vector<std::pair<std::string, std::string>> probes;  // name, last answer
};
std::string to_json(const RunStatus&);
Result<std::optional<RunStatus>> ask_status(const Paths&);
// Returns when the run has rolled back.
Result<std::optional<std::string>> ask_abort(const Paths&, const std::string& run);  // run or ""

}  // namespace squall
