// SPDX-License-Identifier: Apache-2.0
//
// Where things live: three roots, each movable by an environment variable.

#pragma once

#include <string>

namespace squall {

struct Paths {
  std::string state;   // /var/lib/squall      SQUALL_STATE_DIR
  std::string run;     // /run/squall          SQUALL_RUN_DIR
  std::string config;  // /etc/squall          SQUALL_CONFIG_DIR

  std::string runs() const { return state + "/runs"; }
  std::string of_run(const std::string& id) const { return runs() + "/" + id; }
  std::string lock() const { return run + "/lock"; }
  std::string control() const { return run + "/control.sock"; }
};

Paths paths_from_environment();
std::string journal_of(const std::string& run_directory);

}  // namespace squall
