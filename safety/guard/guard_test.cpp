// SPDX-License-Identifier: Apache-2.0
//
// The guards that need no namespace of their own; see also default_route_guard_test.cpp.

#include "safety/base/fd.hpp"
#include "scenarios/asio_loop.hpp"
#include "tests/support/guarding.hpp"

#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <sched.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

namespace squall {
namespace {

using namespace testing;
using Kind = GuardWord::Kind;

struct File {
  explicit File(const std::string& name)
      : path("/tmp/squall-guard-" + name + "-" + std::to_string(::getpid())) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { ::unlink(path.c_str()); }
  void put(const std::string& text) const { std::ofstream(path) << text; }
  void age(int seconds) const {
    const timeval then[2] = {{::time(nullptr) - seconds, 0}, {::time(nullptr) - seconds, 0}};
    REQUIRE(::utimes(path.c_str(), then) == 0);
  }
  std::string path;
};

// Runs the loop until the guard has said something, at most `limit`.
GuardWord hear(Loop& loop, Guard& guard, Duration limit) {
  GuardWord heard;
  auto armed = guard.arm(loop, [&](GuardWord word) {
    heard = std::move(word);
    loop.stop();
  });
  REQUIRE(armed);
  const auto end = loop.after(limit, [&] { loop.stop(); });
  loop.run();
  return heard;
}

TEST_CASE("free_memory: holds while enough is left") {
  const auto plenty = make_guard("free_memory", {text_setting("available", "> 1MiB")});
  CHECK(plenty->name() == "free_memory > 1MiB");
  const auto word = plenty->look();
  CHECK(word.kind == Kind::carry_on);
  CHECK(word.value.ends_with("MiB"));
  const auto little = make_guard("free_memory", {text_setting("available", "> 1000TiB")})->look();
  CHECK(little.kind == Kind::abort);
  CHECK(little.why.starts_with("available memory "));
  CHECK(little.why.ends_with("MiB is not > 1000TiB"));
  CHECK(make_guard("free_memory", {text_setting("available_share", "> 100%")})->look().kind ==
        Kind::abort);
  CHECK(guard_complaint("free_memory", {}).starts_with("error: free_memory: say how much"));
}

TEST_CASE("pressure: the kernel's figures against a limit") {
  if (::access("/proc/pressure/cpu", R_OK) != 0) {
    MESSAGE("skipped: this kernel tells no pressure");
    return;
  }
  const auto calm = make_guard(
      "pressure", {text_setting("resource", "cpu"), text_setting("some_avg10", "<= 100%"),
                   text_setting("some_avg60", "<= 100%")});
  CHECK(calm->name() == "pressure cpu some_avg10 <= 100% some_avg60 <= 100%");
  CHECK(calm->look().kind == Kind::carry_on);
  CHECK(calm->look().value.ends_with("%"));
  const auto strict = make_guard(
      "pressure", {text_setting("resource", "cpu"), text_setting("some_avg10", "> 100%")});
  const auto word = strict->look();
  CHECK(word.kind == Kind::abort);
  CHECK(word.why.starts_with("cpu pressure some avg10 "));
  CHECK(guard_complaint("pressure", {text_setting("resource", "memory")})
            .starts_with("error: pressure: say how much is too much"));
  CHECK(guard_complaint("pressure",
                        {text_setting("resource", "disk"), text_setting("some_avg10", "< 1%")})
            .contains("'disk' is not one of cpu, memory, io"));
}

// Two children that want one CPU: one of them always waits.
class Contention {
 public:
  Contention() {
    for (auto& each : pids_) {
      each = ::fork();
      if (each != 0) continue;
      ::alarm(10);
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(0, &one);
      ::sched_setaffinity(0, sizeof one, &one);
      while (::getppid() > 0) {
      }
    }
  }
  Contention(const Contention&) = delete;
  Contention& operator=(const Contention&) = delete;
  ~Contention() {
    for (const auto each : pids_) ::kill(each, SIGKILL), ::waitpid(each, nullptr, 0);
  }

