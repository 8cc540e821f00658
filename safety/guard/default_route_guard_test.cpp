// SPDX-License-Identifier: Apache-2.0

#include "scenarios/asio_loop.hpp"
#include "tests/support/guarding.hpp"
#include "tests/support/own_namespace.hpp"

#include <optional>

namespace squall {
namespace {

using namespace testing;
using Kind = GuardWord::Kind;

std::unique_ptr<Guard> guard_of(const OwnNamespace& space) {
  return make_guard("default_route", {text_setting("namespace", space.netns().text)});
}

// What the guard says of its own accord within `limit` after `change`, if anything.
std::optional<GuardWord> hear(Guard& guard, const std::function<void()>& change, Duration limit) {
  const auto loop = make_loop();
  std::optional<GuardWord> heard;
  auto armed = guard.arm(*loop, [&](GuardWord word) {
    heard = std::move(word);
    loop->stop();
  });
  REQUIRE(armed);
  Watch end;
  loop->post([&] {
    change();
    end = loop->after(limit, [&] { loop->stop(); });
  });
  loop->run();
  return heard;
}

TEST_CASE("default_route: a route that goes wakes the guard") {
  const OwnNamespace space;
  if (!space) {
    MESSAGE("skipped: no privileges for a network namespace");
    return;
  }
  CHECK(guard_of(space)->look().why == "there is no default route to watch");
  REQUIRE(space.ip({"route", "add", "default", "dev", "lo"}));
  const auto guard = guard_of(space);
  CHECK(guard->look().kind == Kind::carry_on);
  CHECK(guard->look().value == "IPv4");
  // Other routes come and go unheeded: the news of them is there when the change is done.
  const auto calm =
      hear(*guard, [&] { CHECK(space.ip({"route", "add", "10.9.0.0/16", "dev", "lo"})); }, 50ms);
  CHECK_FALSE(calm);
  const auto word = hear(*guard, [&] { CHECK(space.ip({"route", "del", "default"})); }, 5s);
  REQUIRE(word);
  CHECK(word->kind == Kind::abort);
  CHECK(word->why == "the IPv4 default route is gone");
}

TEST_CASE("default_route: a link that goes down takes it along") {
  const OwnNamespace space;
  if (!space) {
    MESSAGE("skipped: no privileges for a network namespace");
    return;
  }
  REQUIRE(space.ip({"link", "add", "sqt0", "type", "veth", "peer", "name", "sqt1"}));
  REQUIRE(space.ip({"link", "set", "sqt1", "up"}));
  REQUIRE(space.ip({"link", "set", "sqt0", "up"}));
  REQUIRE(space.ip({"route", "add", "default", "dev", "sqt0"}));
  REQUIRE(space.ip({"-6", "route", "add", "default", "dev", "sqt0"}));
  const auto guard = guard_of(space);
  CHECK(guard->look().value == "IPv4, IPv6");
  const auto word = hear(*guard, [&] { CHECK(space.ip({"link", "set", "sqt0", "down"})); }, 5s);
  REQUIRE(word);
  CHECK(word->kind == Kind::abort);
  CHECK(word->why.ends_with("default route is gone"));
}

TEST_CASE("default_route: a namespace that is not there cannot be seen") {
  const auto guard = make_guard("default_route", {text_setting("namespace", "no-such-place")});
  CHECK(guard->look().kind == Kind::blind);
  CHECK(guard->look().why == "there is no network namespace 'no-such-place'");
}

}  // namespace
}  // namespace squall
