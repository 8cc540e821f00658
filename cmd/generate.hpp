// SPDX-License-Identifier: Apache-2.0
//
// Man page and shell completion from the same data as parsing. Pure.

#pragma once

#include "cmd/command.hpp"

#include <string>

namespace squall {

std::string manual_page();  // of squall(1)
std::string bash_completion();
std::string zsh_completion();
std::string fish_completion();

// One way to call squall: a command, and for inject also the fault.
struct Invocation {
  const Command* command = nullptr;
  std::string fault;  // "" for every command but inject
  std::vector<Option> options;
};
std::vector<Invocation> invocations();

}  // namespace squall
