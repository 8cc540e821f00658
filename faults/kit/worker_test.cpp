// SPDX-License-Identifier: Apache-2.0
//
// Workers as real processes; needs no privileges.

#include "faults/kit/worker.hpp"

#include "faults/kit/worker_burn.hpp"
#include "safety/undo/rollback.hpp"
#include "tests/support/fake_machine.hpp"
#include "tests/support/working.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <sys/resource.h>
#include <unistd.h>

using namespace squall;
using testing::comes_true;
using testing::with_token;

namespace {

void report_its_setting(WorkerPage& page, int lifeline) {
  page.reports[1].store(page.settings[0].load() + 1);
  char byte = 0;
  (void)!::read(lifeline, &byte, 1);
}

WorkerOrder order() {
  WorkerOrder made;
  made.name = worker_name("abc123", 7);
  made.work = report_its_setting;
  return made;
}

}  // namespace

TEST_CASE("names carry the mark and the slot, and only such names are workers'") {
  CHECK(worker_name("3f2a9c", 1) == "squall-3f2a9c01");
  CHECK(is_worker_name("squall-3f2a9c01"));
  for (const auto* other : {"squall", "squall-watchdog", "squall-3f2a9c0", "squall-3f2a9g01"})
    CHECK_FALSE(is_worker_name(other));
}

TEST_CASE("a worker idles until its go, works by its settings, and ends with its holder") {
  const auto workers = this_hosts_workers();
  const auto processes = this_hosts_processes();
  auto worker = workers->make_idle(order());
  REQUIRE_MESSAGE(worker, worker.error().sentence());
  const auto id = (*worker)->id();
  const auto idle = processes->read(id);
  REQUIRE(idle);
  CHECK(idle->name == "squall-abc12307");
  CHECK(idle->command == "squall-abc12307");
  CHECK((*worker)->read_report(1) == 0);
  with_token([&](const ChangeToken& token) {
    (*worker)->set(token, 0, 41);
    REQUIRE((*worker)->go(token));
  });
  CHECK(comes_true([&] { return (*worker)->read_report(1) == 42; }));
  worker->reset();
  CHECK_FALSE(processes->read(id));
}

TEST_CASE("a record ends its worker, and nobody who has its pid or its name by accident") {
  const auto workers = this_hosts_workers();
  const auto processes = this_hosts_processes();
  auto worker = workers->make_idle(order());
  REQUIRE(worker);
  const auto id = (*worker)->id();
  with_token([&](const ChangeToken& token) {
    CHECK(workers->delete_if_ours(token, {{id.pid, id.start + 1}}, "squall-abc12307"));
    CHECK(workers->delete_if_ours(token, {id}, "squall-abc12308"));
    CHECK(processes->read(id));
    CHECK(workers->delete_if_ours(token, {id}, "squall-abc12307"));
    CHECK_FALSE(processes->read(id));
    CHECK(workers->delete_if_ours(token, {id}, "squall-abc12307"));
  });
}

TEST_CASE("a worker that cannot take its place says which, and leaves nothing") {
  const auto workers = this_hosts_workers();
  auto impossible = order();
  impossible.cpu = 1023;
  const auto worker = workers->make_idle(impossible);
  REQUIRE_FALSE(worker);
  CHECK(worker.error().what.find("set the CPU of worker 'squall-abc12307'") != std::string::npos);
  const auto left = workers->find_all();
  REQUIRE(left);
  for (const auto& each : *left) CHECK(each.name != "squall-abc12307");
}

TEST_CASE("a worker has the nice value of its order, whatever squall's own is") {
  const auto workers = this_hosts_workers();
  const int before = ::getpriority(PRIO_PROCESS, 0);
  if (::setpriority(PRIO_PROCESS, 0, -1) != 0) {
    MESSAGE("skipped: without CAP_SYS_NICE this test could not come back from a higher value");
    return;
  }
  ::setpriority(PRIO_PROCESS, 0, 5);
  const auto worker = workers->make_idle(order());
  ::setpriority(PRIO_PROCESS, 0, before);
  REQUIRE_MESSAGE(worker, worker.error().sentence());
  CHECK(::getpriority(PRIO_PROCESS, static_cast<id_t>((*worker)->id().pid)) == 0);
}

TEST_CASE("a load is used up by the kernel's account, and follows the setting") {
  const auto workers = this_hosts_workers();
  auto burning = order();
  burning.work = burn::work;
  burning.scheduling = WorkerClass::normal;
  auto worker = workers->make_idle(burning);
  REQUIRE(worker);
  with_token([&](const ChangeToken& token) {
    burn::set_load(token, **worker, Percent{10});
    REQUIRE((*worker)->go(token));
  });
  // However busy this machine is: what was asked is a tenth of what went by.
  CHECK(comes_true([&] { return (*worker)->read_report(burn::elapsed) > 200'000'000; }));
  const auto elapsed = static_cast<double>((*worker)->read_report(burn::elapsed));
  const auto asked = static_cast<double>((*worker)->read_report(burn::asked));
  CHECK(asked / elapsed > 0.09);
  CHECK(asked / elapsed < 0.11);
  CHECK((*worker)->read_cpu_time() > 0ns);
}
