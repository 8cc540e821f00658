// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/kernel.hpp"

#include <doctest/doctest.h>

using namespace squall;

TEST_CASE("what every Linux has is there, and what none has is missing with a remedy") {
  const auto kernel = this_kernel();
  CHECK(kernel->available("file:/proc/self/stat"));
  CHECK(kernel->available("tool:sh"));
  CHECK(kernel->available("call:pidfd"));
  for (const auto* need : {"tool:no-such-program-anywhere", "cgroup:nonsense"}) {
    const auto missing = kernel->available(need);
    REQUIRE_FALSE(missing);
    CHECK(missing.error().kind == ErrorKind::unsupported);
    CHECK_FALSE(missing.error().hint.empty());
  }
}

TEST_CASE("a need that nobody knows is a bug, not a missing feature") {
  const auto kernel = this_kernel();
  for (const auto* need : {"cap:nonsense", "kernel:NONSENSE", "bpf:nonsense", "nonsense", "call:x"})
    CHECK(kernel->available(need).error().kind == ErrorKind::internal);
}

TEST_CASE("asking twice gives the same answer") {
  const auto kernel = this_kernel();
  for (const auto* need : {"bpf:sched_cls", "bpf:tcx", "cap:net_admin", "kernel:NET_SCH_NETEM"})
    CHECK(bool(kernel->available(need)) == bool(kernel->available(need)));
}
