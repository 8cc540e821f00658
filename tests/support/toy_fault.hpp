// SPDX-License-Identifier: Apache-2.0
//
// Faults that change nothing, for tests of what happens between text and schedule.

#pragma once

#include "faults/fault.hpp"
#include "faults/registry.hpp"

#include <string>

namespace squall::testing {

struct ToyParams {
  std::string interface;
  Percent loss{};
  Duration delay{};
  Duration jitter{};
};

inline Table<ToyParams> toy_table() {
  return Table<ToyParams>(
      {field("interface", &ToyParams::interface, "interface to disturb").required(),
       field("loss", &ToyParams::loss, "share of packets lost").range(Percent{0}, Percent{100}),
       field("delay", &ToyParams::delay, "added to every packet")
           .range(Duration(0s), Duration(10s)),
       field("jitter", &ToyParams::jitter, "spread around the delay")},
      {{"jitter is at most the delay", [](const auto& p) { return p.jitter <= p.delay; }}});
}

struct ToyVerbs {
  using Params = ToyParams;
  struct Hold {};
  static Result<Plan> plan(const Params&, const Machine&, const RunContext& run) {
    return Plan{run, {}, {}};
  }
  static Result<Hold> inject(const Params&, const Plan&, Machine&, Scope&) { return Hold{}; }
  static Result<Reading> verify(const Params&, const Machine&, const RunContext&) {
    return Reading::absent;
  }
  static Result<> revert(const UndoRecord&, Machine&, const ChangeToken&) { return {}; }
};

// Takes ramps, and excludes `calm`.
struct Weather : ToyVerbs {
  static const Spec<Params>& describe() {
    static const Spec<Params> spec{"weather", "wind and rain", Rung::we_own_it, {}, toy_table(), "",
                                   "",        {"calm"}};
    return spec;
  }
  static Result<> adjust(const Params&, Hold&, Machine&, Scope&) { return {}; }
};

// Takes none.
struct Calm : ToyVerbs {
  static const Spec<Params>& describe() {
    static const Spec<Params> spec{"calm", "no wind", Rung::we_own_it, {}, toy_table(), "", "", {}};
    return spec;
  }
};

inline const Registry& toy_registry() {
  static const Adapt<Weather> weather;
  static const Adapt<Calm> calm;
  static const Registry registry({&calm, &weather});
  return registry;
}

}  // namespace squall::testing
