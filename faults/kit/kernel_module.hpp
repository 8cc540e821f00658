// SPDX-License-Identifier: Apache-2.0
//
// Options of the kernel that may come as a module, found without loading anything:
// loaded, built in, or there to be loaded when it is first used.

#pragma once

#include "safety/base/result.hpp"

#include <string>

namespace squall {

// `option` without CONFIG_: "NET_SCH_NETEM". Error (unsupported): this kernel lacks it.
Result<> has_kernel_module(const std::string& option);
// Its name, where it is a module that is not loaded and can be; else "".
std::string kernel_module_to_load(const std::string& option);

}  // namespace squall
