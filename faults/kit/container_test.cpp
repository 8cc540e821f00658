// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/container.hpp"

#include "faults/kit/container_engines.hpp"
#include "faults/registry.hpp"
#include "tests/support/fake_machine.hpp"

#include <doctest/doctest.h>

using namespace squall;
using squall::testing::clean_machine;

namespace {

const std::string kWeb = "92072f4b592bfa55e09b9862ddc7820299123658694f9716c7a07d2d4c1184a8";
const std::string kDb = "9207aa8e41c1e4a77a1c2a1c1b4f5a60c0f6ac8fbd15ef07ee1cc1d22ab3c4d5";
const std::string kShop = "5f0c6e1d2b3a49788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";

ProcessInfo process(pid_t pid, pid_t parent, const std::string& name, const std::string& group,
                    const std::string& command = {}) {
  ProcessInfo made;
  made.id = {pid, static_cast<std::uint64_t>(1000 + pid)};
  made.parent = parent;
  made.name = name;
  made.command = command;
  made.state = 'S';
  made.cgroups = {{"", group}};
  return made;
}

std::string conmon(const std::string& id, const std::string& name) {
  return "/usr/bin/conmon --api-version 1 -c " + id + " -u " + id + " -r /usr/bin/runc -b /x -p " +
         "/run/pidfile -n " + name + " --exit-dir /run/libpod/exits";
}

std::unique_ptr<testing::FakeMachine> machine_with_containers() {
  auto machine = clean_machine();
  const auto add = [&](const ProcessInfo& each) { machine->processes().add(each); };
  const auto scope = "/machine.slice/libpod-" + kWeb + ".scope";
  add(process(400, 1, "conmon", "/machine.slice/libpod-conmon-" + kWeb + ".scope",
              conmon(kWeb, "web")));
  add(process(401, 400, "nginx", scope + "/container"));
  add(process(402, 401, "nginx", scope + "/container/worker"));
  add(process(403, 400, "sh", scope));  // "podman exec"
  add(process(410, 1, "conmon", "/libpod_parent/conmon", conmon(kDb, "db")));
  add(process(411, 410, "postgres", "/libpod_parent/libpod-" + kDb));
  add(process(420, 1, "containerd-shim", "/system.slice/containerd.service"));
  add(process(421, 420, "shop", "/system.slice/docker-" + kShop + ".scope"));
  machine->cgroups().containers().stored = {
      {"podman", kWeb, "web"},
      {"docker", kShop, "shop", {{"app", "shop"}, {"tier", "front"}}},
      {"podman", std::string(64, 'e'), "old"}};
  machine->cgroups().containers().asked = {
      {"podman", kWeb, "web", {{"tier", "front"}}},
      {"podman", kDb, "db", {{"tier", "back"}}},
      {"podman", std::string(64, 'e'), "old", {{"tier", "back"}}}};
  return machine;
}

std::string refusal(const std::string& text, const Machine& machine) {
  const auto found = find_container(text, machine);
  return found ? describe(*found) : found.error().what;
}

}  // namespace

TEST_CASE("a container is known by its group, its first process and its monitor") {
  const auto machine = machine_with_containers();
  const auto web = find_container("web", *machine);
  REQUIRE(web);
  CHECK(web->engine == "podman");
  CHECK(web->id == kWeb);
  CHECK(web->cgroup == "/machine.slice/libpod-" + kWeb + ".scope");
  CHECK(web->main.id.pid == 401);
  CHECK(find_container("db", *machine)->cgroup == "/libpod_parent/libpod-" + kDb);
  CHECK(find_container("shop", *machine)->main.id.pid == 421);
  CHECK(find_container("9207aa", *machine)->name == "db");
  CHECK(find_container("tier=back", *machine)->name == "db");
  CHECK(find_container("app=shop", *machine)->engine == "docker");
  const auto plain = containers_among({process(7, 1, "dockerd", "/"), process(8, 7, "shim", "/"),
                                       process(9, 8, "sh", "/docker/" + kShop),
                                       process(10, 1, "sh", "/docker/buildkit")});
  REQUIRE(plain.size() == 1);
  CHECK(plain.front().cgroup == "/docker/" + kShop);
}

