// SPDX-License-Identifier: Apache-2.0
//
// A plan for people and as JSON. Pure.

#pragma once

#include "cmd/look.hpp"
#include "scenarios/run.hpp"

#include <optional>
#include <string>
#include <vector>

namespace squall {

struct PlanView {
  const CheckedScenario& checked;
  const std::vector<PlannedFault>& planned;
  std::optional<std::uint64_t> seed;  // none: drawn when the run begins
  std::vector<std::string> without;   // safety nets given up, from file and command line

  std::size_t changes() const;
  std::size_t not_undone() const;  // of them
};

std::string plan_text(const PlanView& view, const Look& look);
std::string plan_json(const PlanView& view);

}  // namespace squall
