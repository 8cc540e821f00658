// SPDX-License-Identifier: Apache-2.0

#include "safety/base/proc.hpp"

#include "safety/base/file.hpp"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace squall {

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  const Handle<DIR, ::closedir> opened(::opendir(directory.c_str()));
  while (const auto* entry = opened ? ::readdir(opened.get()) : nullptr)
    if (const std::string_view name(entry->d_name); name != "." && name != "..")
      names.emplace_back(name);
  return names;
}

std::vector<pid_t> all_processes() {
  std::vector<pid_t> all;
  for (const auto& name : names_in("/proc"))
    if (pid_t pid = 0; parse_number(name, pid)) all.push_back(pid);
  return all;
}

std::string process_name(pid_t pid) {
  auto text = read_file("/proc/" + std::to_string(pid) + "/comm", 64);
  if (!text) return "";
  while (text->ends_with('\n')) text->pop_back();
  return *text;
}

Fd open_process(pid_t pid) { return Fd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))}; }

bool ends_within(int process, Duration limit) {
  pollfd ended{process, POLLIN, 0};
  const auto end = monotonic_ns() + limit.count();
  for (;;) {
    const auto left = std::max<Duration>(Duration(end - monotonic_ns()), 0ns);
    const int ready = ::poll(
        &ended, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()));
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

}  // namespace squall
