// SPDX-License-Identifier: Apache-2.0

#include "scenarios/probe/onlooker.hpp"

#include "safety/base/fd.hpp"
#include "safety/base/proc.hpp"
#include "scenarios/asio_loop.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

namespace squall {
namespace {

// Seen by the test and by the process that looks.
struct Shared {
  std::atomic<int> looks = 0;
  std::atomic<pid_t> looker = 0;
  std::atomic<bool> hang = false;
};

class Hanging {
 public:
  Hanging() {
    void* mapped =
        ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(mapped != MAP_FAILED);
    shared = new (mapped) Shared;
  }
  Hanging(const Hanging&) = delete;
  Hanging& operator=(const Hanging&) = delete;
  ~Hanging() { ::munmap(shared, sizeof(Shared)); }

  Onlooker::Look look() const {
    return [shared = shared] {
      shared->looker = ::getpid();
      const int look = ++shared->looks;
      while (shared->hang) ::usleep(1000);
      return "look " + std::to_string(look);
    };
  }
  Shared* shared = nullptr;
};

struct Seeing {
  Sight sight;
  int ticks = 0;  // of the loop meanwhile
};

Seeing see(Loop& loop, Onlooker& onlooker, Duration timeout, Shared* let_go = nullptr) {
  Seeing made;
  Watch tick;
  const std::function<void()> ticking = [&] {
    ++made.ticks;
    if (let_go) let_go->hang = false;
    tick = loop.after(1ms, ticking);
  };
  ticking();
  const auto question = onlooker.ask(loop, timeout, [&](Sight sight) {
    made.sight = std::move(sight);
    loop.stop();
  });
  loop.run();
  return made;
}

TEST_CASE("onlooker: what is seen comes to the loop, by one process for all questions") {
  const auto loop = make_loop();
  const Hanging one;
  Onlooker onlooker(one.look());
  CHECK(one.shared->looker == 0);
  CHECK(see(*loop, onlooker, 10s).sight.text == "look 1");
  const pid_t looker = one.shared->looker;
  CHECK(looker != ::getpid());
  CHECK(process_name(looker) == "squall-look");
  CHECK(see(*loop, onlooker, 10s).sight.text == "look 2");
  CHECK(one.shared->looker == looker);
}

TEST_CASE("onlooker: a look that hangs costs the timeout, not the loop, and no second process") {
  const auto loop = make_loop();
  const Hanging one;
  Onlooker onlooker(one.look());
  one.shared->hang = true;
  for (int i = 0; i < 3; ++i) {
    const auto seen = see(*loop, onlooker, 50ms);
    CHECK(seen.sight.error == "no answer within 50ms");
    CHECK(seen.sight.timed_out);
    CHECK(seen.sight.took >= 50ms);
    CHECK(seen.ticks > 3);
  }
  CHECK(one.shared->looks == 1);
  // What it says at last is not the answer to a later question.
  const auto seen = see(*loop, onlooker, 10s, one.shared);
  CHECK(seen.sight.error.empty());
  CHECK(seen.sight.text == "look 2");
}

TEST_CASE("onlooker: one that has been killed is replaced; its end ends the process") {
  const auto loop = make_loop();
  const Hanging one;
  pid_t looker = 0;
  {
    Onlooker onlooker(one.look());
    CHECK(see(*loop, onlooker, 10s).sight.text == "look 1");
    const pid_t first = one.shared->looker;
    ::kill(first, SIGKILL);
    REQUIRE(ends_within(open_process(first).get(), 10s));
    CHECK(see(*loop, onlooker, 10s).sight.text == "look 2");
    looker = one.shared->looker;
    CHECK(looker != first);
    one.shared->hang = true;
    const auto dying = loop->after(20ms, [&] { ::kill(looker, SIGKILL); });
    CHECK(see(*loop, onlooker, 10s).sight.error == "the process that looks has ended");
    one.shared->hang = false;
    CHECK(see(*loop, onlooker, 10s).sight.error.empty());
    looker = one.shared->looker;
  }
  const auto gone = open_process(looker);
  CHECK((!gone || ends_within(gone.get(), 10s)));
}

// Or a stuck one would keep the run's lock, its journal, or a fault whose undo is the closing
// of a descriptor.
TEST_CASE("onlooker: nothing of the run is open over there, and no signal is blocked") {
  const auto loop = make_loop();
  const Fd held{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  sigset_t blocked;
  sigset_t before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &blocked, &before);
  Onlooker onlooker([] {
    sigset_t now;
    ::sigemptyset(&now);
    ::sigprocmask(SIG_SETMASK, nullptr, &now);
    auto names = names_in("/proc/self/fd");
    std::ranges::sort(names);
    std::string text;
    // The directory itself is open while it is read.
    for (const auto& each : names)
      if (::fcntl(std::atoi(each.c_str()), F_GETFD) >= 0) text += each + " ";
    return text + (sigismember(&now, SIGTERM) ? "blocked" : "free");
  });
  CHECK(see(*loop, onlooker, 10s).sight.text == "0 1 2 3 free");
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
}

TEST_CASE("onlooker: a question that was withdrawn is not answered, nor is one when it is gone") {
  const auto loop = make_loop();
  const Hanging one;
  auto onlooker = std::make_unique<Onlooker>(one.look());
  bool answered = false;
  const auto note = [&](const Sight&) { answered = true; };
  onlooker->ask(*loop, 10s, note).cancel();
  CHECK(see(*loop, *onlooker, 10s).sight.text == "look 2");
  CHECK_FALSE(answered);
  const auto question = onlooker->ask(*loop, 10s, note);
  onlooker.reset();
  const auto end = loop->after(20ms, [&] { loop->stop(); });
  loop->run();
}

}  // namespace
}  // namespace squall
