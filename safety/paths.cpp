// SPDX-License-Identifier: Apache-2.0

#include "safety/paths.hpp"

#include <cstdlib>

namespace squall {
namespace {

std::string root(const char* variable, const char* fallback) {
  const char* value = std::getenv(variable);
  std::string path = value && *value ? value : fallback;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace

Paths paths_from_environment() {
  return {root("SQUALL_STATE_DIR", "/var/lib/squall"), root("SQUALL_RUN_DIR", "/run/squall"),
          root("SQUALL_CONFIG_DIR", "/etc/squall")};
}

std::string journal_of(const std::string& run_directory) {
  return run_directory + "/journal.jsonl";
}

}  // namespace squall
