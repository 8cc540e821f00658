// SPDX-License-Identifier: Apache-2.0
//
// Starting again what was killed, on the fake machine: once, in its own place, and never
// beside what systemd starts.

#include "faults/registry.hpp"
#include "safety/undo/rollback.hpp"
#include "tests/support/fake_machine.hpp"
#include "tests/support/memory_journal.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace squall;
using namespace squall::testing;

namespace {

const std::string kService = "price_service.service";

class Killing {
 public:
  explicit Killing(FakeMachine& machine) : machine_(machine) {}

  // Target, then the command: its second word tells what was started from what was there.
  Result<> begin(const std::string& selector, const std::string& value,
                 const std::string& netns = "") {
    Settings settings = {{"target." + selector, {value, {}, true}, {}},
                         {"restart", {"/usr/bin/price_service,again", {}, true}, {}}};
    if (!netns.empty()) settings.push_back({"target.namespace", {netns, {}, true}, {}});
    Complaints complaints;
    const auto params = fault_.parse(settings, {}, complaints);
    REQUIRE(complaints.empty());
    SQUALL_TRY(plan, fault_.plan(params, machine_, {"c0ffee", 3, 7, {}}));
    Scope scope(journal_);
    SQUALL_TRY(const auto hold, fault_.inject(params, plan, machine_, scope));
    owed_ = journal_.owed();
    return {};
  }

  // As whoever finds the same records once more does it.
  RollbackReport revert() const {
    return Rollback([&](const UndoRecord& undo, const ChangeToken& token) {
             return squall::revert(built_in_faults(), undo, machine_, token);
           })
        .undo(owed_);
  }

  std::vector<ProcessInfo> started() const {
    auto all = machine_.processes().state().all;
    std::erase_if(all,
                  [](const auto& each) { return each.command != "/usr/bin/price_service again"; });
    return all;
  }

  Plan plan;
  const std::vector<Owed>& owed() const { return owed_; }

 private:
  FakeMachine& machine_;
  const Fault& fault_ = *built_in_faults().find("process_kill");
  MemoryJournal journal_{machine_.gate()};
  std::vector<Owed> owed_;
};

pid_t add_twin(FakeMachine& machine, pid_t pid) {
  auto twin = *machine.processes().read_pid(pid);
  twin.id = {};
  return machine.processes().add(twin);
}

}  // namespace

TEST_CASE("one of two alike is started again, and only once") {
  const auto machine = clean_machine();
  add_twin(*machine, 201);
  Killing killing(*machine);
  REQUIRE(killing.begin("pid", "201"));
  CHECK(killing.revert().clean());
  REQUIRE(killing.started().size() == 1);
  CHECK(killing.revert().clean());
  CHECK(killing.started().size() == 1);
}

TEST_CASE("it is found again where nothing of the target tells it") {
  const auto machine = clean_machine();
  for (const auto* selector : {"cgroup", "name"}) {
    CAPTURE(selector);
    const bool group = std::string(selector) == "cgroup";
    Killing killing(*machine);
    REQUIRE(killing.begin(selector, group ? "/trading" : "order_client"));
    if (group) machine->cgroups().edit().groups.erase("/trading");
    const auto before = killing.started().size();
    CHECK(killing.revert().clean());
    CHECK(killing.revert().clean());
    CHECK(killing.started().size() == before + 1);
  }
}

TEST_CASE("what is found half-way to the program is ended before another is started") {
  const auto machine = clean_machine();
  Killing killing(*machine);
  REQUIRE(killing.begin("name", "order_client"));
  ProcessInfo starter;
  starter.name = "squall-c0ffee03";
  starter.state = 'S';
  machine->processes().add(starter);
  CHECK(killing.revert().clean());
  CHECK(machine->workers().find_all()->empty());
  CHECK(killing.started().size() == 1);
}

TEST_CASE("it comes back into its control group and network namespace") {
  const auto machine = clean_machine();
  const auto gw = machine->network().add_namespace("gw", {});
  machine->network().put_process(200, gw);
  machine->processes().edit().all[3].netns = gw;
  Killing killing(*machine);
  // Named by the pid of the one that is killed, which leads nowhere afterwards.
  machine->processes().edit().netns["200"] = gw;
  REQUIRE(killing.begin("name", "order_gateway", "200"));
  machine->processes().edit().netns.erase("200");
  CHECK(killing.revert().clean());
  REQUIRE(killing.started().size() == 1);
  CHECK(killing.started().front().netns == gw);
  CHECK(killing.started().front().cgroups.front().second == "/trading");
}

TEST_CASE("without its network namespace it is not started, and a repair by hand is seen") {
  const auto machine = clean_machine();
  const auto gw = machine->network().add_namespace("gone", {});
  machine->network().put_process(202, gw);
  machine->processes().edit().all[5].netns = gw;
  Killing killing(*machine);
  REQUIRE(killing.begin("name", "order_client"));
  machine->network().edit().namespaces.erase(gw);
  const auto report = killing.revert();
  REQUIRE(report.left.size() == 1);
  CHECK(report.left.front().error.what ==
        "cannot start '/usr/bin/price_service again' again: the network namespace of process 202 "
        "it ran in is gone");
  CHECK(killing.started().empty());
  const auto& by_hand = killing.owed().front().intent.by_hand;
  CHECK(report.left.front().error.hint.ends_with(by_hand));
  const auto mark = by_hand.substr(0, by_hand.find(' '));
  CHECK(mark == "SQUALL_RESTARTED=c0ffee/3/" + std::string("202@5005"));
  const auto id = machine->processes().read_pid(add_twin(*machine, 100))->id;
  machine->processes().edit().marks[id] = mark;
  CHECK(killing.revert().clean());
  CHECK(killing.started().empty());
}

TEST_CASE("what systemd runs is left to systemd, and the plan says so") {
  const auto machine = clean_machine();
  machine->processes().serve(kService, {201, "/system.slice/" + kService});
  Killing killing(*machine);
  REQUIRE(killing.begin("name", "price_service"));
  CHECK(killing.owed().front().intent.by_hand == "systemctl start " + kService);
  REQUIRE(killing.plan.notes.size() == 1);
  CHECK(killing.plan.notes.front().contains("unit '" + kService + "', in place of the command"));
  CHECK(killing.revert().clean());
  CHECK(killing.started().empty());
}

TEST_CASE("a process that a service has started is none that systemd starts again") {
  for (const auto& other : {Service{4711, "/system.slice/" + kService},
                            Service{0, "/user.slice/user-1.slice/" + kService}, Service{}}) {
    const auto machine = clean_machine();
    machine->processes().serve(kService, other);
    Killing killing(*machine);
    REQUIRE(killing.begin("name", "price_service"));
    CHECK(killing.plan.notes.empty());
    CHECK(killing.revert().clean());
    CHECK(killing.started().size() == 1);
  }
}
