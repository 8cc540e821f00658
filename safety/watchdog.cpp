// SPDX-License-Identifier: Apache-2.0
//
// The runner's side of the watchdog: starting it, renewing the lease, letting go.

#include "safety/watchdog.hpp"

#include "safety/base/file.hpp"
#include "safety/base/proc.hpp"
#include "safety/lease.hpp"
#include "safety/lock.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace squall {
namespace {

constexpr Duration kStart = 15s;     // for the guards' first look and a slow start of the process
constexpr Duration kRollback = 30s;  // how far a rollback may reach beyond the deadline
constexpr Duration kGrace = 1s;      // for a watchdog that was let go

Result<Fd> make_lease_page(LeasePage*& page) {
  Fd memory{::memfd_create("squall-lease", MFD_CLOEXEC)};
  if (!memory || ::ftruncate(memory.get(), sizeof(LeasePage)) != 0)
    return sys_error("make the lease page");
  void* mapped =
      ::mmap(nullptr, sizeof(LeasePage), PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  if (mapped == MAP_FAILED) return sys_error("map the lease page");
  page = new (mapped) LeasePage;
  return memory;
}

// In a session of its own, with these descriptors and no others of ours.
Result<pid_t> spawn(const std::string& program, const std::string& run_directory,
                    const std::array<std::pair<int, int>, 5>& inherited) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  // First out of the way of the numbers that the watchdog expects.
  std::array<Fd, 5> moved;
  for (std::size_t i = 0; i < inherited.size(); ++i) {
    moved[i] = Fd{::fcntl(inherited[i].first, F_DUPFD_CLOEXEC, 16)};
    ::posix_spawn_file_actions_adddup2(&actions, moved[i].get(), inherited[i].second);
  }
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    ::posix_spawn_file_actions_addopen(&actions, standard, "/dev/null", O_RDWR, 0);
  sigset_t none;
  sigset_t all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
  std::array<const char*, 3> arguments{"squall-watchdog", run_directory.c_str(), nullptr};
  pid_t pid = 0;
  const int problem = ::posix_spawn(&pid, program.c_str(), &actions, &attributes,
                                    const_cast<char**>(arguments.data()), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (problem == 0) return pid;
  auto error = sys_error("start the watchdog '" + program + "'", problem);
  error.hint = "install squall-watchdog beside squall";
  return error;
}

}  // namespace

Result<Watchdog> Watchdog::start(const std::string& program, const std::string& run_directory,
                                 int lock_fd, int claim_fd) {
  Watchdog watchdog;
  watchdog.lease_ = kStart;
  SQUALL_TRY(const Fd memory, make_lease_page(watchdog.page_));
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return sys_error("make a pipe for the watchdog");
  watchdog.ready_ = Fd{ends[0]};
  const Fd told{ends[1]};
  const Fd self = open_process(::getpid());
  if (!self) return sys_error("open a process descriptor of the runner");
  watchdog.renew();
  SQUALL_TRY(watchdog.pid_, spawn(program, run_directory,
                                  {{{self.get(), lease_fd::runner},
                                    {memory.get(), lease_fd::page},
                                    {told.get(), lease_fd::ready},
                                    {lock_fd, lease_fd::lock},
                                    {claim_fd, lease_fd::claim}}}));
  (void)HostLock::note_watchdog(lock_fd, watchdog.pid_);
  watchdog.process_ = open_process(watchdog.pid_);
  if (!watchdog.process_) return sys_error("open a process descriptor of the watchdog");
  return watchdog;
}

Result<> Watchdog::wait_until_ready(Duration limit) {
  pollfd waiting{ready_.get(), POLLIN, 0};
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
  if (::poll(&waiting, 1, static_cast<int>(milliseconds)) <= 0)
    return Error{ErrorKind::system, "the watchdog did not become ready", {}, {}, 0};
  std::array<char, 512> text{};
  const auto got = ::read(ready_.get(), text.data(), text.size());
  if (got <= 0)
    return Error{ErrorKind::system, "the watchdog ended before it was ready", {}, {}, 0};
  weakness_.assign(text.data() + 1, static_cast<std::size_t>(got) - 1);
  lease_ = kLease;
  renew();
  // It waits for the end of the longer lease: SIGTERM makes it read the page again.
  ::syscall(SYS_pidfd_send_signal, process_.get(), SIGTERM, nullptr, 0);
  return {};
}

void Watchdog::end_by(Duration deadline) {
  last_ = Instant(Duration(monotonic_ns())) + deadline;
  renew();
}

void Watchdog::allow_rollback() {
  if (std::exchange(rolling_back_, true)) return;
  last_ = Instant(Duration(monotonic_ns())) + kRollback;
  renew();
}

void Watchdog::renew() {
  const auto until = std::min(Instant(Duration(monotonic_ns())), last_) + lease_;
  page_->valid_until_ns.store(until.time_since_epoch().count(), std::memory_order_release);
}

void Watchdog::release() {
  page_->released.store(1, std::memory_order_release);
  ::syscall(SYS_pidfd_send_signal, process_.get(), SIGTERM, nullptr, 0);
  // One that somebody stopped never ends by itself; nothing is owed, so it may be killed.
  if (!ends_within(process_.get(), kGrace))
    ::syscall(SYS_pidfd_send_signal, process_.get(), SIGKILL, nullptr, 0);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  ::munmap(page_, sizeof(LeasePage));
  page_ = nullptr;
}

}  // namespace squall
