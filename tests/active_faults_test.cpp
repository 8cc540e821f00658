// SPDX-License-Identifier: Apache-2.0
//
// The faults of one run when something does not go as planned: an undo that fails, a strength
// that cannot be changed, something that is there already.

#include "scenarios/active_faults.hpp"

#include "tests/support/fake_machine.hpp"
#include "tests/support/guarding.hpp"
#include "tests/support/memory_journal.hpp"
#include "tests/support/temporary.hpp"
#include "tests/support/toy_fault.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <set>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace squall;
using namespace squall::testing;

namespace {

// What the faults of these tests change, and what stands in their way.
struct Ground {
  std::set<std::string> made, stuck;
  std::vector<std::string> reverted;
  std::vector<std::string> facts, strays;
  SpareList spare;
};
Ground& ground() {
  static Ground only;
  return only;
}

Intent intent_of(const std::string& what) {
  return {"make " + what, {"pair", {{"what", what}}}, "undo it", "undo " + what};
}

// Makes two things; its strength cannot be changed.
struct Pair : ToyVerbs {
  static const Spec<Params>& describe() {
    static const Spec<Params> spec{"pair", "two things", Rung::we_own_it, {}, toy_table(), "", "",
                                   {}};
    return spec;
  }
  static Result<Plan> plan(const Params&, const Machine&, const RunContext& run) {
    ground().spare = run.spare;
    const auto slot = std::to_string(run.slot);
    return Plan{run, {intent_of(slot + "a"), intent_of(slot + "b")}, {}};
  }
  static Result<Hold> inject(const Params&, const Plan& plan, Machine&, Scope& scope) {
    for (const auto& each : plan.intents)
      SQUALL_CHECK(scope.change(each, [&](const ChangeToken&) -> Result<> {
        ground().made.insert(*each.undo.text("what"));
        return {};
      }));
    return Hold{};
  }
  static Result<Reading> verify(const Params&, const Machine&, const RunContext& run) {
    const auto slot = std::to_string(run.slot);
    const auto there = ground().made.count(slot + "a") + ground().made.count(slot + "b");
    return there == 0 ? Reading::absent : there == 2 ? Reading::present : Reading::partial;
  }
  static Result<> adjust(const Params&, Hold&, Machine&, Scope&) {
    return Error{ErrorKind::system, "no such strength", {}, {}, 0};
  }
  static Result<std::vector<std::string>> survey(const Params&, const Machine&) {
    return ground().facts;
  }
  static Strays strays(const Machine&) {
    Strays all;
    for (const auto& each : ground().strays) all.found.push_back(intent_of(each));
    return all;
  }
};

// Two such faults, the second one a second later.
struct Scene {
  Scene() {
    ground() = {};
    auto opened = EventLog::create(dir / "events.jsonl", "test");
    REQUIRE(opened);
    log = std::make_unique<EventLog>(std::move(*opened));
    log->listen([this](const Event& event, const std::string&) { events.push_back(event); });
    std::vector<PlannedFault> planned;
    Complaints complaints;
    for (unsigned slot = 0; slot < 2; ++slot) {
      auto& one = checked[slot];
      one.entry.name = slot == 0 ? "first" : "second";
      one.entry.start = Duration(slot * 1s);
      one.fault = &fault;
      one.params = fault.parse({text_setting("interface", "eth0")}, {}, complaints);
      one.slot = slot;
      auto plan = fault.plan(one.params, *machine, {"c0ffee", slot, 7, {}});
      REQUIRE(plan);
      planned.push_back({&one, std::move(*plan)});
    }
    REQUIRE(complaints.empty());
    faults = std::make_unique<ActiveFaults>(std::move(planned), *machine, rollback, journal, *log,
                                            std::vector<std::string>{});
  }
  RunResult result() const {
    RunResult made;
    faults->compare(made);
    faults->report(made, 0);
    return made;
  }
  std::string state(std::size_t index) const {
    RunStatus status;
    faults->tell(status);
    return status.faults[index].state;
  }
  auto count(const std::string& event) const {
    return std::ranges::count(events, event, &Event::name);
  }

