// SPDX-License-Identifier: Apache-2.0
//
// Whole runs on the fake machine and with made-up time, and what can happen in them.

#pragma once

#include "scenarios/runner.hpp"
#include "tests/support/fake_loop.hpp"
#include "tests/support/fake_machine.hpp"
#include "tests/support/temporary.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace squall::testing {

// Objects at a given time after it was armed.
class ObjectsAt final : public Guard {
 public:
  explicit ObjectsAt(Duration at) : at_(at) {}
  std::string name() const override { return "test"; }
  GuardWord look() override { return {}; }
  Result<Watch> arm(Loop& loop, Say say) override {
    return loop.after(at_, [say] { say({GuardWord::Kind::abort, "it is time", ""}); });
  }

 private:
  Duration at_;
};

// Answers at once, from a script; the last answer stays.
class Scripted final : public Probe {
 public:
  explicit Scripted(std::vector<bool> held) : held_(std::move(held)) {}
  Watch ask(Loop& loop, Duration, Done done) override {
    const bool held = held_[std::min(next_++, held_.size() - 1)];
    return loop.after(1ms,
                      [held, done] { done({held, held ? "up" : "down", "it is down", {}, 1ms}); });
  }

 private:
  std::vector<bool> held_;
  std::size_t next_ = 0;
};

struct World {
  TemporaryDirectory dir;
  Paths paths = dir.paths();
  FakeLoop loop;
  std::unique_ptr<FakeMachine> machine = clean_machine();
  std::vector<Event> events;                // of all runs
  std::function<void(const Event&)> heard;  // as each happens

  RunResult run(CheckedScenario scenario) {
    RunOptions options;
    options.listener = [this](const Event& event, const std::string&) {
      events.push_back(event);
      if (heard) heard(event);
    };
    return run_on({loop, *machine, built_in_faults(), paths, false}, scenario, options);
  }
  const Event* find(const std::string& event) const {
    const auto found = std::ranges::find(events, event, &Event::name);
    return found == events.end() ? nullptr : &*found;
  }
  bool clean() const { return *machine == *clean_machine(); }
};

inline CheckedScenario with_probe(CheckedScenario scenario, std::vector<bool> held, int breaches,
                                  OnBreach on_breach) {
  ProbeEntry entry;
  entry.name = "service";
  entry.kind = "scripted";
  entry.breaches = breaches;
  entry.on_breach = on_breach;
  scenario.probes.push_back({entry, std::make_unique<Scripted>(std::move(held))});
  return scenario;
}

}  // namespace squall::testing
