// SPDX-License-Identifier: Apache-2.0
//
// target.container: what every kind of target that takes one has in common. A plan remembers the
// container as its first process was then; one that is started anew is another.

#pragma once

#include "faults/fault.hpp"
#include "faults/kit/container.hpp"

#include <string>

namespace squall {

inline constexpr const char* kContainerHelp =
    "container of podman or docker: its name, id, or label as 'key=value'";

// The id of the one that the plan was made for, by which no engine has to be asked again; without
// a plan, what the user wrote.
std::string planned_container(const std::string& container, const RunContext&);
// Nothing where no container is named.
Result<> remember_container(Plan&, const std::string& container, const Machine&);
// What became of the remembered one, as a sentence; "" while it runs, or where there is none.
std::string lost_container(const RunContext&, const Machine&);

}  // namespace squall
