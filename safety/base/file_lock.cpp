// SPDX-License-Identifier: Apache-2.0

#include "safety/base/file_lock.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace squall {
namespace {

struct flock whole_file() {
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

}  // namespace

Result<bool> lock_file(int fd, const std::string& path) {
  auto lock = whole_file();
  if (::fcntl(fd, F_OFD_SETLK, &lock) == 0) return true;
  if (errno == EAGAIN || errno == EACCES) return false;
  return sys_error("lock '" + path + "'");
}

bool is_locked(int fd) {
  // Kernel: a question needs no descriptor that is open for writing.
  auto lock = whole_file();
  return ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace squall
