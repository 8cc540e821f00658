// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/cgroup_target.hpp"

#include "faults/kit/container_target.hpp"

#include <algorithm>
#include <set>
#include <sstream>
#include <utility>

namespace squall {
namespace {

// What "/a/b.slice/c.service" is called up to the part with this name; "" without one.
std::string path_to(const std::string& path, const std::string& part) {
  std::string made;
  for (const auto& each : path_parts(path)) {
    made += "/" + each;
    if (each == part) return made;
  }
  return {};
}

Error no_such_unit(const std::string& unit, const std::set<std::string>& known) {
  const auto meant = nearest(unit, {known.begin(), known.end()});
  return {ErrorKind::gone,
          "no process runs in unit '" + unit + "'" +
              (meant.empty() ? "" : " (did you mean '" + meant + "'?)"),
          "'systemctl list-units' shows the units; one that does not run has no group",
          {},
          0};
}

// systemd calls a unit's group after it; where it is, the processes in it say.
Result<std::string> find_unit(const std::string& unit, const Processes& processes) {
  SQUALL_TRY(const auto all, processes.read_all());
  std::set<std::string> paths;
  std::set<std::string> known;
  for (const auto& process : all)
    for (const auto& [hierarchy, path] : process.cgroups) {
      for (const auto& part : path_parts(path))
        if (part.find('.') != std::string::npos) known.insert(part);
      if (auto found = path_to(path, unit); !found.empty()) paths.insert(std::move(found));
    }
  if (paths.empty()) return no_such_unit(unit, known);
  if (paths.size() == 1) return *paths.begin();
  return Error{ErrorKind::refused,
               "several groups are called '" + unit +
                   "': " + joined(std::vector<std::string>(paths.begin(), paths.end())),
               "name one of them by target.cgroup",
               {},
               0};
}

bool has_word(const std::string& text, const std::string& word) {
  std::istringstream words(text);
  for (std::string each; words >> each;)
    if (each == word) return true;
  return false;
}

bool gives(const Cgroup& group, const char* file, const std::string& controller,
           const Cgroups& cgroups) {
  const auto text = cgroups.read(group, file);
  return text && has_word(*text, controller);
}

bool is_spared(const ProcessInfo& process, const SpareList& spare) {
  return spare.spares(process.id.pid) || process.name == "squall" ||
         process.name.starts_with("squall-watchd");
}

}  // namespace

std::vector<Field<CgroupTarget>> cgroup_target_fields() {
  return {field("cgroup", &CgroupTarget::cgroup,
                "control group: a path, or 'memory:/path' for a v1 hierarchy"),
          field("unit", &CgroupTarget::unit, "systemd service, scope or slice"),
          field("container", &CgroupTarget::container, kContainerHelp)};
}

bool is_given(const CgroupTarget& target) {
  return !target.cgroup.empty() || !target.unit.empty() || !target.container.empty();
}

bool has_one_selector(const CgroupTarget& target) {
  return !target.cgroup.empty() + !target.unit.empty() + !target.container.empty() == 1;
}

std::string describe(const CgroupTarget& target) {
  if (!target.container.empty()) return "container '" + target.container + "'";
  return target.unit.empty() ? "cgroup '" + target.cgroup + "'"
                             : "unit '" + unit_name(target.unit) + "'";
}

Result<Cgroup> find_group(const CgroupTarget& target, const std::string& controller,
                          const Machine& machine) {
  if (!target.container.empty()) {
    SQUALL_TRY(const auto container, find_container(target.container, machine));
    return machine.cgroups().find(container.cgroup, controller);
  }
  if (target.unit.empty()) return machine.cgroups().find(target.cgroup, controller);
  SQUALL_TRY(const auto path, find_unit(unit_name(target.unit), machine.processes()));
  return machine.cgroups().find(path, controller);
}

Result<Cgroup> find_planned_group(const CgroupTarget& target, const std::string& controller,
                                  const Machine& machine, const RunContext& run) {
  if (auto lost = lost_container(run, machine); !lost.empty())
    return Error{ErrorKind::gone, std::move(lost), {}, {}, 0};
  auto there = target;
  there.container = planned_container(target.container, run);
  return find_group(there, controller, machine);
}

Result<> may_be_limited(const Cgroup& group, const Machine& machine, const SpareList& spare) {
  if (group.path == "/")
    return Error{
        ErrorKind::refused, "the root cgroup is the whole host", "name a group below it", {}, 0};
  SQUALL_TRY(const auto all, machine.processes().read_all());
  const auto kept = std::ranges::find_if(
      all, [&](const auto& each) { return is_in(each, group) && is_spared(each, spare); });
  if (kept == all.end()) return {};
  return Error{ErrorKind::refused,
               describe(group) + " holds what is spared: " + describe(*kept) +
                   (kept->name.starts_with("squall") ? " is squall's own"
                    : kept->id.pid == 1              ? " is init"
                                                     : " keeps the operator's way in"),
               "name a group below it, or start squall from another one",
               {},
               0};
}

Result<> has_file(const Cgroup& group, const std::string& controller, const std::string& file,
                  const Cgroups& cgroups) {
  const auto text = cgroups.read(group, file);
  if (text) return {};
  if (text.error().kind != ErrorKind::gone) return text.error();
  std::string todo;
  auto root = group;
  for (auto above = parent_of(group); above; above = parent_of(*above)) {
    root = *above;
    if (!gives(*above, "cgroup.subtree_control", controller, cgroups))
      todo = "echo +" + controller + " >'" + above->directory + "/cgroup.subtree_control'" +
             (todo.empty() ? "" : "; " + todo);
  }
  if (!group.hierarchy.empty() || !gives(root, "cgroup.controllers", controller, cgroups))
    todo = "this kernel has no such file for the controller '" + controller + "'";
  return Error{ErrorKind::unsupported,
               describe(group) + " has no '" + file + "': the controller '" + controller +
                   "' is not given to it",
               todo,
               {},
               0};
}

}  // namespace squall
