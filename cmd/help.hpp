// SPDX-License-Identifier: Apache-2.0
//
// --help, from the same data as parsing.

#pragma once

#include "cmd/command.hpp"

#include <string>

namespace squall {

std::string overview(const Look& look);
std::string help_text(const Command& command, const std::vector<Option>& options, const Look& look);
std::string usage_line(const Command& command, const std::vector<Option>& options);
Option help_switch();  // every command has it

}  // namespace squall
