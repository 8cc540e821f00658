// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/procfs.hpp"

#include "safety/base/file.hpp"

#include <algorithm>
#include <array>
#include <charconv>
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

Error damaged(std::string_view text) {
  return {ErrorKind::system,
          "the process status '" + std::string(text.substr(0, 60)) + "' is not understood",
          {},
          {},
          0};
}

template <class Number>
bool parse(std::string_view text, Number& number) {
  const auto end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && stopped == end && !text.empty();
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

Result<Stat> parse_stat(std::string_view text) {
  // The name may hold anything, also spaces and parentheses: its end is the last one.
  const auto open = text.find('(');
  const auto close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open)
    return damaged(text);
  Stat stat;
  stat.name = text.substr(open + 1, close - open - 1);
  std::vector<std::string_view> words;  // from field 3, the state
  for (std::size_t from = close + 2; from < text.size();) {
    const auto end = std::min(text.find_first_of(" \n", from), text.size());
    words.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  const auto word = [&](std::size_t field) { return words.at(field - 3); };
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  if (words.size() < 20 || word(3).size() != 1 || !parse(word(4), stat.parent) ||
      !parse(word(9), stat.flags) || !parse(word(14), user) || !parse(word(15), system) ||
      !parse(word(22), stat.start))
    return damaged(text);
  stat.state = word(3).front();
  stat.cpu_ticks = user + system;
  return stat;
}

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

Result<Stat> read_stat(const std::string& root, pid_t pid) {
  auto text = read_file(directory_of(root, pid) + "/stat", 4096);
  if (!text) {
    if (text.error().kind == ErrorKind::gone)
      return Error{
          ErrorKind::gone, "there is no process " + std::to_string(pid), {}, {}, text.error().code};
    return std::move(text).error();
  }
  return parse_stat(*text);
}

Result<ProcessInfo> read_process(const std::string& root, pid_t pid) {
  SQUALL_TRY(auto stat, read_stat(root, pid));
  const auto directory = directory_of(root, pid);
  ProcessInfo process;
  process.id = {pid, stat.start};
  process.parent = stat.parent;
  process.name = std::move(stat.name);
  process.state = stat.state;
  process.kernel_thread = (stat.flags & kKernelThread) != 0;
  process.cpu_time = Duration(1s) / ::sysconf(_SC_CLK_TCK) * static_cast<long>(stat.cpu_ticks);
  process.program = program_name(directory);
  if (auto text = read_file(directory + "/cmdline", 64u << 10))
    process.command = arguments(std::move(*text));
  if (auto text = read_file(directory + "/cgroup", 64u << 10))
    process.cgroups = parse_cgroups(*text);
  struct stat found{};
  if (::stat(directory.c_str(), &found) == 0) process.user = found.st_uid;
  if (::stat((directory + "/ns/net").c_str(), &found) == 0) process.netns = found.st_ino;
  // The pid may have changed hands between the files: then the answer is of nobody.
  SQUALL_TRY(const auto again, read_stat(root, pid));
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
    if (parse(std::string_view(entry->d_name), pid)) pids.push_back(pid);
  }
  std::ranges::sort(pids);
  return pids;
}

}  // namespace squall::procfs
