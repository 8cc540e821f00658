// SPDX-License-Identifier: Apache-2.0
//
// Starting programs whose start does not come to an end.

#include "faults/kit/process_start.hpp"

#include "faults/kit/worker.hpp"
#include "safety/base/proc.hpp"
#include "safety/undo/rollback.hpp"
#include "tests/support/temporary.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace squall;
using squall::testing::TemporaryDirectory;

namespace {

// A program that nobody can open, and so nobody can become. Kernel: whoever opens a file on
// which another has a lease waits until that is given up, 45 s unless set otherwise.
class HeldUp {
 public:
  HeldUp() : signal_(std::signal(SIGIO, SIG_IGN)) {
    std::filesystem::copy_file("/bin/sleep", program());
    held_ = Fd{::open(program().c_str(), O_RDONLY | O_CLOEXEC)};
    REQUIRE(::fcntl(held_.get(), F_SETLEASE, F_WRLCK) == 0);
  }
  ~HeldUp() { std::signal(SIGIO, signal_); }
  std::string program() const { return dir_ / "held-up-program"; }

 private:
  void (*signal_)(int);
  TemporaryDirectory dir_;
  Fd held_;
};

Duration since(std::chrono::steady_clock::time_point began) {
  return std::chrono::steady_clock::now() - began;
}

}  // namespace

TEST_CASE("a program that cannot be started in time is an error, and never starts") {
  const auto began = std::chrono::steady_clock::now();
  {
    const HeldUp held;
    const auto detached = start_detached({.argv = {held.program(), "3600"}});
    REQUIRE_FALSE(detached);
    CHECK(detached.error().what == "'" + held.program() + "' did not start within 1s");
    const auto waited = run_to_end({held.program(), "3600"}, 300ms);
    REQUIRE_FALSE(waited);
    CHECK(waited.error().what == "'" + held.program() + "' did not end within 300ms");
  }
  CHECK(since(began) < 20s);
  const auto all = all_processes();
  CHECK(
      std::ranges::none_of(all, [](pid_t pid) { return process_name(pid) == "held-up-program"; }));
}

TEST_CASE("what is left of a start whose starter was killed is found by name and ended") {
  const std::string name = "squall-7e570001";
  const auto workers = this_hosts_workers();
  const auto left = [&] {
    auto all = *workers->find_all();
    std::erase_if(all, [&](const auto& each) { return each.name != name; });
    return all.size();
  };
  {
    const HeldUp held;
    const pid_t starter = ::fork();
    // Again and again, since each start is given up after a second.
    if (starter == 0)
      for (;;) (void)start_detached({.argv = {held.program(), "3600"}, .starter = name});
    const auto within = [](auto&& true_by_then) {
      const auto until = std::chrono::steady_clock::now() + 20s;
      while (!true_by_then()) {
        if (std::chrono::steady_clock::now() > until) return false;
        ::usleep(100);
      }
      return true;
    };
    CHECK(within([&] { return left() > 0; }));
    ::kill(starter, SIGKILL);
    ::waitpid(starter, nullptr, 0);
    const Rollback rollback([&](const UndoRecord& undo, const ChangeToken& token) {
      return delete_recorded_worker(undo, *workers, token);
    });
    CHECK(rollback.stray({"process_kill", {{"worker", name}}}));
    // One that was made meanwhile has not got its go, and ends by itself.
    CHECK(within([&] { return left() == 0; }));
  }
  const auto all = all_processes();
  CHECK(
      std::ranges::none_of(all, [](pid_t pid) { return process_name(pid) == "held-up-program"; }));
}

TEST_CASE("what is started carries its mark, and one of an earlier start is replaced") {
  const std::string mark = "SQUALL_RESTARTED=7e5700/" + std::to_string(::getpid());
  const auto processes = this_hosts_processes();
  ::setenv("SQUALL_RESTARTED", "of an earlier one", 1);
  const auto started = start_detached({.argv = {"sleep", "3600"}, .mark = mark});
  ::unsetenv("SQUALL_RESTARTED");
  REQUIRE(started);
  const auto found = processes->find_marked(mark);
  REQUIRE(found);
  REQUIRE(found->size() == 1);
  const auto pid = found->front().pid;
  CHECK(process_name(pid) == "sleep");
  CHECK(processes->find_marked(mark.substr(0, mark.size() - 1))->empty());
  CHECK(processes->find_marked("SQUALL_RESTARTED=of an earlier one")->empty());
  const Fd held = open_process(pid);
  ::kill(pid, SIGKILL);
  CHECK(ends_within(held.get(), 20s));
  CHECK(processes->find_marked(mark)->empty());
}

TEST_CASE("a program is run to its end, or ended at its limit") {
  CHECK(run_to_end({"true"}, 30s));
  CHECK(run_to_end({"false"}, 30s).error().what == "'false' ended with exit code 1");
  CHECK(run_to_end({"/nowhere/squall"}, 30s).error().what.starts_with("cannot start"));
  CHECK(start_detached({.argv = {"/nowhere/squall"}}).error().what.starts_with("cannot start"));
  const auto began = std::chrono::steady_clock::now();
  CHECK(run_to_end({"sleep", "3600"}, 100ms).error().what == "'sleep' did not end within 100ms");
  CHECK(since(began) < 20s);
}
