// SPDX-License-Identifier: Apache-2.0

#include "faults/cpu_throttle/effect.hpp"
#include "tests/support/limiting.hpp"

#include <doctest/doctest.h>

using namespace squall;
using squall::testing::clean_machine;
using squall::testing::Limiting;

TEST_CASE("a quota and a weight are lowered, and the old texts come back") {
  Limiting throttle("cpu_throttle");
  CHECK(throttle.said({{"quota", "50%"}}) ==
        "lower cpu.max of cgroup '/trading' from 'max 100000' to '50000 100000' (50% of one CPU)");
  CHECK(throttle.reading() == Reading::absent);
  REQUIRE(throttle.begin({{"quota", "150%"}, {"period", "20ms"}, {"weight", "30"}}));
  CHECK(throttle.file("cpu.max") == "30000 20000");
  CHECK(throttle.file("cpu.weight") == "30");
  CHECK(throttle.reading() == Reading::present);
  REQUIRE(throttle.adjust({{"quota", "50%"}, {"period", "20ms"}, {"weight", "10"}}));
  CHECK(throttle.file("cpu.max") == "10000 20000");
  CHECK(throttle.file("cpu.weight") == "10");
  CHECK(throttle.reading() == Reading::present);
  CHECK(throttle.end());
  CHECK(*throttle.machine == *clean_machine());
}

TEST_CASE("what cannot be throttled is refused, in one sentence") {
  Limiting throttle("cpu_throttle");
  throttle.file("cpu.max") = "40000 100000";
  CHECK(throttle.said({{"quota", "50%"}}) ==
        "'cpu.max' of cgroup '/trading' is '40000 100000' already, and '50000 100000' would not "
        "lower it");
  CHECK(throttle.said({{"weight", "100"}}) ==
        "'cpu.weight' of cgroup '/trading' is '100' already, and '100' would not lower it");
  CHECK(throttle.said({{"quota", "0.5%"}}) ==
        "0.5% of a period of 100ms is less than 1ms, the kernel's least quota");
  throttle.file("cpu.max.burst") = "30000";
  CHECK(throttle.said({{"quota", "20%"}}) ==
        "'cpu.max.burst' of cgroup '/trading' is '30000', and no quota may be below it");
  throttle.run.spare.processes = {200};
  CHECK(throttle.said({{"quota", "35%"}}) ==
        "cgroup '/trading' holds what is spared: process 200 'order_gateway' keeps the operator's "
        "way in");
  throttle.machine->cgroups().edit().groups["/"] = {};
  const auto root = throttle.fault.plan(
      throttle.fault.parse(
          {{"target.cgroup", {"/", {}, true}, {}}, {"quota", {"5%", {}, true}, {}}}, {},
          throttle.complaints),
      *throttle.machine, throttle.run);
  REQUIRE_FALSE(root);
  CHECK(root.error().what == "the root cgroup is the whole host");
}

