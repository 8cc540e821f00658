// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/memory_fill.hpp"
#include "faults/memory_pressure/amount.hpp"
#include "faults/memory_pressure/held_memory.hpp"
#include "faults/registry.hpp"
#include "safety/undo/rollback.hpp"
#include "tests/support/fake_machine.hpp"
#include "tests/support/memory_journal.hpp"

#include <doctest/doctest.h>

#include <array>
#include <chrono>

using namespace squall;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;
using Written = std::vector<std::pair<const char*, const char*>>;

Settings settings(const Written& all) {
  Settings made;
  for (const auto& [name, value] : all) made.push_back({name, {std::string(value), {}, true}, {}});
  return made;
}

const Fault& fault() { return *built_in_faults().find("memory_pressure"); }

std::vector<std::string> complaints_of(const Written& all) {
  Complaints complaints;
  (void)fault().parse(settings(all), {}, complaints);
  std::vector<std::string> texts;
  for (const auto& each : complaints) texts.push_back(each.what);
  return texts;
}

Result<Plan> plan_of(const testing::FakeMachine& machine, const Written& all) {
  Complaints complaints;
  const auto params = fault().parse(settings(all), {}, complaints);
  REQUIRE(complaints.empty());
  return fault().plan(params, machine, {"3f2a9c", 1, 7, {}});
}

std::string refusal_of(const testing::FakeMachine& machine, const Written& all) {
  const auto plan = plan_of(machine, all);
  REQUIRE_FALSE(plan);
  return plan.error().what;
}

// Reports what a test says, and ends when it says so.
class Reporting final : public Worker {
 public:
  struct Said {
    std::array<std::uint64_t, 8> reports{};
    bool ended = false;
  };
  Reporting(pid_t pid, const Said& said) : id_{pid, 1}, said_(said) {}
  ProcessId id() const override { return id_; }
  std::uint64_t read_report(std::size_t which) const override { return said_.reports.at(which); }
  bool wait_for_report(std::size_t, Duration) const override { return true; }
  bool ended() const override { return said_.ended; }
  Duration read_cpu_time() const override { return {}; }
  void set(const ChangeToken&, std::size_t, std::uint64_t) override {}
  Result<> pin(const ChangeToken&, int) override { return {}; }
  Result<> go(const ChangeToken&) override { return {}; }

 private:
  ProcessId id_;
  const Said& said_;
};

// Two workers that were asked for 512 MiB together.
struct Held {
  std::unique_ptr<testing::FakeMachine> machine = testing::clean_machine();
  std::array<Reporting::Said, 2> said;
  MemoryPressureParams params;
  HeldMemory held;

  Held() {
    params.size = Bytes{512 * kMiB};
    held.asked = *params.size;
    held.started = Instant(std::chrono::steady_clock::now()) - 10s;
    for (std::size_t each = 0; each < said.size(); ++each) {
      held.parts.push_back(
          {std::make_unique<Reporting>(static_cast<pid_t>(4000 + each), said.at(each)), Bytes{}});
      fill(each, 256);
    }
    held.before = read_memory_events(*machine, held.amount);
  }
  void fill(std::size_t which, std::uint64_t mib) {
    said.at(which).reports.at(filling::held) = mib * kMiB;
    reside(which, mib);
  }
  void reside(std::size_t which, std::uint64_t mib) {
    machine->memory().files()["/proc/" + std::to_string(4000 + which) + "/status"] =
        "RssAnon:\t" + std::to_string(mib * 1024) + " kB\n";
  }
  void kill(std::uint64_t processes) {
    machine->memory().files()["/proc/vmstat"] = "oom_kill " + std::to_string(3 + processes) + "\n";
  }
  Effect judged() const { return judge(params, held, *machine); }
};

}  // namespace

