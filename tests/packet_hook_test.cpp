// SPDX-License-Identifier: Apache-2.0
//
// Packet hooks that are shared: with other faults of ours, with filters of others, and
// on kernels without tcx, where a qdisc may have to be made first.

#include "faults/readiness.hpp"
#include "faults/registry.hpp"
#include "tests/support/fake_machine.hpp"
#include "tests/support/memory_journal.hpp"
#include "tests/support/undo_all.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace squall;
using namespace squall::testing;

namespace {

RunContext slot(unsigned number) { return {"c0ffee", number, 7, {}}; }

const Fault& packet_loss() { return *built_in_faults().find("packet_loss"); }

Boxed params(const std::string& direction) {
  Complaints complaints;
  auto made = packet_loss().parse({{"target.interface", {"eth0", {}, true}, {}},
                                   {"match.direction", {direction, {}, true}, {}},
                                   {"loss", {"5%", {}, true}, {}}},
                                  {}, complaints);
  REQUIRE(complaints.empty());
  return made;
}

// eth0 of our own namespace on a kernel without tcx; others may use its clsact qdisc.
std::unique_ptr<FakeMachine> old_kernel(bool foreign) {
  auto machine = clean_machine();
  machine->network().has_tcx(false);
  auto& hooks = machine->network().edit().namespaces.begin()->second.hooks[2];
  hooks.clsact = foreign;
  if (foreign)
    hooks.out.push_back({"monitor", 999, network::Means::clsact, 49152, 1, false, false});
  return machine;
}

Rollback rollback_on(FakeMachine& machine) {
  return Rollback([&machine](const UndoRecord& undo, const ChangeToken& token) {
    return revert(built_in_faults(), undo, machine, token);
  });
}

// One fault in force, with a journal of its own so that it can end before others.
class InForce {
 public:
  InForce(FakeMachine& machine, unsigned number, const std::string& direction) : machine_(machine) {
    const auto plan = packet_loss().plan(params(direction), machine, slot(number));
    REQUIRE(plan);
    Scope scope(journal_);
    auto hold = packet_loss().inject(params(direction), *plan, machine, scope);
    REQUIRE(hold);
    hold_ = std::move(*hold);
  }
  void end() {
    CHECK(undo_all(rollback_on(machine_), journal_).clean());
    hold_.reset();
  }

 private:
  FakeMachine& machine_;
  WriteGate gate_;
  MemoryJournal journal_{gate_};
  BoxedHold hold_{nullptr, [](void*) {}};
};

void live(FakeMachine& machine, Journal& journal) {
  const auto plan = packet_loss().plan(params("both"), machine, slot(0));
  REQUIRE(plan);
  Scope scope(journal);
  auto hold = packet_loss().inject(params("both"), *plan, machine, scope);
  (void)undo_all(rollback_on(machine), journal);
}

}  // namespace

TEST_CASE("more SSH ports than can be spared are a refusal, not a lost way in") {
  const auto machine = clean_machine();
  auto run = slot(0);
  run.spare.ssh_ports = {22, 2200, 2201, 2202, 2203, 2204, 2205, 2206};
  CHECK(packet_loss().plan(params("out"), *machine, run));
  run.spare.ssh_ports.push_back(52022);
  const auto refused = packet_loss().plan(params("out"), *machine, run);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::refused);
  run.spare.ssh = false;
  CHECK(packet_loss().plan(params("out"), *machine, run));
}

TEST_CASE("without tcx, a crash at any write leaves neither filters nor a qdisc of ours") {
  for (const bool foreign : {false, true}) {
    const auto whole = old_kernel(foreign);
    MemoryJournal first(whole->gate());
    live(*whole, first);
    CHECK(whole->network().state() == old_kernel(foreign)->network().state());
    for (int at = 0; at < whole->gate().writes(); ++at) {
      CAPTURE(foreign);
      CAPTURE(at);
      const auto machine = old_kernel(foreign);
      MemoryJournal journal(machine->gate());
      machine->gate().die_at(at);
      CHECK_THROWS_AS(live(*machine, journal), MachineDied);
      machine->gate().reset();
      CHECK(undo_all(rollback_on(*machine), journal).clean());
      CHECK(machine->network().state() == old_kernel(foreign)->network().state());
    }
  }
}

