// SPDX-License-Identifier: Apache-2.0
//
// What words of the command line mean: files, names of installed scenarios, numbers, runs;
// and where squall's own programs are.

#pragma once

#include "safety/base/result.hpp"
#include "safety/paths.hpp"
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

// This run, or its watchdog, holds the host.
bool is_active(const Paths& paths, const std::string& run);

}  // namespace squall
