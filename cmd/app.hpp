// SPDX-License-Identifier: Apache-2.0
//
// From the words of the command line to a command that runs.

#pragma once

#include "cmd/command.hpp"

namespace squall {

ExitCode run_app(const std::vector<std::string>& words, Print& print);

}  // namespace squall
