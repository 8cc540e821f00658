// SPDX-License-Identifier: Apache-2.0
//
// Whole runs against a container that is started anew, or ends, while faults are on it.

#include "tests/support/examples.hpp"
#include "tests/support/world.hpp"

#include <doctest/doctest.h>

using namespace squall;
using namespace squall::testing;

namespace {

const std::string kId(64, 'a');
const std::string kGroup = "/machine.slice/libpod-" + kId + ".scope";

// A world with the container 'web', which can end and start.
struct Inhabited : World {
  Inhabited() {
    machine->cgroups().containers().stored = {{"podman", kId, "web"}};
    begin();
    before = dump(*machine);
  }
  void begin() {
    auto& groups = machine->cgroups().edit().groups;
    groups[kGroup] = groups["/trading"];
    ProcessInfo made;
    made.name = made.program = made.command = "nginx";
    made.parent = 1;
    made.state = 'S';
    made.cgroups = {{"", kGroup}};
    made.netns = 1;
    machine->processes().add(made);
  }
  void end() {
    machine->cgroups().edit().groups.erase(kGroup);
    machine->cgroups().make_anew(kGroup);
    std::erase_if(machine->processes().edit().all,
                  [](const auto& each) { return each.name == "nginx"; });
  }
  int count(const std::string& name) const {
    return static_cast<int>(std::ranges::count(events, name, &Event::name));
  }
  std::string before;
};

CheckedScenario throttled(const char* on_restart) {
  return checked(scenario_around(
      "[[fault]]\nname = \"slow\"\nkind = \"cpu_throttle\"\nduration = \"20s\"\nquota = \"50%\"\n"
      "target = { container = \"web\" }\nramp = { quota = { to = \"20%\", over = \"15s\" } }\n"
      "on_restart = \"" +
      std::string(on_restart) +
      "\"\n[[fault]]\nname = \"hang\"\nkind = \"process_pause\"\nstart = \"10s\"\n"
      "duration = \"2s\"\ntarget = { container = \"web\" }\n"));
}

}  // namespace

TEST_CASE("a fault that follows is taken back with its container and begins again with it") {
  Inhabited world;
  int lost_when_active = 0;
  world.heard = [&, at = 0](const Event& event) mutable {
    if (event.name == "fault_active" && event.text("fault") == "slow" && ++at == 1) world.end();
    if (event.name == "fault_lost") {
      lost_when_active = at;
      world.begin();
    }
  };
  const auto result = world.run(throttled("follow"));
  CHECK(result.exit_code == 0);
  CHECK(lost_when_active == 1);
  CHECK(world.count("fault_lost") == 1);
  CHECK(world.find("fault_lost")->text("why").starts_with("container 'web'"));
  CHECK(world.count("fault_active") == 3);
  CHECK(result.residue.empty());
  CHECK(dump(*world.machine) == world.before);
}

TEST_CASE("one that does not follow stops the run, and nothing is left") {
  Inhabited world;
  world.heard = [&](const Event& event) {
    if (event.name == "fault_active" && event.text("fault") == "slow") {
      world.end();
      world.begin();
    }
  };
  const auto result = world.run(throttled("stop"));
  CHECK(result.exit_code == 4);
  CHECK(result.reason.find("container 'web' was restarted") != std::string::npos);
  CHECK(result.residue.empty());
  CHECK(dump(*world.machine) == world.before);
}

TEST_CASE("a container that never comes back leaves the fault waiting to its end") {
  Inhabited world;
  world.heard = [&](const Event& event) {
    if (event.name == "fault_active") world.end();
  };
  auto scenario = checked(
      scenario_around("[[fault]]\nkind = \"cpu_throttle\"\nduration = \"20s\"\nquota = \"50%\"\n"
                      "target = { container = \"web\" }\non_restart = \"follow\"\n"));
  const auto result = world.run(std::move(scenario));
  CHECK(result.exit_code == 0);
  CHECK(world.count("fault_lost") == 1);
  CHECK(world.count("fault_active") == 1);
  CHECK(world.find("fault_lost")->text("why") == "container 'web' does not run");
}