TEST_CASE("memory_pressure is told how much, once") {
  CHECK(complaints_of({{"size", "1GiB"}}).empty());
  CHECK(complaints_of({{"share", "80%"}}).empty());
  CHECK(complaints_of({}).size() == 1);
  CHECK(complaints_of({{"size", "1GiB"}, {"share", "80%"}}).front() ==
        "memory_pressure: say how much: size or share, and not both");
  CHECK(complaints_of({{"size", "1GiB"}, {"directory", "/var/tmp"}}).size() == 1);
  CHECK(complaints_of({{"size", "1GiB"}, {"memory", "page_cache"}, {"huge_pages", "on"}}).size() ==
        1);
  CHECK(complaints_of({{"size", "1GiB"}, {"rate", "100MiB"}}).front() ==
        "rate: '100MiB' is not a rate");
  CHECK(complaints_of({{"size", "1GiB"}, {"rate", "100MiB/s"}}).empty());
}

TEST_CASE("only the amount is ramped, and only one that was given") {
  for (const auto& field : fault().sheet().params.fields)
    CHECK_MESSAGE(field.rampable == (field.name == "size" || field.name == "share"), field.name);
  Complaints complaints;
  const auto from = fault().parse(settings({{"share", "20%"}}), {}, complaints);
  const auto to = fault().parse(settings({{"share", "60%"}}), {}, complaints);
  const auto half = fault().blend(from, to, [](const std::string&) { return 0.5; });
  const auto printed = fault().print(half);
  REQUIRE(printed.size() == 1);
  CHECK(std::get<std::string>(printed[0].raw.value) == "40%");
}

TEST_CASE("the plan names amount, group and reserve") {
  const auto machine = testing::clean_machine();
  auto plan = plan_of(*machine, {{"share", "50%"}});
  REQUIRE(plan);
  // 6 GiB are available; 2% of 8 GiB are reserved.
  CHECK(plan->intents.front().sentence ==
        "hold 3072MiB of anonymous memory, with 163MiB kept for others, in 2 workers");
  plan = plan_of(*machine, {{"share", "80%"}, {"target.cgroup", "/prices"}});
  REQUIRE(plan);
  // Of 1 GiB 100 MiB are used.
  CHECK(plan->intents.front().sentence ==
        "hold 719MiB of anonymous memory, in cgroup '/prices', with 163MiB kept for others, in 2 "
        "workers");
  CHECK(plan->notes.empty());
}

TEST_CASE("what the reader must know is noted") {
  const auto machine = testing::clean_machine();
  auto& files = machine->memory().files();
  files["/proc/meminfo"] = "MemTotal: 8388608 kB\nMemAvailable: 6291456 kB\nSwapTotal: 1024 kB\n";
  files.erase("/proc/pressure/memory");
  machine->edit_kernel().lack("cap:ipc_lock");
  CHECK(plan_of(*machine, {{"size", "1GiB"}})->notes.size() == 3);
  CHECK(plan_of(*machine, {{"size", "1GiB"}, {"touch_every", "1s"}})->notes.size() == 2);
}

TEST_CASE("what is not there is refused with figures") {
  const auto machine = testing::clean_machine();
  CHECK(refusal_of(*machine, {{"size", "6GiB"}}) ==
        "6144MiB cannot be held: 6144MiB are available, of which 163MiB are reserved");
  CHECK(plan_of(*machine, {{"size", "6GiB"}, {"reserve", "0B"}}));
  CHECK(refusal_of(*machine, {{"size", "1GiB"}, {"reserve", "9GiB"}}) ==
        "a reserve of 9GiB is more than the memory there is, 8192MiB");
  CHECK(refusal_of(*machine, {{"size", "1GiB"}, {"numa_node", "3"}}) ==
        "there is no NUMA node '3' with memory");
  CHECK(refusal_of(*machine, {{"share", "0%"}}) == "0B is less than the least, 1MiB");
  CHECK(refusal_of(*machine, {{"size", "1GiB"}, {"memory", "shared"}, {"huge_pages", "on"}}) ==
        "huge pages are switched off in "
        "'/sys/kernel/mm/transparent_hugepage/shmem_enabled'");
  CHECK(plan_of(*machine, {{"size", "1GiB"}, {"huge_pages", "on"}}));
  machine->memory().files().erase("/sys/kernel/mm/transparent_hugepage/enabled");
  CHECK_FALSE(plan_of(*machine, {{"size", "1GiB"}, {"huge_pages", "on"}}));
  machine->memory().cache_nothing();
  CHECK(refusal_of(*machine, {{"size", "1GiB"}, {"memory", "page_cache"}}) ==
        "no page cache in '/var/tmp'");
}

