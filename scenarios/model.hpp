// SPDX-License-Identifier: Apache-2.0
//
// A scenario as written, with every value still neutral and every place known.
// parse makes it from TOML; resolve turns it into checked steps. The form between
// exists so that parsing knows no fault and another notation would need only
// another parser.

#pragma once

#include "safety/base/schema.hpp"
#include "safety/base/units.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace squall {

// Where the values of an entry stand, by key, for messages.
struct Places : std::map<std::string, Place> {
  Place of(const std::string& key, const Place& otherwise) const {
    const auto found = find(key);
    return found == end() ? otherwise : found->second;
  }
};

struct Ramp {
  std::string field;  // "loss"
  Raw to;
  Duration over{};
  Place place;
};

// What becomes of a fault, and of its run, when its target is lost: started anew, or gone.
enum class OnRestart { stop, follow };
template <>
struct Words<OnRestart> {
  static constexpr std::pair<OnRestart, std::string_view> list[] = {{OnRestart::stop, "stop"},
                                                                    {OnRestart::follow, "follow"}};
};

struct FaultEntry {
  std::string name;  // "lossy uplink"; the kind when the file names none
  std::string kind;
  Duration start{};
  std::optional<Duration> duration;  // none: to the end of the run
  OnRestart on_restart = OnRestart::stop;
  std::vector<Ramp> ramps;
  Settings settings;
  Place place;
  Places places;
};

enum class OnBreach { abort, record };
enum class Phase { before, during, after };
template <>
struct Words<OnBreach> {
  static constexpr std::pair<OnBreach, std::string_view> list[] = {{OnBreach::abort, "abort"},
                                                                   {OnBreach::record, "record"}};
};
template <>
struct Words<Phase> {
  static constexpr std::pair<Phase, std::string_view> list[] = {
      {Phase::before, "before"}, {Phase::during, "during"}, {Phase::after, "after"}};
};

struct ProbeEntry {
  std::string name;
  std::string kind;
  Duration every = 1s;
  Duration timeout = 1s;
  int breaches = 1;                      // consecutive ones that count
  OnBreach on_breach = OnBreach::abort;  // the safe choice is the default
  std::vector<Phase> when = {Phase::before, Phase::during, Phase::after};
  Settings settings;
  Place place;
  Places places;
};

struct GuardEntry {
  std::string kind;
  Settings settings;
  Place place;
  Places places;
};

struct ScenarioParameter {
  std::string name;
  std::string value;  // after --set
  std::string help;
  bool overridden = false;
};

struct Scenario {
  std::string file;
  std::string text;  // as read, for the journal
  std::string name;
  std::string description;
  std::string hypothesis;
  std::string owner;
  std::vector<std::string> tags;
  std::vector<ScenarioParameter> parameters;
  Duration max_duration{};
  std::optional<std::uint64_t> seed;
  std::vector<std::string> without;  // safety nets given up, by name
  std::vector<ProbeEntry> probes;
  std::vector<GuardEntry> guards;
  std::vector<FaultEntry> faults;
};

}  // namespace squall
