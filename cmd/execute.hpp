// SPDX-License-Identifier: Apache-2.0
//
// From a scenario to an exit code: what run and inject share.

#pragma once

#include "cmd/exit_codes.hpp"
#include "cmd/print.hpp"
#include "scenarios/run.hpp"

#include <optional>
#include <string>
#include <vector>

namespace squall {

// Stands where a run's own mark will be, in a plan that is only shown.
inline constexpr const char* kPreviewMark = "000000";

struct Execution {
  std::optional<std::uint64_t> seed;
  std::vector<std::string> without;
  bool json = false;
  bool yes = false;  // do not ask
};

// `complaints` are those of reading the file: resolving adds its own, and any one refuses.
ExitCode execute(Scenario scenario, Complaints complaints, const Execution& how, Print& print);

// Of the file and of the command line together.
std::vector<std::string> nets_given_up(const Scenario& scenario,
                                       const std::vector<std::string>& without);

}  // namespace squall
