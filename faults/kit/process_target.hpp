// SPDX-License-Identifier: Apache-2.0
//
// target = { pid | name | command | cgroup | unit | container, namespace, at_most }: which
// processes a fault is aimed at, and their resolution, which never yields what is spared.

#pragma once

#include "faults/kit/process.hpp"
#include "faults/machine.hpp"
#include "safety/base/schema.hpp"
#include "safety/spare.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace squall {

struct ProcessTarget {
  std::optional<std::int64_t> pid;
  std::string name;
  std::string command;
  std::string cgroup;
  std::string unit;
  std::string container;
  std::string netns;
  std::int64_t at_most = 16;
};

// For group("target", &Params::target, process_target_fields()), with has_one_selector as
// a rule.
std::vector<Field<ProcessTarget>> process_target_fields();
inline constexpr const char* kOneSelector =
    "the target needs exactly one of pid, name, command, cgroup, unit and container";
bool has_one_selector(const ProcessTarget& target);
std::string describe(const ProcessTarget& target);  // "name 'order_gateway'"

// At least one process and at most `at_most`, by pid. Error (gone): nothing matches, with
// "did you mean"; (refused): too many, or only what is spared.
Result<std::vector<ProcessInfo>> find_targets(const ProcessTarget&, const Machine&,
                                              const SpareList&);
// As above and with all their descendants; at_most counts them too.
Result<std::vector<ProcessInfo>> find_families(const ProcessTarget&, const Machine&,
                                               const SpareList&);

// Identities as plan() hands them on to verify() in RunContext::targets.
std::string to_text(const ProcessId& id);  // "1234@567890"
std::vector<ProcessId> planned_processes(const std::vector<std::string>& targets);
// Those of them that still live.
std::vector<ProcessInfo> read_living(const std::vector<ProcessId>& ids, const Processes&);

}  // namespace squall
