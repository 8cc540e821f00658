// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/cgroup.hpp"

#include "faults/kit/container.hpp"
#include "safety/base/fd.hpp"
#include "safety/base/file.hpp"

#include <algorithm>
#include <dirent.h>
#include <fcntl.h>
#include <functional>
#include <sstream>
#include <string_view>
#include <sys/stat.h>
#include <sys/xattr.h>

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

// Kernel: groups take extended attributes, as systemd uses them; "trusted" ones are root's alone.
constexpr std::string_view kMark = "trusted.squall.";

std::string mark_name(const std::string& file) { return std::string(kMark) + file; }

std::string descriptor_path(const Fd& held) {
  return "/proc/self/fd/" + std::to_string(held.get());
}

// The directory of the group with this identity, held, so that it cannot become another.
Result<Fd> hold(const Cgroup& group, std::uint64_t identity) {
  Fd held{::open(group.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!held) return sys_error("open '" + group.directory + "'");
  struct stat found{};
  if (::fstat(held.get(), &found) != 0) return sys_error("look at '" + group.directory + "'");
  if (found.st_ino == identity) return held;
  return Error{ErrorKind::gone, describe(group) + " was removed and made anew", {}, {}, ENOENT};
}

std::vector<std::string> marked_files(const std::string& directory) {
  std::vector<std::string> files;
  std::string names(4096, '\0');
  const auto size = ::listxattr(directory.c_str(), names.data(), names.size());
  if (size <= 0) return files;
  names.resize(static_cast<std::size_t>(size));
  for (const auto& name : split(names, '\0'))
    if (name.starts_with(kMark)) files.push_back(name.substr(kMark.size()));
  return files;
}

// Every group of the hierarchy, from `directory` on.
void for_each_group(const std::string& directory,
                    const std::function<void(const std::string&)>& see) {
  see(directory);
  DIR* dir = ::opendir(directory.c_str());
  if (!dir) return;
  while (const auto* entry = ::readdir(dir))
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
      for_each_group(directory + "/" + entry->d_name, see);
  ::closedir(dir);
}

class ThisHostsCgroups final : public Cgroups {
 public:
  const Containers& containers() const override { return *containers_; }

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

  Result<std::uint64_t> read_identity(const Cgroup& group) const override {
    struct stat found{};
    if (::stat(group.directory.c_str(), &found) != 0)
      return sys_error("look at '" + group.directory + "'");
    return found.st_ino;
  }

  Result<std::optional<std::string>> read_mark(const Cgroup& group,
                                               const std::string& file) const override {
    std::string text(4096, '\0');
    const auto size =
        ::getxattr(group.directory.c_str(), mark_name(file).c_str(), text.data(), text.size());
    if (size < 0 && errno == ENODATA) return std::optional<std::string>{};
    if (size < 0) return sys_error("read the attributes of '" + group.directory + "'");
    text.resize(static_cast<std::size_t>(size));
    return std::optional(text);
  }

  Result<std::vector<CgroupMark>> find_marks() const override {
    SQUALL_TRY(const auto all, read_hierarchies());
    std::vector<CgroupMark> found;
    for (const auto& each : all)
      for_each_group(each.mounted, [&](const std::string& directory) {
        for (const auto& file : marked_files(directory)) {
          const auto path = directory.substr(each.mounted.size());
          const auto group = group_at(each, path.empty() ? "/" : path);
          const auto identity = read_identity(group);
          const auto text = read_mark(group, file);
          if (identity && text && *text) found.push_back({group, *identity, file, **text});
        }
      });
    return found;
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

  Result<> set(const ChangeToken&, const Cgroup& group, std::uint64_t identity,
               const std::string& name, const std::string& text) override {
    SQUALL_TRY(const auto held, hold(group, identity));
    const auto path = group.directory + "/" + name;
    const Fd file{::openat(held.get(), name.c_str(), O_WRONLY | O_CLOEXEC)};
    if (!file) return sys_error("open '" + path + "'");
    auto put = write_all(file.get(), text, path);
    if (!put && put.error().code == EINVAL && !group.hierarchy.empty())
      put.error().hint = "v1 grants no group more than the one above it, nor less than one below";
    return put;
  }

  Result<> put_mark(const ChangeToken&, const CgroupMark& mark) override {
    SQUALL_TRY(const auto held, hold(mark.group, mark.identity));
    if (::setxattr(descriptor_path(held).c_str(), mark_name(mark.file).c_str(), mark.text.data(),
                   mark.text.size(), 0) == 0)
      return {};
    return sys_error("mark '" + mark.group.directory + "'");
  }

  Result<> delete_mark(const ChangeToken&, const CgroupMark& mark) override {
    SQUALL_TRY(const auto held, hold(mark.group, mark.identity));
    if (::removexattr(descriptor_path(held).c_str(), mark_name(mark.file).c_str()) == 0 ||
        errno == ENODATA)
      return {};
    return sys_error("take the mark off '" + mark.group.directory + "'");
  }

 private:
  std::unique_ptr<Containers> containers_ = this_hosts_containers();
};

}  // namespace

std::string describe(const Cgroup& group) { return "cgroup '" + group.path + "'"; }

std::optional<Cgroup> parent_of(const Cgroup& group) {
  if (group.path == "/") return std::nullopt;
  auto above = group;
  above.directory.resize(above.directory.rfind('/'));
  above.path.resize(std::max<std::size_t>(1, above.path.rfind('/')));
  return above;
}

std::vector<std::string> path_parts(const std::string& path) {
  auto parts = split(path, '/');
  std::erase(parts, "");
  return parts;
}

std::string unit_name(const std::string& unit) {
  return unit.find('.') == std::string::npos ? unit + ".service" : unit;
}

bool is_in(const ProcessInfo& process, const Cgroup& group) {
  const auto below = group.path == "/" ? group.path : group.path + "/";
  return std::ranges::any_of(process.cgroups, [&](const auto& each) {
    return each.first == group.hierarchy &&
           (each.second == group.path || each.second.starts_with(below));
  });
}

std::unique_ptr<Cgroups> this_hosts_cgroups() { return std::make_unique<ThisHostsCgroups>(); }

}  // namespace squall
