// SPDX-License-Identifier: Apache-2.0
//
// Makes a probe from the keys of a scenario and asks it once on a real loop, while a
// timer of 1 ms goes on: it tells whether the probe held the loop up.

#pragma once

#include "scenarios/asio_loop.hpp"
#include "scenarios/probe/probe.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>

namespace squall::testing {

inline const ProbeKind& probe_kind(const std::string& name) {
  const auto& all = probe_kinds();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.name == name; });
  REQUIRE(found != all.end());
  return *found;
}

inline Setting setting(std::string name, decltype(Raw::value) value) {
  return {std::move(name), {std::move(value), {}}, {}};
}
inline Raw::List list(const std::vector<std::string>& words) {
  Raw::List made;
  for (const auto& each : words) made.push_back({each, {}});
  return made;
}

inline std::unique_ptr<Probe> make_probe(const std::string& kind, const Settings& settings) {
  Complaints complaints;
  auto made = probe_kind(kind).make(settings, {}, complaints);
  for (const auto& each : complaints) FAIL_CHECK(each.text());
  REQUIRE(made);
  return made;
}

inline std::string complaint_of(const std::string& kind, const Settings& settings) {
  Complaints complaints;
  const auto made = probe_kind(kind).make(settings, {}, complaints);
  CHECK(!made == !complaints.empty());
  return complaints.empty() ? "" : complaints[0].text();
}

struct Asking {
  ProbeAnswer answer;
  int answers = 0;
  Duration took{};
  int ticks = 0;            // of the timer that went on meanwhile
  Duration longest_hold{};  // the loop was not back for so long
};

inline Asking ask(Loop& loop, Probe& probe, Duration timeout = 10s) {
  Asking made;
  auto last = loop.now();
  const auto began = last;
  Watch tick;
  const std::function<void()> ticking = [&] {
    made.longest_hold = std::max(made.longest_hold, loop.now() - last);
    last = loop.now();
    ++made.ticks;
    tick = loop.after(1ms, ticking);
  };
  ticking();
  const auto question = probe.ask(loop, timeout, [&](ProbeAnswer answer) {
    made.answer = std::move(answer);
    ++made.answers;
    made.took = loop.now() - began;
    loop.stop();
  });
  const auto late = loop.after(timeout + 20s, [&] { loop.stop(); });
  CHECK(made.answers == 0);  // never from within ask()
  loop.run();
  CHECK(made.answers == 1);
  return made;
}

// The machine of the tests may be busy, so "soon" is generous; whether the loop went on
// meanwhile is told by the ticks, of which a blocked loop has one.
constexpr Duration kSoon = 5s;
constexpr int kWentOn = 5;

}  // namespace squall::testing
