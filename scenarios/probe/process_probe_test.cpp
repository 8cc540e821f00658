// SPDX-License-Identifier: Apache-2.0

#include "tests/support/asking.hpp"

#include <csignal>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace squall {
namespace {

using namespace testing;

// A child of the test with a name of its own.
class Named {
 public:
  explicit Named(const std::string& name) {
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::prctl(PR_SET_NAME, name.c_str());
      if (::write(ready[1], "x", 1) != 1) ::_exit(1);
      for (;;) ::pause();
    }
    char c = 0;
    REQUIRE(::read(ready[0], &c, 1) == 1);
    ::close(ready[0]);
    ::close(ready[1]);
  }
  Named(const Named&) = delete;
  Named& operator=(const Named&) = delete;
  ~Named() {
    if (pid_ > 0) ::kill(pid_, SIGKILL), ::waitpid(pid_, nullptr, 0);
  }
  void stop() const {
    ::kill(pid_, SIGSTOP);
    ::waitpid(pid_, nullptr, WUNTRACED);
  }
  void kill_but_keep() const {
    ::kill(pid_, SIGKILL);
    siginfo_t info{};
    ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
};

TEST_CASE("process: counted by name, by command line and by pid") {
  const auto loop = make_loop();
  const auto name = "sq) t(" + std::to_string(::getpid());
  const Named one(name);
  const Named two(name);
  const auto twice =
      make_probe("process", {setting("program", name), setting("expect.running", std::int64_t{2})});
  const auto asked = ask(*loop, *twice);
  CHECK(asked.answer.held);
  CHECK(asked.answer.value == 2);
  CHECK(asked.answer.said == "2 running");

  const auto thrice = make_probe(
      "process", {setting("program", name), setting("expect.running", std::string(">= 3"))});
  CHECK(ask(*loop, *thrice).answer.why == "the number of processes 2 is not >= 3");
  const auto by_pid = make_probe("process", {setting("pid", std::int64_t{one.pid()})});
  CHECK(ask(*loop, *by_pid).answer.held);
  // Both show the command line of this test, which does not count itself.
  const auto by_command = make_probe(
      "process", {setting("program", name), setting("command", std::string("unit_tests"))});
  CHECK(ask(*loop, *by_command).answer.value == 2);
}

TEST_CASE("process: whoever started us names the scenario too, and does not count") {
  const auto count = [&] {
    const auto probe = make_probe("process", {setting("command", std::string("unit_tests"))});
    const auto loop = make_loop();
    std::optional<double> counted;
    const auto question = probe->ask(*loop, 10s, [&](const ProbeAnswer& answer) {
      counted = answer.value;
      loop->stop();
    });
    loop->run();
    return static_cast<int>(counted.value_or(-1));
  };
  const int here = count();
  const pid_t child = ::fork();
  if (child == 0) ::_exit(count() == here ? 0 : 1);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

TEST_CASE("process: its state is seen") {
  const auto loop = make_loop();
  const Named child("squall-t-state");
  const auto probe =
      make_probe("process", {setting("pid", std::int64_t{child.pid()}),
                             setting("expect.state", list({"running", "sleeping"}))});
  CHECK(ask(*loop, *probe).answer.held);
  child.stop();
  CHECK(ask(*loop, *probe).answer.why == "'squall-t-state' is stopped, not running,sleeping");
  child.kill_but_keep();
  const auto alive = make_probe("process", {setting("pid", std::int64_t{child.pid()})});
  CHECK(ask(*loop, *alive).answer.why == "the number of processes 0 is not >= 1");
}

TEST_CASE("process: what is not there, and keys that say nothing") {
  const auto loop = make_loop();
  const auto none = make_probe("process", {setting("program", std::string("no-such-thing-x")),
                                           setting("expect.running", std::int64_t{0})});
  CHECK(ask(*loop, *none).answer.held);
  CHECK(complaint_of("process", {}) ==
        "error: process: say which process: by program, command or pid");
}

}  // namespace
}  // namespace squall
