// SPDX-License-Identifier: Apache-2.0
//
// Starting programs whose start does not come to an end.

#include "faults/kit/process_start.hpp"

#include "safety/base/proc.hpp"
#include "tests/support/temporary.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <filesystem>

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
    const auto detached = start_detached({{held.program(), "3600"}, "", ""});
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

TEST_CASE("a program is run to its end, or ended at its limit") {
  CHECK(run_to_end({"true"}, 30s));
  CHECK(run_to_end({"false"}, 30s).error().what == "'false' ended with exit code 1");
  CHECK(run_to_end({"/nowhere/squall"}, 30s).error().what.starts_with("cannot start"));
  CHECK(start_detached({{"/nowhere/squall"}, "", ""}).error().what.starts_with("cannot start"));
  const auto began = std::chrono::steady_clock::now();
  CHECK(run_to_end({"sleep", "3600"}, 100ms).error().what == "'sleep' did not end within 100ms");
  CHECK(since(began) < 20s);
}