TEST_CASE("a node has what is free there") {
  const auto machine = testing::clean_machine();
  CHECK(plan_of(*machine, {{"size", "5GiB"}}));
  CHECK(refusal_of(*machine, {{"size", "5GiB"}, {"numa_node", "0"}}) ==
        "5120MiB cannot be held: 5175MiB are available, of which 163MiB are reserved");
}

TEST_CASE("the nearest limit counts, and every one above it") {
  const auto machine = testing::clean_machine();
  auto& groups = machine->cgroups().edit().groups;
  groups["/prices/deep"] = {{"memory.max", "max"}, {"memory.current", "1048576"}};
  auto plan = plan_of(*machine, {{"share", "80%"}, {"target.cgroup", "/prices/deep"}});
  REQUIRE(plan);
  CHECK(plan->intents.front().sentence.starts_with("hold 719MiB"));
  CHECK(refusal_of(*machine, {{"size", "1000MiB"}, {"target.cgroup", "/prices/deep"}}) ==
        "1000MiB cannot be held in cgroup '/prices': its limit is 1024MiB, of which 100MiB are in "
        "use");
  // Cached files make room.
  groups["/prices"]["memory.stat"] = "inactive_file 94371840\nactive_file 0\n";
  CHECK(plan_of(*machine, {{"size", "1000MiB"}, {"target.cgroup", "/prices/deep"}}));
  groups["/prices/deep"]["memory.max"] = "2147483648";
  CHECK(refusal_of(*machine, {{"share", "80%"}, {"target.cgroup", "/prices/deep"}})
            .starts_with("1637MiB cannot be held in cgroup '/prices'"));
  CHECK(refusal_of(*machine, {{"share", "5%"}, {"target.cgroup", "/prices"}}) ==
        "cgroup '/prices' uses 100MiB of its limit of 1024MiB already");
  groups["/prices"]["memory.max"] = groups["/prices/deep"]["memory.max"] = "max";
  CHECK(refusal_of(*machine, {{"share", "80%"}, {"target.cgroup", "/prices/deep"}}) ==
        "cgroup '/prices/deep' has no memory limit, nor has one above it");
  CHECK(refusal_of(*machine, {{"share", "80%"}, {"target.cgroup", "/prics"}}) ==
        "there is no cgroup '/prics'");
}

TEST_CASE("what is held within a hundredth is confirmed, with the pressure meanwhile") {
  Held all;
  CHECK(all.judged().verdict == Effect::Verdict::confirmed);
  all.machine->memory().files()["/proc/pressure/memory"] =
      "some avg10=12.34 avg60=0.00 avg300=0.00 total=1001000\n"
      "full avg10=0.10 avg60=0.00 avg300=0.00 total=500400\n";
  const auto effect = all.judged();
  CHECK(effect.why ==
        "512MiB are held, to within 0%; memory pressure (PSI) some 10%, full 5% of the time");
  const auto counter = [&](const std::string& name) {
    for (const auto& [each, count] : effect.counters)
      if (each == name) return static_cast<std::int64_t>(count);
    return std::int64_t{-1};
  };
  CHECK(counter("memory pressure some, microseconds") == 1'000'000);
  CHECK(counter("memory pressure some avg10, hundredths of a per cent") == 1234);
  all.fill(1, 250);
  CHECK(all.judged().verdict == Effect::Verdict::inconclusive);
  all.said[1].reports.at(filling::withheld) = 6 * kMiB;
  CHECK(all.judged().verdict == Effect::Verdict::mismatch);
  CHECK(all.judged().why.starts_with("it stopped at 506MiB of 512MiB"));
}

