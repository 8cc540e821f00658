// SPDX-License-Identifier: Apache-2.0
//
// TOML text to model, with every complaint at once, each with line and column.

#pragma once

#include "scenarios/model.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace squall {

using Overrides = std::vector<std::pair<std::string, std::string>>;  // --set name=value

// Replaces ${name} by the parameters' values ($${ stands for ${). Null when the text is
// no TOML at all. With complaints, the model is as complete as can be, so that resolve
// adds its own: only resolve decides that a scenario can run.
std::optional<Scenario> parse_scenario(const std::string& file, const std::string& text,
                                       const Overrides& overrides, Complaints& complaints);
// Reads the file first: refuses what is empty, too large (1 MiB), not text or not a
// regular file.
std::optional<Scenario> read_scenario(const std::string& file, const Overrides& overrides,
                                      Complaints& complaints);

}  // namespace squall
