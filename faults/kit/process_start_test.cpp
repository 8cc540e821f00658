// SPDX-License-Identifier: Apache-2.0
//
// Starting programs whose start does not come to an end.

#include "faults/kit/process_start.hpp"

#include "safety/base/proc.hpp"
#include "safety/base/process_stat.hpp"
#include "tests/support/temporary.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <signal.h>
#include <sys/prctl.h>
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

TEST_CASE("a start whose starter is killed is found by name until it is found by mark") {
  const std::string name = "squall-7e570001";
  const auto named = [&] {
    auto all = all_processes();
    std::erase_if(all, [&](pid_t pid) {
      const auto stat = read_process_stat(pid);
      return !stat || stat->name != name || stat->ended();
    });
    return all;
  };
  const auto wait_for = [](const auto& holds) {
    const auto until = std::chrono::steady_clock::now() + 20s;
    for (; std::chrono::steady_clock::now() < until; ::usleep(1000))
      if (holds()) return true;
    return false;
  };
  const HeldUp held;
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // what the starter leaves is ours
  const pid_t starter = ::fork();
  if (starter == 0) {
    StartOrder order;
    order.argv = {held.program(), "3600"};
    order.starter = name;
    ::_exit(start_detached(order) ? 0 : 1);
  }
  const Fd starter_fd = open_process(starter);
  CHECK(wait_for([&] { return !named().empty(); }));
  ::kill(starter, SIGKILL);
  CHECK(ends_within(starter_fd.get(), 20s));
  ::waitpid(starter, nullptr, 0);
  // Of the two that a start forks, the first ends by itself.
  CHECK(wait_for([&] { return named().size() <= 1; }));
  for (const auto pid : named()) ::kill(pid, SIGKILL);
  CHECK(wait_for([] { return ::waitpid(-1, nullptr, WNOHANG) < 0; }));
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
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
