// SPDX-License-Identifier: Apache-2.0

#include "safety/base/fd.hpp"
#include "tests/support/asking.hpp"

#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace squall {
namespace {

using namespace testing;

std::unique_ptr<Probe> command(const std::vector<std::string>& argv, Settings more = {}) {
  more.push_back(setting("command", list(argv)));
  return make_probe("command", more);
}
std::unique_ptr<Probe> script(const std::string& text, Settings more = {}) {
  return command({"/bin/sh", "-c", text}, std::move(more));
}

// In the state of a process that has ended, or is ending, nothing runs any more.
bool alive(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  const auto close = text.rfind(')');
  return close != std::string::npos && text[close + 2] != 'Z' && text[close + 2] != 'X';
}

pid_t first_pid(const std::string& text) { return static_cast<pid_t>(std::stol(text)); }

TEST_CASE("command: exit code and output are judged") {
  const auto loop = make_loop();
  CHECK(ask(*loop, *command({"true"})).answer.held);
  const auto failed = ask(*loop, *script("echo no gateway >&2; exit 3")).answer;
  CHECK(failed.why == "exit code 3 is not 0 (no gateway)");
  CHECK(ask(*loop, *script("exit 3", {setting("expect.exit_code", std::int64_t{3})})).answer.held);
  const auto number = ask(*loop, *script("echo 'depth: 41.5 orders'",
                                         {setting("expect.number", std::string("10..50"))}));
  CHECK(number.answer.held);
  CHECK(number.answer.value == 41.5);
  const auto json = ask(
      *loop, *command({"echo", R"({"a":[{"b":true}]})"}, {setting("expect.json./a/0/b", true)}));
  CHECK(json.answer.held);
}

TEST_CASE("command: it gets its arguments as they are, and no signal of ours") {
  const auto loop = make_loop();
  const auto plain =
      ask(*loop, *command({"echo", "a b", "$HOME", ";"},
                          {setting("expect.matches", std::string("^a b \\$HOME ;$"))}));
  CHECK(plain.answer.held);
  // A runner blocks and ignores signals; a command must not inherit that.
  sigset_t blocked;
  sigset_t before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &blocked, &before);
  const auto own = std::signal(SIGPIPE, SIG_IGN);
  const auto clean = ask(*loop, *command({"grep", "-E", "^Sig(Blk|Ign):", "/proc/self/status"},
                                         {setting("expect.matches", std::string("SigBlk:\t0+$"))}));
  const auto heeding =
      ask(*loop, *command({"grep", "-E", "^Sig(Blk|Ign):", "/proc/self/status"},
                          {setting("expect.matches", std::string("SigIgn:\t0+$"))}));
  std::signal(SIGPIPE, own);
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  CHECK(clean.answer.held);
  CHECK(heeding.answer.held);
}

TEST_CASE("command: what is not there or dies says so") {
  const auto loop = make_loop();
  CHECK(ask(*loop, *command({"squall-no-such-program"}))
            .answer.why.starts_with("cannot start 'squall-no-such-program'"));
  CHECK(ask(*loop, *command({"/etc/passwd"})).answer.why.starts_with("cannot start '/etc/passwd'"));
  CHECK(ask(*loop, *script("kill -SEGV $$")).answer.why == "'/bin/sh' was killed by SIGSEGV");
}

TEST_CASE("command: the timeout ends the whole group, also one that ignores SIGTERM") {
  const auto loop = make_loop();
  const auto path = "/tmp/squall-probes-" + std::to_string(::getpid());
  const auto probe = script("trap '' TERM INT HUP; sleep 60 & echo $$ $! > " + path + "; wait");
  const auto asked = ask(*loop, *probe, 1s);
  CHECK(asked.answer.why == "'/bin/sh' did not end within 1s");
  CHECK(asked.took < 1s + kSoon);
  CHECK(asked.ticks >= kWentOn);
  std::ifstream file(path);
  pid_t shell = 0;
  pid_t sleeper = 0;
  file >> shell >> sleeper;
  ::unlink(path.c_str());
  REQUIRE(sleeper > 0);
  // Their end is awaited through the loop, which also reaps the shell.
  Watch look;
  int looks = 0;
  const std::function<void()> looking = [&] {
    if ((!alive(shell) && !alive(sleeper)) || ++looks > 2000) return loop->stop();
    look = loop->after(1ms, looking);
  };
  looking();
  loop->run();
  CHECK_FALSE(alive(shell));
  CHECK_FALSE(alive(sleeper));
}

TEST_CASE("command: what it leaves running does not outlive it or hold it up") {
  const auto loop = make_loop();
  const auto probe = script("sleep 60 & echo $!", {setting("expect.number", std::string("> 0"))});
  const auto asked = ask(*loop, *probe);
  CHECK(asked.answer.held);
  CHECK(asked.took < 9s);  // it did not wait for the sleeper
  const auto sleeper = static_cast<pid_t>(*asked.answer.value);
  for (int i = 0; i < 1000 && alive(sleeper); ++i) ::usleep(1000);
  CHECK_FALSE(alive(sleeper));
}

TEST_CASE("command: a flood of output is cut, and holds nothing up") {
  const auto loop = make_loop();
  auto asked = ask(*loop, *command({"yes"}), 150ms);
  CHECK(asked.answer.why == "'yes' did not end within 150ms");
  CHECK(asked.longest_hold < kSoon);
  asked = ask(*loop, *script("head -c 1000000 /dev/zero | tr '\\0' x",
                             {setting("expect.matches", std::string("^xxx"))}));
  CHECK(asked.answer.held);
  asked = ask(*loop, *script("head -c 1000000 /dev/zero | tr '\\0' x",
                             {setting("expect.json./a", std::int64_t{1})}));
  CHECK(asked.answer.why == "the JSON is longer than 64KiB");
}

TEST_CASE("command: a question that is withdrawn ends the program") {
  const auto loop = make_loop();
  const auto path = "/tmp/squall-probes-fifo-" + std::to_string(::getpid());
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const auto probe = script("echo $$ > " + path + "; sleep 60");
  const Fd fifo{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  auto question = probe->ask(*loop, 10s, [](const ProbeAnswer&) { FAIL("answered"); });
  pid_t shell = 0;
  const auto told = loop->on_readable(fifo.get(), [&] {
    char text[16] = {};
    if (::read(fifo.get(), text, sizeof text - 1) <= 0) return;
    shell = first_pid(text);
    loop->stop();
  });
  loop->run();
  ::unlink(path.c_str());
  CHECK(alive(shell));
  question.cancel();
  for (int i = 0; i < 1000 && alive(shell); ++i) ::usleep(1000);
  CHECK_FALSE(alive(shell));
  const auto end = loop->after(10ms, [&] { loop->stop(); });
  loop->run();  // reaps it
}

TEST_CASE("command: a command line in one piece is refused") {
  CHECK(complaint_of("command", {setting("command", std::string("pgrep gateway"))})
            .starts_with("error: command: write the program and each argument on its own"));
  CHECK(complaint_of("command", {setting("command", Raw::List{})})
            .starts_with("error: command: write the program"));
}

}  // namespace
}  // namespace squall