TEST_CASE("faults that share a clsact qdisc of ours may end in any order") {
  for (const bool foreign : {false, true})
    for (const bool first_ends_first : {false, true}) {
      const auto machine = old_kernel(foreign);
      InForce first(*machine, 0, "out");
      InForce second(*machine, 1, "in");
      (first_ends_first ? first : second).end();
      CHECK(machine->network().state().namespaces.begin()->second.hooks.at(2).clsact);
      (first_ends_first ? second : first).end();
      CHECK(machine->network().state() == old_kernel(foreign)->network().state());
    }
}

TEST_CASE("a clsact qdisc of ours stays when others have put a filter there") {
  const auto machine = old_kernel(false);
  InForce fault(*machine, 0, "out");
  auto& hooks = machine->network().edit().namespaces.begin()->second.hooks[2];
  const network::Attached theirs{"monitor", 999, network::Means::clsact, 49152, 1, false, false};
  hooks.in.push_back(theirs);
  fault.end();
  CHECK(hooks.clsact);
  CHECK(hooks.in == std::vector{theirs});
  CHECK(hooks.out.empty());
}

TEST_CASE("the plan says that SSH inside a tunnel is not spared, where a tunnel ends here") {
  const auto machine = clean_machine();
  auto& links = machine->network().edit().namespaces.begin()->second.links;
  links.push_back({"tunl0", 3, false, false, true});
  const auto noted = [&](std::vector<std::pair<std::string, std::string>> more, bool ssh = true) {
    Settings settings = {{"target.interface", {"eth0", {}, true}, {}},
                         {"loss", {"5%", {}, true}, {}}};
    for (const auto& [name, value] : more) settings.push_back({name, {value, {}, true}, {}});
    Complaints complaints;
    auto run = slot(0);
    run.spare.ssh = ssh;
    const auto plan =
        packet_loss().plan(packet_loss().parse(settings, {}, complaints), *machine, run);
    REQUIRE(plan);
    return std::ranges::find(plan->notes,
                             "SSH inside a tunnel cannot be seen and is not spared: there is "
                             "'wg0'") != plan->notes.end();
  };
  CHECK_FALSE(noted({}));
  links.push_back({"wg0", 4, true, false, true});
  CHECK(noted({}));
  CHECK(noted({{"match.protocol", "udp"}}));
  CHECK(noted({{"match.port", "9001"}, {"match.invert", "true"}}));
  CHECK_FALSE(noted({{"match.port", "9001"}}));
  CHECK_FALSE(noted({{"match.protocol", "tcp"}}));
  CHECK_FALSE(noted({}, false));
}

// eth0 has an ingress qdisc of others, with a filter of theirs.
std::unique_ptr<FakeMachine> with_ingress_qdisc(bool tcx) {
  auto machine = clean_machine();
  machine->network().has_tcx(tcx);
  auto& hooks = machine->network().edit().namespaces.begin()->second.hooks[2];
  hooks.ingress = true;
  hooks.in.push_back({"monitor", 999, network::Means::clsact, 49152, 1, false, false});
  return machine;
}

std::vector<std::string> means_of(const Result<Plan>& plan) {
  REQUIRE(plan);
  std::vector<std::string> all;
  for (const auto& each : plan->intents) {
    REQUIRE(each.undo.find("means"));  // no qdisc of ours
    all.push_back(*each.undo.find("means"));
  }
  return all;
}

