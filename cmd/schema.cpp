// SPDX-License-Identifier: Apache-2.0
//
// squall schema: for editors.

#include "scenarios/schema.hpp"

#include "cmd/command.hpp"

namespace squall {

CommandLine schema_command(const std::vector<std::string>&) {
  return {{}, [](Print& print) {
            print.line(scenario_schema(built_in_faults()));
            return ExitCode::held;
          }};
}

}  // namespace squall