  TemporaryDirectory dir;
  std::unique_ptr<FakeMachine> machine = clean_machine();
  Adapt<Pair> fault;
  CheckedFault checked[2];
  Rollback rollback{[](const UndoRecord& undo, const ChangeToken&) -> Result<> {
    const auto what = *undo.text("what");
    ground().reverted.push_back(what);
    if (ground().stuck.count(what)) return Error{ErrorKind::system, "it is busy", {}, {}, 0};
    ground().made.erase(what);
    return {};
  }};
  MemoryJournal journal{machine->gate()};
  std::unique_ptr<EventLog> log;
  std::vector<Event> events;
  std::unique_ptr<ActiveFaults> faults;
};

// As a watchdog, or a worker of another run, that begins while this run is on.
class LateProcessOfOurs {
 public:
  LateProcessOfOurs() {
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_NAME, "squall-late");
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      (void)!::write(ready[1], "+", 1);
      for (;;) ::pause();
    }
    char byte = 0;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~LateProcessOfOurs() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
};

}  // namespace

TEST_CASE("a fault that does not end on time stays active until it is taken back after all") {
  Scene scene;
  REQUIRE(scene.faults->inject(0));
  REQUIRE(scene.faults->inject(1));
  ground().stuck = {"0b"};
  const auto ended = scene.faults->end(0);
  REQUIRE_FALSE(ended);
  CHECK(ended.error().what == "fault 'first' cannot be taken back: make 0b: it is busy");
  CHECK(scene.state(0) == "active");
  CHECK(scene.count("fault_ended") == 0);

  ground().reverted.clear();
  scene.faults->end_all();
  CHECK(ground().made == std::set<std::string>{"0b"});
  // What is settled is not undone a second time.
  CHECK(ground().reverted == std::vector<std::string>{"1b", "1a", "0b"});
  CHECK(scene.state(1) == "ended");
  CHECK(scene.faults->any_active());

  ground().stuck.clear();
  scene.faults->retry_left();
  CHECK(ground().made.empty());
  CHECK(scene.state(0) == "ended");
  CHECK(scene.count("fault_ended") == 2);
  CHECK(scene.count("left") == 0);
  CHECK_FALSE(scene.faults->any_active());
  CHECK(scene.journal.owed().empty());
  CHECK(scene.result().residue.empty());
}

TEST_CASE("what cannot be undone is told, with the command of every record that is still owed") {
  Scene scene;
  REQUIRE(scene.faults->inject(0));
  ground().stuck = {"0a", "0b"};
  scene.faults->end_all();
  scene.faults->retry_left();
  CHECK(scene.faults->left() == 2);
  CHECK(scene.state(0) == "not undone");
  CHECK(scene.count("left") == 2);
  CHECK(scene.count("fault_ended") == 0);
  const auto result = scene.result();
  CHECK(result.faults[0].injected);
  CHECK(result.faults[0].error == "not undone: make 0b: it is busy");
  REQUIRE(result.residue.size() == 3);
  CHECK(result.residue[0].by_hand == "undo 0b");
  CHECK(result.residue[1].by_hand == "undo 0a");
  CHECK(result.residue[2].what == "fault 'first' still reads 'present'");
  CHECK(result.residue[2].by_hand == "undo 0a; undo 0b");
}

TEST_CASE("a fault that begins later spares what has come meanwhile") {
  Scene scene;
  const LateProcessOfOurs late;
  REQUIRE(scene.faults->inject(0));
  CHECK_FALSE(ground().spare.spares(late.pid()));
  REQUIRE(scene.faults->inject(1));
  CHECK(ground().spare.spares(late.pid()));
}

TEST_CASE("a strength that could not be changed is the fault's error, and its effect is kept") {
  Scene scene;
  REQUIRE(scene.faults->inject(0));
  REQUIRE_FALSE(scene.faults->adjust(0, scene.checked[0].params));
  scene.faults->end_all();
  const auto result = scene.result();
  CHECK(result.faults[0].injected);
  CHECK(result.faults[0].error == "no such strength");
  CHECK(result.faults[0].effect.why == "this fault has no effect check");
  CHECK(scene.count("fault_failed") == 1);
}

TEST_CASE("what an earlier run left refuses the next one; a name that is like ours does not") {
  Scene scene;
  CHECK(scene.faults->look_before());
  ground().strays = {"something"};
  ground().facts = {"squall-gw of namespace 'squall-lab-north': qdisc noqueue", "a squall_x",
                    "process 7 'squall' is stopped"};
  CHECK(scene.faults->look_before());
  for (const auto* fact : {"process 12 'squall-c0ffee00' runs", "eth0: in tcx squall_c0ffee00"}) {
    ground().facts = {fact};
    const auto looked = scene.faults->look_before();
    REQUIRE_FALSE(looked);
    CHECK(looked.error().kind == ErrorKind::refused);
    CHECK(looked.error().what.find(fact) != std::string::npos);
    CHECK(looked.error().hint.find("squall recover") != std::string::npos);
  }
  // It is there, but another run holds it.
  ground().strays.clear();
  CHECK(scene.faults->look_before());
}