TEST_CASE("a group without the controller names the file, and where it is given") {
  Limiting throttle("cpu_throttle");
  auto& groups = throttle.machine->cgroups().edit().groups;
  groups["/trading"].erase("cpu.max");
  groups["/"] = {{"cgroup.controllers", "cpuset cpu memory"}, {"cgroup.subtree_control", "memory"}};
  const auto refused = throttle.plan({{"quota", "50%"}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::unsupported);
  CHECK(refused.error().what ==
        "cgroup '/trading' has no 'cpu.max': the controller 'cpu' is not given to it");
  CHECK(refused.error().hint == "echo +cpu >'/sys/fs/cgroup/cgroup.subtree_control'");
  groups["/"]["cgroup.controllers"] = "cpuset memory";
  CHECK(throttle.plan({{"quota", "50%"}}).error().hint ==
        "this kernel has no such file for the controller 'cpu'");
}

TEST_CASE("a group above that has less decides, which the plan says") {
  Limiting throttle("cpu_throttle");
  auto& groups = throttle.machine->cgroups().edit().groups;
  groups["/trading/deep"] = groups["/trading"];
  groups["/trading"]["cpu.max"] = "20000 100000";
  const auto plan = throttle.fault.plan(
      throttle.fault.parse(
          {{"target.cgroup", {"/trading/deep", {}, true}, {}}, {"quota", {"50%", {}, true}, {}}},
          {}, throttle.complaints),
      *throttle.machine, throttle.run);
  REQUIRE(plan);
  CHECK(plan->notes == std::vector<std::string>{"cgroup '/trading' above has cpu.max '20000 "
                                                "100000', which is less already: it decides"});
}

TEST_CASE("a unit is the group called after it") {
  Limiting throttle("cpu_throttle");
  auto& groups = throttle.machine->cgroups().edit().groups;
  groups["/system.slice/price_service.service"] = groups["/trading"];
  CHECK(throttle.said({{"target.unit", "price_service"}, {"quota", "50%"}}) ==
        "lower cpu.max of cgroup '/system.slice/price_service.service' from 'max 100000' to "
        "'50000 100000' (50% of one CPU)");
  CHECK(throttle.said({{"target.unit", "price_servise"}, {"quota", "50%"}}) ==
        "no process runs in unit 'price_servise.service' (did you mean "
        "'price_service.service'?)");
  auto another = *throttle.machine->processes().read_pid(201);
  another.id.pid = 301;
  another.cgroups = {{"", "/user.slice/price_service.service"}};
  throttle.machine->processes().add(another);
  CHECK(throttle.said({{"target.unit", "price_service"}, {"quota", "50%"}}) ==
        "several groups are called 'price_service.service': "
        "/system.slice/price_service.service, /user.slice/price_service.service");
}

TEST_CASE("a value that others set meanwhile stays, and a group made anew is left alone") {
  Limiting changed("cpu_throttle");
  REQUIRE(changed.begin({{"quota", "50%"}}));
  changed.file("cpu.max") = "70000 100000";
  CHECK(changed.reading() == Reading::partial);
  CHECK(changed.effect().verdict == Effect::Verdict::mismatch);
  CHECK_FALSE(changed.adjust({{"quota", "20%"}}));
  CHECK(changed.end());
  CHECK(changed.file("cpu.max") == "70000 100000");
  CHECK(changed.reading() == Reading::absent);

  Limiting anew("cpu_throttle");
  REQUIRE(anew.begin({{"quota", "50%"}}));
  anew.machine->cgroups().make_anew("/trading");
  CHECK(anew.reading() == Reading::absent);
  CHECK(anew.fault.measure(anew.params, anew.hold, *anew.machine).error().kind == ErrorKind::gone);
  CHECK(anew.end());
  CHECK(anew.file("cpu.max") == "50000 100000");

  Limiting gone("cpu_throttle");
  REQUIRE(gone.begin({{"quota", "50%"}}));
  gone.machine->cgroups().edit().groups.erase("/trading");
  CHECK(gone.reading() == Reading::absent);
  CHECK(gone.end());
}

TEST_CASE("two faults do not hold one file, so that neither takes the other's value for old") {
  const std::shared_ptr<testing::FakeMachine> machine = clean_machine();
  Limiting first("cpu_throttle", 0, machine);
  Limiting second("cpu_throttle", 1, machine);
  const auto planned_before = second.plan({{"quota", "20%"}});
  REQUIRE(planned_before);
  REQUIRE(first.begin({{"quota", "50%"}}));
  CHECK(second.said({{"quota", "20%"}}) ==
        "'cpu.max' of cgroup '/trading' is held by a fault already, 'squall-3f2a9c00'");
  const auto late = second.fault.inject(second.params, *planned_before, *machine, second.scope);
  REQUIRE_FALSE(late);
  CHECK(late.error().kind == ErrorKind::refused);
  CHECK(second.end());
  CHECK(first.reading() == Reading::present);
  CHECK(first.end());
  CHECK(*machine == *clean_machine());
}

namespace {

CpuAccount account(Duration used, std::uint64_t periods, std::uint64_t throttled) {
  return {used, periods, throttled, 10ms * static_cast<std::int64_t>(throttled)};
}

}  // namespace

TEST_CASE("the quota is judged over the time it was granted, as it was at each time") {
  const Instant start{};
  auto tally = tally_from(account(3s, 100, 0), Percent{50}, start);
  tally.change_to(Percent{10}, start + 4s);
  const auto end = start + 8s;
  const auto kept = judge_throttle(tally, account(5400ms, 180, 70), end);
  CHECK(kept.verdict == Effect::Verdict::confirmed);
  CHECK(kept.why == "throttled in 70 of 80 periods, for 700ms in all");
  CHECK(kept.measures[0].requested == "30%");
  CHECK(kept.measures[0].achieved == "30%");
  CHECK(judge_throttle(tally, account(7s, 180, 70), end).verdict == Effect::Verdict::mismatch);
  const auto idle = judge_throttle(tally, account(3100ms, 180, 0), end);
  CHECK(idle.verdict == Effect::Verdict::inconclusive);
  CHECK(idle.why == "it never wanted more than its quota");
  CHECK(judge_throttle(tally, account(3s, 100, 1), start + 500ms).verdict ==
        Effect::Verdict::inconclusive);
  const auto weighed = tally_from(account(3s, 0, 0), std::nullopt, start);
  CHECK(judge_throttle(weighed, account(4s, 0, 0), end).verdict == Effect::Verdict::inconclusive);
}
