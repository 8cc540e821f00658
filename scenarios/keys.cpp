// SPDX-License-Identifier: Apache-2.0

#include "scenarios/keys.hpp"

#include <limits>

namespace squall {
namespace {

// Longer runs are mistakes of the unit, or no experiments.
constexpr Duration kLongest = 24h * 30;

}  // namespace

const Table<Scenario>& scenario_keys() {
  static const Table<Scenario> table(
      {field("name", &Scenario::name, "name of the scenario").required(),
       field("description", &Scenario::description, "what it is about"),
       field("hypothesis", &Scenario::hypothesis, "what should stay true, in words"),
       field("owner", &Scenario::owner, "team or person to ask"),
       field("tags", &Scenario::tags, "words to find it by")});
  return table;
}

const Table<Limits>& limit_keys() {
  static const Table<Limits> table(
      {field("max_duration", &Limits::max_duration, "deadline of the whole run")
           .range(Duration(1ms), kLongest),
       field("seed", &Limits::seed, "start of every random choice; drawn and reported if missing"),
       field("without", &Limits::without, "safety nets given up, by name")});
  return table;
}

const Table<ParameterKeys>& parameter_keys() {
  static const Table<ParameterKeys> table(
      {field("default", &ParameterKeys::fallback, "value unless --set gives another"),
       field("help", &ParameterKeys::help, "what it means")});
  return table;
}

// Below 1ms a question would mostly measure the prober.
const Table<ProbeEntry>& probe_keys() {
  static const Table<ProbeEntry> table(
      {field("name", &ProbeEntry::name, "name in reports; the kind if missing"),
       field("kind", &ProbeEntry::kind, "kind of probe").required(),
       field("every", &ProbeEntry::every, "time from one question to the next")
           .range(Duration(1ms), Duration(24h)),
       field("timeout", &ProbeEntry::timeout,
             "longest wait for an answer; at most `every`, which is also its default below 1s")
           .range(Duration(1ms), Duration(24h)),
       field("breaches", &ProbeEntry::breaches, "consecutive breaches that count")
           .range(1, 1'000'000),
       field("on_breach", &ProbeEntry::on_breach, "what a counted breach leads to"),
       field("when", &ProbeEntry::when, "phases of the run in which it asks")});
  return table;
}

const Table<GuardEntry>& guard_keys() {
  static const Table<GuardEntry> table(
      {field("kind", &GuardEntry::kind, "kind of guard").required()});
  return table;
}

// `duration` has no range: its end is compared with the deadline, which says more.
const Table<FaultEntry>& fault_keys() {
  static const Table<FaultEntry> table(
      {field("name", &FaultEntry::name, "name in reports; the kind if missing"),
       field("kind", &FaultEntry::kind, "kind of fault").required(),
       field("start", &FaultEntry::start, "wait after the start of the run")
           .range(Duration(0s), kLongest),
       field("duration", &FaultEntry::duration,
             "how long it lasts; to the end of the run if missing"),
       field("on_restart", &FaultEntry::on_restart,
             "when its target is started anew or gone: stop the run, or begin again once it is "
             "there")});
  return table;
}

}  // namespace squall
