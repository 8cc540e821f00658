// SPDX-License-Identifier: Apache-2.0
//
// target = { cgroup | unit | container }: the control group that a fault limits. Never the root,
// nor one that squall, init or the operator's way in is in.

#pragma once

#include "faults/fault.hpp"
#include "faults/kit/cgroup.hpp"
#include "faults/machine.hpp"
#include "safety/base/schema.hpp"
#include "safety/spare.hpp"

#include <string>
#include <vector>

namespace squall {

struct CgroupTarget {
  std::string cgroup;
  std::string unit;
  std::string container;
};

// For group("target", &Params::target, cgroup_target_fields()), with has_one_selector as a rule.
std::vector<Field<CgroupTarget>> cgroup_target_fields();
inline constexpr const char* kOneGroup =
    "the target needs exactly one of cgroup, unit and container";
bool has_one_selector(const CgroupTarget& target);
bool is_given(const CgroupTarget& target);
std::string describe(const CgroupTarget& target);  // "unit 'a.service'"

// In the v1 hierarchy of the controller, or in v2. Error (gone): there is none, with "did you
// mean"; (refused): several groups are called so.
Result<Cgroup> find_group(const CgroupTarget&, const std::string& controller, const Machine&);
// During a run: of the container that its plan remembered. Error (gone): also when that ended or
// was restarted.
Result<Cgroup> find_planned_group(const CgroupTarget&, const std::string& controller,
                                  const Machine&, const RunContext&);

// Error (refused): limiting it would limit the host, squall, or the operator.
Result<> may_be_limited(const Cgroup&, const Machine&, const SpareList&);
// Error (unsupported): the group has no such file, since nobody gave it the controller; the hint
// says where to do so.
Result<> has_file(const Cgroup&, const std::string& controller, const std::string& file,
                  const Cgroups&);

}  // namespace squall