TEST_CASE("what is not there, does not run, or is not one says so") {
  const auto machine = machine_with_containers();
  CHECK(refusal("wev", *machine) == "there is no container 'wev' (did you mean 'web'?)");
  CHECK(refusal("old", *machine) == "container 'old' does not run");
  CHECK(find_container("old", *machine).error().hint == "start it with 'podman start old'");
  CHECK(refusal("9207", *machine) == "2 containers match '9207': web, db");
  CHECK(refusal("tier=front", *machine) == "2 containers match 'tier=front': web, shop");
  CHECK(refusal("tier=bakc", *machine) ==
        "there is no container with label 'tier=bakc' (did you mean 'tier=back'?)");
  machine->cgroups().containers().trouble = "cannot reach the container engine at '/x'";
  CHECK(refusal("tier=back", *machine) == "cannot reach the container engine at '/x'");
  CHECK(refusal("web", *machine) == "container 'web'");
  const auto none = clean_machine();
  CHECK(refusal("web", *none) ==
        "there is no container 'web': neither podman nor docker has any here");
}

TEST_CASE("the engines' files and answers are read, and what is none gives nothing") {
  // As podman 4.3 and docker 20.10 write them.
  const auto podmans = podmans_containers(
      R"([{"id":"92072f4b","names":["sq-test"],"image":"","layer":"3b07d3","metadata":"{}",)"
      R"("created":"2026-11-26T18:02:07.298800277Z","flags":{"MountLabel":""}}])");
  REQUIRE(podmans.size() == 1);
  CHECK(podmans.front().id == "92072f4b");
  CHECK(podmans.front().name == "sq-test");
  const auto dockers =
      dockers_container(R"({"State":{"Running":true,"Pid":421},"ID":"5f0c6e","Name":"/shop",)"
                        R"("Config":{"Hostname":"5f0c","Labels":{"app":"shop"}}})");
  REQUIRE(dockers.size() == 1);
  CHECK(dockers.front().name == "shop");
  CHECK(dockers.front().labels == decltype(dockers.front().labels){{"app", "shop"}});
  const auto told = engines_answer(
      "HTTP/1.0 200 OK\r\nApi-Version: 1.41\r\n\r\n"
      R"([{"Id":"92072f","Names":["/sq-test"],"Labels":{"app":"x"},"State":"running"}])",
      "podman");
  REQUIRE(told);
  REQUIRE(told->size() == 1);
  CHECK(told->front().name == "sq-test");
  CHECK(told->front().labels.size() == 1);
  for (const auto* text : {"", "[", "{}", "[1, {}, {\"names\": 3}]", "null", "\"x\""}) {
    CHECK(podmans_containers(text).empty());
    CHECK(dockers_container(text).empty());
    CHECK_FALSE(engines_answer(text, "podman"));
  }
  CHECK_FALSE(engines_answer("HTTP/1.0 404 Not Found\r\n\r\n[]", "podman"));
}

namespace {

Result<Plan> plan_on_web(const char* kind, const Machine& machine, Boxed& params,
                         Settings more = {}) {
  const auto& fault = *built_in_faults().find(kind);
  more.push_back({"target.container", {"web", {}, true}, {}});
  Complaints complaints;
  params = fault.parse(more, {}, complaints);
  for (const auto& each : complaints) FAIL_CHECK(each.what);
  return fault.plan(params, machine, {"c0ffee", 0, 7, {}});
}

}  // namespace

TEST_CASE("a target takes a container for its group, its processes and its network") {
  const auto machine = machine_with_containers();
  const auto group = "/machine.slice/libpod-" + kWeb + ".scope";
  auto& groups = machine->cgroups().edit().groups;
  groups[group] = groups["/trading"];
  Boxed params;
  const auto paused = plan_on_web("process_pause", *machine, params);
  REQUIRE(paused);
  CHECK(paused->intents.size() == 3);
  const auto throttled =
      plan_on_web("cpu_throttle", *machine, params, {{"quota", {"50%", {}, true}, {}}});
  REQUIRE(throttled);
  CHECK(*throttled->intents.front().undo.find("cgroup") == group);
  const auto lossy = plan_on_web("packet_loss", *machine, params, {{"loss", {"5%", {}, true}, {}}});
  REQUIRE_FALSE(lossy);
  CHECK(lossy.error().what == "container 'web' uses the network of this host");
}

TEST_CASE("a container that was started anew is another one, and one that ended is told") {
  const auto machine = machine_with_containers();
  Boxed params;
  const auto plan = plan_on_web("process_pause", *machine, params);
  REQUIRE(plan);
  const auto lost = [&] {
    return built_in_faults().find("process_pause")->verify(params, *machine, plan->run)->lost;
  };
  CHECK(lost().empty());
  auto& all = machine->processes().edit().all;
  std::erase_if(all, [](const auto& each) { return each.id.pid >= 401 && each.id.pid <= 403; });
  CHECK(lost() == "container 'web' does not run");
  machine->processes().add(
      process(501, 400, "nginx", "/machine.slice/libpod-" + kWeb + ".scope/container"));
  CHECK(lost() == "container 'web' was restarted");
}
