// SPDX-License-Identifier: Apache-2.0

#include "safety/base/file.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace squall {
namespace {

long long now_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

std::string temporary_of(const std::string& path) { return path + ".new"; }

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<Fd> open_for_reading(const std::string& path) {
  const int raw = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (raw < 0) return sys_error("open '" + path + "'");
  return Fd{raw};
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  SQUALL_TRY(const Fd file, open_for_reading(path));
  std::string text;
  std::array<char, 16384> chunk;  // not cleared: most files read are a line in /proc
  while (text.size() < limit) {
    const auto got = ::read(file.get(), chunk.data(), std::min(chunk.size(), limit - text.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return sys_error("read '" + path + "'");
    if (got == 0) break;
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
  return text;
}

Result<> write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const auto done = ::write(fd, text.data(), text.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return sys_error("write '" + path + "'");
    text.remove_prefix(static_cast<std::size_t>(done));
  }
  return {};
}

Result<> replace_file(const std::string& path, std::string_view text) {
  const auto temporary = temporary_of(path);
  const Fd file{::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  if (!file) return sys_error("create '" + temporary + "'");
  SQUALL_CHECK(write_all(file.get(), text, temporary));
  if (::fdatasync(file.get()) != 0) return sys_error("make '" + temporary + "' durable");
  if (::rename(temporary.c_str(), path.c_str()) != 0)
    return sys_error("rename '" + temporary + "'");
  return {};
}

Result<> delete_file(const std::string& path) {
  for (const auto& each : {temporary_of(path), path})
    if (::unlink(each.c_str()) != 0 && errno != ENOENT) return sys_error("remove '" + each + "'");
  return {};
}

Result<> make_directories(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) == 0) return sync_directory(parent_of(path));
  if (errno == EEXIST) {
    struct stat found{};
    if (::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode)) return {};
    return sys_error("make directory '" + path + "'", ENOTDIR);
  }
  if (errno != ENOENT) return sys_error("make directory '" + path + "'");
  SQUALL_CHECK(make_directories(parent_of(path)));
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST)
    return sys_error("make directory '" + path + "'");
  return sync_directory(parent_of(path));
}

Result<> sync_directory(const std::string& path) {
  const Fd directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!directory) return sys_error("open directory '" + path + "'");
  // Some filesystems cannot sync a directory; their renames are as durable as they get.
  if (::fsync(directory.get()) != 0 && errno != EINVAL)
    return sys_error("make directory '" + path + "' durable");
  return {};
}

std::string boot_id() {
  auto text = read_file("/proc/sys/kernel/random/boot_id", 64);
  if (!text) return "";
  while (!text->empty() && text->back() == '\n') text->pop_back();
  return *text;
}

std::string rfc3339(long long ns) {
  const std::time_t seconds = ns / 1'000'000'000LL;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 80> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%09lldZ",
                parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
                parts.tm_sec, ns % 1'000'000'000LL);
  return text.data();
}

long long realtime_ns() { return now_ns(CLOCK_REALTIME); }
long long monotonic_ns() { return now_ns(CLOCK_MONOTONIC); }

}  // namespace squall
