// SPDX-License-Identifier: Apache-2.0

#include "faults/kit/container_target.hpp"

#include "faults/kit/process_target.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace squall {
namespace {

// In RunContext::targets: "container <id> <pid>@<start>".
constexpr std::string_view kMemory = "container ";

struct Remembered {
  std::string id;
  std::vector<ProcessId> main;
};

std::optional<Remembered> remembered(const RunContext& run) {
  for (const auto& each : run.targets) {
    if (!each.starts_with(kMemory)) continue;
    const auto end = each.rfind(' ');
    return Remembered{each.substr(kMemory.size(), end - kMemory.size()),
                      planned_processes({each.substr(end + 1)})};
  }
  return std::nullopt;
}

}  // namespace

Result<> remember_container(Plan& plan, const std::string& container, const Machine& machine) {
  if (container.empty()) return {};
  SQUALL_TRY(const auto found, find_container(container, machine));
  plan.run.targets.push_back(std::string(kMemory) + found.id + " " + to_text(found.main.id));
  return {};
}

std::string planned_container(const std::string& container, const RunContext& run) {
  const auto planned = remembered(run);
  return planned ? planned->id : container;
}

std::string lost_container(const RunContext& run, const Machine& machine) {
  const auto planned = remembered(run);
  if (!planned || !read_living(planned->main, machine.processes()).empty()) return {};
  const auto now = find_container(planned->id, machine);
  if (now) return describe(*now) + " was restarted";
  // "container 'web' does not run", or "there is no container '…'"
  return now.error().what;
}

}  // namespace squall
