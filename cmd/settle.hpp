// SPDX-License-Identifier: Apache-2.0
//
// Recovery, for the command of that name and for the last resort of main.

#pragma once

#include "cmd/print.hpp"
#include "safety/recover.hpp"

namespace squall {

Result<RecoverReport> settle_everything();
bool settle_after_bug(Print& print);  // true when nothing is left
// What is left and how to remove it by hand, to stderr.
void tell_left(Print& print, const std::vector<StillOwed>& left);

}  // namespace squall