TEST_CASE("beside an ingress qdisc of others tcx is used, where there is tcx") {
  const auto machine = with_ingress_qdisc(true);
  CHECK(means_of(packet_loss().plan(params("both"), *machine, slot(0))) ==
        std::vector<std::string>{"tcx", "tcx"});
}

TEST_CASE("without tcx an ingress qdisc of others takes our filter, for incoming packets only") {
  const auto machine = with_ingress_qdisc(false);
  CHECK(means_of(packet_loss().plan(params("in"), *machine, slot(0))) ==
        std::vector<std::string>{"clsact"});
  InForce fault(*machine, 0, "in");
  fault.end();
  CHECK(machine->network().state() == with_ingress_qdisc(false)->network().state());
  for (const auto* direction : {"out", "both"}) {
    const auto refused = packet_loss().plan(params(direction), *machine, slot(0));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().what ==
          "cannot attach to packets leaving eth0: others have an ingress qdisc there, which "
          "excludes clsact");
    CHECK_FALSE(refused.error().hint.empty());
  }
}

TEST_CASE("a kernel that lacks what clsact takes needs tcx, or is refused before anything") {
  for (const auto* need : {"kernel:NET_SCH_INGRESS", "kernel:NET_CLS_BPF"}) {
    const auto machine = clean_machine();
    machine->edit_kernel().lack(need);
    CHECK(lacks(packet_loss().sheet(), *machine).empty());
    machine->edit_kernel().lack("bpf:tcx");
    const auto missing = lacks(packet_loss().sheet(), *machine);
    REQUIRE(missing.size() == 1);
    CHECK(missing[0].what ==
          "this machine lacks 'bpf:tcx', and this machine lacks '" + std::string(need) + "'");
  }
}

namespace {

// Both directions' programs and a qdisc of ours are there, and the journal is lost.
std::unique_ptr<FakeMachine> killed_while_active() {
  auto machine = old_kernel(false);
  MemoryJournal journal(machine->gate());
  machine->gate().die_at(10);
  CHECK_THROWS_AS(live(*machine, journal), MachineDied);
  machine->gate().reset();
  return machine;
}

}  // namespace

TEST_CASE("without a journal, a mark also leads to the qdisc that was made for it") {
  const auto machine = killed_while_active();
  const auto strays = packet_loss().strays(*machine);
  CHECK(strays.unseen.empty());
  CHECK(strays.found.size() == 2);
  for (const auto& each : strays.found) CHECK(rollback_on(*machine).stray(each.undo));
  CHECK(machine->network().state() == old_kernel(false)->network().state());
}

TEST_CASE("strays are not said to be none where they cannot be looked for") {
  const auto machine = clean_machine();
  machine->network().bar(Error{ErrorKind::system, "cannot list filters", {}, {}, 0});
  const auto barred = packet_loss().strays(*machine);
  CHECK(barred.found.empty());
  CHECK(barred.unseen == std::vector<std::string>{"cannot list filters"});
  machine->network().bar(Error{ErrorKind::gone, "the interface is gone", {}, {}, 0});
  const auto gone = packet_loss().strays(*machine);
  CHECK(gone.found.empty());
  CHECK(gone.unseen.empty());
}

TEST_CASE("a hook that cannot be read does not hide the strays at others") {
  const auto machine = killed_while_active();
  machine->network().bar({ErrorKind::system, "cannot list filters of 'lo'", {}, {}, 0}, 1);
  const auto strays = packet_loss().strays(*machine);
  CHECK(strays.found.size() == 2);
  CHECK(strays.unseen == std::vector<std::string>{"cannot list filters of 'lo'"});
}

TEST_CASE("an interface of the same name that came later is not touched") {
  const auto machine = old_kernel(false);
  InForce fault(*machine, 0, "out");
  auto& own = machine->network().edit().namespaces.begin()->second;
  own.hooks.erase(2);
  own.links[1].index = 7;
  own.hooks[7].clsact = true;
  const auto before = own.hooks;
  fault.end();
  CHECK(own.hooks == before);
}
