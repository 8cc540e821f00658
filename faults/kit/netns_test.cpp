// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/netns.hpp"

#include "faults/kit/process.hpp"
#include "safety/base/netns.hpp"
#include "tests/support/temporary.hpp"

#include <doctest/doctest.h>

#include <fstream>

using namespace squall;

TEST_CASE("a file that is left where a namespace was leads to none, and is no trouble") {
  const testing::TemporaryDirectory folder;
  std::ofstream(folder / "left").close();
  const auto found = netns::find(folder / "left");
  REQUIRE_FALSE(found);
  CHECK(found.error().kind == ErrorKind::gone);
  CHECK(found.error().what == "'" + (folder / "left") + "' is not a network namespace");
}

TEST_CASE(
    "the word for a namespace is understood in one way, and what is not there has one message") {
  CHECK(netns_path("gw") == "/run/netns/gw");
  CHECK(netns_path("4194304") == "/proc/4194304/ns/net");
  CHECK(netns_path("/proc/1/ns/net") == "/proc/1/ns/net");
  const std::string none = "there is no network namespace 'no-such-place'";
  CHECK(netns::find("no-such-place").error().what == none);
  CHECK(open_netns({"no-such-place"}).error().what == none);
  CHECK(this_hosts_processes()->read_netns("no-such-place").error().what == none);
}

TEST_CASE("our own namespace is found by its identity, and one that went is gone") {
  auto own = netns::find("");
  REQUIRE(own);
  CHECK(netns::open(*own));
  own->cookie += 1'000'000;
  const auto none = netns::open(*own);
  REQUIRE_FALSE(none);
  CHECK(none.error().kind == ErrorKind::gone);
}
