// SPDX-License-Identifier: Apache-2.0
//
// Probes that ask inside a network namespace: the same port answers there and not here.

#include "tests/support/asking.hpp"
#include "tests/support/own_namespace.hpp"
#include "tests/support/service.hpp"

#include <sys/stat.h>

namespace squall {
namespace {

using namespace testing;

ino_t own_netns() {
  struct stat state{};
  REQUIRE(::stat("/proc/thread-self/ns/net", &state) == 0);
  return state.st_ino;
}

TEST_CASE("probes ask inside a network namespace, and the runner stays outside") {
  const OwnNamespace space;
  if (!space) {
    MESSAGE("skipped: no privileges for a network namespace");
    return;
  }
  const auto home = own_netns();
  const auto loop = make_loop();
  const Service service(
      *loop, {.netns = space.netns(), .answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"});
  const auto there = setting("namespace", space.netns().text);

  const auto address = setting("address", service.address());
  CHECK(ask(*loop, *make_probe("tcp", {address, there})).answer.held);
  CHECK(ask(*loop, *make_probe("tcp", {address})).answer.why == "connection refused");

  const auto url = setting("url", "http://" + service.address() + "/");
  CHECK(ask(*loop, *make_probe("http", {url, there})).answer.held);
  CHECK(ask(*loop, *make_probe("http", {url})).answer.why == "connection refused");

  const auto command = setting("command", list({"readlink", "/proc/self/ns/net"}));
  const auto inside =
      ask(*loop,
          *make_probe("command", {command, there, setting("expect.number", std::string("> 0"))}));
  REQUIRE(inside.answer.held);
  CHECK(*inside.answer.value != static_cast<double>(home));
  CHECK(own_netns() == home);
}

}  // namespace
}  // namespace squall
