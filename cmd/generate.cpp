// SPDX-License-Identifier: Apache-2.0
//
// squall generate: what packaging installs. Not shown in --help.

#include "cmd/generate.hpp"

#include "cmd/help.hpp"
#include "faults/registry.hpp"

#include <memory>

namespace squall {

std::vector<Invocation> invocations() {
  std::vector<Invocation> all;
  for (const auto& command : commands()) {
    if (command.group.empty()) continue;
    all.push_back({&command, "", command.make({}).options});
    if (command.make == inject_command)
      for (const auto* fault : built_in_faults().all()) {
        const auto& name = fault->sheet().name;
        all.push_back({&command, name, command.make({name}).options});
      }
  }
  for (auto& each : all) each.options.push_back(help_switch());
  return all;
}

CommandLine generate_command(const std::vector<std::string>&) {
  const auto what = std::make_shared<std::string>();
  return {{{"WHAT",
            "",
            "what to print",
            what.get(),
            Offer::words,
            {"man", "bash", "zsh", "fish"},
            true}},
          [what](Print& print) {
            print.out(*what == "man"    ? manual_page()
                      : *what == "bash" ? bash_completion()
                      : *what == "zsh"  ? zsh_completion()
                                        : fish_completion());
            return ExitCode::held;
          }};
}

}  // namespace squall
