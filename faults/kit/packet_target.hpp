// SPDX-License-Identifier: Apache-2.0
//
// target = { interface, namespace | container }: the interface that packets are disturbed on. Of a
// container it need not be named when it has but one.

#pragma once

#include "faults/fault.hpp"
#include "faults/kit/network.hpp"

#include <string>
#include <vector>

namespace squall::packet {

struct Target {
  std::string interface;
  std::string netns;
  std::string container;
};

std::vector<Field<Target>> target_fields();
inline constexpr const char* kHasInterface = "the target needs an interface, or a container";
bool has_interface(const Target&);
inline constexpr const char* kOnePlace = "target.namespace and target.container exclude each other";
bool has_one_place(const Target&);

// With the container's namespace, and its only interface where none is named. While `run` knows
// which container the plan was made for, that one. Error (gone, refused): there is no such thing.
Result<Target> resolve(const Target&, const Machine&, const RunContext& run = {});

}  // namespace squall::packet