TEST_CASE("what the kernel swapped out is not held") {
  Held all;
  all.reside(0, 100);
  CHECK(all.judged().verdict == Effect::Verdict::mismatch);
  CHECK(all.judged().why.starts_with(
      "356MiB are in memory instead of 512MiB: the kernel dropped or swapped out the rest"));
}

TEST_CASE("an OOM kill of anybody else is told, by name where the log is readable") {
  Held all;
  all.kill(1);
  CHECK(all.judged().verdict == Effect::Verdict::mismatch);
  CHECK(all.judged().why.starts_with("the OOM killer ended 1 process of others;"));
  all.machine->memory().victims() = {{77, "postgres"}};
  CHECK(all.judged().why.starts_with(
      "the OOM killer ended 1 process of others: 'postgres' (pid 77)"));
}

TEST_CASE("the OOM kill of a worker is no kill of others, and never counts as held") {
  Held all;
  all.kill(1);
  all.said[1].ended = true;
  CHECK(all.judged().verdict == Effect::Verdict::mismatch);
  const std::string given_back =
      "given back by the OOM killer, for which it stands first in line: 1 of 2 workers ended";
  CHECK(all.judged().why.starts_with(given_back));
  all.machine->memory().victims() = {{4001, "squall-3f2a9c01"}};
  CHECK(all.judged().why.starts_with(given_back));
  CHECK(all.judged().why.find("of others") == std::string::npos);
  all.kill(2);
  all.machine->memory().victims() = {{4001, "squall-3f2a9c01"}, {77, "postgres"}};
  CHECK(all.judged().why.find("; the OOM killer ended 1 process of others: 'postgres'") !=
        std::string::npos);
  all.kill(0);
  CHECK(all.judged().why.starts_with("1 of 2 workers ended, and not by the OOM killer"));
}

TEST_CASE("a record names every worker, and ends them together") {
  const auto machine = testing::clean_machine();
  Complaints complaints;
  const auto params = fault().parse(settings({{"size", "1GiB"}}), {}, complaints);
  const RunContext run{"3f2a9c", 1, 7, {}};
  const auto plan = fault().plan(params, *machine, run);
  REQUIRE(plan);
  testing::MemoryJournal journal(machine->gate());
  Scope scope(journal);
  auto hold = fault().inject(params, *plan, *machine, scope);
  REQUIRE(hold);
  REQUIRE(journal.owed().size() == 1);
  CHECK(machine->workers().state().size() == 2);
  const Rollback rollback([&](const UndoRecord& undo, const ChangeToken& token) {
    return fault().revert(undo, *machine, token);
  });
  CHECK(rollback.undo(journal.owed()).clean());
  CHECK(machine->workers().state().empty());
  const UndoRecord damaged{"memory_pressure", {{"worker", "squall-3f2a9c01"}, {"workers", "12@"}}};
  CHECK_FALSE(rollback.stray(damaged));
}

TEST_CASE("where squall's memory cannot be locked, the effect says so") {
  const auto machine = testing::clean_machine();
  machine->memory().lock_nothing();
  Complaints complaints;
  const auto params = fault().parse(settings({{"size", "1GiB"}}), {}, complaints);
  const auto plan = fault().plan(params, *machine, {"3f2a9c", 1, 7, {}});
  testing::MemoryJournal journal(machine->gate());
  Scope scope(journal);
  auto hold = fault().inject(params, *plan, *machine, scope);
  REQUIRE(hold);
  const auto effect = fault().measure(params, *hold, *machine);
  REQUIRE(effect);
  CHECK(effect->why.find("squall is not locked in memory") != std::string::npos);
}
