// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/process_target.hpp"

#include "faults/kit/cgroup.hpp"
#include "faults/kit/container_target.hpp"
#include "safety/base/pattern.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <string_view>

namespace squall {
namespace {

struct Matcher {
  const ProcessTarget& target;
  std::optional<Cgroup> group;
  std::optional<Pattern> pattern;
  std::string container{};  // path of its group
  std::uint64_t netns = 0;
  mutable std::optional<ProcessId> unsure{};  // one whose command line takes too long to match

  bool operator()(const ProcessInfo& process) const {
    if (process.ended()) return false;
    if (netns != 0 && process.netns != netns) return false;
    if (target.pid) return process.id.pid == *target.pid;
    if (process.kernel_thread) return false;
    if (!target.name.empty()) return has_name(process);
    if (pattern) return matches(process);
    if (!target.command.empty()) return process.command.find(target.command) != std::string::npos;
    if (group) return is_in(process, *group);
    if (!container.empty()) return in_container(process);
    return in_unit(process);
  }

  bool has_name(const ProcessInfo& process) const {
    return process.name == target.name || process.program == target.name;
  }
  bool matches(const ProcessInfo& process) const {
    PatternSearch search;
    while (!unsure && !search.step(*pattern, process.command)) {
    }
    if (search.found().gave_up) unsure = process.id;
    return static_cast<bool>(search.found());
  }
  bool in_unit(const ProcessInfo& process) const;
  // Whichever hierarchy has the group: their names tell each container from all others.
  bool in_container(const ProcessInfo& process) const {
    return std::ranges::any_of(process.cgroups, [&](const auto& each) {
      return each.second == container || each.second.starts_with(container + "/");
    });
  }

