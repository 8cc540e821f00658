// SPDX-License-Identifier: Apache-2.0
//
// The result of a run as JSON, in <run>/result.json, and back again.

#pragma once

#include "scenarios/run.hpp"

#include <string>
#include <vector>

namespace squall {

std::string to_json(const RunResult& result);
Result<> write_result(const RunResult& result);  // atomically, into result.directory
Result<RunResult> read_result(const std::string& run_directory);
// Ids of earlier runs, newest first.
Result<std::vector<std::string>> earlier_runs(const Paths& paths);

}  // namespace squall
