// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/process_start.hpp"

#include "faults/kit/netns.hpp"
#include "safety/base/proc.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <linux/close_range.h>
#include <optional>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <span>
#include <string_view>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace squall {
namespace {

constexpr Duration kStart = 1s;   // for becoming the program
constexpr Duration kEnd = 200ms;  // for what was killed

struct Pipe {
  Fd out, in;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return sys_error("make a pipe");
  return Pipe{Fd{ends[0]}, Fd{ends[1]}};
}

Error not_in_time(const std::string& program, const std::string& what, Duration limit) {
  return {ErrorKind::system,
          "'" + program + "' did not " + what + " within " + to_text(limit),
          {},
          {},
          0};
}

std::vector<char*> pointers(const std::vector<std::string>& argv) {
  std::vector<char*> made;
  for (const auto& each : argv) made.push_back(const_cast<char*>(each.c_str()));
  made.push_back(nullptr);
  return made;
}

// In the child: what we changed for ourselves must not reach the program.
void become_ordinary() {
  for (int each = 1; each < NSIG; ++each) ::signal(each, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int each = 0; each < 3; ++each) ::dup2(null, each);
  // The watchdog, which may have to restart a service, is protected from the OOM killer.
  const int score = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (score >= 0) (void)!::write(score, "0", 1);
  ::close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
}

[[noreturn]] void tell_and_exit(int report, int error) {
  (void)!::write(report, &error, sizeof error);
  ::_exit(127);
}

// What a process has to become.
struct Program {
  char* const* argv;
  char* const* environment = environ;
  const char* directory = "/";
  int netns = -1;  // ours
  std::span<const Fd> groups{};
};

[[noreturn]] void execute(const Program& program, int report) {
  // Kernel: 0 stands for the process that writes.
  for (const auto& group : program.groups) (void)!::write(group.get(), "0", 1);
  become_ordinary();
  if (program.netns >= 0 && ::setns(program.netns, CLONE_NEWNET) != 0) tell_and_exit(report, errno);
  if (::chdir(program.directory) != 0 && ::chdir("/") != 0) tell_and_exit(report, errno);
  ::execvpe(program.argv[0], program.argv, program.environment);
  tell_and_exit(report, errno);
}

// Nobody's child, and it has its name before it can become the program: whoever finds neither
// the name nor the mark of what was to start may start it. Without its go it ends.
[[noreturn]] void become_detached(const Program& program, const std::string& name, Pipe& go,
                                  int report) {
  if (!name.empty()) ::prctl(PR_SET_NAME, name.c_str());
  ::setsid();
  const pid_t second = ::fork();
  if (second < 0) tell_and_exit(report, errno);
  if (second > 0) ::_exit(0);
  go.in.reset();
  char word = 0;
  if (::read(go.out.get(), &word, 1) != 1) tell_and_exit(report, ECANCELED);
  execute(program, report);
}

std::vector<std::string> environment_with(const std::string& mark) {
  std::vector<std::string> all;
  if (!mark.empty()) all.push_back(mark);
  const auto name = mark.substr(0, mark.find('=') + 1);
  for (char** each = environ; *each; ++each)
    if (name.empty() || !std::string_view(*each).starts_with(name)) all.emplace_back(*each);
  return all;
}

std::vector<Fd> open_groups(const std::vector<std::string>& directories) {
  std::vector<Fd> groups;
  for (const auto& each : directories) {
    Fd file{::open((each + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC)};
    if (file) groups.push_back(std::move(file));
  }
  return groups;
}

// What the pipe says: nothing once the program runs, or why it cannot. Kernel: until then it
// may be held up as long as the disk that the program is on.
enum class Heard { runs, refused, nothing };

Heard hear(const Fd& report, Duration limit, int& error) {
  pollfd said{report.get(), POLLIN, 0};
  const auto time = std::chrono::ceil<std::chrono::milliseconds>(limit).count();
  while (true) {
    const int ready = ::poll(&said, 1, static_cast<int>(time));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return Heard::nothing;
    const auto got = ::read(report.get(), &error, sizeof error);
    if (got < 0 && errno == EINTR) continue;
    return got == sizeof error ? Heard::refused : Heard::runs;
  }
}

// Nothing if it has not ended by then: it is left for init to collect when we end.
std::optional<int> collect(pid_t child, const Fd& held, Duration limit) {
  int status = 0;
  if (!ends_within(held.get(), limit) || ::waitpid(child, &status, WNOHANG) != child) return {};
  return status;
}

}  // namespace

Result<> start_detached(const StartOrder& order) {
  const auto argv = pointers(order.argv);
  const auto words = environment_with(order.mark);
  const auto environment = pointers(words);
  const auto groups = open_groups(order.groups);
  Fd netns;
  if (order.netns) {
    SQUALL_TRY(netns, netns::open(*order.netns));
  }
  SQUALL_TRY(Pipe report, make_pipe());
  SQUALL_TRY(Pipe go, make_pipe());
  const Program program{argv.data(), environment.data(),
                        order.directory.empty() ? "/" : order.directory.c_str(), netns.get(),
                        groups};
  const pid_t first = ::fork();
  if (first < 0) return sys_error("start '" + order.argv.front() + "'");
  if (first == 0) become_detached(program, order.starter, go, report.in.get());
  const Fd held = open_process(first);
  if (ends_within(held.get(), kStart)) (void)!::write(go.in.get(), "g", 1);
  go.in.reset();
  report.in.reset();
  int error = 0;
  const auto heard = hear(report.out, kStart, error);
  if (heard == Heard::nothing) {
    // Not reaped yet, so the number is still its own, and its session's.
    ::kill(first, SIGKILL);
    ::kill(-first, SIGKILL);
  }
  (void)collect(first, held, kEnd);
  if (heard == Heard::runs) return {};
  if (heard == Heard::refused) return sys_error("start '" + order.argv.front() + "'", error);
  return not_in_time(order.argv.front(), "start", kStart);
}

Result<> run_to_end(const std::vector<std::string>& argv, Duration limit) {
  const auto words = pointers(argv);
  SQUALL_TRY(Pipe report, make_pipe());
  const pid_t child = ::fork();
  if (child < 0) return sys_error("start '" + argv.front() + "'");
  if (child == 0) execute({.argv = words.data()}, report.in.get());
  report.in.reset();
  const Fd held = open_process(child);
  const auto status = collect(child, held, limit);
  if (!status) {
    ::kill(child, SIGKILL);
    (void)collect(child, held, kEnd);
    return not_in_time(argv.front(), "end", limit);
  }
  int error = 0;
  if (hear(report.out, kEnd, error) == Heard::refused)
    return sys_error("start '" + argv.front() + "'", error);
  if (WIFEXITED(*status) && WEXITSTATUS(*status) == 0) return {};
  const auto how = WIFEXITED(*status)
                       ? "ended with exit code " + std::to_string(WEXITSTATUS(*status))
                       : "was ended by signal " + std::to_string(WTERMSIG(*status));
  return Error{ErrorKind::system, "'" + argv.front() + "' " + how, {}, {}, 0};
}

}  // namespace squall
