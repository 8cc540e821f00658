// SPDX-License-Identifier: Apache-2.0
//
// What a run showed, for people. Pure; the result itself is JSON already.

#pragma once

#include "cmd/look.hpp"
#include "scenarios/run.hpp"

#include <string>

namespace squall {

std::string verdict_text(const RunResult& result, const Look& look);
// Of what is left: for stderr, where exit code 5 promises it.
std::string residue_text(const RunResult& result);

}  // namespace squall