 private:
  pid_t pids_[2] = {};
};

TEST_CASE("pressure: the kernel wakes the guard before the next look") {
  const Fd trigger{::open("/proc/pressure/cpu", O_RDWR | O_NONBLOCK | O_CLOEXEC)};
  const std::string text = "some 200000 2000000";
  if (!trigger || ::write(trigger.get(), text.c_str(), text.size() + 1) < 0) {
    MESSAGE("skipped: this kernel or our privileges give no pressure triggers");
    return;
  }
  const auto loop = make_loop();
  const auto guard =
      make_guard("pressure", {text_setting("resource", "cpu"), text_setting("some_1s", "< 10%")});
  const Contention contention;
  const auto word = hear(*loop, *guard, 5s);
  CHECK(word.kind == Kind::abort);
  CHECK(word.why == "cpu pressure some 1s is not < 10%");
}

TEST_CASE("heartbeat: a file that is touched in time") {
  const File file("heart");
  const auto guard =
      make_guard("heartbeat", {text_setting("file", file.path), text_setting("within", "5s")});
  CHECK(guard->look().kind == Kind::abort);
  CHECK(guard->look().why == "'" + file.path + "' is not there");
  file.put("x");
  CHECK(guard->look().kind == Kind::carry_on);
  file.age(3600);
  // It changed, so it was touched, whatever the wall clock says.
  CHECK(guard->look().kind == Kind::carry_on);
  const auto late =
      make_guard("heartbeat", {text_setting("file", file.path), text_setting("within", "5s")});
  const auto word = late->look();
  CHECK(word.kind == Kind::abort);
  CHECK(word.why.contains("was last touched 1h"));
  CHECK(word.why.ends_with("ago, the limit is 5s"));
}

TEST_CASE("heartbeat: a missed touch is seen when it is due") {
  const File file("due");
  file.put("x");
  const auto loop = make_loop();
  const auto guard =
      make_guard("heartbeat", {text_setting("file", file.path), text_setting("within", "600ms")});
  REQUIRE(guard->look().kind == Kind::carry_on);
  const auto began = loop->now();
  Watch touch = loop->after(100ms, [&] { file.put("y"); });
  const auto word = hear(*loop, *guard, 20s);
  CHECK(word.kind == Kind::abort);
  CHECK(loop->now() - began >= 700ms);
  CHECK(loop->now() - began < 10s);
}

bool always() { return true; }

// What a command guard says before the first change.
GuardWord first_word(const std::vector<std::string>& command) {
  return make_guard("command", {list_setting("command", command), text_setting("timeout", "30s")})
      ->first_look(always);
}

TEST_CASE("command: a failing command refuses, later aborts after its failures") {
  const File file("health");
  file.put("ok\n");
  const auto loop = make_loop();
  const auto guard =
      make_guard("command", {list_setting("command", {"grep", "-q", "ok", file.path}),
                             text_setting("every", "20ms"),
                             text_setting("timeout", "30s"),
                             {"failures", {std::int64_t{3}, {}}, {}}});
  CHECK(guard->name() == "command grep -q ok " + file.path);
  CHECK(guard->first_look(always).kind == Kind::carry_on);
  Watch worse = loop->after(50ms, [&] { file.put("bad\n"); });
  const auto word = hear(*loop, *guard, 5s);
  CHECK(word.kind == Kind::abort);
  CHECK(word.why == "'grep' failed with exit code 1, 3 times in a row");
  CHECK(guard->look().kind == Kind::abort);

  CHECK(first_word({"false"}).why == "'false' failed with exit code 1");
  const auto missing = first_word({"squall-no-such"});
  CHECK(missing.kind == Kind::blind);
  CHECK(missing.why.starts_with("cannot start 'squall-no-such'"));
}

TEST_CASE("command: one that hangs is ended, and counts as failed") {
  const auto loop = make_loop();
  const auto guard = make_guard(
      "command", {list_setting("command", {"sleep", "60"}), text_setting("timeout", "1500ms")});
  const auto began = loop->now();
  CHECK(guard->first_look(always).why == "'sleep' did not end within 1.5s");
  CHECK(loop->now() - began >= 1500ms);
  const auto word = hear(*loop, *guard, 20s);
  CHECK(word.kind == Kind::abort);
  CHECK(word.why == "'sleep' did not end within 1.5s");
}

TEST_CASE("command: the first answer is waited for, unless nobody wants it any more") {
  CHECK(first_word({"sh", "-c", "sleep 0.5; false"}).why == "'sh' failed with exit code 1");
  const auto guard = make_guard(
      "command", {list_setting("command", {"sleep", "3600"}), text_setting("timeout", "1h")});
  int asked = 0;
  const auto word = guard->first_look([&] { return ++asked < 3; });
  CHECK(asked == 3);
  CHECK(word.kind == Kind::abort);
  CHECK(word.why == "'sleep' was not waited for");
}

}  // namespace
}  // namespace squall
