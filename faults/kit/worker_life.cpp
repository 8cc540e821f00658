// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/worker_life.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string_view>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace squall {
namespace {

constexpr int kLifeline = 3;
constexpr int kReady = 4;

// Descriptors at fixed numbers; everything else, also the run's journal, is closed.
void keep_only(int lifeline, int ready) {
  const int line = ::fcntl(lifeline, F_DUPFD_CLOEXEC, 16);
  const int said = ::fcntl(ready, F_DUPFD_CLOEXEC, 16);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (line < 0 || said < 0 || null < 0) ::_exit(1);  // the runner hears that nobody is ready
  for (int each = 0; each < 3; ++each) ::dup2(null, each);
  ::dup2(line, kLifeline);
  ::dup2(said, kReady);
  ::close_range(5, ~0u, 0);
}

void reset_signals() {
  for (int each = 1; each < NSIG; ++each) ::signal(each, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  // Out of the terminal's foreground: Ctrl-C is for the runner, which then ends us.
  ::setsid();
}

// `ps` shows the name instead of the runner's command line. Kernel: the area that
// /proc/<pid>/cmdline shows is the process's own memory; fields 48 and 49 of its stat.
void rename_command_line(const char* name) {
  char text[4096];
  const int file = ::open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  const auto got = file < 0 ? 0 : ::read(file, text, sizeof text - 1);
  if (file >= 0) ::close(file);
  if (got <= 0) return;
  text[got] = 0;
  const char* at = std::strrchr(text, ')');
  for (int field = 2; at && field < 48; ++field) at = std::strchr(at + 1, ' ');
  if (!at) return;
  const char* end = text + got;
  std::uintptr_t from = 0;
  std::uintptr_t to = 0;
  const auto first = std::from_chars(at + 1, end, from);
  if (first.ec != std::errc{} || std::from_chars(first.ptr + 1, end, to).ec != std::errc{}) return;
  if (from == 0 || to <= from + std::strlen(name)) return;
  auto* area = reinterpret_cast<char*>(from);  // NOLINT(performance-no-int-to-ptr)
  std::memset(area, 0, to - from);
  std::memcpy(area, name, std::strlen(name) + 1);
}

void write_small_file(const char* path, std::string_view text) {
  const int file = ::open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  (void)!::write(file, text.data(), text.size());
  ::close(file);
}

int policy_of(WorkerClass scheduling) {
  switch (scheduling) {
    case WorkerClass::batch:
      return SCHED_BATCH;
    case WorkerClass::idle:
      return SCHED_IDLE;
    case WorkerClass::fifo:
      return SCHED_FIFO;
    case WorkerClass::normal:
      break;
  }
  return SCHED_OTHER;
}

WorkerTrouble trouble(std::string_view attempt) {
  WorkerTrouble made;
  attempt.copy(made.attempt, sizeof made.attempt - 1);
  made.error = errno;
  return made;
}

WorkerTrouble take_place(const WorkerOrder& order) {
  if (order.cpu >= 0) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<unsigned>(order.cpu), &set);
    if (::sched_setaffinity(0, sizeof set, &set) != 0) return trouble("set the CPU");
  }
  sched_param priority{};
  if (order.scheduling == WorkerClass::fifo) priority.sched_priority = order.real_time_priority;
  if (::sched_setscheduler(0, policy_of(order.scheduling), &priority) != 0)
    return trouble("set the scheduling class");
  // Also 0: squall's own value, which a worker starts with, may be another.
  const bool counts =
      order.scheduling == WorkerClass::normal || order.scheduling == WorkerClass::batch;
  if (counts && ::setpriority(PRIO_PROCESS, 0, order.nice) != 0)
    return trouble("set the nice value");
  // Kernel: with autogroups, nice and the idle class count only inside a session; between sessions
  // the group's own nice value does, of which 19 is the nearest to idle. The file is absent where
  // there are none.
  const int group = order.scheduling == WorkerClass::idle ? 19 : order.nice;
  if (group == 0) return {};
  std::array<char, 16> text{};
  const auto end = std::to_chars(text.begin(), text.end(), group).ptr;
  write_small_file("/proc/self/autogroup", {text.data(), end});
  return {};
}

}  // namespace

void live_as_worker(const WorkerOrder& order, WorkerPage& page, pid_t parent, int lifeline,
                    int ready) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have died before the line above: then nobody would ever end us.
  if (::getppid() != parent) ::_exit(0);
  reset_signals();
  keep_only(lifeline, ready);
  ::prctl(PR_SET_NAME, order.name.c_str());
  rename_command_line(order.name.c_str());
  write_small_file("/proc/self/oom_score_adj", "1000");  // the first to die
  ::prctl(PR_SET_TIMERSLACK, 1);
  const auto said = take_place(order);
  if (::write(kReady, &said, sizeof said) != sizeof said || said.error != 0) ::_exit(1);
  ::close(kReady);
  char go = 0;
  while (::read(kLifeline, &go, 1) < 0 && errno == EINTR) {
  }
  if (go == 'g') order.work(page, kLifeline);
  ::_exit(0);
}

}  // namespace squall
