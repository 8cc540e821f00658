// SPDX-License-Identifier: Apache-2.0

#include "faults/process_kill/restart.hpp"

#include "faults/kit/cgroup.hpp"
#include "faults/kit/kernel.hpp"
#include "faults/kit/process.hpp"
#include "faults/kit/worker.hpp"
#include "faults/process_kill/restart_record.hpp"

#include <algorithm>
#include <map>

namespace squall {
namespace {

constexpr const char* kSystemd = "name=systemd";  // its v1 hierarchy
constexpr Duration kSystemdLimit = 1s;            // for taking the order, not for the unit's start

// "/system.slice/gw.service/part" is in "gw.service"; "" when it is in none.
std::string service_in(const std::string& path) {
  constexpr std::string_view kSuffix = ".service";
  const auto suffix = (path + "/").rfind(std::string(kSuffix) + "/");
  if (suffix == std::string::npos) return "";
  const auto begin = path.rfind('/', suffix) + 1;
  return path.substr(begin, suffix + kSuffix.size() - begin);
}

bool holds(const Service& service, const ProcessInfo& process, const std::string& path) {
  const auto below = service.group + "/";
  return !service.group.empty() && (path + "/").starts_with(below) &&
         (service.main == 0 || service.main == process.id.pid);
}

// The unit whose own process is among them: systemd would take note of its end.
Result<std::string> find_service(const std::vector<ProcessInfo>& killed, const Machine& host) {
  std::map<std::string, Service> known;
  for (const auto& each : killed)
    for (const auto& [hierarchy, path] : each.cgroups) {
      auto unit = service_in(path);
      if (unit.empty() || (!hierarchy.empty() && hierarchy != kSystemd)) continue;
      if (!known.contains(unit)) {
        auto service = host.processes().read_service(unit);
        if (!service && service.error().kind == ErrorKind::unsupported) return std::string();
        SQUALL_TRY(known[unit], std::move(service));
      }
      if (holds(known[unit], each, path)) return unit;
    }
  return std::string();
}

void keep_surroundings(RestartRecord& record, const RunContext& run, const ProcessInfo& killed,
                       const Machine& host) {
  record.mark =
      "SQUALL_RESTARTED=" + run.mark + "/" + std::to_string(run.slot) + "/" + to_text(killed.id);
  record.starter = worker_name(run.mark, run.slot);
  if (auto directory = host.processes().read_directory(killed.id)) record.directory = *directory;
  for (const auto& [hierarchy, path] : killed.cgroups)
    if (hierarchy.empty() || hierarchy == kSystemd) record.groups.push_back(hierarchy + ":" + path);
}

StartOrder order_of(const RestartRecord& record, const Machine& host) {
  StartOrder order{record.argv, record.directory, record.mark, record.starter, record.netns, {}};
  for (const auto& each : record.groups) {
    const auto colon = each.find(':');
    const auto group = host.cgroups().find(colon == 0 ? each.substr(1) : each, "");
    if (group && group->hierarchy == each.substr(0, colon))
      order.groups.push_back(group->directory);
  }
  return order;
}

Error namespace_gone(const RestartRecord& record) {
  const auto& hint = record.netns->hint;
  const bool by_pid = hint.find_first_not_of("0123456789") == std::string::npos;
  return {ErrorKind::gone,
          "cannot start " + record.how() + " again: the network namespace " +
              (by_pid ? "of process " + hint : "'" + hint + "'") + " it ran in is gone",
          "start it by hand where it belongs; by the mark in its environment squall sees that it "
          "runs: " +
              record.by_hand(),
          {},
          0};
}

}  // namespace

Result<> plan_restart(Plan& plan, const Restart& restart, const ProcessTarget& target,
                      const std::vector<ProcessInfo>& killed, const Machine& host) {
  if (!restart.unit.empty()) SQUALL_CHECK(host.kernel().available("tool:systemctl"));
  RestartRecord record;
  record.target = target;
  record.target.pid.reset();
  if (target.pid) record.target.command = killed.front().command;
  record.unit = restart.unit;
  if (restart.unit.empty()) {
    SQUALL_TRY(record.unit, find_service(killed, host));
    if (!record.unit.empty())
      plan.notes.push_back("systemd runs what is killed: at the end it is told to start unit '" +
                           record.unit + "', in place of the command in restart");
  }
  if (record.unit.empty()) {
    record.argv = restart.argv;
    keep_surroundings(record, plan.run, killed.front(), host);
  }
  if (record.unit.empty() || !target.netns.empty()) {
    const auto& where = target.netns;
    SQUALL_TRY(record.netns, host.network().find_namespace(
                                 where.empty() ? std::to_string(killed.front().id.pid) : where));
  }
  SQUALL_TRY(const auto matching, find_running(record, host));
  for (const auto& each : matching)
    if (std::ranges::find(killed, each.id, &ProcessInfo::id) == killed.end())
      record.others.push_back(each.id);
  plan.intents.push_back(
      {"at the end start " + record.how() + ", unless " + describe(target) + " runs again by then",
       to_undo(record), "start " + record.how(), record.by_hand()});
  return {};
}

bool is_restart(const UndoRecord& undo) { return undo.find("restart") != nullptr; }

Result<Fd> hold_for_restart(const UndoRecord& undo, const Machine& host) {
  SQUALL_TRY(const auto record, restart_of(undo));
  if (!record.netns) return Fd{};
  return host.network().hold_namespace(*record.netns);
}

Result<> restart_unless_running(const UndoRecord& undo, Machine& machine,
                                const ChangeToken& token) {
  // What was killed on its way to the program comes first: it may become it at any moment.
  if (undo.find("worker")) SQUALL_CHECK(delete_recorded_worker(undo, machine.workers(), token));
  SQUALL_TRY(const auto record, restart_of(undo));
  if (!record.mark.empty()) {
    SQUALL_TRY(const auto marked, machine.processes().find_marked(record.mark));
    if (!marked.empty()) return {};
  }
  SQUALL_TRY(const auto running, find_running(record, machine));
  if (!running.empty()) return {};
  if (!record.unit.empty())
    return machine.processes().run(token, {"systemctl", "--no-block", "start", record.unit},
                                   kSystemdLimit);
  const auto held = hold_for_restart(undo, machine);
  if (!held) return held.error().kind == ErrorKind::gone ? namespace_gone(record) : held.error();
  return machine.processes().start(token, order_of(record, machine));
}

}  // namespace squall
