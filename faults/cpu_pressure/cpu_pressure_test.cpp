// SPDX-License-Identifier: Apache-2.0

#include "faults/registry.hpp"
#include "tests/support/fake_machine.hpp"
#include "tests/support/memory_journal.hpp"

#include <doctest/doctest.h>

using namespace squall;

namespace {

Settings settings(std::initializer_list<std::pair<const char*, const char*>> all) {
  Settings made;
  for (const auto& [name, value] : all) made.push_back({name, {std::string(value), {}, true}, {}});
  return made;
}

const Fault& fault() { return *built_in_faults().find("cpu_pressure"); }

std::vector<std::string> complaints_of(
    std::initializer_list<std::pair<const char*, const char*>> all) {
  Complaints complaints;
  (void)fault().parse(settings(all), {}, complaints);
  std::vector<std::string> texts;
  for (const auto& each : complaints) texts.push_back(each.what);
  return texts;
}

}  // namespace

TEST_CASE("a real-time load leaves room to reach the host") {
  CHECK(complaints_of({{"load", "90%"}, {"priority", "fifo"}}).empty());
  CHECK(complaints_of({{"load", "91%"}, {"priority", "fifo"}}).size() == 1);
  CHECK(complaints_of({{"load", "100%"}}).empty());
  CHECK(complaints_of({{"load", "101%"}}).size() == 1);
  CHECK(complaints_of({{"load", "10%"}, {"nice", "5"}, {"priority", "idle"}}).size() == 1);
  CHECK(complaints_of({}).size() == 1);
}

TEST_CASE("the plan names each CPU, and refuses one that cannot be used") {
  const auto machine = testing::clean_machine();
  const RunContext run{"3f2a9c", 1, 7, {}};
  Complaints complaints;
  const auto all =
      fault().parse(settings({{"load", "50%"}, {"cgroup", "/trading"}}), {}, complaints);
  const auto plan = fault().plan(all, *machine, run);
  REQUIRE(plan);
  REQUIRE(plan->intents.size() == 2);
  CHECK(plan->intents[1].sentence ==
        "use up 50% of CPU 1 at normal priority, in cgroup '/trading'");
  CHECK(*plan->intents[0].undo.find("worker") == "squall-3f2a9c01");
  const auto ninth = fault().parse(settings({{"load", "50%"}, {"cpus", "1,8"}}), {}, complaints);
  const auto refused = fault().plan(ninth, *machine, run);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().what == "CPU '8' cannot be used; squall may run on '0-1'");
  const auto nowhere =
      fault().parse(settings({{"load", "50%"}, {"cgroup", "/tradng"}}), {}, complaints);
  CHECK_FALSE(fault().plan(nowhere, *machine, run));
  CHECK(complaints.empty());
}

TEST_CASE(
    "a CPU outside the cgroup's cpuset is refused, and without names those inside are taken") {
  const auto machine = testing::clean_machine();
  const RunContext run{"3f2a9c", 1, 7, {}};
  auto& groups = machine->cgroups().edit().groups;
  groups["/"] = {{"cpuset.cpus.effective", "0-1"}};
  groups["/trading/deep"] = {};
  const auto plan_on = [&](const char* cpus) {
    Complaints complaints;
    auto all = settings({{"load", "50%"}, {"cgroup", "/trading/deep"}});
    if (*cpus) all.push_back({"cpus", {std::string(cpus), {}, true}, {}});
    return fault().plan(fault().parse(all, {}, complaints), *machine, run);
  };
  CHECK(plan_on("")->intents.size() == 2);
  groups["/trading"]["cpuset.cpus.effective"] = "1";
  CHECK(plan_on("1"));
  const auto rest = plan_on("");
  REQUIRE(rest);
  REQUIRE(rest->intents.size() == 1);
  CHECK(*rest->intents[0].undo.find("cpu") == "1");
  const auto refused = plan_on("0");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().what ==
        "CPU '0' cannot be used in cgroup '/trading/deep', whose cpuset is '1'");
  groups["/trading"]["cpuset.cpus.effective"] = "7";
  CHECK_FALSE(plan_on(""));
}

TEST_CASE("workers keep their CPUs in a cgroup, and one that lost its own is found out") {
  const auto machine = testing::clean_machine();
  const RunContext run{"3f2a9c", 1, 7, {}};
  Complaints complaints;
  const auto params =
      fault().parse(settings({{"load", "50%"}, {"cgroup", "/trading"}}), {}, complaints);
  const auto plan = fault().plan(params, *machine, run);
  REQUIRE(plan);
  const auto reading = [&] {
    const auto now = fault().verify(params, *machine, run);
    REQUIRE(now);
    return *now;
  };
  CHECK(reading() == Reading::absent);
  testing::MemoryJournal journal(machine->gate());
  Scope scope(journal);
  auto hold = fault().inject(params, *plan, *machine, scope);
  REQUIRE(hold);
  CHECK(reading() == Reading::present);
  const auto pid = machine->workers().state().begin()->first.pid;
  for (auto& each : machine->processes().edit().all)
    if (each.id.pid == pid) each.cgroups = {{"", "/elsewhere"}};
  CHECK(reading() == Reading::partial);
  machine->cgroups().edit().groups["/trading"]["cpuset.cpus.effective"] = "0";
  CHECK(reading() == Reading::partial);
}

TEST_CASE("only the load is ramped: the rest counts when a worker begins") {
  for (const auto& field : fault().sheet().params.fields)
    CHECK_MESSAGE(field.rampable == (field.name == "load"), field.name);
}

TEST_CASE("a real-time load needs the right to it") {
  const auto machine = testing::clean_machine();
  machine->edit_kernel().lack("cap:sys_nice");
  const RunContext run{"3f2a9c", 1, 7, {}};
  Complaints complaints;
  const auto fifo =
      fault().parse(settings({{"load", "50%"}, {"priority", "fifo"}}), {}, complaints);
  const auto normal = fault().parse(settings({{"load", "50%"}}), {}, complaints);
  CHECK_FALSE(fault().plan(fifo, *machine, run));
  CHECK(fault().plan(normal, *machine, run));
}
