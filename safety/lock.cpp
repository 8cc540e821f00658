// SPDX-License-Identifier: Apache-2.0

#include "safety/lock.hpp"

#include "safety/base/file.hpp"
#include "safety/base/file_lock.hpp"
#include "safety/base/proc.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace squall {
namespace {

// What the file says: two lines.
//
//   run 20260101-101500-3fa2c1 (pid 4711)
//   watchdog (pid 4712)
struct Holder {
  std::string who;
  pid_t runner = 0;
  pid_t watchdog = 0;
};

pid_t pid_in(std::string_view line) {
  constexpr std::string_view kPid = "(pid ";
  const auto at = line.rfind(kPid);
  pid_t pid = 0;
  if (at == line.npos || !line.ends_with(')')) return 0;
  line.remove_prefix(at + kPid.size());
  return parse_number(line.substr(0, line.size() - 1), pid) ? pid : 0;
}

Holder read_holder(const std::string& path) {
  const auto read = read_file(path, 256);
  const auto text = read ? *read : "";
  const auto end = std::min(text.find('\n'), text.size());
  const auto rest = std::string_view(text).substr(std::min(end + 1, text.size()));
  const auto who = text.substr(0, end);
  return {who, pid_in(who), pid_in(rest.substr(0, rest.find('\n')))};
}

// The watchdog that still has to do what its dead runner cannot; none when the runner lives.
Fd orphaned_watchdog(const Holder& holder) {
  if (holder.watchdog == 0) return {};
  if (const auto runner = open_process(holder.runner); runner && !ends_within(runner.get(), 0ms))
    return {};
  Fd process = open_process(holder.watchdog);
  return process_name(holder.watchdog) == "squall-watchdog" ? std::move(process) : Fd{};
}

// For who may not open the file: whether the kernel lists a lock on it.
bool is_listed(const std::string& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) return false;
  std::array<char, 64> place{};
  std::snprintf(place.data(), place.size(), " %02x:%02x:%llu ", major(found.st_dev),
                minor(found.st_dev), static_cast<unsigned long long>(found.st_ino));
  const auto all = read_file("/proc/locks");
  return all && all->find(place.data()) != std::string::npos;
}

Error in_use(const Holder& holder) {
  if (!orphaned_watchdog(holder))
    return {ErrorKind::refused,
            "this host is in use by " + holder.who,
            "wait for its end, or stop it with 'squall abort'",
            {},
            0};
  const auto number = std::to_string(holder.watchdog);
  return {ErrorKind::refused,
          holder.who + " is dead, and its watchdog, process " + number + ", has not finished",
          "wait for it with 'squall recover'; if it hangs: kill -9 " + number + "; squall recover",
          {},
          0};
}

}  // namespace

Result<HostLock> HostLock::take(const Paths& paths, const std::string& who) {
  SQUALL_CHECK(make_directories(paths.run));
  HostLock lock;
  // Whoever can open the file can lock it: nobody else may hold up a run or a recovery.
  lock.file_ = Fd{::open(paths.lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!lock.file_) return sys_error("open the lock '" + paths.lock() + "'");
  (void)::fchmod(lock.file_.get(), 0600);
  SQUALL_TRY(const bool ours, lock_file(lock.file_.get(), paths.lock()));
  if (!ours) return in_use(read_holder(paths.lock()));
  const auto line = who + " (pid " + std::to_string(::getpid()) + ")\n";
  if (::ftruncate(lock.file_.get(), 0) != 0) return sys_error("write '" + paths.lock() + "'");
  SQUALL_CHECK(write_all(lock.file_.get(), line, paths.lock()));
  return lock;
}

std::string HostLock::holder(const Paths& paths) {
  const Fd file{::open(paths.lock().c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file && errno == EACCES && is_listed(paths.lock())) return "a run of another user";
  return file && is_locked(file.get()) ? read_holder(paths.lock()).who : "";
}

std::optional<Error> HostLock::objection(const Paths& paths) {
  const auto who = holder(paths);
  if (who.empty()) return {};
  auto holder = read_holder(paths.lock());
  holder.who = who;
  return in_use(holder);
}

Result<> HostLock::note_watchdog(int lock_fd, int watchdog) {
  return write_all(lock_fd, "watchdog (pid " + std::to_string(watchdog) + ")\n", "lock");
}

bool HostLock::finish_watchdog(const Paths& paths, Duration limit) {
  const auto watchdog = orphaned_watchdog(read_holder(paths.lock()));
  if (!watchdog) return false;
  ::syscall(SYS_pidfd_send_signal, watchdog.get(), SIGCONT, nullptr, 0);
  return ends_within(watchdog.get(), limit);
}

}  // namespace squall
