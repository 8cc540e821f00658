// SPDX-License-Identifier: Apache-2.0

#include "safety/lock.hpp"

#include "safety/base/file.hpp"
#include "safety/base/file_lock.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace squall {
namespace {

std::string first_line(const std::string& path) {
  auto text = read_file(path, 256);
  return text ? text->substr(0, text->find('\n')) : "";
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

}  // namespace

Result<HostLock> HostLock::take(const Paths& paths, const std::string& who) {
  SQUALL_CHECK(make_directories(paths.run));
  HostLock lock;
  // Whoever can open the file can lock it: nobody else may hold up a run or a recovery.
  lock.file_ = Fd{::open(paths.lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  if (!lock.file_) return sys_error("open the lock '" + paths.lock() + "'");
  (void)::fchmod(lock.file_.get(), 0600);
  SQUALL_TRY(const bool ours, lock_file(lock.file_.get(), paths.lock()));
  if (!ours) {
    return Error{ErrorKind::refused,
                 "this host is in use by " + first_line(paths.lock()),
                 "wait for its end, or stop it with 'squall abort'",
                 {},
                 0};
  }
  const auto line = who + " (pid " + std::to_string(::getpid()) + ")\n";
  if (::ftruncate(lock.file_.get(), 0) != 0) return sys_error("write '" + paths.lock() + "'");
  SQUALL_CHECK(write_all(lock.file_.get(), line, paths.lock()));
  return lock;
}

std::string HostLock::holder(const Paths& paths) {
  const Fd file{::open(paths.lock().c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file && errno == EACCES && is_listed(paths.lock())) return "a run of another user";
  return file && is_locked(file.get()) ? first_line(paths.lock()) : "";
}

}  // namespace squall
