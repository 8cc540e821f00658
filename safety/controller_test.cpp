// SPDX-License-Identifier: Apache-2.0

#include "safety/controller.hpp"

#include "tests/support/fake_loop.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <signal.h>

using namespace squall;
using squall::testing::FakeLoop;

namespace {

// Says what it is told to, at a look and by itself.
class Scripted final : public Guard {
 public:
  std::string name() const override { return "scripted"; }
  GuardWord look() override {
    ++looks;
    return word;
  }
  Result<Watch> arm(Loop&, Say say) override {
    speak = std::move(say);
    return Watch(std::make_shared<int>(0));
  }

  GuardWord word;
  GuardWord first_look(const std::function<bool()>& go_on) override {
    waited = go_on();
    return look();
  }
  Say speak;
  int looks = 0;
  bool waited = true;
};

struct World {
  FakeLoop loop;
  Scripted guard;
  std::vector<StopReason> stops;
  int seen = 0;
  std::size_t stops_when_seen = 0;
  Controller controller{loop,
                        {{&guard}, nullptr, nullptr, nullptr},
                        [this](const Guard&, const GuardWord&) {
                          ++seen;
                          stops_when_seen = stops.size();
                        },
                        [this](StopReason reason) { stops.push_back(std::move(reason)); }};
};

}  // namespace

TEST_CASE("a guard that objects or cannot see refuses the run before any change") {
  World world;
  CHECK(world.controller.look_before());
  world.guard.word = {GuardWord::Kind::abort, "too much pressure", "60%"};
  CHECK(world.controller.look_before().error().what ==
        "guard 'scripted' objects: too much pressure");
  world.guard.word = {GuardWord::Kind::blind, "no such file", ""};
  const auto refused = world.controller.look_before();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::refused);
  CHECK(refused.error().what == "guard 'scripted' cannot see: no such file");
  CHECK(world.stops.empty());
}

TEST_CASE("the deadline stops the run, once") {
  World world;
  world.controller.attend();
  REQUIRE(world.controller.arm(10s));
  world.loop.advance(9999ms);
  CHECK(world.stops.empty());
  world.loop.advance(1ms);
  REQUIRE(world.stops.size() == 1);
  CHECK(world.stops[0].by == "deadline");
  world.guard.speak({GuardWord::Kind::abort, "late", ""});
  world.loop.advance(1h);
  CHECK(world.stops.size() == 1);
}

TEST_CASE("a guard is looked at once a second, and may speak at any time") {
  World world;
  world.controller.attend();
  REQUIRE(world.controller.arm(1h));
  world.loop.advance(10s);
  CHECK(world.guard.looks == 10);
  CHECK(world.stops.empty());
  world.guard.speak({GuardWord::Kind::abort, "the file is old", ""});
  REQUIRE(world.stops.size() == 1);
  // What is told may be written to a disk that stalls.
  CHECK(world.stops_when_seen == 1);
  CHECK(world.stops[0].why == "guard 'scripted': the file is old");
}

TEST_CASE("a guard that goes blind stops the run") {
  World world;
  world.controller.attend();
  REQUIRE(world.controller.arm(1h));
  world.guard.word = {GuardWord::Kind::blind, "PSI is gone", ""};
  world.loop.advance(1s);
  REQUIRE(world.stops.size() == 1);
  CHECK(world.stops[0].why == "guard 'scripted' cannot see any more: PSI is gone");
}

TEST_CASE("after the rollback neither guards nor the deadline stop anything") {
  World world;
  world.controller.attend();
  REQUIRE(world.controller.arm(10s));
  world.controller.disarm();
  world.guard.word = {GuardWord::Kind::abort, "whatever", ""};
  world.loop.advance(1h);
  CHECK(world.stops.empty());
  world.controller.leave();
  CHECK(world.loop.timers() == 0);
}

TEST_CASE("after the rollback one more stop is told, also when the run was stopped before") {
  World world;
  world.controller.attend();
  REQUIRE(world.controller.arm(10s));
  world.controller.stop({"guard", "it is time"});
  world.controller.stop({"operator", "too late"});
  CHECK(world.stops.size() == 1);
  world.controller.disarm();
  CHECK(world.controller.stopped());
  world.controller.stop({"operator", "no more questions"});
  world.controller.stop({"operator", "once more"});
  REQUIRE(world.stops.size() == 2);
  CHECK(world.stops[1].why == "no more questions");
  world.controller.leave();
  world.controller.stop({"operator", "it is over"});
  CHECK(world.stops.size() == 2);
}

TEST_CASE("a signal while a guard is waited for ends the waiting, and the run before its start") {
  auto signals = StopSignals::block();
  REQUIRE(signals);
  World world;
  Controller controller{world.loop,
                        {{&world.guard}, nullptr, &*signals, nullptr},
                        [](const Guard&, const GuardWord&) {},
                        [](const StopReason&) {}};
  CHECK(controller.look_before());
  CHECK(world.guard.waited);
  ::raise(SIGINT);
  const auto refused = controller.look_before();
  CHECK_FALSE(world.guard.waited);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::refused);
  CHECK(refused.error().what == "the operator sent SIGINT before any change");
}

TEST_CASE("a signal that the caller had us ignore stays ignored") {
  std::signal(SIGHUP, SIG_IGN);
  sigset_t none;
  sigset_t before;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, &before);
  const auto signals = StopSignals::block();
  REQUIRE(signals);
  ::raise(SIGHUP);
  CHECK_FALSE(signals->pending());
  std::signal(SIGHUP, SIG_DFL);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
}

TEST_CASE("signals of the operator are read, not died of") {
  auto signals = StopSignals::block();
  REQUIRE(signals);
  ::raise(SIGTERM);
  CHECK(signals->read_name() == "SIGTERM");
  CHECK(signals->read_name().empty());
}
