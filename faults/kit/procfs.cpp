// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/procfs.hpp"

#include "safety/base/file.hpp"
#include "safety/base/proc.hpp"
#include "safety/base/process_stat.hpp"

#include <algorithm>
#include <array>
#include <dirent.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

namespace squall::procfs {
namespace {

constexpr std::uint64_t kKernelThread = 0x00200000;  // Kernel: PF_KTHREAD, stable since 2.6

std::string directory_of(const std::string& root, pid_t pid) {
  return root + "/" + std::to_string(pid);
}

std::string arguments(std::string text) {
  while (!text.empty() && text.back() == '\0') text.pop_back();
  std::ranges::replace(text, '\0', ' ');
  return text;
}

std::string program_name(const std::string& directory) {
  std::array<char, 4096> target{};
  const auto length = ::readlink((directory + "/exe").c_str(), target.data(), target.size());
  if (length <= 0) return "";
  std::string_view path(target.data(), static_cast<std::size_t>(length));
  // Kernel: appended to the path of a program whose file was replaced or removed.
  constexpr std::string_view kDeleted = " (deleted)";
  if (path.ends_with(kDeleted)) path.remove_suffix(kDeleted.size());
  return std::string(path.substr(path.rfind('/') + 1));
}

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

}  // namespace

std::vector<std::pair<std::string, std::string>> parse_cgroups(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> groups;
  for (std::size_t from = 0; from < text.size();) {
    const auto end = std::min(text.find('\n', from), text.size());
    const auto line = text.substr(from, end - from);
    from = end + 1;
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) continue;
    groups.emplace_back(line.substr(first + 1, second - first - 1), line.substr(second + 1));
  }
  return groups;
}

Result<ProcessInfo> read_process(const std::string& root, pid_t pid) {
  SQUALL_TRY(auto stat, read_process_stat(pid, root));
  const auto directory = directory_of(root, pid);
  ProcessInfo process;
  process.id = {pid, stat.start};
  process.parent = stat.parent;
  process.name = std::move(stat.name);
  process.state = stat.state;
  process.kernel_thread = (stat.flags & kKernelThread) != 0;
  process.program = program_name(directory);
  if (auto text = read_file(directory + "/cmdline", 64u << 10))
    process.command = arguments(std::move(*text));
  if (auto text = read_file(directory + "/cgroup", 64u << 10))
    process.cgroups = parse_cgroups(*text);
  struct stat found{};
  if (::stat((directory + "/ns/net").c_str(), &found) == 0) process.netns = found.st_ino;
  // The pid may have changed hands between the files: then the answer is of nobody.
  SQUALL_TRY(const auto again, read_process_stat(pid, root));
  if (again.start != stat.start)
    return Error{ErrorKind::gone, "there is no process " + std::to_string(pid), {}, {}, 0};
  return process;
}

Result<std::vector<pid_t>> read_pids(const std::string& root) {
  const std::unique_ptr<DIR, CloseDir> proc(::opendir(root.c_str()));
  if (!proc) return sys_error("list '" + root + "'");
  std::vector<pid_t> pids;
  while (const auto* entry = ::readdir(proc.get())) {
    pid_t pid = 0;
    if (parse_number(std::string_view(entry->d_name), pid)) pids.push_back(pid);
  }
  std::ranges::sort(pids);
  return pids;
}

}  // namespace squall::procfs
