// SPDX-License-Identifier: Apache-2.0

#include "safety/base/child.hpp"

#include "safety/base/proc.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace squall {
namespace {

constexpr std::size_t kOutputKept = 64 * 1024;
constexpr std::size_t kErrorsKept = 1024;

struct Pipe {
  Fd from;
  Fd to;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return sys_error("make a pipe");
  // Ours alone is non-blocking: a program may not expect its stdout to be.
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return Pipe{Fd{ends[0]}, Fd{ends[1]}};
}

struct Started {
  pid_t pid = 0;
  Fd process;
  Fd output;
  Fd errors;
  Fd refusal;  // errno, when it could not become the program
};

struct Prepared {
  std::vector<char*> argv;
  Fd nothing;
  Fd netns;
  Pipe output;
  Pipe errors;
  Pipe refusal;
  pid_t parent = 0;
};

// Between fork and exec: only what is async-signal-safe. Undoes what a runner sets up
// for itself (blocked and ignored signals) and ties the child's life to ours.
[[noreturn]] void become_program(const Prepared& prepared) {
  const auto refuse = [&](int code) {
    [[maybe_unused]] const auto told = ::write(prepared.refusal.to.get(), &code, sizeof code);
    ::_exit(127);
  };
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != prepared.parent) ::_exit(127);
  for (int each = 1; each < NSIG; ++each) ::signal(each, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (prepared.netns && ::setns(prepared.netns.get(), CLONE_NEWNET) != 0) refuse(errno);
  if (::dup2(prepared.nothing.get(), 0) < 0 || ::dup2(prepared.output.to.get(), 1) < 0 ||
      ::dup2(prepared.errors.to.get(), 2) < 0)
    refuse(errno);
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  ::execvp(prepared.argv[0], prepared.argv.data());
  refuse(errno);
  ::_exit(127);
}

Result<Started> start(const ChildCommand& command) {
  if (command.argv.empty()) return Error{ErrorKind::invalid, "there is no program", {}, {}, 0};
  Prepared prepared;
  for (const auto& each : command.argv) prepared.argv.push_back(const_cast<char*>(each.c_str()));
  prepared.argv.push_back(nullptr);
  prepared.nothing = Fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  if (!prepared.nothing) return sys_error("open '/dev/null'");
  if (!command.netns.text.empty()) {
    SQUALL_TRY(prepared.netns, open_netns(command.netns));
  }
  SQUALL_TRY(prepared.output, make_pipe());
  SQUALL_TRY(prepared.errors, make_pipe());
  SQUALL_TRY(prepared.refusal, make_pipe());
  prepared.parent = ::getpid();
  const auto what = "start '" + command.argv[0] + "'";
  const pid_t pid = ::fork();
  if (pid < 0) return sys_error(what);
  if (pid == 0) become_program(prepared);
  ::setpgid(pid, pid);  // here too: whoever comes first, a kill of the group meets it
  // Not reaped yet, so the number cannot have gone to another process.
  Fd process = open_process(pid);
  if (!process) {
    const int code = errno;
    ::kill(-pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return sys_error(what, code);
  }
  return Started{pid, std::move(process), std::move(prepared.output.from),
                 std::move(prepared.errors.from), std::move(prepared.refusal.from)};
}

std::string signal_name(int number) {
  const char* name = ::sigabbrev_np(number);
  return name ? std::string("SIG") + name : "signal " + std::to_string(number);
}

// What a pipe of the child brings, as far as it is kept.
struct Stream {
  Fd from;
  std::string& kept;
  std::size_t limit;
  bool cut = false;
  Watch watch{};

  enum class Got { part, nothing_yet, end };
  Got read() {
    std::array<char, 16 * 1024> part{};
    const auto got = ::read(from.get(), part.data(), part.size());
    if (got < 0) return errno == EAGAIN || errno == EINTR ? Got::nothing_yet : Got::end;
    const auto size = static_cast<std::size_t>(got);
    const auto room = std::min(size, limit - kept.size());
    kept.append(part.data(), room);
    cut = cut || room < size;
    return size > 0 ? Got::part : Got::end;
  }

  // What comes after the limit is read and dropped, or the program would hang in a write.
  void follow(Loop& loop, Fd&& pipe) {
    from = std::move(pipe);
    watch = loop.on_readable(from.get(), [this] {
      if (read() == Got::end) watch.cancel();
    });
  }

  // The last parts, once the program has ended. Bounded by what a pipe holds, since a
  // grandchild may go on writing.
  void drain() {
    constexpr int kParts = 64 * 1024 / (16 * 1024);
    for (int i = 0; i < kParts && from && read() == Got::part;) ++i;
    watch.cancel();
  }
};

// Once it has exited: ends what it left running, reaps it, and says how it ended. False
// while there is nothing to reap.
bool collect(Started& started, const std::string& program, ChildEnd& ending) {
  ::kill(-started.pid, SIGKILL);  // not reaped yet, so the number is still its group's
  siginfo_t info{};
  const auto process = static_cast<id_t>(started.process.get());
  if (::waitid(P_PIDFD, process, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) return false;
  started.process.reset();
  ending.code = info.si_status;
  int refusal = 0;
  if (::read(started.refusal.get(), &refusal, sizeof refusal) == sizeof refusal) {
    ending.kind = ChildEnd::Kind::not_started;
    ending.why = sys_error("start '" + program + "'", refusal).sentence();
  } else if (info.si_code == CLD_EXITED) {
    ending.kind = ChildEnd::Kind::exited;
  } else {
    ending.kind = ChildEnd::Kind::signalled;
    ending.why = "was killed by " + signal_name(info.si_status);
  }
  return true;
}

class Child {
 public:
  Child(Loop& loop, std::string program, std::function<void(ChildEnd)> done)
      : loop_(loop), program_(std::move(program)), done_(std::move(done)), began_(loop.now()) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { end(); }

  void run(const ChildCommand& command, Duration timeout) {
    auto started = start(command);
    if (!started) {
      ending_.why = started.error().sentence();
      exit_ = loop_.after(Duration::zero(), [this] { tell(ChildEnd::Kind::not_started); });
      return;
    }
    started_ = std::move(*started);
    exit_ = loop_.on_readable(started_.process.get(), [this] { on_exit(); });
    timer_ = loop_.after(timeout, [this, timeout] {
      ending_.why = "did not end within " + to_text(timeout);
      tell(ChildEnd::Kind::timed_out);
    });
    output_.follow(loop_, std::move(started_.output));
    errors_.follow(loop_, std::move(started_.errors));
  }

 private:
  void on_exit() {
    output_.drain();
    errors_.drain();
    if (collect(started_, program_, ending_)) tell(ending_.kind);
  }

  // The last thing to happen here: `done` may destroy the child.
  void tell(ChildEnd::Kind kind) {
    ending_.kind = kind;
    ending_.cut = output_.cut;
    ending_.took = loop_.now() - began_;
    end();
    const auto done = std::move(done_);
    done(std::move(ending_));
  }

  void end() {
    timer_.cancel();
    output_.watch.cancel();
    errors_.watch.cancel();
    exit_.cancel();
    if (!started_.process) return;
    ::kill(-started_.pid, SIGKILL);
    reap(started_.process);
    started_.process.reset();
  }

  // Kernel: a killed process is gone within a millisecond, unless a driver holds it; then
  // it is left for init to collect when we end.
  static void reap(const Fd& process) {
    (void)ends_within(process.get(), 10ms);
    siginfo_t info{};
    ::waitid(P_PIDFD, static_cast<id_t>(process.get()), &info, WEXITED | WNOHANG);
  }

  Loop& loop_;
  std::string program_;
  std::function<void(ChildEnd)> done_;
  Instant began_;
  Started started_;
  ChildEnd ending_;
  Stream output_{{}, ending_.output, kOutputKept};
  Stream errors_{{}, ending_.errors, kErrorsKept};
  Watch exit_;
  Watch timer_;
};

}  // namespace

Watch run_child(Loop& loop, const ChildCommand& command, Duration timeout,
                std::function<void(ChildEnd)> done) {
  auto child =
      std::make_shared<Child>(loop, command.argv.empty() ? "" : command.argv[0], std::move(done));
  child->run(command, timeout);
  return Watch(std::move(child));
}

ChildEnd run_child_now(const ChildCommand& command, Duration limit,
                       const std::function<bool()>& go_on) {
  constexpr Duration kPart = 200ms;
  const auto began = std::chrono::steady_clock::now();
  ChildEnd ending;
  auto started = start(command);
  if (!started) {
    ending.why = started.error().sentence();
    return ending;
  }
  Stream output{std::move(started->output), ending.output, kOutputKept};
  Stream errors{std::move(started->errors), ending.errors, kErrorsKept};
  const auto wait = [&](Duration at_most) {
    std::array<pollfd, 3> polled{{{started->process.get(), POLLIN, 0},
                                  {output.from.get(), POLLIN, 0},
                                  {errors.from.get(), POLLIN, 0}}};
    ::poll(polled.data(), polled.size(), static_cast<int>(at_most / 1ms) + 1);
    if (polled[1].revents && output.read() == Stream::Got::end) output.from.reset();
    if (polled[2].revents && errors.read() == Stream::Got::end) errors.from.reset();
    return polled[0].revents != 0;
  };
  bool ended = false;
  bool waited = true;
  for (auto left = limit; !ended && waited && left > Duration::zero();
       left = limit - (std::chrono::steady_clock::now() - began)) {
    ended = wait(std::min(left, kPart));
    waited = ended || go_on();
  }
  if (ended) {
    output.drain();
    errors.drain();
    collect(*started, command.argv[0], ending);
  } else {
    ::kill(-started->pid, SIGKILL);
    siginfo_t info{};
    ::waitid(P_PIDFD, static_cast<id_t>(started->process.get()), &info, WEXITED);
    ending.kind = ChildEnd::Kind::timed_out;
    ending.why = waited ? "did not end within " + to_text(limit) : "was not waited for";
  }
  ending.cut = output.cut;
  ending.took = std::chrono::steady_clock::now() - began;
  return ending;
}

}  // namespace squall