  // After the last process: an answer that rests on a guess is none.
  Result<> be_sure() const {
    if (!unsure) return {};
    return Error{ErrorKind::refused,
                 "'" + pattern->text() +
                     "' takes too long to match on the command line of process " +
                     std::to_string(unsure->pid),
                 "write a simpler expression",
                 {},
                 0};
  }
};

bool Matcher::in_unit(const ProcessInfo& process) const {
  const auto wanted = unit_name(target.unit);
  return std::ranges::any_of(process.cgroups, [&](const auto& each) {
    const auto parts = path_parts(each.second);
    return std::ranges::find(parts, wanted) != parts.end();
  });
}

Result<Matcher> make_matcher(const ProcessTarget& target, const Machine& machine) {
  Matcher made{target, {}, {}};
  if (!target.netns.empty()) {
    SQUALL_TRY(made.netns, machine.processes().read_netns(target.netns));
  }
  if (!target.cgroup.empty()) {
    SQUALL_TRY(made.group, machine.cgroups().find(target.cgroup, ""));
  }
  if (!target.container.empty()) {
    SQUALL_TRY(const auto container, find_container(target.container, machine));
    made.container = container.cgroup;
  }
  if (target.command.starts_with('~')) {
    SQUALL_TRY(made.pattern, Pattern::compile(target.command.substr(1)));
  }
  return made;
}

std::string meant_instead(const ProcessTarget& target, const std::vector<ProcessInfo>& all) {
  std::set<std::string> known;
  for (const auto& each : all) {
    if (each.ended()) continue;
    if (!target.name.empty() && !each.kernel_thread) known.insert({each.name, each.program});
    if (!target.unit.empty())
      for (const auto& group : each.cgroups)
        for (const auto& part : path_parts(group.second)) known.insert(part);
  }
  const auto word = target.unit.empty() ? target.name : unit_name(target.unit);
  const auto meant = word.empty() ? "" : nearest(word, {known.begin(), known.end()});
  return meant.empty() || meant == word ? "" : " (did you mean '" + meant + "'?)";
}

Error nothing_matches(const ProcessTarget& target, const std::vector<ProcessInfo>& all) {
  const auto where =
      target.netns.empty() ? std::string() : " in network namespace '" + target.netns + "'";
  return {ErrorKind::gone,
          "no process matches " + describe(target) + where + meant_instead(target, all),
          "'ps -eo pid,comm,args' shows the processes",
          {},
          0};
}

bool is_ours(const ProcessInfo& process) {
  return process.name == "squall" || process.name.starts_with("squall-");
}

Error only_spared(const ProcessTarget& target, const ProcessInfo& process) {
  const bool ssh = process.name.starts_with("sshd") || process.name == "dropbear";
  const auto why = is_ours(process)        ? "is squall's own"
                   : process.id.pid == 1   ? "is init"
                   : process.kernel_thread ? "is a thread of the kernel"
                   : ssh                   ? "keeps the operator's way in"
                                           : "belongs to squall or to the operator's session";
  return {ErrorKind::refused,
          describe(target) + " matches only what is spared: " + describe(process) + " " + why,
          ssh ? "'--without spare-ssh' gives this net up" : "choose another target",
          {},
          0};
}

Result<std::vector<ProcessInfo>> not_too_many(const ProcessTarget& target,
                                              std::vector<ProcessInfo> found) {
  if (found.size() <= static_cast<std::size_t>(target.at_most)) return found;
  return Error{ErrorKind::refused,
               std::to_string(found.size()) + " processes match " + describe(target) +
                   ", at most " + std::to_string(target.at_most) + " may be disturbed",
               "narrow the target, or raise target.at_most",
               {},
               0};
}

bool is_spared(const ProcessInfo& process, const SpareList& spare) {
  return spare.spares(process.id.pid) || is_ours(process) || process.kernel_thread;
}

Result<std::vector<ProcessInfo>> find_matching(const ProcessTarget& target,
                                               const std::vector<ProcessInfo>& all,
                                               const Machine& machine, const SpareList& spare) {
  SQUALL_TRY(const auto matches, make_matcher(target, machine));
  std::vector<ProcessInfo> found;
  const ProcessInfo* spared = nullptr;
  for (const auto& each : all) {
    if (!matches(each)) continue;
    if (is_spared(each, spare))
      spared = &each;
    else
      found.push_back(each);
  }
  SQUALL_CHECK(matches.be_sure());
  if (!found.empty()) return found;
  if (spared) return only_spared(target, *spared);
  return nothing_matches(target, all);
}

// Kept as text, since records hold it; a bad expression is told where it is written.
Field<ProcessTarget> command_field() {
  auto made = field("command", &ProcessTarget::command,
                    "part of the command line; after '~' a regular expression");
  made.set = [set = made.set](ProcessTarget& target, const Raw& raw) -> Result<> {
    SQUALL_CHECK(set(target, raw));
    if (target.command.starts_with('~')) SQUALL_CHECK(Pattern::compile(target.command.substr(1)));
    return {};
  };
  return made;
}

}  // namespace

std::vector<Field<ProcessTarget>> process_target_fields() {
  return {field("pid", &ProcessTarget::pid, "one process by its number")
              .range(std::int64_t{1}, std::int64_t{4194304}),
          field("name", &ProcessTarget::name, "name of the process or of its program"),
          command_field(),
          field("cgroup", &ProcessTarget::cgroup,
                "control group and those below: a path, or 'cpu:/path' for a v1 hierarchy"),
          field("unit", &ProcessTarget::unit, "systemd unit"),
          field("container", &ProcessTarget::container, kContainerHelp),
          field("namespace", &ProcessTarget::netns,
                "only processes in this network namespace: a name or a pid"),
          field("at_most", &ProcessTarget::at_most, "refused when more processes match")
              .range(std::int64_t{1}, std::int64_t{100000})};
}

bool has_one_selector(const ProcessTarget& target) {
  const int given = target.pid.has_value() + !target.name.empty() + !target.command.empty() +
                    !target.cgroup.empty() + !target.unit.empty() + !target.container.empty();
  return given == 1;
}

std::string describe(const ProcessTarget& target) {
  if (target.pid) return "pid " + std::to_string(*target.pid);
  if (!target.name.empty()) return "name '" + target.name + "'";
  if (!target.command.empty()) return "command '" + target.command + "'";
  if (!target.cgroup.empty()) return "cgroup '" + target.cgroup + "'";
  if (!target.container.empty()) return "container '" + target.container + "'";
  return "unit '" + unit_name(target.unit) + "'";
}

Result<std::vector<ProcessInfo>> find_targets(const ProcessTarget& target, const Machine& machine,
                                              const SpareList& spare) {
  SQUALL_TRY(const auto all, machine.processes().read_all());
  SQUALL_TRY(auto found, find_matching(target, all, machine, spare));
  return not_too_many(target, std::move(found));
}

Result<std::vector<ProcessInfo>> find_families(const ProcessTarget& target, const Machine& machine,
                                               const SpareList& spare) {
  SQUALL_TRY(const auto all, machine.processes().read_all());
  SQUALL_TRY(auto found, find_matching(target, all, machine, spare));
  // Each round adds the children of the round before.
  for (std::size_t at = 0; at < found.size(); ++at)
    for (const auto& each : all)
      if (each.parent == found[at].id.pid && !each.ended() && !is_spared(each, spare) &&
          std::ranges::find(found, each.id, &ProcessInfo::id) == found.end())
        found.push_back(each);
  return not_too_many(target, std::move(found));
}

std::string to_text(const ProcessId& id) {
  return std::to_string(id.pid) + "@" + std::to_string(id.start);
}

std::vector<ProcessId> planned_processes(const std::vector<std::string>& targets) {
  std::vector<ProcessId> planned;
  for (const auto& text : targets) {
    ProcessId id;
    const char* end = text.data() + text.size();
    const auto pid = std::from_chars(text.data(), end, id.pid);
    if (pid.ec != std::errc{} || pid.ptr == end) continue;
    if (std::from_chars(pid.ptr + 1, end, id.start).ec == std::errc{}) planned.push_back(id);
  }
  return planned;
}

std::vector<ProcessInfo> read_living(const std::vector<ProcessId>& ids,
                                     const Processes& processes) {
  std::vector<ProcessInfo> living;
  for (const auto& id : ids)
    if (auto process = processes.read(id); process && !process->ended())
      living.push_back(std::move(*process));
  return living;
}

}  // namespace squall
