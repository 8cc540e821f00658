// SPDX-License-Identifier: Apache-2.0
//
// Filling workers as real processes; needs no privileges and little memory.

#include "faults/kit/memory_fill.hpp"

#include "safety/base/file.hpp"
#include "tests/support/working.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace squall;
using testing::comes_true;
using testing::with_token;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;

std::uint64_t anonymous(const Worker& worker) {
  const auto text = read_file("/proc/" + std::to_string(worker.id().pid) + "/status");
  return text ? memory::find_amount(*text, "RssAnon").value_or(Bytes{}).value : 0;
}

std::unique_ptr<Worker> begun(const filling::Job& job, Bytes size,
                              const std::string& directory = "") {
  WorkerOrder order{.name = worker_name("abc124", 7), .work = filling::work};
  order.text = directory;
  auto worker = this_hosts_workers()->make_idle(order);
  REQUIRE_MESSAGE(worker, worker.error().sentence());
  with_token([&](const ChangeToken& token) {
    filling::set_job(token, **worker, job);
    filling::set_size(token, **worker, size);
    REQUIRE((*worker)->go(token));
  });
  CHECK((*worker)->wait_for_report(filling::began, 5s));
  return std::move(*worker);
}

}  // namespace

TEST_CASE("a worker holds what it is told to, by the kernel's account, and follows the setting") {
  for (const auto pages : {HugePages::preferred, HugePages::off}) {
    const auto worker = begun({.huge = pages}, {21 * kMiB});
    const auto holds = [&](std::uint64_t mib) {
      return comes_true([&] { return worker->read_report(filling::held) == mib * kMiB; });
    };
    CHECK(holds(21));
    const auto at_first = anonymous(*worker);
    CHECK(at_first >= 21 * kMiB);
    with_token([&](const ChangeToken& token) { filling::set_size(token, *worker, {5 * kMiB}); });
    CHECK(holds(5));
    CHECK(comes_true([&] { return anonymous(*worker) + 15 * kMiB < at_first; }));
    with_token([&](const ChangeToken& token) { filling::set_size(token, *worker, {9 * kMiB}); });
    CHECK(holds(9));
  }
}

TEST_CASE("a reserve that is never there keeps a worker from growing") {
  const auto worker = begun({.reserve = {1ULL << 50}}, {16 * kMiB});
  CHECK(comes_true([&] { return worker->read_report(filling::withheld) == 16 * kMiB; }));
  CHECK(worker->read_report(filling::held) == 0);
}

TEST_CASE("what a worker cannot do is an error that says so") {
  const auto nowhere = begun({.kind = memory::Kind::page_cache}, {16 * kMiB}, "/nowhere-at-all");
  auto failure = filling::read_failure(*nowhere, "/nowhere-at-all");
  REQUIRE(failure);
  CHECK(failure->what.find("make a file in '/nowhere-at-all'") != std::string::npos);
  const auto well = begun({}, {kMiB});
  CHECK_FALSE(filling::read_failure(*well, ""));
}

TEST_CASE("to wait for a report ends when the worker does") {
  WorkerOrder order{.name = worker_name("abc124", 8),
                    .work = [](WorkerPage&, int) { /* and it is over */ }};
  auto worker = this_hosts_workers()->make_idle(order);
  REQUIRE(worker);
  with_token([&](const ChangeToken& token) { REQUIRE((*worker)->go(token)); });
  CHECK_FALSE((*worker)->wait_for_report(0, 10s));
  CHECK((*worker)->ended());
}
