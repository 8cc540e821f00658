// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/cgroup.hpp"

#include "safety/base/fd.hpp"
#include "safety/base/file.hpp"

#include <algorithm>
#include <dirent.h>
#include <fcntl.h>
#include <optional>
#include <sstream>
#include <string_view>
#include <sys/stat.h>

namespace squall {
namespace {

struct Hierarchy {
  std::string controllers;  // "" for v2
  std::string mounted;      // directory
};

bool is_directory(const std::string& path) {
  struct stat found{};
  return ::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode);
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

// Of a v1 mount: its options are "rw,relatime,cpu,cpuacct" or "rw,xattr,name=systemd". Which of
// them are controllers, this process's own list of groups says.
Result<std::vector<Hierarchy>> read_hierarchies() {
  SQUALL_TRY(const auto mounts, read_file("/proc/self/mounts"));
  SQUALL_TRY(const auto own, read_file("/proc/self/cgroup"));
  std::vector<Hierarchy> found;
  for (const auto& line : split(mounts, '\n')) {
    const auto words = split(line, ' ');
    if (words.size() < 4) continue;
    if (words[2] == "cgroup2") found.push_back({"", words[1]});
    if (words[2] != "cgroup") continue;
    const auto options = split(words[3], ',');
    for (const auto& group : split(own, '\n')) {
      const auto fields = split(group, ':');
      if (fields.size() < 2 || fields[1].empty()) continue;
      const auto names = split(fields[1], ',');
      if (std::ranges::all_of(names, [&](const auto& each) {
            return std::ranges::find(options, each) != options.end();
          }))
        found.push_back({fields[1], words[1]});
    }
  }
  return found;
}

bool has_controller(const Hierarchy& hierarchy, const std::string& controller) {
  const auto names = split(hierarchy.controllers, ',');
  return std::ranges::find(names, controller) != names.end();
}

std::string without_trailing_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

Cgroup group_at(const Hierarchy& hierarchy, const std::string& path) {
  return {hierarchy.controllers, path, path == "/" ? hierarchy.mounted : hierarchy.mounted + path};
}

// The groups beside the one that was named and is not there.
std::string meant_instead(const std::string& directory) {
  const auto slash = directory.rfind('/');
  const auto parent = directory.substr(0, slash);
  std::vector<std::string> known;
  if (DIR* dir = ::opendir(parent.c_str())) {
    while (const auto* entry = ::readdir(dir))
      if (entry->d_name[0] != '.' && is_directory(parent + "/" + entry->d_name))
        known.emplace_back(entry->d_name);
    ::closedir(dir);
  }
  return nearest(directory.substr(slash + 1), known);
}

Error no_such_group(const std::string& name, const std::vector<Cgroup>& tried) {
  if (tried.empty())
    return {ErrorKind::unsupported,
            "there is no hierarchy in which cgroup '" + name + "' could be",
            "mount cgroup2 on /sys/fs/cgroup",
            {},
            0};
  std::string meant;
  for (const auto& each : tried)
    if (meant.empty()) meant = meant_instead(each.directory);
  return {ErrorKind::gone,
          "there is no cgroup '" + name + "'" +
              (meant.empty() ? "" : " (did you mean '" + meant + "'?)"),
          "'systemd-cgls' shows the groups; a v1 group is named as 'cpu:/path'",
          {},
          0};
}

// The hierarchies in which `name` may be, likeliest first, with its path there.
std::vector<Cgroup> candidates(const std::string& name, const std::string& controller,
                               const std::vector<Hierarchy>& all) {
  std::vector<Cgroup> made;
  for (const auto& each : all)
    if (name == each.mounted || name.starts_with(each.mounted + "/"))
      made.push_back(
          group_at(each, without_trailing_slash(
                             "/" + name.substr(std::min(name.size(), each.mounted.size() + 1)))));
  if (!made.empty()) {
    // The deepest mount: a v2 root may have v1 hierarchies mounted below it.
    std::ranges::sort(made, {}, [](const Cgroup& each) { return each.path.size(); });
    made.resize(1);
    return made;
  }
  const auto colon = name.find(":/");
  if (colon != std::string::npos) {
    for (const auto& each : all)
      if (has_controller(each, name.substr(0, colon)) || each.controllers == name.substr(0, colon))
        made.push_back(group_at(each, without_trailing_slash(name.substr(colon + 1))));
    return made;
  }
  const auto path = without_trailing_slash(name.starts_with('/') ? name : "/" + name);
  const auto add = [&](auto&& fits) {
    for (const auto& each : all)
      if (fits(each)) made.push_back(group_at(each, path));
  };
  if (!controller.empty())
    add([&](const Hierarchy& each) { return has_controller(each, controller); });
  add([](const Hierarchy& each) { return each.controllers.empty(); });
  if (controller.empty()) add([](const Hierarchy& each) { return !each.controllers.empty(); });
  return made;
}

class ThisHostsCgroups final : public Cgroups {
 public:
  Result<Cgroup> find(const std::string& name, const std::string& controller) const override {
    if (name.find("..") != std::string::npos)
      return Error{ErrorKind::invalid, "cgroup '" + name + "' has '..' in its path", {}, {}, 0};
    SQUALL_TRY(const auto all, read_hierarchies());
    const auto tried = candidates(name, controller, all);
    for (const auto& each : tried)
      if (is_directory(each.directory)) return each;
    return no_such_group(name, tried);
  }

  Result<std::string> read(const Cgroup& group, const std::string& file) const override {
    SQUALL_TRY(auto text, read_file(group.directory + "/" + file, 1u << 20));
    if (text.ends_with('\n')) text.pop_back();
    return text;
  }

  Result<> put_process(const ChangeToken&, const Cgroup& group, const ProcessId& id) override {
    const auto path = group.directory + "/cgroup.procs";
    const Fd file{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
    if (!file) return sys_error("open '" + path + "'");
    auto put = write_all(file.get(), std::to_string(id.pid), path);
    // Kernel: v2 refuses processes in a group that hands controllers to its children.
    if (!put && put.error().code == EBUSY)
      return Error{ErrorKind::system,
                   "cgroup '" + group.path + "' takes no processes: it has groups below it",
                   "name one of the groups below it",
                   {},
                   EBUSY};
    return put;
  }
};

}  // namespace

bool is_in(const ProcessInfo& process, const Cgroup& group) {
  const auto below = group.path == "/" ? group.path : group.path + "/";
  return std::ranges::any_of(process.cgroups, [&](const auto& each) {
    return each.first == group.hierarchy &&
           (each.second == group.path || each.second.starts_with(below));
  });
}

std::unique_ptr<Cgroups> this_hosts_cgroups() { return std::make_unique<ThisHostsCgroups>(); }

}  // namespace squall
