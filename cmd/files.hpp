// SPDX-License-Identifier: Apache-2.0
//
// Where squall finds its own program, its installed scenarios, and the file that a
// word of the command line means.

#pragma once

#include "safety/base/result.hpp"
#include "scenarios/parse.hpp"

#include <string>
#include <vector>

namespace squall {

std::string program_folder();    // of the running program; "" when /proc is not there
std::string watchdog_program();  // beside it

// Folders with scenarios that have a name: SQUALL_SCENARIO_PATH, the installed ones, and
// in a build tree those of the sources. Only those that exist.
std::vector<std::string> library_folders();
struct NamedScenario {
  std::string name;  // of the file, without .toml
  std::string file;
};
std::vector<NamedScenario> library();  // by name; the first folder wins

// A file as it is, or a name of the library.
Result<std::string> scenario_file(const std::string& word);

Result<Overrides> overrides(const std::vector<std::string>& words);  // from "name=value"
Result<std::optional<std::uint64_t>> whole_number(const std::string& text,
                                                  std::string_view what);  // "" is none

}  // namespace squall
