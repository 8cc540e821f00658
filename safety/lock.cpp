// SPDX-License-Identifier: Apache-2.0

#include "safety/lock.hpp"

#include "safety/base/file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace squall {
namespace {

std::string first_line(const std::string& path) {
  auto text = read_file(path, 256);
  return text ? text->substr(0, text->find('\n')) : "";
}

}  // namespace

Result<HostLock> HostLock::take(const Paths& paths, const std::string& who) {
  SQUALL_CHECK(make_directories(paths.run));
  HostLock lock;
  lock.file_ = Fd{::open(paths.lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)};
  if (!lock.file_) return sys_error("open the lock '" + paths.lock() + "'");
  if (::flock(lock.file_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return sys_error("lock '" + paths.lock() + "'");
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
  if (!file || ::flock(file.get(), LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK) return "";
  return first_line(paths.lock());
}

}  // namespace squall
