// SPDX-License-Identifier: Apache-2.0

#include "safety/spare.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <stdlib.h>
#include <unistd.h>

using namespace squall;

TEST_CASE("this process, its ancestors and init are spared; giving one net up keeps the others") {
  const auto all = find_spare_list({});
  CHECK(all.spares(1));
  CHECK(all.spares(::getpid()));
  CHECK(all.spares(::getppid()));
  CHECK_FALSE(all.spares(999'999'999));
  CHECK(all.ssh);
  CHECK(all.neighbours);
  const auto fewer = find_spare_list({"spare-operator", "spare-ssh"});
  CHECK(fewer.spares(1));
  CHECK(fewer.spares(::getpid()));
  if (::getppid() != 1) CHECK_FALSE(fewer.spares(::getppid()));
  CHECK_FALSE(fewer.ssh);
  CHECK(fewer.neighbours);
}

TEST_CASE("the port of the operator's own session is spared, whichever it is") {
  REQUIRE(::setenv("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 2222", 1) == 0);
  const auto list = find_spare_list({});
  ::unsetenv("SSH_CONNECTION");
  CHECK(std::ranges::find(list.ssh_ports, 2222) != list.ssh_ports.end());
  CHECK(std::ranges::find(list.ssh_ports, 22) != list.ssh_ports.end());
}
