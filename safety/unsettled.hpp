// SPDX-License-Identifier: Apache-2.0
//
// Which runs may still owe something: one empty file per run in
// <state>/unsettled, made before the first change and removed after the last undo.
// It saves every start from reading the journals of all earlier runs.

#pragma once

#include "safety/base/result.hpp"
#include "safety/paths.hpp"

#include <string>
#include <vector>

namespace squall {

std::string marker_of(const std::string& run_directory);    // <state>/unsettled/<run>
Result<> mark_unsettled(const std::string& run_directory);  // durable when it returns
Result<> forget_unsettled(const std::string& run_directory);
Result<std::vector<std::string>> unsettled_runs(const Paths& paths);  // ids, oldest first

}  // namespace squall
