// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/process_target.hpp"

#include "faults/kit/cgroup.hpp"
#include "tests/support/fake_machine.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace squall;

namespace {

std::vector<std::string> names_of(const Result<std::vector<ProcessInfo>>& found) {
  std::vector<std::string> names;
  if (found)
    for (const auto& each : *found) names.push_back(each.name);
  else
    names.push_back("! " + found.error().what);
  return names;
}

ProcessTarget by_name(const std::string& name) {
  ProcessTarget target;
  target.name = name;
  return target;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("each selector finds what it names") {
  const auto machine = testing::clean_machine();
  ProcessTarget pid, command, pattern, group, unit;
  pid.pid = 202;
  command.command = "--port 9001";
  pattern.command = "~order_.*[0-9]{4}$";
  group.cgroup = "/trading";
  unit.unit = "price_service";
  const SpareList spare;
  CHECK(names_of(find_targets(pid, *machine, spare)) == Names{"order_client"});
  CHECK(names_of(find_targets(by_name("order_gateway"), *machine, spare)) ==
        Names{"order_gateway"});
  CHECK(names_of(find_targets(command, *machine, spare)) == Names{"order_gateway"});
  CHECK(names_of(find_targets(pattern, *machine, spare)) == Names{"order_gateway", "order_client"});
  CHECK(names_of(find_targets(group, *machine, spare)) == Names{"order_gateway"});
  CHECK(names_of(find_targets(unit, *machine, spare)) == Names{"price_service"});
}

TEST_CASE("an expression is complained of where it is written, and never guessed with") {
  const auto fields = process_target_fields();
  const auto command =
      std::ranges::find(fields, "command", [](const auto& each) { return each.sheet.name; });
  REQUIRE(command != fields.end());
  ProcessTarget target;
  CHECK_FALSE(command->set(target, {std::string("~(["), {}}));
  CHECK_FALSE(command->set(target, {std::string("~\\d"), {}}));
  CHECK(command->set(target, {std::string("~order_[0-9]+"), {}}));
  CHECK(command->set(target, {std::string("(["), {}}));
  const auto machine = testing::clean_machine();
  ProcessInfo long_one;
  long_one.name = "long";
  long_one.state = 'S';
  long_one.command = std::string(100'000, 'x');
  machine->processes().add(long_one);
  target.command = "~(x|xx)*y";
  const auto found = find_targets(target, *machine, {});
  REQUIRE_FALSE(found);
  CHECK(found.error().kind == ErrorKind::refused);
  CHECK(found.error().what.contains("takes too long"));
}

TEST_CASE("only processes of the namespace match, and the message says so") {
  const auto machine = testing::clean_machine();
  auto target = by_name("order_gateway");
  target.netns = "gw";
  CHECK(names_of(find_targets(target, *machine, {})) ==
        Names{"! no process matches name 'order_gateway' in network namespace 'gw'"});
  machine->processes().edit().all[3].netns = 2;
  CHECK(names_of(find_targets(target, *machine, {})) == Names{"order_gateway"});
}

TEST_CASE("what is spared is never found, whatever names it") {
  const auto machine = testing::clean_machine();
  ProcessInfo worker;
  worker.name = "squall-3f2a9c00";
  worker.state = 'R';
  machine->processes().add(worker);
  SpareList spare;
  spare.processes = {1, 50, 100};
  ProcessTarget everything;
  everything.command = "~";
  CHECK(names_of(find_targets(everything, *machine, spare)) ==
        Names{"order_gateway", "price_service", "order_client"});
  const std::map<std::string, std::string> why = {
      {"init", "is init"}, {"sshd", "keeps the operator's way in"}, {"squall-3f2a9c00", "own"}};
  for (const auto& [name, words] : why) {
    const auto found = find_targets(by_name(name), *machine, spare);
    REQUIRE_FALSE(found);
    CHECK(found.error().kind == ErrorKind::refused);
    CHECK(found.error().what.find(words) != std::string::npos);
  }
}

TEST_CASE("nothing that matches is told with what was probably meant") {
  const auto machine = testing::clean_machine();
  CHECK(names_of(find_targets(by_name("order_gatway"), *machine, {})) ==
        Names{"! no process matches name 'order_gatway' (did you mean 'order_gateway'?)"});
  ProcessTarget unit;
  unit.unit = "price_servic";
  CHECK(names_of(find_targets(unit, *machine, {})) ==
        Names{"! no process matches unit 'price_servic.service' (did you mean "
              "'price_service.service'?)"});
}

TEST_CASE("more than at_most is refused, descendants included") {
  const auto machine = testing::clean_machine();
  ProcessInfo child;
  child.name = "child";
  child.state = 'S';
  child.parent = 200;
  const auto pid = machine->processes().add(child);
  child.parent = pid;
  child.name = "grandchild";
  machine->processes().add(child);
  auto target = by_name("order_gateway");
  CHECK(names_of(find_families(target, *machine, {})) ==
        Names{"order_gateway", "child", "grandchild"});
  target.at_most = 2;
  CHECK(names_of(find_targets(target, *machine, {})) == Names{"order_gateway"});
  CHECK_FALSE(find_families(target, *machine, {}));
}

TEST_CASE("a process that has ended or a kernel thread is no target") {
  const auto machine = testing::clean_machine();
  machine->processes().edit().all[3].state = 'Z';
  CHECK_FALSE(find_targets(by_name("order_gateway"), *machine, {}));
  machine->processes().edit().all[4].kernel_thread = true;
  ProcessTarget target;
  target.pid = 201;
  CHECK(names_of(find_targets(target, *machine, {})) ==
        Names{"! pid 201 matches only what is spared: process 201 'price_service' is a thread of "
              "the kernel"});
}

TEST_CASE("a group contains itself and what is below it, and not its neighbours") {
  ProcessInfo process;
  process.cgroups = {{"cpu", "/a/b"}, {"", "/ab"}};
  CHECK(is_in(process, {"cpu", "/a", ""}));
  CHECK(is_in(process, {"cpu", "/a/b", ""}));
  CHECK(is_in(process, {"", "/", ""}));
  CHECK_FALSE(is_in(process, {"", "/a", ""}));
  CHECK_FALSE(is_in(process, {"memory", "/a", ""}));
}

TEST_CASE("identities survive as text; a damaged one is left out") {
  const ProcessId id{1234, 567890};
  CHECK(to_text(id) == "1234@567890");
  CHECK(planned_processes({to_text(id), "", "12", "x@y", "7@"}) == std::vector<ProcessId>{id});
}
