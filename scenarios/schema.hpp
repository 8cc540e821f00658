// SPDX-License-Identifier: Apache-2.0
//
// JSON Schema (draft 2020-12) of scenario files, for editors: made from the same
// tables that parse them, so that it cannot differ from what squall takes.

#pragma once

#include "faults/registry.hpp"

#include <string>

namespace squall {

std::string scenario_schema(const Registry& registry);

}  // namespace squall
